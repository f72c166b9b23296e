// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A compiled model, its state, the workspace of a thread, and the one pipeline that evaluates them.
//   const Model model = Model::load("models/full_body.json");
//   Workspace work(model);   State state = model.default_state();   evaluate(model, state, work, Depth::velocity);
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "psoas/model/edit.hpp"
#include "psoas/model/spec.hpp"
#include "psoas/muscle/batch.hpp"
#include "psoas/path/fitted.hpp"
#include "psoas/path/path.hpp"
#include "psoas/path/stretch.hpp"
#include "psoas/skeleton/force.hpp"
#include "psoas/skeleton/tree.hpp"

namespace psoas {

/// How a coordinate of the tree follows from an independent one.
struct Coupling {
  int source = -1;       ///< index of the independent coordinate
  bool identity = true;  ///< the same coordinate
  PiecewisePolynomial function;
};

/// A lumbar level, compiled.
struct Level {
  std::string name;
  int inferior = 0, superior = 0;              ///< bodies
  std::array<int, 3> coordinates{-1, -1, -1};  ///< of the tree: extension, bending, rotation
  double endplate_angle = 0.0;                 ///< of the inferior body's superior endplate about its z axis [rad]
};

/// A passive torque on one coordinate of the tree, compiled.
struct PassiveTorque {
  enum class Law {
    spring,       ///< -stiffness (q - reference) - moment(q - reference) - damping u
    exponential,  ///< torque exp(rate (reference - q))
    limit
  };
  int element = 0;     ///< index into the spec's passive elements
  int coordinate = 0;  ///< of the tree
  Law law = Law::spring;
  double stiffness = 0.0, damping = 0.0;  ///< [N m/rad, N/m], [N m s/rad, N s/m]
  double reference = 0.0;                 ///< coordinate value [rad, m]
  double torque = 0.0;                    ///< at the reference [N m, N]
  double rate = 0.0;                      ///< [1/rad, 1/m]
  PiecewisePolynomial moment, energy;     ///< [N m] over q - reference, and its integral [J]
  LimitLaw limit;

  /// Generalised force at coordinate value q [rad, m] and speed u.
  template <class S>
  ForceValue<S> at(const S& q, const S& u) const {
    using std::exp;
    if (law == Law::limit) return limit.at(q, u);
    if (law == Law::exponential) {
      const S force = torque * exp(rate * (reference - q));
      return {force, rate != 0.0 ? force / rate : force * (reference - q), S(0.0)};
    }
    const S x = q - reference;
    return {-stiffness * x - moment.jet(x).value - damping * u, 0.5 * stiffness * x * x + energy.jet(x).value,
            damping * u * u};
  }
};

/// A bushing between frames of two bodies, compiled.
struct CompiledBushing {
  int element = 0;            ///< index into the spec's passive elements
  int first = 0, second = 0;  ///< bodies
  Pose X_AF, X_BM;            ///< frames in the first and second body
  Eigen::Matrix<double, 6, 6> stiffness = Eigen::Matrix<double, 6, 6>::Zero();  ///< over angles, then translations
  Eigen::Matrix<double, 6, 1> damping = Eigen::Matrix<double, 6, 1>::Zero();
  std::vector<PiecewisePolynomial> moment, energy;  ///< of the three angles, or empty
};

/// A ligament, compiled.
struct CompiledLigament {
  int element = 0;  ///< index into the spec's passive elements
  Path path;
  LigamentLaw law;
  int wrench_start = 0;  ///< where its wrenches start in Workspace::ligament_wrench, one a body of its path
  int drive_start = 0;   ///< the same of the drives of its points' displacements
};

/// A plane, compiled.
struct ContactPlane {
  int body = 0;
  Vec3 point{0, 0, 0}, normal{0, 1, 0};  ///< in the body frame [m], [-]
  Vec3 edge{0, 0, 0};                    ///< unit vector in the plane, out over the edge; zero: no edge
  double distance = 0.0, width = 1.0;    ///< of the edge from the point, over which it fades [m]
};

/// A sphere and the planes that it may touch, compiled.
struct ContactSphere {
  int body = 0;
  Vec3 location{0, 0, 0};  ///< in the body frame [m]
  double radius = 0.0;     ///< [m]
  ContactLaw law;
  std::vector<int> planes;
};

/// A point at which the environment may push, compiled.
struct ContactPoint {
  int body = 0;
  Vec3 location{0, 0, 0};            ///< in the body frame [m]
  double cap = 0.0, friction = 0.0;  ///< greatest normal force [body weights], coefficient [-]
  bool seat = false;
  Vec3 normal{0, 1, 0};  ///< in ground; of a foot, where the floor is level
};

/// One entry of the muscles' moment arms: which coordinate of the tree, and what of the muscle moves with it.
struct ArmSlot {
  int coordinate = 0;
  int first = 0, last = 0;                ///< range in the path's list of bodies
  int first_motion = 0, last_motion = 0;  ///< range in the path's list of displacements of points
};

/// One entry of the moment arms of a fitted path's stretch.
struct StretchArm {
  int coordinate = 0;            ///< of the tree
  double near = 0.0, far = 0.0;  ///< how it moves the wrenches of either end against the body between: -1, 0 or 1
  int slope = 0;                 ///< place in FittedWork::slope
};

/// Postures outside the domain of some muscles' paths, compiled: where every coordinate is inside its range.
struct OutsideDomain {
  struct Range {
    int coordinate = 0;            ///< independent
    double low = 0.0, high = 0.0;  ///< [rad, m]
  };
  std::vector<int> muscles;
  std::vector<Range> ranges;

