// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Strings over an ellipsoid y . Qy = 1, Q = diag(1 / r^2).
//
// A geodesic keeps C = |Qy|^2 t . Qt (Joachimsthal). In the time T with dT = ds / |Qy|^2 its unit normal n = Qy / |Qy|
// moves as C. Neumann's particle on the unit sphere (Knoerrer 1982), and fields of Jacobi j, divided by |Qy|, with it:
//   n'' = (L - C Q) n,   (j / |Qy|)'' = (L - G) j / |Qy|,   L = 2 C n . Qn - 2 E,   G = 1 / (rx ry rz)^2
// with the energy 2 E = |n'|^2 + C n . Qn. Nothing is divided by, no first derivative stands on the right, and n has its
// poles about as far from the real axis for a needle as for a sphere: equal steps do for every shape.
//
// The tangents from p touch the ellipsoid along an ellipse, so one angle tells where the string enters, and in which
// direction. It leaves where the tangent plane goes through q, ahead, and it is tight where its tangent there meets q:
// one equation of one unknown, whose zeros are by turns strings at rest and strings about to slip. Newton's method
// starts from strings in planes through p and q, which also tell at which sides strings rest.
#include <algorithm>
#include <array>
#include <cmath>

#include "psoas/path/wrap.hpp"

namespace psoas {
namespace {

constexpr std::size_t rows = 6;  // normal, both fields of Jacobi (set aside, turned at the start), one to fill a pair
using Row = std::array<double, rows>;

/// Weights of n = 1 .. k substeps a step, for an error of order 2 k.
template <std::size_t k>
constexpr std::array<double, k> weights() {
  std::array<double, k> w{};
  for (std::size_t n = 1; n <= k; ++n) {
    w[n - 1] = 1.0;
    const double n2 = static_cast<double>(n * n);
    for (std::size_t m = 1; m <= k; ++m)
      if (m != n) w[n - 1] *= n2 / (n2 - static_cast<double>(m * m));
  }
  return w;
}

/// A geodesic that is followed from y along the unit tangent t.
class Walk {
 public:
  Walk(const Vec3& radii, const Vec3& y, const Vec3& t) : radii2_(radii.cwiseProduct(radii)) {
    const Vec3 Qy = y.cwiseQuotient(radii2_), Qt = t.cwiseQuotient(radii2_);
    const double u = Qy.norm(), C = u * u * t.dot(Qt);
    const Vec3 n = Qy / u;
    const double du = n.dot(Qt);
    const Vec3 turn = u * (Qt - du * n);
    const double G = 1.0 / (radii2_[0] * radii2_[1] * radii2_[2]);
    at_ = {n[0], n[1], n[2], 1.0 / u, 0.0, 0.0};
    speed_ = {turn[0], turn[1], turn[2], -du, u, 0.0};
    pull_ = {C / radii2_[0], C / radii2_[1], C / radii2_[2], G, G, 0.0};
    twice_E_ = turn.squaredNorm() + bend(at_);
  }

  /// Step in T that this geodesic takes well: poles are over one such step away.
  double pace() const { return 1.0 / std::sqrt(twice_E_); }
  double length() const { return length_; }

  /// Where it is: unit normal, tangent, |Qy|.
  struct Here {
    Vec3 n, t;
    double u;
  };
  Here here() const {
    const Vec3 n(at_[0], at_[1], at_[2]), dn(speed_[0], speed_[1], speed_[2]), rn = radii2_.cwiseProduct(n);
    const double h2 = n.dot(rn), k = dn.dot(rn) / h2;
    return {n, (radii2_.cwiseProduct(dn) - k * rn).normalized(), 1.0 / std::sqrt(h2)};
  }
  Vec3 y(const Here& here) const { return here.u * radii2_.cwiseProduct(here.n); }
  /// Fields of Jacobi (0: set aside by 1 at the start, 1: turned by 1) and their slopes along the geodesic.
  std::array<double, 2> field(const Here& here) const { return {here.u * at_[3], here.u * at_[4]}; }
  std::array<double, 2> slope(const Here& here) const {
    const double du = here.n.dot(here.t.cwiseQuotient(radii2_));
    return {speed_[3] / here.u + du * at_[3], speed_[4] / here.u + du * at_[4]};
  }

