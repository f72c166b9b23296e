// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A path is cut at its points into spans. In each span the string between two points is found over the surfaces that
// it may touch there: first which ones, in what order and which way round (plain numbers), then where exactly (any
// scalar). Spans do not know of each other, so a string that begins to touch in one never changes another.
#include "psoas/path/path.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <type_traits>

#include "path/placed.hpp"
#include "psoas/core/error.hpp"

namespace psoas {
namespace {

constexpr int max_wraps = static_cast<int>(Path::max_wraps);
constexpr int max_unknowns = 3 * (max_wraps - 1);

std::size_t at(int index) { return static_cast<std::size_t>(index); }

template <class T, int N>
struct Few {
  std::array<T, static_cast<std::size_t>(N)> items{};
  int size = 0;

  T& operator[](int i) { return items[at(i)]; }
  const T& operator[](int i) const { return items[at(i)]; }
  void insert(int place, const T& item) {
    for (int i = size++; i > place; --i) items[at(i)] = items[at(i - 1)];
    items[at(place)] = item;
  }
  void erase(int place) {
    for (int i = place; i + 1 < size; ++i) items[at(i)] = items[at(i + 1)];
    --size;
  }
};

/// A surface in a string: which one, and which way round.
struct Link {
  int wrap = 0;
  Way way;
};
using Links = Few<Link, max_wraps>;

template <class S>
using Surfaces = std::array<Placed<S>, Path::max_wraps>;

/// The string from p to q over some links, in ground.
template <class S>
struct String {
  Vec3T<S> p, q;
  std::array<Arc<S>, Path::max_wraps> arcs;
};

template <class S>
Arc<S> arc_in_ground(const PathWrap& wrap, const Placed<S>& X_GS, const Vec3T<S>& p, const Vec3T<S>& q,
                     const Way& way) {
  const Vec3T<S> p_S = X_GS.in(p), q_S = X_GS.in(q);
  Arc<S> a = std::visit([&](const auto& shape) { return arc<S>(shape, p_S, q_S, way); }, wrap.shape);
  a.enter = X_GS.out(a.enter);
  a.leave = X_GS.out(a.leave);
  return a;
}

Contact contact_in_ground(const PathWrap& wrap, const Placed<double>& X_GS, const Vec3& p, const Vec3& q) {
  const Vec3 p_S = X_GS.in(p), q_S = X_GS.in(q);
  return std::visit([&](const auto& shape) { return contact(shape, p_S, q_S, wrap.side); }, wrap.shape);
}

/// Where each link of a string is thought to be entered, in ground (the first is not used).
template <class S>
using Entered = std::array<Vec3T<S>, Path::max_wraps>;

/// Each arc from the one before it to where the next one was entered: `entered`[j] for link j. Exact for one link.
template <class S>
void lay(const Path& path, const Surfaces<S>& X_GS, const Links& links, const Entered<S>& entered, String<S>& string) {
  for (int j = 0; j < links.size; ++j) {
    const Vec3T<S>& from = j == 0 ? string.p : string.arcs[at(j - 1)].leave;
    const Vec3T<S>& to = j + 1 < links.size ? entered[at(j + 1)] : string.q;
    string.arcs[at(j)] = arc_in_ground(path.wraps[at(links[j].wrap)], X_GS[at(links[j].wrap)], from, to, links[j].way);
  }
}

/// Where each arc but the first is entered, beyond where it was thought to be.
template <class S>
void mismatch(const Links& links, const Entered<S>& entered, const String<S>& string, S* miss) {
  for (int j = 1; j < links.size; ++j)
    for (int i = 0; i < 3; ++i) miss[3 * (j - 1) + i] = string.arcs[at(j)].enter[i] - entered[at(j)][i];
}

/// The solution x of A x = b, in place of b; A is destroyed.
template <class S>
void solve(int n, double (*A)[max_unknowns], S* b) {
  for (int k = 0; k < n; ++k) {
    int pivot = k;
    for (int i = k + 1; i < n; ++i)
      if (std::abs(A[i][k]) > std::abs(A[pivot][k])) pivot = i;
    if (pivot != k) {
      for (int j = k; j < n; ++j) std::swap(A[k][j], A[pivot][j]);
      std::swap(b[k], b[pivot]);
    }
    for (int i = k + 1; i < n; ++i) {
      const double f = A[i][k] / A[k][k];
      for (int j = k; j < n; ++j) A[i][j] -= f * A[k][j];
      b[i] -= f * b[k];
    }
  }
  for (int i = n; i-- > 0;) {
    for (int j = i + 1; j < n; ++j) b[i] -= A[i][j] * b[j];
    b[i] /= A[i][i];
  }
}

/// I - d(enter)/d(entered), by dual numbers.
void matrix(const Path& path, const Surfaces<double>& X_GS, const Links& links, const Entered<double>& entered,
            const String<double>& string, double (*A)[max_unknowns]) {
  using D = Dual<3>;
  Surfaces<D> X;
  for (int j = 0; j < links.size; ++j) X[at(links[j].wrap)] = X_GS[at(links[j].wrap)].cast<D>();
  Entered<D> seeded;
  for (int j = 1; j < links.size; ++j) seeded[at(j)] = entered[at(j)].cast<D>();
  String<D> moved;
  moved.p = string.p.cast<D>();
  moved.q = string.q.cast<D>();
  for (int m = 1; m < links.size; ++m) {
    for (int i = 0; i < 3; ++i) seeded[at(m)][i] = D(entered[at(m)][i], i);
    lay(path, X, links, seeded, moved);
    for (int j = 1; j < links.size; ++j)
      for (int i = 0; i < 3; ++i)
        for (int c = 0; c < 3; ++c)
          A[3 * (j - 1) + i][3 * (m - 1) + c] = (j == m && i == c ? 1.0 : 0.0) - moved.arcs[at(j)].enter[i].v[at(c)];
    seeded[at(m)] = entered[at(m)].cast<D>();
  }
}

/// Pulls the string over its links tight: all arcs tangent to the straight parts between them. Where one arc is entered
/// depends weakly on the others, so two rounds by turns come close and Newton's method ends it. False where no string
/// touches all of them smoothly (surfaces that overlap crosswise).
bool tighten(const Path& path, const Surfaces<double>& X_GS, const Links& links, String<double>& string,
             Entered<double>& entered) {
  constexpr int most = 12;
  constexpr double rounding = 1e-14, good = 1e-11;  // [m]
  lay(path, X_GS, links, entered, string);
  if (links.size < 2) return true;
  const int n = 3 * (links.size - 1);
  double miss[max_unknowns], A[max_unknowns][max_unknowns];
  double worst = inf;
  for (int i = -2; i < most; ++i) {
    const Entered<double> before = entered;
    if (i < 0) {
      for (int j = 1; j < links.size; ++j) entered[at(j)] = string.arcs[at(j)].enter;
    } else {
      mismatch(links, entered, string, miss);
      matrix(path, X_GS, links, entered, string, A);
      solve(n, A, miss);
      for (int j = 1; j < links.size; ++j)
        for (int c = 0; c < 3; ++c) entered[at(j)][c] += miss[3 * (j - 1) + c];
    }
    lay(path, X_GS, links, entered, string);
    mismatch(links, entered, string, miss);
    double now = 0.0;
    for (int k = 0; k < n; ++k) now = std::max(now, std::isfinite(miss[k]) ? std::abs(miss[k]) : inf);
    if (now < rounding) return true;
    if (worst < good && now >= worst) {  // as tight as rounding lets it be
      entered = before;
      lay(path, X_GS, links, entered, string);
      return true;
    }
    worst = now;
  }
  return worst < good;
}

/// A surface that may be touched between two points of the path, and how it passes the straight line between them.
struct Candidate {
  int wrap = 0;
  Contact alone;
  std::optional<Way> way{};  // the way round that is tried; none: the one that its side means on each straight part
};
using Candidates = Few<Candidate, max_wraps>;

/// What a surface does to a straight part of a string over other surfaces.
Contact beside_others(const PathWrap& wrap, const Candidate& candidate, const Placed<double>& X_GS, const Vec3& p,
                      const Vec3& q) {
  Vec3 p_S = X_GS.in(p), q_S = X_GS.in(q);
  return std::visit(
      [&](const auto& shape) -> Contact {
        // Where surfaces overlap, an end on another one may lie in this one, which is then in the way.
        const bool p_inside = push_out(shape, p_S), q_inside = push_out(shape, q_S);
        const Way way = candidate.way ? *candidate.way : way_round(shape, p_S, q_S, wrap.side);
        if (p_inside || q_inside) return {Contact::cut, way};
        Contact::State state = passing(shape, p_S, q_S, way);
        if (state == Contact::around && !touches(candidate.alone) && wrap.side.rule != Side::directed)
          state = Contact::clear;
        return {state, way};
      },
      wrap.shape);
}

/// A string over some surfaces while it is being found.
struct Draft {
  Links links;
  Entered<double> entered;
  String<double> string;