  /// Whether independent coordinates q are such a posture.
  bool holds(std::span<const double> q) const;
};

/// Everything that a Model shares with its copies. Built by compile() only.
struct ModelData {
  ModelSpec spec;
  Tree tree;
  std::vector<std::string> body_names, tree_coordinate_names, coordinate_names, muscle_names;
  std::vector<Coupling> couplings;          ///< per coordinate of the tree
  std::vector<int> tree_coordinate;         ///< per independent coordinate: the same one in the tree, or -1
  std::vector<double> default_coordinates;  ///< independent: values in the default state [rad, m]
  std::vector<bool> is_rotation;            ///< independent: rad, else m
  std::vector<bool> tree_is_rotation;       ///< of the tree
  std::vector<Path> paths;
  std::vector<int> wrench_start;  ///< per muscle: where its wrenches start; one more at the end
  std::vector<int> drive_start;   ///< per muscle: where the drives of its points' displacements start; one more
  std::vector<int> arm_start;     ///< per muscle: where its arm slots start; one more at the end
  std::vector<ArmSlot> arm_slots;
  FittedPaths fitted;   ///< over independent coordinates; empty where the model's paths are exact
  Stretches stretches;  ///< what is added to them
  std::vector<int> stretch_muscle, stretch_arm_start;  ///< per stretch; where its arms start, one more at the end
  std::vector<StretchArm> stretch_arms;
  std::vector<int> exact_among_fitted;  ///< muscles whose exact path stands among fitted ones
  std::vector<MuscleParameters> units;
  MuscleBatch batch;  ///< of the units
  std::vector<Level> levels;
  std::array<int, 3> trunk{-1, -1, -1};  ///< independent trunk coordinates: extension, bending, rotation
  std::vector<PassiveTorque> passive;
  std::vector<CompiledBushing> bushings;
  std::vector<CompiledLigament> ligaments;
  std::vector<std::string> ligament_names, plane_names, sphere_names;
  std::vector<ContactPlane> planes;
  std::vector<ContactSphere> spheres;
  std::vector<ContactPoint> contacts;
  std::vector<OutsideDomain> domain;
  std::vector<std::pair<std::string, int>> hips;    ///< side, body whose joint is the hip
  std::array<int, 6> root{-1, -1, -1, -1, -1, -1};  ///< independent coordinates of a free root joint; -1: none
  std::vector<std::array<int, 3>> charts;  ///< independent coordinates of rotation vectors that rechart() may change
  double mass = 0.0;                       ///< of all bodies [kg]
};

/// Time and the vector [q, u, activation, fibre length] with its segments. A copied state is the state.
struct State {
  double time = 0.0;
  int coordinates = 0, muscles = 0;
  std::vector<double> vector;

  std::span<double> q() { return {vector.data(), size(coordinates)}; }
  std::span<double> u() { return {vector.data() + coordinates, size(coordinates)}; }
  std::span<double> activation() { return {vector.data() + 2 * coordinates, size(muscles)}; }
  std::span<double> fibre_length() { return {vector.data() + 2 * coordinates + muscles, size(muscles)}; }
  std::span<const double> q() const { return {vector.data(), size(coordinates)}; }
  std::span<const double> u() const { return {vector.data() + coordinates, size(coordinates)}; }
  std::span<const double> activation() const { return {vector.data() + 2 * coordinates, size(muscles)}; }
  std::span<const double> fibre_length() const { return {vector.data() + 2 * coordinates + muscles, size(muscles)}; }