  /// A step of Stoermer's rule with extrapolation (Hairer, Norsett & Wanner 1993, II.14); `measure`: the length, too.
  template <std::size_t k, bool measure>
  void step(double H) {
    static constexpr std::array<double, k> w = weights<k>();
    Row kick, at_sum{}, speed_sum{};
    const double L = 2.0 * bend(at_) - twice_E_, g0 = measure ? 0.5 / h2(at_) : 0.0;
    for (std::size_t i = 0; i < rows; ++i) kick[i] = 0.5 * (L - pull_[i]) * at_[i];
    double sum = 0.0;
    for (std::size_t n = 1; n <= k; ++n) {
      const double h = H / static_cast<double>(n);
      Row x, v;
      for (std::size_t i = 0; i < rows; ++i) {
        v[i] = speed_[i] + h * kick[i];
        x[i] = at_[i] + h * v[i];
      }
      double g = g0;
      for (std::size_t j = 1; j < n; ++j) {
        const double l = 2.0 * bend(x) - twice_E_;
        if constexpr (measure) g += 1.0 / h2(x);
        for (std::size_t i = 0; i < rows; ++i) {
          v[i] += h * ((l - pull_[i]) * x[i]);
          x[i] += h * v[i];
        }
      }
      const double l = 2.0 * bend(x) - twice_E_;
      if constexpr (measure) sum += w[n - 1] * h * (g + 0.5 / h2(x));
      for (std::size_t i = 0; i < rows; ++i) {
        v[i] += 0.5 * h * ((l - pull_[i]) * x[i]);
        at_sum[i] += w[n - 1] * (x[i] - at_[i]);
        speed_sum[i] += w[n - 1] * (v[i] - speed_[i]);
      }
    }
    for (std::size_t i = 0; i < rows; ++i) {
      at_[i] += at_sum[i];
      speed_[i] += speed_sum[i];
    }
    length_ += sum;
  }

 private:
  double bend(const Row& x) const { return pull_[0] * x[0] * x[0] + pull_[1] * x[1] * x[1] + pull_[2] * x[2] * x[2]; }
  double h2(const Row& x) const {
    return radii2_[0] * x[0] * x[0] + radii2_[1] * x[1] * x[1] + radii2_[2] * x[2] * x[2];
  }

  Row at_{}, speed_{}, pull_{};
  Vec3 radii2_;
  double twice_E_ = 0.0, length_ = 0.0;
};

// Where the line passes the centre by more than this times the bias, the string rests at the near side.
constexpr double lone = 2.0;

/// p and q where the ellipsoid is a unit sphere, and how the line between them passes it.
struct Line {
  Vec3 p, q, d, foot;  // d: unit vector from p to q; foot: from the centre to the line
  bool inside, cut;
  double between, tangents;  // angles seen from the centre: p to q, and both tangents' share of it

  Line(const Vec3& radii, const Vec3& p_S, const Vec3& q_S) : p(p_S.cwiseQuotient(radii)), q(q_S.cwiseQuotient(radii)) {
    const double p2 = p.squaredNorm(), q2 = q.squaredNorm();
    constexpr double rim = 1.0 + 1e-12;
    inside = !(p2 > rim && q2 > rim);
    d = q - p;
    const double size = d.norm();
    d = size > 0.0 ? Vec3(d / size) : Vec3(Vec3::UnitX());
    foot = p - d * d.dot(p);
    foot -= d * d.dot(foot);
    between = std::atan2(p.cross(q).norm(), p.dot(q));
    tangents = std::atan(std::sqrt(std::max(0.0, p2 - 1.0))) + std::atan(std::sqrt(std::max(0.0, q2 - 1.0)));
    cut = between > tangents;
  }
};

/// Strings in planes through the line, by the side across the line over which they go: near the tight ones, and longer.
class Fan {
 public:
  static constexpr int sides = 16;

  Fan(const Vec3& radii, const Line& line, const Vec3& first) : line_(line), e_(first), f_(line.d.cross(first)) {
    const Vec3 d = radii.cwiseProduct(line.d), e = radii.cwiseProduct(e_), f = radii.cwiseProduct(f_);
    dd_ = d.dot(d), de_ = d.dot(e), df_ = d.dot(f), ee_ = e.dot(e), ef_ = e.dot(f), ff_ = f.dot(f);
    straight_ = (line.q - line.p).dot(line.d) * std::sqrt(dd_);
    const double across = ee_ + ff_ - (de_ * de_ + df_ * df_) / dd_;
    const double a = ee_ - de_ * de_ / dd_, c = ff_ - df_ * df_ / dd_, b = ef_ - de_ * df_ / dd_;
    const double spread = std::hypot(a - c, 2.0 * b);
    bias_ = 2.0 * spread / (across + spread);
  }