  const Vec3& before(int gap) const { return gap == 0 ? string.p : string.arcs[at(gap - 1)].leave; }
  const Vec3& after(int gap) const { return gap == links.size ? string.q : string.arcs[at(gap)].enter; }
  bool touches(int wrap) const {
    for (int j = 0; j < links.size; ++j)
      if (links[j].wrap == wrap) return true;
    return false;
  }
  void put_in(int place, const Link& link, const Arc<double>& arc) {
    for (int j = links.size; j > place; --j) {
      string.arcs[at(j)] = string.arcs[at(j - 1)];
      entered[at(j)] = entered[at(j - 1)];
    }
    links.insert(place, link);
    string.arcs[at(place)] = arc;
    entered[at(place)] = arc.enter;
  }
  void take_out(int place) {
    links.erase(place);
    for (int j = place; j < links.size; ++j) {
      string.arcs[at(j)] = string.arcs[at(j + 1)];
      entered[at(j)] = entered[at(j + 1)];
    }
  }
};

/// Puts a surface into the string where it is in the way: the first straight part that it cuts, or else the one that it
/// lengthens least. False where it is not in the way.
bool put_in_the_way(const Path& path, const Surfaces<double>& X_GS, const Candidate& candidate, Draft& draft) {
  const PathWrap& wrap = path.wraps[at(candidate.wrap)];
  const Placed<double>& X = X_GS[at(candidate.wrap)];
  int place = -1;
  Way way;
  double least = inf;
  Arc<double> best;
  for (int gap = 0; gap <= draft.links.size; ++gap) {
    const Vec3 &from = draft.before(gap), &to = draft.after(gap);
    const Contact found = draft.links.size == 0 ? candidate.alone : beside_others(wrap, candidate, X, from, to);
    if (!touches(found)) continue;
    const Arc<double> a = arc_in_ground(wrap, X, from, to, found.way);
    const double more = (a.enter - from).norm() + a.length + (to - a.leave).norm() - (to - from).norm();
    if (found.state != Contact::cut && more >= least) continue;
    place = gap, way = found.way, least = more, best = a;
    if (found.state == Contact::cut) break;
  }
  if (place < 0) return false;
  draft.put_in(place, {candidate.wrap, way}, best);
  return true;
}

/// Pulls a string tight and takes out the surfaces that it comes off, the farthest first. False where it cannot be
/// tight: no common tangents, nothing that holds it on its side, or an end of one inside another surface.
bool settle(const Path& path, const Surfaces<double>& X_GS, Draft& draft) {
  while (draft.links.size > 0) {
    if (!tighten(path, X_GS, draft.links, draft.string, draft.entered)) return false;
    for (int j = 0; j < draft.links.size; ++j)
      if (!draft.string.arcs[at(j)].rests) return false;
    int off = 0;
    for (int j = 1; j < draft.links.size; ++j)
      if (draft.string.arcs[at(j)].angle < draft.string.arcs[at(off)].angle) off = j;
    if (draft.string.arcs[at(off)].angle > 0.0) break;
    draft.take_out(off);
  }
  if (draft.links.size < 2) return true;
  for (int j = 0; j < draft.links.size; ++j) {
    const int w = draft.links[j].wrap;
    if (contact_in_ground(path.wraps[at(w)], X_GS[at(w)], draft.before(j), draft.after(j + 1)).state == Contact::inside)
      return false;
  }
  return true;
}

/// Which surfaces a string touches, in order: one that is in the way is put in, the string is pulled tight, those that
/// it has come off are taken out; until none is in the way. Where surfaces overlap so that no tight string touches both
/// the old and the new one, one is tried without the other, and at last the new one is left out: false. `met`: the
/// candidates that were in the way at any time.
bool touch(const Path& path, const Surfaces<double>& X_GS, const Candidates& candidates, Draft& draft,
           Few<bool, max_wraps>& met) {
  bool searching = true, complete = true;
  Few<bool, max_wraps> left_out;
  for (int trial = 0; searching && trial < 3 * max_wraps; ++trial) {
    searching = false;
    for (int c = 0; c < candidates.size && !searching; ++c) {
      if (left_out[c] || draft.touches(candidates[c].wrap)) continue;
      if (draft.links.size == 0) {
        searching = put_in_the_way(path, X_GS, candidates[c], draft);
        met[c] = met[c] || searching;
        if (candidates.size == 1) return true;
        continue;
      }
      Draft next = draft;
      if (!put_in_the_way(path, X_GS, candidates[c], next)) continue;
      searching = met[c] = true;
      const Draft wanted = next;
      // a string that comes off the very surface that it cuts would cut it again: as good as none
      const auto holds = [&] { return settle(path, X_GS, next) && next.touches(candidates[c].wrap); };
      bool tight = holds();
      for (int j = 0; j < wanted.links.size && !tight; ++j) {
        const int old = wanted.links[j].wrap;
        if (old == candidates[c].wrap) continue;
        next = wanted;
        next.take_out(j);
        tight = holds();
        for (int other = 0; other < candidates.size && tight; ++other)
          if (candidates[other].wrap == old) {
            Draft again = next;
            tight = !put_in_the_way(path, X_GS, candidates[other], again);
          }
      }
      if (tight) {
        draft = next;
      } else {
        left_out[c] = true;
        complete = false;
      }
    }
  }
  return complete && !searching;
}

double length(const Draft& draft) {
  double sum = 0.0;
  for (int j = 0; j < draft.links.size; ++j)
    sum += (draft.string.arcs[at(j)].enter - draft.before(j)).norm() + draft.string.arcs[at(j)].length;
  return sum + (draft.string.q - draft.before(draft.links.size)).norm();
}

/// Whether a straight part of a string goes through a surface.
bool cuts(const PathWrap& wrap, const Placed<double>& X_GS, const Draft& draft) {
  for (int gap = 0; gap <= draft.links.size; ++gap) {
    const Vec3 from = X_GS.in(draft.before(gap)), to = X_GS.in(draft.after(gap));
    const bool through = std::visit(
        [&](const auto& shape) {
          return passing(shape, from, to, way_round(shape, from, to, Side::shortest)) == Contact::cut;
        },
        wrap.shape);
    if (through) return true;
  }
  return false;
}

/// The longest of the strings over one surface each: none over all of them the same ways round is shorter.
double longest_alone(const Path& path, const Surfaces<double>& X_GS, const Candidates& candidates,
                     const Few<bool, max_wraps>& met, const Draft& bare) {
  double longest = 0.0;
  for (int c = 0; c < candidates.size; ++c) {
    if (!met[c] || !touches(candidates[c].alone)) continue;
    Draft one = bare;
    const int w = candidates[c].wrap;
    const Arc<double> arc =
        arc_in_ground(path.wraps[at(w)], X_GS[at(w)], bare.string.p, bare.string.q, candidates[c].alone.way);
    one.put_in(0, {w, candidates[c].alone.way}, arc);
    longest = std::max(longest, length(one));
  }
  return longest;
}

/// Whether a string without a side may rest on either side of a surface.
bool two_ways(const Surface& shape) {
  return !std::holds_alternative<Sphere>(shape) && !std::holds_alternative<Torus>(shape);
}

/// The string over the candidates. Where several surfaces are in the way, the shorter way round one of them, which the
/// line between the points gives, may be the longer one round all: then each way round each cylinder or ellipsoid
/// without a side is tried. The shortest of all strings changes without a jump, which that of the first guess does not.
bool shortest(const Path& path, const Surfaces<double>& X_GS, const Candidates& candidates, Draft& draft) {
  constexpr int most = 3;  // surfaces of which both ways are tried
  const Draft bare = draft;
  Few<bool, max_wraps> met;
  bool complete = touch(path, X_GS, candidates, draft, met);
  Few<int, max_wraps> free;
  int in_the_way = 0;
  for (int c = 0; c < candidates.size; ++c) {
    in_the_way += met[c];
    const PathWrap& wrap = path.wraps[at(candidates[c].wrap)];
    if (met[c] && free.size < most && wrap.side.rule == Side::shortest && two_ways(wrap.shape))
      free.insert(free.size, c);
  }
  if (in_the_way < 2 || free.size == 0) return complete;
  double least = complete ? length(draft) : inf, unknown = inf;
  for (int choice = 0; choice < (1 << free.size); ++choice) {
    Candidates tried = candidates;
    bool fresh = !complete;
    for (int k = 0; k < free.size; ++k) {
      Candidate& one = tried[free[k]];
      if ((choice >> k & 1) != 0) one.alone.way = -one.alone.way;
      one.way = one.alone.way;
      bool same = false;
      for (int j = 0; j < draft.links.size; ++j)
        same = same || (draft.links[j].wrap == one.wrap && draft.links[j].way == *one.way);
      fresh = fresh || !same;
    }
    if (!fresh) continue;
    const double bound = longest_alone(path, X_GS, tried, met, bare);
    if (bound >= least) continue;
    Draft next = bare;
    Few<bool, max_wraps> ignored;
    bool good = touch(path, X_GS, tried, next, ignored);
    if (!good) unknown = std::min(unknown, std::max(length(next), bound));
    for (int c = 0; c < tried.size && good; ++c)
      if (const int w = tried[c].wrap; tried[c].way && !next.touches(w))
        good = !cuts(path.wraps[at(w)], X_GS[at(w)], next);
    if (good && length(next) < least) {
      least = length(next);
      draft = next;
      complete = true;
    }
  }
  // Where surfaces without a side overlap crosswise, some ways round have no smooth string; if one of those could be
  // the shortest, nothing is sure. A surface with a side leaves the others less choice, and they are taken at their word.
  return complete && (unknown >= least || free.size < in_the_way);
}

inline Vec3 plain(const Vec3& v) { return v; }
inline Placed<double> plain(const Placed<double>& X) { return X; }
template <int N>
Vec3 plain(const Vec3T<Dual<N>>& v) {
  return {v[0].a, v[1].a, v[2].a};
}
template <int N>
Placed<double> plain(const Placed<Dual<N>>& X) {
  Placed<double> Y;
  for (int i = 0; i < 3; ++i) {
    Y.p[i] = X.p[i].a;
    for (int j = 0; j < 3; ++j) Y.R(i, j) = X.R(i, j).a;
  }
  return Y;
}

/// The string between two points over the candidates; links: those that it touches; complete: none was left out.
template <class S>
String<S> stretched(const Path& path, const Surfaces<S>& X_GS, const Surfaces<double>& X_GS_plain,
                    const Candidates& candidates, const Vec3T<S>& p, const Vec3T<S>& q, const Vec3& p_plain,
                    const Vec3& q_plain, Links& links, bool& complete) {
  Draft draft;
  draft.string.p = p_plain;
  draft.string.q = q_plain;
  complete = shortest(path, X_GS_plain, candidates, draft);
  links = draft.links;
  if constexpr (std::is_same_v<S, double>) {
    return draft.string;
  } else {
    // From the converged string one Newton step is exact to first order, and the derivatives travel along.
    String<S> string;
    string.p = p;
    string.q = q;
    Entered<S> moved;
    for (int j = 1; j < links.size; ++j) moved[at(j)] = draft.entered[at(j)].template cast<S>();
    lay(path, X_GS, links, moved, string);
    if (links.size > 1) {
      S miss[max_unknowns];
      double A[max_unknowns][max_unknowns];
      mismatch(links, moved, string, miss);
      matrix(path, X_GS_plain, links, draft.entered, draft.string, A);
      solve(3 * (links.size - 1), A, miss);
      for (int j = 1; j < links.size; ++j)
        for (int i = 0; i < 3; ++i) moved[at(j)][i] += miss[3 * (j - 1) + i];
      lay(path, X_GS, links, moved, string);
    }
    return string;
  }
}

/// What a path ignores: a surface as a whole, the end of a cylinder.
struct Ignored {
  bool surface = false, end = false;
};

/// Whether a string goes through the half-plane behind a directed cylinder, which is where other surfaces can take it. Of an
/// arc over another surface its chord tells.
template <class S>
bool through_a_barrier(const Path& path, const Surfaces<double>& X_GS, const Candidates& candidates, const Links& links,
                       const String<S>& string, const Vec3& p, const Vec3& q) {
  for (int c = 0; c < candidates.size; ++c) {
    const PathWrap& wrap = path.wraps[at(candidates[c].wrap)];
    const auto* cylinder = std::get_if<Cylinder>(&wrap.shape);
    if (!cylinder || wrap.side.rule != Side::directed) continue;
    const Placed<double>& X = X_GS[at(candidates[c].wrap)];
    Vec3 from = X.in(p);
    const auto through = [&](const Vec3& to) {
      const bool so = detail::Turn(wrap.side.direction, from, to).over_half;
      from = to;
      return so;
    };
    for (int j = 0; j < links.size; ++j) {
      const Vec3 enter = X.in(plain(string.arcs[at(j)].enter)), leave = X.in(plain(string.arcs[at(j)].leave));
      if (through(enter)) return true;
      if (links[j].wrap == candidates[c].wrap)
        from = leave;
      else if (through(leave))
        return true;
    }
    if (through(X.in(q))) return true;
  }
  return false;
}

/// Follows a path. Tells the walker where it starts, what it comes over, and where it arrives:
///   start(k, place), arrive(k, place)   a point of the path, the first and any other
///   rigid(k, needed, place)             one as far from the last as ever, on the same body; `place()` gives its place,
///                                       which is not needed where nothing pulls there
///   over(link, X_GS, arc, next)         a surface, before the next place [in ground]
/// walker.place is the place reached last.
template <class S, class Walker>
Ignored along(const Path& path, std::span<const PoseT<S>> X_GB, std::span<const S> q, Walker& walker) {
  Ignored ignored;
  bool &inside = ignored.surface, &beyond = ignored.end;
  const int wraps = static_cast<int>(path.wraps.size()), points = static_cast<int>(path.points.size());
  Surfaces<S> X_GS;
  for (int w = 0; w < wraps; ++w) {
    const PathWrap& wrap = path.wraps[at(w)];
    X_GS[at(w)] = placed<S>(X_GB[at(wrap.body)], wrap.X_BS);
  }

  int last = -1;
  for (int k = 0; k < points; ++k) {
    const PathPoint& point = path.points[at(k)];
    if (point.coordinate >= 0) {
      const double x = value_of(q[at(point.coordinate)]);
      if (!(point.low <= x && x <= point.high)) continue;
    }
    if (point.rigid >= 0.0) {
      walker.rigid(k, k + 1 < points && path.points[at(k + 1)].rigid < 0.0,
                   [&] { return transformed<S>(X_GB[at(point.body)], point.location); });
      last = k;
      continue;
    }
    Vec3T<S> next;
    if (path.motions.empty()) {
      next = transformed<S>(X_GB[at(point.body)], point.location);
    } else {
      Vec3T<S> location = point.location.template cast<S>();
      for (const PointMotion& motion : path.motions)
        if (motion.point == k)
          location += motion.axis.template cast<S>() * motion.function.jet(q[at(motion.coordinate)]).value;
      next = transformed<S>(X_GB[at(point.body)], location);
    }
    if (last < 0) {
      walker.start(k, next);
      last = k;
      continue;
    }
    // An end that is fixed in the surface's body never goes through a barrier that is fixed in it, too.
    const auto at_barrier = [&](const PathWrap& wrap, const auto& shape, int end, const Vec3& place_S) {
      if (!near_barrier(shape, place_S, wrap.side)) return false;
      return path.points[at(end)].body != wrap.body ||
             std::any_of(path.motions.begin(), path.motions.end(),
                         [end](const PointMotion& motion) { return motion.point == end; });
    };
    int first = wraps, covering = 0;
    for (int w = wraps; w-- > 0;) {
      const PathWrap& wrap = path.wraps[at(w)];
      if (wrap.first > last || wrap.last < k) continue;
      first = w;
      ++covering;
    }
    if (covering == 1) {
      const PathWrap& wrap = path.wraps[at(first)];
      const Placed<S>& X = X_GS[at(first)];
      const Vec3T<S> p_S = X.in(walker.place), q_S = X.in(next);
      std::visit(
          [&](const auto& shape) {
            const Vec3 from_S = plain(p_S), to_S = plain(q_S);
            const Contact found = contact(shape, from_S, to_S, wrap.side);
            inside = inside || found.state == Contact::inside || found.state == Contact::lost ||
                     at_barrier(wrap, shape, last, from_S) || at_barrier(wrap, shape, k, to_S);
            if (!touches(found)) return;
            Arc<S> a = arc<S>(shape, p_S, q_S, found.way);
            a.enter = X.out(a.enter);
            a.leave = X.out(a.leave);
            inside = inside || !a.rests;
            beyond = beyond || a.beyond;
            walker.over(Link{first, found.way}, X, a, next);
          },
          wrap.shape);
    } else if (covering > 1) {
      const Vec3T<S> from = walker.place;
      Surfaces<double> X_GS_plain;
      for (int w = first; w < wraps; ++w) X_GS_plain[at(w)] = plain(X_GS[at(w)]);
      const Vec3 p = plain(from), r = plain(next);
      Candidates candidates;
      bool any = false;
      for (int w = first; w < wraps; ++w) {
        const PathWrap& wrap = path.wraps[at(w)];
        if (wrap.first > last || wrap.last < k) continue;
        const Contact alone = contact_in_ground(wrap, X_GS_plain[at(w)], p, r);
        inside = inside || alone.state == Contact::inside || alone.state == Contact::lost ||
                 std::visit(
                     [&](const auto& shape) {
                       return at_barrier(wrap, shape, last, X_GS_plain[at(w)].in(p)) ||
                              at_barrier(wrap, shape, k, X_GS_plain[at(w)].in(r));
                     },
                     wrap.shape);
        any = any || touches(alone);
        if (alone.state != Contact::inside) candidates.insert(candidates.size, {w, alone, {}});
      }
      if (any) {
        Links links;
        bool complete = true;
        const String<S> string = stretched(path, X_GS, X_GS_plain, candidates, from, next, p, r, links, complete);
        inside = inside || !complete || through_a_barrier(path, X_GS_plain, candidates, links, string, p, r);
        for (int j = 0; j < links.size; ++j) {
          inside = inside || !string.arcs[at(j)].rests;
          beyond = beyond || string.arcs[at(j)].beyond;
          walker.over(links[j], X_GS[at(links[j].wrap)], string.arcs[at(j)],
                      j + 1 < links.size ? string.arcs[at(j + 1)].enter : next);
        }
      }
    }
    walker.arrive(k, next);
    last = k;
  }
  return ignored;
}

}  // namespace

void Path::finish() {
  const int count = static_cast<int>(points.size());
  const auto always = std::count_if(points.begin(), points.end(), [](const PathPoint& p) { return p.coordinate < 0; });
  if (always < 2) throw Error(Kind::model, "", "expected a path of at least two points that are always part of it");
  if (points.size() > max_points)
    throw Error(
        Kind::model, "",
        "expected at most " + std::to_string(max_points) + " points on a path, found " + std::to_string(points.size()));
  if (wraps.size() > max_wraps)
    throw Error(
        Kind::model, "",
        "expected at most " + std::to_string(max_wraps) + " surfaces on a path, found " + std::to_string(wraps.size()));
  if (motions.size() > max_motions)
    throw Error(Kind::model, "",
                "expected at most " + std::to_string(max_motions) + " displacements of points on a path, found " +
                    std::to_string(motions.size()));
  for (const PointMotion& motion : motions)
    if (motion.point < 0 || motion.point >= count)
      throw Error(Kind::model, "",
                  "expected a displacement of a point of the path, found point " + std::to_string(motion.point));
  std::stable_sort(motions.begin(), motions.end(),
                   [](const PointMotion& a, const PointMotion& b) { return a.coordinate < b.coordinate; });
  for (const PathWrap& wrap : wraps)
    if (wrap.first < 0 || wrap.last <= wrap.first || wrap.last >= count)
      throw Error(Kind::model, "",
                  "expected a surface between two points of the path, found points " + std::to_string(wrap.first) +
                      " and " + std::to_string(wrap.last));
  bodies.clear();
  coordinates.clear();
  for (const PathPoint& point : points) {
    bodies.push_back(point.body);
    if (point.coordinate >= 0) coordinates.push_back(point.coordinate);
  }
  for (const PathWrap& wrap : wraps) bodies.push_back(wrap.body);
  for (const PointMotion& motion : motions) coordinates.push_back(motion.coordinate);
  for (std::vector<int>* list : {&bodies, &coordinates}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }

  const auto slot = [this](int body) {
    return static_cast<int>(std::lower_bound(bodies.begin(), bodies.end(), body) - bodies.begin());
  };
  for (PathWrap& wrap : wraps) wrap.slot = slot(wrap.body);
  const auto moves = [this](int k) {
    return points[at(k)].coordinate >= 0 ||
           std::any_of(motions.begin(), motions.end(), [k](const PointMotion& m) { return m.point == k; });
  };
  for (int k = 0; k < count; ++k) {
    PathPoint& point = points[at(k)];
    point.slot = slot(point.body);
    point.rigid = -1.0;
    if (k == 0 || points[at(k - 1)].body != point.body || moves(k - 1) || moves(k)) continue;
    if (std::none_of(wraps.begin(), wraps.end(), [k](const PathWrap& w) { return w.first < k && k <= w.last; }))
      point.rigid = (point.location - points[at(k - 1)].location).norm();
  }
}

namespace {

/// Adds up length and forces of a path on the way.
template <class S>
struct Walk {
  const Path& path;
  std::span<SpatialT<S>> wrench;
  std::span<S> drive;
  std::array<Vec3T<S>, Path::max_motions> displacement_rate;  // of a point per coordinate, in ground
  S length{0.0};
  int touching = 0;
  int slot = 0, point = -1;  // of the place reached: of its body, and in Path::points (-1: on a surface)
  Vec3T<S> place, force;     // and what pulls there
  bool pulled = false;