 private:
  static std::size_t size(int n) { return static_cast<std::size_t>(n); }
};

class ModelMemory;

/// A compiled model: constructed means usable. Immutable; copies share everything, any number of threads may use one.
class Model {
 public:
  /// Compiles what a spec says. Throws Error(model) that lists every problem with its JSON pointer.
  explicit Model(const ModelSpec& spec);
  /// Reads and compiles a psoas-model/1 file. Throws Error(io), or Error(model) with file, line and pointer of each
  /// problem.
  static Model load(const std::string& path);

  /// This model with edits applied in order. Throws Error(input) for a selection or field that does not exist.
  Model with(const Edit& edit) const;
  Model with(const std::vector<Edit>& edits) const;

  const ModelSpec& spec() const { return data_->spec; }
  const ModelData& data() const { return *data_; }
  const Tree& tree() const { return data_->tree; }

  int coordinates() const { return static_cast<int>(data_->coordinate_names.size()); }
  int muscles() const { return static_cast<int>(data_->muscle_names.size()); }

  /// Index of a named element. Throws Error(input) with the nearest name.
  int coordinate(std::string_view name) const;       ///< independent coordinates
  int tree_coordinate(std::string_view name) const;  ///< coordinates of joints
  int muscle(std::string_view name) const;
  int body(std::string_view name) const;  ///< "ground" is 0

  /// Muscles of a selection: a name, a glob or "group:…". Throws Error(input) where it matches nothing.
  std::vector<int> select(std::string_view selection) const;

  /// Coordinates at their values in the file, speeds 0, activations at their minimum, fibres in static equilibrium.
  State default_state() const;
  /// Sets an independent coordinate [rad, m]. Throws Error(input) for an unknown name.
  void set(State& state, std::string_view coordinate, double value) const;
  /// An independent coordinate of a state [rad, m]. Throws Error(input) for an unknown name.
  double get(const State& state, std::string_view coordinate) const;

 private:
  friend class ModelMemory;
  explicit Model(std::shared_ptr<const ModelData> data) : data_(std::move(data)) {}
  std::shared_ptr<const ModelData> data_;
};

/// Brings rotation vectors of ball and free joints that are longer than pi back to at most pi, in independent coordinates
/// q and speeds u: the same pose and velocities in other numbers. True if any changed. An integrator calls it after each
/// step. Left alone are joints of which a coordinate is `held` to where it is (per independent coordinate; empty: none), or
/// means something to others: to a coupler, a passive torque, a point of a path or another joint. Those may turn up to 2 pi.
/// (dynamics.hpp has the same for a tree.)
bool rechart(const Model& model, std::span<double> q, std::span<double> u, std::span<const char> held = {});

/// How far evaluate() goes.
enum class Depth {
  position,  ///< poses, path lengths, moment arms
  velocity,  ///< and velocities, lengthening speeds, passive forces
  force      ///< and fibre states, muscle forces, contact forces
};

/// What passive elements do, apart from their generalised forces.
template <class S>
struct PassiveWork {
  PassiveWork() = default;
  explicit PassiveWork(const Model& model);
  S potential{}, dissipation{};             ///< energy that they hold [J], power that they take [W]
  std::vector<SpatialT<S>> bushing_wrench;  ///< per bushing between frames: on its second body, about ground's origin
  std::vector<S> ligament_length, ligament_speed, ligament_tension;  ///< [m], [m/s], [N]
  std::vector<SpatialT<S>> ligament_wrench;  ///< per ligament and body of its path, of its tension
  // inside
  std::vector<SpatialT<S>> body;  // per body: of bushings and ligaments, then of all that it carries
  std::vector<S> drive;
};

/// What planes do to spheres. Forces and wrenches are in ground, wrenches about ground's origin.
template <class S>
struct ContactWork {
  ContactWork() = default;
  explicit ContactWork(const Model& model);
  S potential{}, dissipation{};           ///< energy that contacts hold [J], power that they take [W]
  std::vector<Vec3T<S>> sphere_force;     ///< per sphere: of all planes on it [N]
  std::vector<SpatialT<S>> plane_wrench;  ///< per plane: on spheres [N m, N]
  std::vector<SpatialT<S>> external;      ///< per body [N m, N], as inverse_dynamics() takes it
};

/// Why a muscle's path is not to be trusted in a posture: the first that holds.
enum class PathFlag : char {
  none,
  outside_domain,   ///< the model says so (ModelData::domain)
  ignores_surface,  ///< PathValue::inside
  beyond_end,       ///< the path lies on a cylinder beyond its ends (PathValue::beyond_end)
  beyond_fit        ///< of a fitted path: a coordinate, or an end of a stretch, is beyond what it was fitted on
};

/// Per-thread scratch and the results of the last evaluate(). Allocates when made, never after; evaluate() with another
/// model than the one it was made for makes it anew.
struct Workspace {
  explicit Workspace(const Model& owner);

