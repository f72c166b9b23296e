// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A path is cut at its points into spans. In each span the string between two points is found over the surfaces that
// it may touch there: first which ones, in what order and which way round (plain numbers), then where exactly (any
// scalar). Spans do not know of each other, so a string that begins to touch in one never changes another.
#include "psoas/path/path.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

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
  int wrap = 0, way = 1;
};
using Links = Few<Link, max_wraps>;

// Products written out: g++ calls a function for Eigen's, which costs more than the product.
template <class S>
Vec3T<S> times(const Mat3T<S>& R, const Vec3T<S>& v) {
  return Vec3T<S>(R(0, 0) * v[0] + R(0, 1) * v[1] + R(0, 2) * v[2], R(1, 0) * v[0] + R(1, 1) * v[1] + R(1, 2) * v[2],
                  R(2, 0) * v[0] + R(2, 1) * v[1] + R(2, 2) * v[2]);
}

/// X_GS of a surface; without the starting values of PoseT, which would cost more than a short path.
template <class S>
struct Placed {
  Mat3T<S> R;
  Vec3T<S> p;
  Vec3T<S> out(const Vec3T<S>& point) const { return times<S>(R, point) + p; }
  Vec3T<S> in(const Vec3T<S>& point) const {
    const S x = point[0] - p[0], y = point[1] - p[1], z = point[2] - p[2];
    return Vec3T<S>(R(0, 0) * x + R(1, 0) * y + R(2, 0) * z, R(0, 1) * x + R(1, 1) * y + R(2, 1) * z,
                    R(0, 2) * x + R(1, 2) * y + R(2, 2) * z);
  }
  template <class T>
  Placed<T> cast() const {
    return {R.template cast<T>(), p.template cast<T>()};
  }
};

template <class S>
using Surfaces = std::array<Placed<S>, Path::max_wraps>;

/// The string from p to q over some links, in ground.
template <class S>
struct String {
  Vec3T<S> p, q;
  std::array<Arc<S>, Path::max_wraps> arcs;
};

template <class S>
Arc<S> arc_in_ground(const PathWrap& wrap, const Placed<S>& X_GS, const Vec3T<S>& p, const Vec3T<S>& q, int way) {
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
  int way = 0;  // the way round that is tried; 0: the one that its side means on each straight part
};
using Candidates = Few<Candidate, max_wraps>;