  Walk(const Path& along, std::span<const PoseT<S>> X_GB, std::span<const S> q, std::span<SpatialT<S>> to,
       std::span<S> drive_to)
      : path(along), wrench(to), drive(drive_to) {
    for (auto& w : wrench) w.setZero();
    for (std::size_t m = 0; m < drive.size(); ++m) {
      const PointMotion& motion = path.motions[m];
      const Vec3T<S> axis = times<S>(X_GB[at(path.points[at(motion.point)].body)].R, motion.axis.template cast<S>());
      displacement_rate[m] = axis * motion.function.jet(q[at(motion.coordinate)]).slope;
      drive[m] = S(0.0);
    }
  }

  void start(int k, const Vec3T<S>& there) { stand(path.points[at(k)].slot, k, there); }
  template <class There>
  void rigid(int k, bool needed, There&& there) {
    length += path.points[at(k)].rigid;
    if (needed) start(k, there());
  }
  void arrive(int k, const Vec3T<S>& there) { straight(path.points[at(k)].slot, k, there); }
  void over(const Link& link, const Placed<S>&, const Arc<S>& arc, const Vec3T<S>&) {
    const int on = path.wraps[at(link.wrap)].slot;
    straight(on, -1, arc.enter);
    length += arc.length;
    ++touching;
    stand(on, -1, arc.leave);
  }
  /// Hands the force at the place reached to its body.
  void put_down() {
    if (!pulled) return;
    add_wrench<S>(wrench[at(slot)], place, force);
    pulled = false;
  }