  double straight() const { return straight_; }
  /// How much the ellipsoid's reach across the line depends on the side: 0 as a sphere's, to 1.
  double bias() const { return bias_; }
  /// A side: cosine and sine of the angle from the first one.
  struct Side {
    double c, s;
    explicit Side(double turns) : c(std::cos(2.0 * pi * turns)), s(std::sin(2.0 * pi * turns)) {}
    void turn(const Side& by) {
      const double before = c;
      c = before * by.c - s * by.s, s = s * by.c + before * by.s;
    }
  };
  Vec3 across(const Side& side) const { return side.c * e_ + side.s * f_; }

  /// Length over a side; that of the straight line where it goes free. `enter` and `leave`: where it comes to the unit
  /// sphere and leaves it.
  double over(const Side& side, Vec3* enter = nullptr, Vec3* leave = nullptr) const {
    const double c = side.c, s = side.s;
    const double dm = c * de_ + s * df_, mm = c * c * ee_ + 2.0 * c * s * ef_ + s * s * ff_;
    const Vec3 m = c * e_ + s * f_, n = line_.d.cross(m);
    const double h = m.dot(line_.foot), off = n.dot(line_.foot), r2 = 1.0 - off * off;
    if (!(r2 > 0.0) || h >= std::sqrt(r2)) {
      if (enter) *enter = line_.foot.normalized();
      if (leave) *leave = line_.foot.normalized();
      return straight_;
    }
    const double xp = line_.p.dot(line_.d), xq = line_.q.dot(line_.d), r = std::sqrt(r2);
    const double P = xp * xp + h * h, Q = xq * xq + h * h;
    const double tp = r * std::sqrt(std::max(0.0, P - r2)), tq = r * std::sqrt(std::max(0.0, Q - r2));
    const Flat a{(r2 * xp + tp * h) / P, (r2 * h - tp * xp) / P}, b{(r2 * xq - tq * h) / Q, (r2 * h + tq * xq) / Q};
    if (enter) *enter = n * off + line_.d * a.x + m * a.y;
    if (leave) *leave = n * off + line_.d * b.x + m * b.y;
    const auto chord = [&](const Flat& v, const Flat& w) {
      const double x = w.x - v.x, y = w.y - v.y;
      return std::sqrt(x * x * dd_ + 2.0 * x * y * dm + y * y * mm);
    };
    const auto middle = [&](const Flat& v, const Flat& w) -> Flat {
      const double x = v.x + w.x, y = v.y + w.y, size = std::sqrt(x * x + y * y);
      if (size < 1e-3 * r) return {v.y, -v.x};
      const double k = (v.y * w.x < v.x * w.y ? -r : r) / size;
      return {k * x, k * y};
    };
    const Flat half = middle(a, b), first = middle(a, half), last = middle(half, b);
    const double two = chord(a, half) + chord(half, b);
    const double four = chord(a, first) + chord(first, half) + chord(half, last) + chord(last, b);
    return chord({xp, h}, a) + (4.0 * four - two) / 3.0 + chord(b, {xq, h});
  }

 private:
  struct Flat {
    double x, y;
  };
  const Line& line_;
  Vec3 e_, f_;
  double dd_, de_, df_, ee_, ef_, ff_, straight_, bias_;
};

/// The side of a way, across the line.
Vec3 asked(const Vec3& radii, const Line& line, const Way& way) {
  // A point y of the unit sphere lies as far toward a direction as radii * y does on the ellipsoid.
  Vec3 side = way.toward.isZero(0.0) ? Vec3(way.turn * line.d.cross(Vec3::UnitZ()))
                                     : Vec3(radii.cwiseProduct(way.toward).normalized());
  side -= line.d * line.d.dot(side);
  if (side.squaredNorm() < 1e-18) side = line.foot;
  if (side.squaredNorm() < 1e-24) {
    int least = 0;
    line.d.cwiseAbs().minCoeff(&least);
    side = Vec3::Unit(least) - line.d[least] * line.d;
  }
  return side.normalized();
}

/// Sides over which strings of a fan are shorter than over those beside them.
struct Places {
  static constexpr std::size_t most = 4;
  std::size_t size = 0;
  std::array<Vec3, most> side, enter, leave;
  std::array<double, most> length{};