  Model model;  ///< the one it was made for
  TreeWork<double> tree;
  // per coordinate of the tree
  std::vector<double> q, u;              ///< [rad, m], [rad/s, m/s]
  std::vector<double> slope, curvature;  ///< dq/dc and d2q/dc2 over the independent coordinate c that it follows
  std::vector<double> passive_torque;    ///< of the passive elements [N m, N]
  PassiveWork<double> passive;           ///< what else is known of passive elements
  ContactWork<double> contact;           ///< spheres on planes, after Depth::force
  // per muscle
  std::vector<double> length, speed;  ///< path [m], lengthening + [m/s]
  std::vector<char> inside;           ///< PathFlag of a path, but for the domain that the model declares
  BatchFibres fibre;
  BatchForces force;
  std::vector<double> tendon_force;  ///< [N], at the state's activation
  // per muscle and body: unit-tension wrenches; per muscle and displacement of a point: what unit tension does through it;
  // per arm slot: -dl/dq of a coordinate of the tree [m, -]. Where the model's paths are fitted, exact_paths() fills these.
  std::vector<Spatial> wrench;
  std::vector<double> drive;
  std::vector<double> arm;
  FittedWork<double> fitted;      ///< lengths, and their slopes over independent coordinates, where paths are fitted
  StretchWork<double> stretches;  // inside
  // inside: what paths were last evaluated at, so that only those whose bodies have moved are evaluated again
  std::vector<double> path_q;
  bool paths_known = false;
  std::vector<char> moved;  // per body
  bool changed(int coordinate) const;
};

/// Coordinates and speeds of the tree, work.q [rad, m] and work.u [rad/s, m/s], from independent ones, with the slopes and
/// curvatures that accelerations and forces need. Sizes are those of the model. Throws nothing.
void couple(const Model& model, std::span<const double> q, std::span<const double> u, Workspace& work);
/// Accelerations of the tree's coordinates from those of the independent ones; after couple().
void couple_accelerations(const Model& model, std::span<const double> u, std::span<const double> udot,
                          const Workspace& work, std::span<double> out);
/// Generalised forces [N m, N] of the tree's coordinates projected on the independent ones by the slopes of the last
/// couple(): out = (dq/dc)^T tree_force. Throws nothing.
void project(const Model& model, const Workspace& work, std::span<const double> tree_force, std::span<double> out);

/// The pipeline: poses, velocities, paths, muscle forces (rigid tendons from the path; compliant ones from the state's
/// fibre length) in `work`. Paths of which no body has moved since the last call are left as they are, which changes no
/// bit. No allocation.
void evaluate(const Model& model, const State& state, Workspace& work, Depth depth);
/// The same from independent coordinates [rad, m] and speeds alone, up to Depth::velocity. What planes do is not in it:
/// inverse methods seek contact forces instead.
void evaluate(const Model& model, std::span<const double> q, std::span<const double> u, Workspace& work, Depth depth);
/// The same to Depth::position with the paths of some muscles only, by index: length, inside, wrench and arm of the
/// others are left as they are. Fitted paths are all evaluated.
void evaluate(const Model& model, std::span<const double> q, std::span<const double> u, Workspace& work,
              std::span<const int> muscles);

/// At rest to Depth::velocity, with every coordinate of the tree displaced [rad, m] from where it follows q: a virtual
/// displacement, which keeps no coupling. Slopes and curvatures are those at q. Of models with exact paths; fitted ones
/// are functions of independent coordinates, so that their lengths are left as they are. One displacement a coordinate of
/// the tree. Throws nothing.
void evaluate_displaced(const Model& model, std::span<const double> q, std::span<const double> displacement,
                        Workspace& work);

/// Generalised forces `torque` of all passive elements on the tree's coordinates at q, u (of the tree) with its positions
/// and velocities in `tree`, and what else `work` holds. What evaluate() does, for other scalars: instantiated for double
/// and Dual<4>. No allocation.
template <class S>
void passive_forces(const Model& model, std::span<const S> q, std::span<const S> u, const TreeWork<S>& tree,
                    std::span<S> torque, PassiveWork<S>& work);
/// The same of spheres on planes.
template <class S>
void contact_forces(const Model& model, const TreeWork<S>& tree, ContactWork<S>& work);

/// Wrenches and moment arms about coordinates of the tree from the exact paths at the last evaluated pose, where the
/// model's paths are fitted: what joint loads and the equations of lumbar levels need body by body. Lengths, speeds and
/// moment_arm() stay those of the fitted paths. With exact paths evaluate() has done this, and it does nothing.
void exact_paths(const Model& model, Workspace& work);

/// Fibre states and forces of all muscles with every tendon taken as rigid, at the last evaluated pose and speed: what
/// inverse methods use. Force over velocity is that of full activation (Thelen's set depends on it), so that active
/// force is linear in activation. `tendon_force` is left alone.
void rigid_tendon_forces(const Model& model, Workspace& work);

/// What a plane does to a sphere where they meet, and minus how that changes as the sphere moves past the plane; all in
/// ground. Over an edge the plane's share counts as it is, and the push outwards is left out.
struct PlaneTouch {
  Vec3 place{0, 0, 0}, normal{0, 1, 0};                         ///< [m], the plane's, towards the sphere [-]
  Vec3 velocity{0, 0, 0}, force{0, 0, 0};                       ///< of the sphere past the plane [m/s], on it [N]
  Mat3 by_position = Mat3::Zero(), by_velocity = Mat3::Zero();  ///< [N/m], [N s/m]
  double drag = 0.0;                                            ///< friction over sliding speed [N s/m]
};

/// The touch of a sphere and a plane by index, after velocities(); false where they do not.
bool plane_touch(const ModelData& data, const TreeWork<double>& tree, int sphere, int plane, PlaneTouch& out);

/// Centre of pressure of a plane [m, in ground] after an evaluate() to Depth::force: the point of the plane about which
/// what it exerts has no moment but about its normal. Not a number where it exerts nothing along its normal.
Vec3 centre_of_pressure(const Model& model, const Workspace& work, int plane);

/// -dl/dc of a muscle over an independent coordinate, couplers respected [m, or 1 for a translation].
double moment_arm(const Model& model, const Workspace& work, int muscle, int coordinate);

/// Whether the model declares independent coordinates q [rad, m] to be outside the domain of a muscle's path.
bool outside_domain(const Model& model, std::span<const double> q, int muscle);

/// Entries of the declared domain that meet no posture, or leave some muscle none, in the coordinates' ranges.
std::vector<Problem> domain_problems(const Model& model);

/// What flags a muscle's path at q, which `work` was last evaluated at.
PathFlag path_flag(const Model& model, std::span<const double> q, const Workspace& work, int muscle);

/// How moment arms change with coordinates: scratch and results of moment_arm_slopes(). Allocates when made, never after.
class MomentArmSlopes {
 public:
  explicit MomentArmSlopes(const Model& model);