 private:
  /// Jumps to a place that the one reached does not pull.
  void stand(int on, int at_point, const Vec3T<S>& there) {
    put_down();
    slot = on, point = at_point, place = there;
  }
  /// A straight part pulls its two ends towards each other.
  void straight(int to, int to_point, const Vec3T<S>& there) {
    using std::sqrt;
    const S dx = there[0] - place[0], dy = there[1] - place[1], dz = there[2] - place[2];
    const S d2 = dx * dx + dy * dy + dz * dz;
    if (!(value_of(d2) > 1e-24)) return stand(to, to_point, there);
    const S size = sqrt(d2), scale = 1.0 / size;
    length += size;
    const Vec3T<S> pull(dx * scale, dy * scale, dz * scale);
    for (std::size_t m = 0; m < drive.size(); ++m) {
      if (path.motions[m].point == point) drive[m] += pull.dot(displacement_rate[m]);
      if (path.motions[m].point == to_point) drive[m] -= pull.dot(displacement_rate[m]);
    }
    if (slot == to) return stand(to, to_point, there);
    for (int i = 0; i < 3; ++i) force[i] = pulled ? S(force[i] + pull[i]) : pull[i];
    pulled = true;
    stand(to, to_point, there);
    for (int i = 0; i < 3; ++i) force[i] = -pull[i];
    pulled = true;
  }
};

/// Writes down the course of a path.
struct Tracer {
  const Path& path;
  double step;
  std::vector<TracePoint>& points;
  Vec3 place{0, 0, 0};
  std::vector<Vec3> on_it{};