  /// `wanted`: none that points away from it; null: all.
  Places(const Fan& fan, bool cut, const Vec3* wanted) {
    double L[Fan::sides];
    const Fan::Side step(1.0 / Fan::sides);
    Fan::Side at(0.0);
    for (int i = 0; i < Fan::sides; ++i) {
      L[i] = wanted && fan.across(at).dot(*wanted) < -0.75 ? inf : fan.over(at);
      at.turn(step);
    }
    const double free = cut ? 0.0 : fan.straight() * (1.0 + 1e-12);  // what a line that misses does over many sides
    for (int i = 0; i < Fan::sides && size < most; ++i) {
      const double before = L[(i + Fan::sides - 1) % Fan::sides], after = L[(i + 1) % Fan::sides];
      if (!(L[i] > free && L[i] <= before && L[i] < after)) continue;
      const double bend = before - 2.0 * L[i] + after, off = 0.5 * (before - after) / bend;
      const Fan::Side here((i + (std::abs(off) < 1.0 ? off : 0.0)) / Fan::sides);
      side[size] = fan.across(here);
      length[size] = fan.over(here, &enter[size], &leave[size]);
      ++size;
    }
  }
};

/// A string that is entered at some angle about p.
struct Shot {
  bool found = false;
  double T = 0.0;                  // time on the surface
  double ahead = 0.0;              // to go until the tangent sees q as near as it does at the end; 0 at the end
  double pace = 0.0;               // d ahead / dT
  double miss = 0.0, slope = 0.0;  // how far the tangent passes q aside; -d miss / d angle
  detail::Geodesic g;
};

/// Strings from p to q by the angle about p at which they are entered; at 0 on the given side.
class Shooter {
 public:
  Shooter(const Vec3& radii, const Vec3& q, const Line& line, const Vec3& side)
      : radii_(radii),
        Q_(radii.cwiseProduct(radii).cwiseInverse()),
        q_(q),
        p_(line.p),
        p2_(line.p.squaredNorm()),
        rho_(std::sqrt(1.0 - 1.0 / p2_)),
        tangent_q_(std::sqrt(line.q.squaredNorm() - 1.0)) {
    f0_ = side - p_ * (side.dot(p_) / p2_);
    f0_.normalize();
    f1_ = p_.cross(f0_) / std::sqrt(p2_);
  }

  /// Follows the geodesic to where it leaves for q.
  template <std::size_t k>
  Shot seek(double angle, double pace) const {
    constexpr int most = 24;
    Shot shot;
    const Start start(*this, angle);
    Walk walk(radii_, start.x, start.t);
    const bool back = past(walk.here(), shot);
    const double H = (back ? -pace : pace) * walk.pace();
    for (int i = 0; i < most && !shot.found; ++i) {
      walk.step<k, false>(H);
      shot.T += H;
      shot.found = past(walk.here(), shot) != back;
    }
    if (!shot.found) return shot;
    for (int i = 0; i < 8 && std::abs(shot.ahead) > 1e-4; ++i) correct<3, false>(walk, shot, std::abs(H));
    aim(start, walk, shot);
    return shot;
  }

  /// The same with all digits, from a time that is nearly right.
  template <std::size_t k>
  Shot follow(double angle, double T, double pace) const {
    constexpr int most = 100;
    Shot shot;
    const Start start(*this, angle);
    Walk walk(radii_, start.x, start.t);
    const int steps = std::min(most, 1 + static_cast<int>(std::abs(T) / (pace * walk.pace())));
    for (int i = 0; i < steps; ++i) walk.step<k, true>(T / steps);
    shot.T = T;
    shot.found = true;
    past(walk.here(), shot);
    correct<4, true>(walk, shot, 0.3 * walk.pace());
    aim(start, walk, shot);
    return shot;
  }

  /// Whether nothing but rounding is left of the miss: there is none for a line through the centre of a sphere.
  bool rounding(const Shot& shot) const { return std::abs(shot.miss) < 1e-14 * radii_.maxCoeff(); }