/// What a surface does to a straight part of a string over other surfaces.
Contact beside_others(const PathWrap& wrap, const Candidate& candidate, const Placed<double>& X_GS, const Vec3& p,
                      const Vec3& q) {
  const Contact& alone = candidate.alone;
  Vec3 p_S = X_GS.in(p), q_S = X_GS.in(q);
  return std::visit(
      [&](const auto& shape) -> Contact {
        // Where surfaces overlap, an end on another one may lie in this one, which is then in the way.
        const bool p_inside = push_out(shape, p_S), q_inside = push_out(shape, q_S);
        const int way = candidate.way != 0            ? candidate.way
                        : wrap.side == Side::shortest ? way_round(shape, p_S, q_S, wrap.side)
                                                      : alone.way;
        if (p_inside || q_inside) return {Contact::cut, way};
        Contact::State state = passing(shape, p_S, q_S, way);
        if (state == Contact::around && !touches(alone)) state = Contact::clear;
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
  int place = -1, way = 1;
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
    if (met[c] && free.size < most && wrap.side == Side::shortest && two_ways(wrap.shape)) free.insert(free.size, c);
  }
  if (in_the_way < 2 || free.size == 0) return complete;
  double least = complete ? length(draft) : inf, unknown = inf;
  for (int choice = 0; choice < (1 << free.size); ++choice) {
    Candidates tried = candidates;
    bool fresh = !complete;
    for (int k = 0; k < free.size; ++k) {
      Candidate& one = tried[free[k]];
      one.way = one.alone.way = (choice >> k & 1) != 0 ? std::abs(one.alone.way) : -std::abs(one.alone.way);
      bool same = false;
      for (int j = 0; j < draft.links.size; ++j)
        same = same || (draft.links[j].wrap == one.wrap && draft.links[j].way == one.way);
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
      if (const int w = tried[c].wrap; tried[c].way != 0 && !next.touches(w))
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

/// Follows a path: at_point(index, place) for each of its points that is there, on_surface(link, X_GS, arc, next place)
/// for each surface that it touches, in order. Says whether a surface was ignored, as PathValue::inside.
template <class S, class AtPoint, class OnSurface>
bool along(const Path& path, std::span<const PoseT<S>> X_GB, std::span<const S> q, AtPoint&& at_point,
           OnSurface&& on_surface) {
  bool inside = false;
  const int wraps = static_cast<int>(path.wraps.size());
  Surfaces<S> X_GS;
  Surfaces<double> X_GS_plain;
  for (int w = 0; w < wraps; ++w) {
    const PathWrap& wrap = path.wraps[at(w)];
    const PoseT<S> X = X_GB[at(wrap.body)] * wrap.X_BS.template cast<S>();
    X_GS[at(w)] = {X.R, X.p};
    X_GS_plain[at(w)] = plain(X_GS[at(w)]);
  }

  int last = -1;
  Vec3T<S> place;
  for (int k = 0; k < static_cast<int>(path.points.size()); ++k) {
    const PathPoint& point = path.points[at(k)];
    if (point.coordinate >= 0) {
      const double x = value_of(q[at(point.coordinate)]);
      if (!(point.low <= x && x <= point.high)) continue;
    }
    Vec3T<S> location = point.location.template cast<S>();
    for (const PointMotion& motion : path.motions)
      if (motion.point == k)
        location += motion.axis.template cast<S>() * motion.function.jet(q[at(motion.coordinate)]).value;
    const Vec3T<S> next = X_GB[at(point.body)] * location;
    if (last >= 0) {
      const Vec3 p = plain(place), r = plain(next);
      Candidates candidates;
      for (int w = 0; w < wraps; ++w) {
        const PathWrap& wrap = path.wraps[at(w)];
        if (wrap.first > last || wrap.last < k) continue;
        const Contact alone = contact_in_ground(wrap, X_GS_plain[at(w)], p, r);
        inside = inside || alone.state == Contact::inside || alone.state == Contact::lost;
        if (alone.state != Contact::inside) candidates.insert(candidates.size, {w, alone});
      }
      bool any = false;
      for (int c = 0; c < candidates.size; ++c) any = any || touches(candidates[c].alone);
      if (any) {
        Links links;
        bool complete = true;
        const String<S> string = stretched(path, X_GS, X_GS_plain, candidates, place, next, p, r, links, complete);
        inside = inside || !complete;
        for (int j = 0; j < links.size; ++j) {
          const Arc<S>& arc = string.arcs[at(j)];
          inside = inside || !arc.rests;
          on_surface(links[j], X_GS_plain[at(links[j].wrap)], arc,
                     j + 1 < links.size ? string.arcs[at(j + 1)].enter : next);
        }
      }
    }
    at_point(k, next);
    last = k;
    place = next;
  }
  return inside;
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
  std::stable_sort(motions.begin(), motions.end(),
                   [](const PointMotion& a, const PointMotion& b) { return a.coordinate < b.coordinate; });
  for (const PathWrap& wrap : wraps)
    if (wrap.first < 0 || wrap.last <= wrap.first || wrap.last >= count)
      throw Error(Kind::model, "",
                  "expected a surface between two points of the path, found points " + std::to_string(wrap.first) +
                      " and " + std::to_string(wrap.last));
  bodies.clear();
  for (const PathPoint& point : points) bodies.push_back(point.body);
  for (const PathWrap& wrap : wraps) bodies.push_back(wrap.body);
  std::sort(bodies.begin(), bodies.end());
  bodies.erase(std::unique(bodies.begin(), bodies.end()), bodies.end());
}

template <class S>
PathValue<S> evaluate_path(const Path& path, std::span<const PoseT<S>> X_GB, std::span<const S> q,
                           std::span<SpatialT<S>> wrench, std::span<S> drive) {
  using std::sqrt;
  PathValue<S> value;
  value.length = S(0.0);
  for (auto& w : wrench) w.setZero();
  for (auto& d : drive) d = S(0.0);
  std::array<Vec3T<S>, Path::max_motions> displacement_rate;  // of a point per coordinate, in ground
  for (std::size_t m = 0; m < drive.size(); ++m) {
    const PointMotion& motion = path.motions[m];
    const Vec3T<S> axis = X_GB[at(path.points[at(motion.point)].body)].R * motion.axis.template cast<S>();
    displacement_rate[m] = axis * motion.function.jet(q[at(motion.coordinate)]).slope;
  }

  const auto slot = [&](int body) {
    std::size_t i = 0;
    while (path.bodies[i] != body) ++i;
    return i;
  };
  const auto push = [&](int point, const Vec3T<S>& force) {
    if (point < 0) return;
    for (std::size_t m = 0; m < drive.size(); ++m)
      if (path.motions[m].point == point) drive[m] += force.dot(displacement_rate[m]);
  };
  // A straight part pulls its two ends, points or (-1) surfaces, towards each other.
  const auto pull = [&](int point_a, int body_a, const Vec3T<S>& a, int point_b, int body_b, const Vec3T<S>& b) {
    const Vec3T<S> d = b - a;
    const S d2 = d.dot(d);
    if (!(value_of(d2) > 1e-24)) return;
    const S size = sqrt(d2);
    value.length += size;
    const Vec3T<S> force = d / size;
    if (!drive.empty()) {
      push(point_a, force);
      push(point_b, Vec3T<S>(-force));
    }
    if (body_a == body_b) return;
    const SpatialT<S> w = wrench_at<S>(a, force);
    wrench[slot(body_a)] += w;
    wrench[slot(body_b)] -= w;
  };

  int last_body = -1, last_point = -1;  // last_point: -1 where the string leaves a surface
  Vec3T<S> place;
  const auto at_point = [&](int index, const Vec3T<S>& point) {
    const int body = path.points[at(index)].body;
    if (last_body >= 0) pull(last_point, last_body, place, index, body, point);
    last_point = index;
    last_body = body;
    place = point;
  };
  const auto on_surface = [&](const Link& link, const Placed<double>&, const Arc<S>& arc, const Vec3T<S>&) {
    const int body = path.wraps[at(link.wrap)].body;
    pull(last_point, last_body, place, -1, body, arc.enter);
    value.length += arc.length;
    ++value.touching;
    last_point = -1;
    last_body = body;
    place = arc.leave;
  };
  value.inside = along<S>(path, X_GB, q, at_point, on_surface);
  return value;
}

void trace_path(const Path& path, std::span<const Pose> X_GB, std::span<const double> q, double step,
                std::vector<TracePoint>& points) {
  points.clear();
  std::vector<Vec3> on_it;
  const auto at_point = [&](int, const Vec3& point) { points.push_back({point, -1}); };
  const auto on_surface = [&](const Link& link, const Placed<double>& X_GS, const Arc<double>&, const Vec3& to) {
    const Vec3 from = X_GS.in(points.back().place), to_S = X_GS.in(to);
    on_it.clear();
    std::visit([&](const auto& shape) { trace(shape, from, to_S, link.way, step, on_it); },
               path.wraps[at(link.wrap)].shape);
    for (const Vec3& x : on_it) points.push_back({X_GS.out(x), link.wrap});
  };
  along<double>(path, X_GB, q, at_point, on_surface);
}

template PathValue<double> evaluate_path(const Path&, std::span<const PoseT<double>>, std::span<const double>,
                                         std::span<SpatialT<double>>, std::span<double>);
template PathValue<Dual<4>> evaluate_path(const Path&, std::span<const PoseT<Dual<4>>>, std::span<const Dual<4>>,
                                          std::span<SpatialT<Dual<4>>>, std::span<Dual<4>>);

}  // namespace psoas