  void start(int, const Vec3& there) {
    place = there;
    points.push_back({there, -1});
  }
  template <class There>
  void rigid(int k, bool, There&& there) {
    start(k, there());
  }
  void arrive(int k, const Vec3& there) { start(k, there); }
  void over(const Link& link, const Placed<double>& X_GS, const Arc<double>&, const Vec3& next) {
    const Vec3 from = X_GS.in(place), to = X_GS.in(next);
    on_it.clear();
    std::visit([&](const auto& shape) { trace(shape, from, to, link.way, step, on_it); },
               path.wraps[at(link.wrap)].shape);
    for (const Vec3& x : on_it) points.push_back({X_GS.out(x), link.wrap});
    place = points.back().place;
  }
};

}  // namespace

template <class S>
PathValue<S> evaluate_path(const Path& path, std::span<const PoseT<S>> X_GB, std::span<const S> q,
                           std::span<SpatialT<S>> wrench, std::span<S> drive) {
  Walk<S> walk(path, X_GB, q, wrench, drive);
  PathValue<S> value;
  const Ignored wrong = along<S>(path, X_GB, q, walk);
  value.inside = wrong.surface || wrong.end;
  value.beyond_end = wrong.end && !wrong.surface;
  walk.put_down();
  value.length = walk.length;
  value.touching = walk.touching;
  return value;
}

void trace_path(const Path& path, std::span<const Pose> X_GB, std::span<const double> q, double step,
                std::vector<TracePoint>& points) {
  points.clear();
  Tracer tracer{path, step, points};
  along<double>(path, X_GB, q, tracer);
}

template PathValue<double> evaluate_path(const Path&, std::span<const PoseT<double>>, std::span<const double>,
                                         std::span<SpatialT<double>>, std::span<double>);
template PathValue<Dual<4>> evaluate_path(const Path&, std::span<const PoseT<Dual<4>>>, std::span<const Dual<4>>,
                                          std::span<SpatialT<Dual<4>>>, std::span<Dual<4>>);

}  // namespace psoas