 private:
  struct Start {
    Vec3 x, t, n, b;
    double reach;  // over rho: from p to x
    double aside;  // per angle and rho: how far x moves along b
    Start(const Shooter& s, double angle) {
      const double c = std::cos(angle), d = std::sin(angle);
      const Vec3 f = c * s.f0_ + d * s.f1_, df = c * s.f1_ - d * s.f0_;
      const Vec3 on_sphere = s.p_ / s.p2_ + s.rho_ * f;
      x = s.radii_.cwiseProduct(on_sphere);
      t = s.radii_.cwiseProduct(f - s.rho_ * s.p_);
      reach = t.norm();
      t /= reach;
      n = on_sphere.cwiseQuotient(s.radii_).normalized();
      b = n.cross(t);
      aside = b.dot(s.radii_.cwiseProduct(df));
    }
  };

  bool past(const Walk::Here& here, Shot& shot) const {
    const Vec3 Qt = here.t.cwiseProduct(Q_);
    const double u = here.u, root = std::sqrt(here.t.dot(Qt)), along = Qt.dot(q_), up = u * here.n.dot(q_);
    const double scale = 1.0 / (1.0 + tangent_q_ * tangent_q_);
    shot.ahead = scale * (along / root - tangent_q_ * up);
    shot.pace =
        scale * u * (here.n.dot(Qt) * along / root - root * here.n.cwiseProduct(Q_).dot(q_) - tangent_q_ * u * along);
    return shot.ahead <= 0.0;
  }

  template <std::size_t k, bool measure>
  void correct(Walk& walk, Shot& shot, double most) const {
    const double H = std::clamp(-shot.ahead / shot.pace, -most, most);
    if (!std::isfinite(H)) return;
    walk.step<k, measure>(H);
    shot.T += H;
    past(walk.here(), shot);
  }

  void aim(const Start& start, const Walk& walk, Shot& shot) const {
    const Walk::Here here = walk.here();
    detail::Geodesic& g = shot.g;
    g = {start.x, start.t, walk.y(here), here.t, walk.length(), walk.field(here), walk.slope(here), true};
    const Vec3 b = here.n.cross(g.v), to = q_ - g.y;
    shot.miss = b.dot(to);
    const double moved = rho_ * g.field[0] + g.field[1] / start.reach;
    const double turned = rho_ * g.slope[0] + g.slope[1] / start.reach;
    shot.slope = start.aside * (moved + g.v.dot(to) * turned);
  }