  /// Independent coordinates over which a muscle has a moment arm, ascending: those that move some of its path's bodies
  /// against others, or its points in their bodies.
  std::span<const int> coordinates(int muscle) const;
  /// d(moment arm over the i-th of them)/d(j-th of them) = -d2l/dc_i dc_j, couplers respected [m/rad and so on].
  double operator()(int muscle, int i, int j) const;

 private:
  friend void moment_arm_slopes(const Model&, std::span<const double>, MomentArmSlopes&);
  void of_fitted(const Model& model, std::span<const double> q);
  void of_exact(int muscle, int seed);
  void seed(std::span<const double> q, int first);
  Model model_;  // the one it was made for
  TreeWork<Dual<4>> tree_;
  FittedWork<Dual<4>> fitted_;
  StretchWork<Dual<4>> stretches_;
  std::vector<Dual<4>> independent_;        // coordinates
  std::vector<Dual<4>> q_, slope_, drive_;  // per coordinate of the tree; of one path
  std::vector<SpatialT<Dual<4>>> wrench_;   // of one path
  std::vector<int> start_, coordinate_;     // per muscle; independent coordinates
  std::vector<int> block_start_;            // per muscle: where its square of slopes starts
  std::vector<double> value_;
};

/// Second derivatives of all path lengths at independent coordinates q [rad, m], by dual numbers through the whole
/// pipeline: those of the lengths that evaluate() gives, so fitted ones where the model's paths are fitted. Where the
/// string of an exact path lifts off or a conditional point comes in they jump: those of the side on which q lies.
void moment_arm_slopes(const Model& model, std::span<const double> q, MomentArmSlopes& out);

/// The greatest active + passive torque of all muscles about a coordinate in its positive (+1) or negative (-1)
/// direction: each muscle fully active where it helps and at its least activation where not [N m].
double torque_capacity(const Model& model, const Workspace& work, int coordinate, int direction = 1);
/// The same at a state (which is evaluated with rigid tendons): the five-line answer.
double torque_capacity(const Model& model, const State& state, std::string_view coordinate, Workspace& work);

}  // namespace psoas