  Vec3 radii_, Q_, q_, p_, f0_, f1_;
  double p2_, rho_, tangent_q_;
};

/// Newton's method, damped, on the angle at which the string is entered. Says whether it came close.
template <std::size_t k>
bool approach(const Shooter& shooter, double& angle, double pace, Shot& shot) {
  constexpr double close = 1e-3, most = 0.5;
  shot = shooter.seek<k>(angle, pace);
  for (int i = 0; i < 20 && shot.found; ++i) {
    double more = shot.slope > 0.0 ? std::clamp(shot.miss / shot.slope, -most, most) : std::copysign(0.2, shot.miss);
    if (!std::isfinite(more)) return false;
    if (shooter.rounding(shot)) more = 0.0;
    if (std::abs(more) < close) {
      angle += more;
      return true;
    }
    Shot next = shooter.seek<k>(angle + more, pace);
    for (int j = 0; j < 4 && shot.slope > 0.0 && !(next.found && std::abs(next.miss) <= std::abs(shot.miss)); ++j)
      next = shooter.seek<k>(angle + (more *= 0.3), pace);
    angle += more;
    shot = next;
  }
  return false;
}

/// The same, undamped, with all digits.
bool end(const Shooter& shooter, double& angle, Shot& shot) {
  constexpr double close = 1e-6, most = 0.1;
  const bool sure = shooter.rounding(shot);
  for (int i = 0; i < 8; ++i) {
    shot = i == 0 && !sure ? shooter.follow<6>(angle, shot.T, 0.75) : shooter.follow<8>(angle, shot.T, 0.5);
    double more = std::clamp(shot.miss / shot.slope, -most, most);
    if (shooter.rounding(shot)) more = 0.0;
    if (!std::isfinite(more + shot.T)) return false;
    if ((i > 0 || sure) && std::abs(more) < close && std::abs(shot.ahead) < close) return true;
    angle += more;
  }
  return false;
}

/// Whether the near side is the place to rest, without a look at others.
bool plainly_near(const Line& line, double bias) { return line.cut && line.foot.norm() >= lone * bias - 1e-12; }

/// To the half-axis to which a side points most.
Way half_axis(const Vec3& side) {
  int most = 0;
  side.cwiseAbs().maxCoeff(&most);
  return {Vec3(Vec3::Unit(most) * (side[most] < 0.0 ? -1.0 : 1.0)), true};
}

}  // namespace

namespace detail {

Geodesic geodesic(const Ellipsoid& surface, const Vec3& p, const Vec3& q, const Way& way) {
  const Vec3& radii = surface.radii;
  const Line line(radii, p, q);
  const bool prescribed = !way.anywhere;
  const Vec3 wanted = asked(radii, line, way);
  const bool off_centre = line.foot.squaredNorm() > 1e-24;
  const Fan fan(radii, line, off_centre ? Vec3(line.foot.normalized()) : wanted);
  // From the near side, unless the line is far from there.
  Vec3 enter = line.p / line.p.squaredNorm() + line.foot;
  Vec3 leave = enter, over = line.foot;
  double limit = fan.straight();
  bool here = true;
  const bool free = !line.cut && (!prescribed || line.foot.dot(wanted) >= 0.0);
  if (plainly_near(line, fan.bias())) {
    limit = fan.over(Fan::Side(0.0), &enter, &leave);
  } else if (!free) {
    const Places places(fan, line.cut, &wanted);
    std::size_t best = places.size;
    double most = line.cut ? -inf : 0.0;
    for (std::size_t i = 0; i < places.size; ++i)
      if (const double to = places.side[i].dot(wanted); to > most) best = i, most = to;
    if (best < places.size)
      limit = places.length[best], enter = places.enter[best], leave = places.leave[best], over = places.side[best];
    else if (line.cut)
      limit = fan.over(Fan::Side(0.0), &enter, &leave);
    here = best < places.size || (line.cut && line.foot.dot(wanted) >= 0.0);
  }

  // A little aside where Newton's method does not get there from the string in a plane.
  constexpr std::array<double, 7> asides{0.0, 0.1, -0.1, 0.3, -0.3, 0.8, -0.8};
  const Shooter shooter(radii, q, line, enter);
  Geodesic last;  // where none is found: the one in a plane, about
  last.x = radii.cwiseProduct(enter);
  last.y = radii.cwiseProduct(leave);
  last.t = (last.x - p).normalized();
  last.v = (q - last.y).normalized();
  last.length = last.field[1] = free ? 0.0 : std::max(0.0, limit - (last.x - p).norm() - (q - last.y).norm());
  for (std::size_t i = 0; i < (free ? 1 : asides.size()) && !last.rests; ++i) {
    double angle = asides[i];
    Shot shot;
    const bool found = i == 0 ? approach<4>(shooter, angle, 1.0, shot) : approach<6>(shooter, angle, 0.6, shot);
    if (!found || !end(shooter, angle, shot)) continue;
    const Geodesic& g = shot.g;
    const double length = (g.x - p).norm() + g.length + (q - g.y).norm();
    const Vec3 middle = g.x.cwiseQuotient(radii) + g.y.cwiseQuotient(radii);
    // Over the same side as the one in a plane and about as long, tangent, and not about to slip.
    const bool same = middle.dot(over) >= 0.0 && length >= (1.0 - 1e-9) * fan.straight() && length <= 1.05 * limit;
    const bool tangent = (q - g.y).cross(g.v).norm() < 1e-4 * radii.minCoeff() && g.length > -1e-6 * limit;
    if (free || (same && tangent && shot.slope > -1e-9 * radii.maxCoeff())) {
      last = g;
      last.rests = true;
    }
  }
  if (last.rests) {  // the last digits, so that derivatives are those of the tight string
    const Varied<double> string = varied<double>(surface, last, p, q);
    const auto onto = [&](const Vec3& x) { return Vec3(x / x.cwiseQuotient(radii).norm()); };
    const auto along = [&](const Vec3& x, const Vec3& t) {
      const Vec3 n = x.cwiseQuotient(radii.cwiseProduct(radii)).normalized();
      return Vec3((t - n * n.dot(t)).normalized());
    };
    last.x = onto(string.x), last.y = onto(string.y), last.length = string.length;
    if ((last.x - p).norm() > 1e-4 * radii.minCoeff()) last.t = along(last.x, last.x - p);
    if ((q - last.y).norm() > 1e-4 * radii.minCoeff()) last.v = along(last.y, q - last.y);
  }
  const Vec3 middle = last.x.cwiseQuotient(radii) + last.y.cwiseQuotient(radii);
  last.rests = last.rests && here && (!prescribed || free || middle.dot(wanted) >= 0.0);
  return last;
}

}  // namespace detail

Way way_round(const Ellipsoid& surface, const Vec3& p, const Vec3& q, const Side& side) {
  switch (side.rule) {
    case Side::clockwise:
      return -1;
    case Side::counter_clockwise:
      return 1;
    case Side::directed:
      return {side.direction, false};
    case Side::shortest:
      break;
  }
  const Line line(surface.radii, p, q);
  const bool off_centre = line.foot.squaredNorm() > 1e-24;
  const Vec3 first = off_centre ? Vec3(line.foot.normalized()) : asked(surface.radii, line, Way(Vec3::UnitX(), true));
  const Fan fan(surface.radii, line, first);
  if (line.inside || !line.cut || plainly_near(line, fan.bias())) return half_axis(first);
  const Places places(fan, line.cut, nullptr);
  if (places.size == 0) return half_axis(first);
  std::size_t best = 0, second = places.size;
  for (std::size_t i = 1; i < places.size; ++i)
    if (places.length[i] < places.length[best]) best = i;
  for (std::size_t i = 0; i < places.size; ++i)
    if (i != best && (second == places.size || places.length[i] < places.length[second])) second = i;
  const Vec3 one = places.side[best];
  if (second == places.size) return half_axis(one);
  const Way way = half_axis(one - places.side[second]);
  // Strings in planes are a little longer than tight ones: where both are nearly as long, the tight ones decide.
  if (places.length[second] > places.length[best] + (places.length[best] - fan.straight()) + 0.03 * fan.straight())
    return way;
  const auto whole = [&](const Way& w, std::size_t place) {
    const detail::Geodesic g = detail::geodesic(surface, p, q, w);  // p and q are outside
    return g.rests ? (g.x - p).norm() + g.length + (q - g.y).norm() : places.length[place];
  };
  const double a = whole(way, best), b = whole(-way, second);
  return b < a ? -way : way;
}

Contact::State passing(const Ellipsoid& surface, const Vec3& p, const Vec3& q, const Way& way) {
  const Line line(surface.radii, p, q);
  if (line.inside) return Contact::inside;
  if (line.cut && way.anywhere) return Contact::cut;
  if (line.foot.dot(asked(surface.radii, line, way)) >= 0.0) return line.cut ? Contact::cut : Contact::clear;
  if (way.anywhere || 2.0 * pi - line.between - line.tangents >= 1.5 * pi) return Contact::clear;
  if (line.cut) return Contact::cut;
  return detail::geodesic(surface, p, q, way).rests ? Contact::around : Contact::lost;
}

bool push_out(const Ellipsoid& surface, Vec3& point) {
  const double d = point.cwiseQuotient(surface.radii).norm(), rim = 1.0 + 1e-9;
  if (d >= rim) return false;
  point = d > 0.0 ? Vec3(point * (rim / d)) : Vec3(surface.radii[0] * rim, 0.0, 0.0);
  return true;
}

void trace(const Ellipsoid& surface, const Vec3& p_S, const Vec3& q_S, const Way& way, double step,
           std::vector<Vec3>& points) {
  const Vec3& radii = surface.radii;
  const Vec3 p = detail::outside<double>(surface, p_S), q = detail::outside<double>(surface, q_S);
  const detail::Geodesic g = detail::geodesic(surface, p, q, way);
  const int n = detail::pieces(g.length, step);
  Walk walk(radii, g.x, g.t);
  for (int i = 0; i < n; ++i) {
    if (!g.rests) {
      const Vec3 chord = g.x + (static_cast<double>(i) / n) * (g.y - g.x);
      points.push_back(chord / chord.cwiseQuotient(radii).norm());
      continue;
    }
    const double most = 0.3 * walk.pace();
    for (int k = 0; k < 1000; ++k) {
      const double ahead = g.length * i / n - walk.length(), u = walk.here().u;
      if (std::abs(ahead) < 1e-12 * g.length) break;
      walk.step<6, true>(std::clamp(ahead / (u * u), -most, most));
    }
    points.push_back(walk.y(walk.here()));
  }
  points.push_back(g.y);
}

}  // namespace psoas
