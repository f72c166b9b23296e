// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/osim.hpp"

#include <filesystem>

#include "model/check.hpp"
#include "model/compile.hpp"
#include "model/osim_skeleton.hpp"

namespace psoas {
namespace osim {
namespace {

/// The laws that a muscle class comes in with. `other`: it has none of ours; path and parameters come in with our curves.
enum class Laws { millard, thelen, de_groote_fregly, other };

/// What muscle classes call the same thing, with the defaults that OpenSim has for values not written to the file.
struct MuscleClass {
  std::string_view tag;
  Laws laws;
  double activation_time, deactivation_time, tendon_strain = 0.0;
  std::string_view without = "";  // what the muscle has lost
};
constexpr std::string_view curves_lost = "came in with curves and activation of De Groote and Fregly";
constexpr MuscleClass muscle_classes[] = {
    {"Millard2012EquilibriumMuscle", Laws::millard, 0.010, 0.040, 0.049},
    {"Thelen2003Muscle", Laws::thelen, 0.015, 0.050, 0.04},
    {"DeGrooteFregly2016Muscle", Laws::de_groote_fregly, 0.015, 0.060, 0.049},
    {"Millard2012AccelerationMuscle", Laws::millard, 0.010, 0.040, 0.049,
     "came in as Millard2012EquilibriumMuscle, without mass and compressive forces"},
    {"Thelen2003Muscle_Deprecated", Laws::thelen, 0.010, 0.040, 0.033, "came in as Thelen2003Muscle, without damping"},
    {"Schutte1993Muscle_Deprecated", Laws::other, 0.015, 0.060, 0.049, curves_lost},
    {"Delp1990Muscle_Deprecated", Laws::other, 0.015, 0.060, 0.049, curves_lost},
    {"RigidTendonMuscle", Laws::other, 0.015, 0.060, 0.049, curves_lost},
};

/// A product of figures of a few digits, without the rounding of its last ones.
double ratio(double x) { return std::round(x * 1e12) / 1e12; }

/// One pass over a file, from components through bodies, joints and constraints to muscles; later steps look names up
/// that earlier ones found.
class Importer : public OsimSkeleton {
 public:
  explicit Importer(const std::string& path) : OsimSkeleton(path) {}

  OsimImport run() {
    parse();
    collect_components();
    frames();
    bodies();
    joints();
    constraints();
    sort_components();
    muscles();
    groups();
    bushings();
    limits();
    ligaments();
    contacts();
    contact_forces();
    about();
    if (problems_.empty()) ranges();
    complain();
    finish_notes();
    return std::move(result_);
  }

 private:
  // ---- muscles

  /// What is neither frame nor joint nor constraint.
  void sort_components() {
    for (const Component& component : others_) {
      const std::string_view tag = component.node.name();
      if (muscle_class(tag))
        muscle_nodes_.push_back(component);
      else if (tag == "ContactSphere")
        sphere_nodes_.push_back(component);
      else if (tag == "ContactHalfSpace")
        half_space_nodes_.push_back(component);
      else if (tag == "HuntCrossleyForce" || tag == "SmoothSphereHalfSpaceForce")
        contact_force_nodes_.push_back(component);
      else if (tag == "BushingForce")
        bushing_nodes_.push_back(component);
      else if (tag == "CoordinateLimitForce")
        limit_nodes_.push_back(component);
      else if (tag == "Blankevoort1991Ligament")
        ligament_nodes_.push_back(component);
      else
        leave_out(component.node);
    }
  }

  static const MuscleClass* muscle_class(std::string_view tag) {
    for (const MuscleClass& known : muscle_classes)
      if (known.tag == tag) return &known;
    return nullptr;
  }

  void muscles() {
    std::set<std::string> taken;
    for (const Component& component : muscle_nodes_) {
      const xml_node node = component.node;
      const MuscleClass& kind = *muscle_class(node.name());
      if (!flag(node, "appliesForce", true)) {
        without_force_.push_back(node.attribute("name").value());
        continue;
      }
      const std::string name = own_name(node, taken);
      MuscleSpec muscle;
      muscle.max_isometric_force = number(node, "max_isometric_force");
      muscle.optimal_fibre_length = number(node, "optimal_fiber_length");
      muscle.tendon_slack_length = number(node, "tendon_slack_length");
      muscle.pennation = number(node, "pennation_angle_at_optimal", 0.0);
      muscle.max_contraction_velocity = number(node, "max_contraction_velocity", 10.0);
      muscle.tendon = flag(node, "ignore_tendon_compliance", false) ? "rigid" : "compliant";
      muscle.activation_time = number(node, "activation_time_constant", kind.activation_time);
      muscle.deactivation_time = number(node, "deactivation_time_constant", kind.deactivation_time);
      muscle.minimum_activation = number(node, "minimum_activation", 0.01);
      if (kind.laws == Laws::millard) millard(node, muscle);
      if (kind.laws == Laws::thelen) thelen(node, muscle, kind);
      if (kind.laws == Laws::de_groote_fregly) de_groote_fregly(node, muscle);
      if (kind.tag == "RigidTendonMuscle") muscle.tendon = "rigid";
      if (!kind.without.empty()) changed_[std::string(kind.tag)].push_back(name);
      path(component, muscle.path, muscle.wraps);
      if (!name.empty()) spec().muscles[name] = muscle, nodes_[below("/muscles", name)] = node;
    }
  }

  void de_groote_fregly(const xml_node& node, MuscleSpec& muscle) {
    muscle.damping = number(node, "fiber_damping", 0.0);
    muscle.tendon_strain = number(node, "tendon_strain_at_one_norm_force", 0.049);
    muscle.passive_strain = number(node, "passive_fiber_strain_at_one_norm_force", 0.6);
    if (flag(node, "ignore_passive_fiber_force", false)) muscle.passive_scale = 0.0;
    muscle.curve = DeGrooteFregly{number(node, "active_force_width_scale", 1.0)};
  }

  void thelen(const xml_node& node, MuscleSpec& muscle, const MuscleClass& kind) {
    muscle.damping = 0.0;  // it has none
    muscle.tendon_strain = number(node, "FmaxTendonStrain", kind.tendon_strain);
    muscle.passive_strain = number(node, "FmaxMuscleStrain", 0.6);
    muscle.passive_shape = number(node, "KshapePassive", kind.tag == "Thelen2003Muscle" ? 5.0 : 4.0);
    Thelen curve;
    curve.active_shape = number(node, "KshapeActive", curve.active_shape);
    curve.velocity_shape = number(node, "Af", curve.velocity_shape);
    curve.eccentric_force = number(node, "Flen", curve.eccentric_force);
    curve.eccentric_linear = number(node, "fv_linear_extrap_threshold", curve.eccentric_linear);
    muscle.curve = curve;
  }

  void millard(const xml_node& node, MuscleSpec& muscle) {
    Millard curve;
    muscle.damping = number(node, "fiber_damping", 0.1);
    if (muscle.damping < 0.001) muscle.damping = 0.0;  // OpenSim's rule

    const xml_node active = property(node, "ActiveForceLengthCurve");
    curve.shortest_length = number(active, "min_norm_active_fiber_length", 0.4441);
    curve.transition_length = number(active, "transition_norm_fiber_length", 0.73);
    curve.longest_length = number(active, "max_norm_active_fiber_length", 1.8123);
    curve.shallow_slope = number(active, "shallow_ascending_slope", 0.8616);
    curve.least_active_force = number(active, "minimum_value", 0.1);

    const xml_node velocity = property(node, "ForceVelocityCurve");
    curve.concentric_slope_at_vmax = number(velocity, "concentric_slope_at_vmax", 0.0);
    curve.concentric_slope_near_vmax = number(velocity, "concentric_slope_near_vmax", 0.25);
    curve.isometric_slope = number(velocity, "isometric_slope", 5.0);
    curve.eccentric_slope_at_vmax = number(velocity, "eccentric_slope_at_vmax", 0.0);
    curve.eccentric_slope_near_vmax = number(velocity, "eccentric_slope_near_vmax", 0.15);
    curve.eccentric_force = number(velocity, "max_eccentric_velocity_force_multiplier", 1.4);
    curve.concentric_curviness = number(velocity, "concentric_curviness", 0.6);
    curve.eccentric_curviness = number(velocity, "eccentric_curviness", 0.9);

    // OpenSim changes these when it reads a file, so that its own solution has no singularity.
    if (muscle.damping > 0.0 || muscle.tendon == "rigid") {
      curve.least_active_force = 0.0;
      curve.concentric_slope_at_vmax = curve.eccentric_slope_at_vmax = 0.0;
    } else {
      curve.least_active_force = std::max(curve.least_active_force, 0.1);
      curve.concentric_slope_at_vmax = std::max(curve.concentric_slope_at_vmax, 0.5 * curve.concentric_slope_near_vmax);
      curve.eccentric_slope_at_vmax = std::max(curve.eccentric_slope_at_vmax, 0.5 * curve.eccentric_slope_near_vmax);
    }

    const xml_node passive = property(node, "FiberForceLengthCurve");
    const double zero = number(passive, "strain_at_zero_force", 0.0);
    const double one = number(passive, "strain_at_one_norm_force", 0.7), range = one - zero;
    muscle.passive_strain = one;
    curve.passive_onset = zero / one;
    curve.passive_low_stiffness = ratio(number(passive, "stiffness_at_low_force", 0.2) * range);
    curve.passive_stiffness = ratio(number(passive, "stiffness_at_one_norm_force", 2.0 / range) * range);
    curve.passive_curviness = number(passive, "curviness", curve.passive_curviness);

    const xml_node tendon = property(node, "TendonForceLengthCurve");
    muscle.tendon_strain = number(tendon, "strain_at_one_norm_force", 0.049);
    curve.tendon_stiffness =
        ratio(number(tendon, "stiffness_at_one_norm_force", 1.375 / muscle.tendon_strain) * muscle.tendon_strain);
    curve.tendon_toe_force = number(tendon, "norm_force_at_toe_end", curve.tendon_toe_force);
    curve.tendon_curviness = number(tendon, "curviness", curve.tendon_curviness);
    muscle.curve = curve;
  }

  void path(const Component& component, std::vector<PointSpec>& points, std::vector<WrapSpec>& wraps) {
    const xml_node geometry = object_property(component.node, "path", "GeometryPath");
    if (std::string_view(geometry.name()) != "GeometryPath") {
      wrong(geometry ? geometry : component.node, "expected a <GeometryPath> in " + named(component.node) + ", found " +
                                                      (geometry ? named(geometry) : "none"));
      return;
    }
    const std::string owner = component.path + "/geometrypath/pathpointset/";
    std::size_t count = 0;  // also of points that cannot be read
    for (const xml_node node : geometry.child("PathPointSet").child("objects").children()) {
      if (node.type() != pugi::node_element) continue;
      ++count;
      const std::string_view tag = node.name();
      if (tag != "PathPoint" && tag != "ConditionalPathPoint" && tag != "MovingPathPoint") {
        wrong(node, "expected a <PathPoint>, <ConditionalPathPoint> or <MovingPathPoint> in the path of " +
                        named(component.node) + ", found " + named(node));
        continue;
      }
      PointSpec point;
      const Frame* frame = known_frame({node, owner + node.attribute("name").value()}, "socket_parent_frame");
      const bool moves = tag == "MovingPathPoint";
      point.location = moves ? Vec3(0, 0, 0) : vector(node, "location");
      if (moves) moving(node, frame, point);
      if (frame) {
        point.body = frame->body;
        if (!frame->base) point.location = frame->pose() * point.location;
      }
      if (tag == "ConditionalPathPoint") {
        const auto coordinate = coordinate_name(node, "socket_coordinate");
        const auto range = numbers(node, "range", 2, true);
        if (coordinate && range) point.only_when = ConditionSpec{*coordinate, {(*range)[0], (*range)[1]}};
      }
      points.push_back(point);
    }
    if (count < 2)
      wrong(geometry,
            "expected at least 2 points in the path of " + named(component.node) + ", found " + std::to_string(count));
    for (const xml_node node : geometry.child("PathWrapSet").child("objects").children())
      if (node.type() == pugi::node_element) wrap(component.node, node, count, points, wraps);
  }

  /// A point whose coordinates in its frame are functions: constants are its location, the others displace it along the
  /// frame's axes.
  void moving(const xml_node& node, const Frame* frame, PointSpec& point) {
    for (int i = 0; i < 3; ++i) {
      const std::string axis(1, "xyz"[i]);
      const xml_node value = object_property(node, (axis + "_location").c_str());
      if (!value) {
        missing(node, axis + "_location");
        continue;
      }
      auto f = function(value);
      if (!f) continue;
      if (const auto* constant = std::get_if<Constant>(&*f)) {
        point.location[i] = constant->value;
        continue;
      }
      const auto coordinate = coordinate_name(node, ("socket_" + axis + "_coordinate").c_str());
      if (!coordinate) continue;
      const Vec3 direction = frame && !frame->base ? Vec3(frame->pose().R.col(i)) : Vec3(Vec3::Unit(i));
      point.moving.push_back({direction, *coordinate, *f});
    }
  }

  void wrap(const xml_node& owner, const xml_node& node, std::size_t points, const std::vector<PointSpec>& path,
            std::vector<WrapSpec>& wraps) {
    const xml_node object = property(node, "wrap_object");
    const std::string name = last_part(text_of(object));
    if (name.empty()) {
      missing(node, "wrap_object");
      return;
    }
    if (unused_surfaces_.count(name)) {
      dropped_wraps_.push_back(std::string(owner.attribute("name").value()) + " over " + name);
      return;
    }
    const auto side = sides_.find(name);
    if (side == sides_.end()) {
      std::vector<std::string> known;
      for (const auto& [other, word] : sides_) known.push_back(other);
      wrong(object,
            "expected a wrap object in " + named(object) + ", found " + in_quotes(name) + did_you_mean(name, known));
      return;
    }
    WrapSpec wrap;
    wrap.surface = name, wrap.side = side->second;
    if (const auto range = numbers(node, "range", 2, false)) {  // from 1, and below 1 for the end of the path
      const double count = static_cast<double>(points);
      const double first = (*range)[0] < 1 ? 1 : (*range)[0], last = (*range)[1] < 1 ? count : (*range)[1];
      if (first != std::floor(first) || last != std::floor(last) || first >= last || last > count)
        wrong(property(node, "range"), "expected two points of the path, from 1 to " + std::to_string(points) +
                                           " and -1 for open, in " + named(property(node, "range")) + ", found " +
                                           in_quotes(text_of(property(node, "range"))));
      else if ((*range)[0] >= 1 || (*range)[1] >= 1)
        wrap.between = {first - 1, last - 1};
    }
    const auto add = [&](const WrapSpec& item) {
      wraps.push_back(item);
      wraps.back().allow_inside = holds_a_point(item, path);
      return wraps.back().allow_inside;
    };
    bool inside = false;
    if (const auto sided = spans_with_a_side(wrap, path)) {
      const std::array<double, 4> cuts = {0.0, (*sided)[0], (*sided)[1], static_cast<double>(points - 1)};
      for (std::size_t i = 0; i < 3; ++i) {
        if (cuts[i] == cuts[i + 1]) continue;
        wrap.between = {cuts[i], cuts[i + 1]};
        wrap.side = i == 1 ? side->second : "shortest";
        inside = add(wrap) || inside;
      }
      divided_.push_back(std::string(owner.attribute("name").value()) + " over " + name);
    } else {
      inside = add(wrap);
    }
    if (inside) inside_.push_back(std::string(owner.attribute("name").value()) + " in " + name);
  }

  /// OpenSim wraps one span of a path over a surface, one that it cuts or else the one that is lengthened least; psoas wraps
  /// every span. A span at an end of the path and within one body may come to lie behind a cylinder with a side that another
  /// body carries, and would then be led nearly a whole turn round it: it has the shorter side. The points between which
  /// the others are; nothing where there is no such span, or no other.
  std::optional<std::array<double, 2>> spans_with_a_side(const WrapSpec& wrap, const std::vector<PointSpec>& path) {
    const SurfaceSpec& surface = *spec().surfaces.find(wrap.surface);
    const bool directed = wrap.side != "shortest" && std::holds_alternative<Cylinder>(surface.shape);
    if (wrap.between || !directed || path.size() < 2) return {};
    const auto within = [&](std::size_t k) {
      const PointSpec &a = path[k], &b = path[k + 1];
      return a.body == b.body && a.body != surface.body && a.moving.empty() && b.moving.empty() && !a.only_when &&
             !b.only_when;
    };
    std::size_t first = 0, last = path.size() - 1;
    while (first < last && within(first)) ++first;
    while (last > first && within(last - 1)) --last;
    if (first == last || (first == 0 && last + 1 == path.size())) return {};
    return std::array{static_cast<double>(first), static_cast<double>(last)};
  }

  /// OpenSim lets a path start inside a surface of its own body; psoas where that is said.
  bool holds_a_point(const WrapSpec& wrap, const std::vector<PointSpec>& path) {
    const SurfaceSpec& surface = *spec().surfaces.find(wrap.surface);
    Check check;  // what is wrong with the surface is complained of later
    check.value(surface, {}, {});
    return check.problems.empty() && !points_inside(path, wrap, surface).empty();
  }

  void groups() {
    for (const xml_node node : model_.child("ForceSet").child("groups").children()) {
      if (node.type() != pugi::node_element) continue;
      const std::string name = node.attribute("name").value();
      std::vector<std::string> members;
      for (const std::string& word : words_of(node.child("members").child_value())) {
        if (spec().muscles.find(last_part(word)))
          members.push_back(last_part(word));
        else if (std::find(no_members_.begin(), no_members_.end(), word) == no_members_.end())
          no_members_.push_back(word);
      }
      if (!name_fault(name).empty() || members.empty() || spec().groups.find(name))
        leave_out(node);
      else
        spec().groups[name] = members;
    }
  }

  /// A passive element that acts, of a name of its own.
  bool usable(const xml_node& node) {
    const std::string name = node.attribute("name").value();
    return flag(node, "appliesForce", true) && name_fault(name).empty() && !spec().passive.find(name);
  }

  void add_passive(const xml_node& node, const Passive& element) {
    const std::string name = node.attribute("name").value();
    spec().passive[name] = element;
    nodes_[below("/passive", name)] = node;
  }

  /// A bushing in the frames of a joint whose angles are those of the bushing acts on the joint's coordinates.
  void bushings() {
    const auto same = [](const FrameSpec& frame, const Frame& other) {
      const Pose X = pose_of(frame), Y = other.pose();
      return (X.p - Y.p).norm() < 1e-9 && (X.R - Y.R).norm() < 1e-9;
    };
    for (const Component& component : bushing_nodes_) {
      const xml_node node = component.node;
      if (!usable(node) || !property(node, "socket_frame1")) {
        leave_out(node);
        continue;
      }
      const Frame *first = known_frame(component, "socket_frame1"), *second = known_frame(component, "socket_frame2");
      if (!first || !second) continue;
      const auto found = std::find_if(spec().joints.begin(), spec().joints.end(), [&](const auto& item) {
        const JointSpec& joint = item.second;
        return joint.parent == first->body && joint.child == second->body && same(joint.parent_frame, *first) &&
               same(joint.child_frame, *second) && turns_about_xyz(joint.motion);
      });
      const Vec3 none(0, 0, 0), stiffness = vector(node, "rotational_stiffness", none),
                                damping = vector(node, "rotational_damping", none);
      if (found != spec().joints.end()) {
        Bushing bushing;
        bushing.joint = found->first;
        bushing.stiffness = stiffness;
        bushing.damping = damping;
        add_passive(node, bushing);
      } else if (first->body == second->body) {
        leave_out(node);
      } else {
        FrameBushing bushing;
        bushing.first = first->body;
        bushing.second = second->body;
        bushing.first_frame = {first->translation, first->orientation};
        bushing.second_frame = {second->translation, second->orientation};
        bushing.rotation_stiffness = stiffness;
        bushing.rotation_damping = damping;
        bushing.translation_stiffness = vector(node, "translational_stiffness", none);
        bushing.translation_damping = vector(node, "translational_damping", none);
        add_passive(node, bushing);
      }
    }
  }

  /// OpenSim gives those of rotations in degrees.
  void limits() {
    for (const Component& component : limit_nodes_) {
      const xml_node node = component.node;
      const xml_node named_coordinate = property(node, "coordinate");
      const std::string coordinate = named_coordinate ? text_of(named_coordinate) : "";
      const CoordinateSpec* known = spec().coordinates.find(coordinate);
      if (!usable(node) || !known) {
        leave_out(node);
        continue;
      }
      const double unit = known->motion == "rotation" ? degrees(1.0) : 1.0;
      CoordinateLimit limit;
      limit.coordinate = coordinate;
      limit.lower = unit * number(node, "lower_limit", 0.0);
      limit.upper = unit * number(node, "upper_limit", 0.0);
      limit.lower_stiffness = number(node, "lower_stiffness", 1.0) / unit;
      limit.upper_stiffness = number(node, "upper_stiffness", 1.0) / unit;
      limit.damping = number(node, "damping", 0.001) / unit;
      limit.transition = unit * number(node, "transition", 0.1);
      add_passive(node, limit);
    }
  }

  void ligaments() {
    for (const Component& component : ligament_nodes_) {
      const xml_node node = component.node;
      if (!usable(node) || !object_property(node, "path", "GeometryPath")) {
        leave_out(node);
        continue;
      }
      Ligament ligament;
      path(component, ligament.path, ligament.wraps);
      ligament.slack_length = number(node, "slack_length", 0.0);
      ligament.stiffness = number(node, "linear_stiffness", 1.0);
      ligament.transition_strain = number(node, "transition_strain", 0.06);
      ligament.damping = number(node, "damping_coefficient", 0.003);
      add_passive(node, ligament);
    }
  }

  /// No translation, and three body-fixed angles about x, y and z that are coordinates.
  static bool turns_about_xyz(const Joint& motion) {
    const auto* custom = std::get_if<Custom>(&motion);
    if (!custom || !custom->translations.empty() || custom->rotations.size() != 3) return false;
    for (int i = 0; i < 3; ++i) {
      const AxisSpec& axis = custom->rotations[static_cast<std::size_t>(i)];
      const auto* line = std::get_if<Linear>(&axis.function);
      if (!axis.coordinate || !line || line->slope != 1.0 || line->offset != 0.0 || axis.axis != Vec3::Unit(i))
        return false;
    }
    return true;
  }

  /// Spheres that touch the ground become points of foot contact: their lowest place with the body upright.
  void contacts() {
    for (const Component& component : sphere_nodes_) {
      const Frame* frame = known_frame(component, "socket_frame");
      const std::string name = component.node.attribute("name").value();
      if (!frame || frame->body == "ground" || !name_fault(name).empty() || spec().contacts.find(name)) {
        leave_out(component.node);
        continue;
      }
      ContactSpec contact;
      contact.body = frame->body;
      contact.location = frame->pose() * vector(component.node, "location", Vec3(0, 0, 0)) -
                         Vec3(0, number(component.node, "radius"), 0);
      spec().contacts[name] = contact;
    }
  }

  /// What a contact force says of one of its surfaces.
  struct Material {
    double stiffness = 0.0, dissipation = 0.0, static_friction = 0.0, dynamic_friction = 0.0, viscous_friction = 0.0;
    bool operator==(const Material&) const = default;
  };
  Material material(const xml_node& node, double stiffness) {
    return {number(node, "stiffness", stiffness), number(node, "dissipation", 0.0),
            number(node, "static_friction", 0.0), number(node, "dynamic_friction", 0.0),
            number(node, "viscous_friction", 0.0)};
  }

  /// The contact of two surfaces as Simbody's HuntCrossleyForce has it: springs E^(2/3) in series, each with its share of
  /// the dissipation, and the harmonic means of coefficients of friction.
  static SphereSpec pair_of(const Material& a, const Material& b) {
    const auto mean = [](double x, double y) { return x + y > 0.0 ? 2.0 * x * y / (x + y) : 0.0; };
    const double k = std::cbrt(a.stiffness * a.stiffness), l = std::cbrt(b.stiffness * b.stiffness),
                 share = k + l > 0.0 ? l / (k + l) : 0.5;
    SphereSpec sphere;
    sphere.stiffness = std::pow(share * k, 1.5);
    sphere.dissipation = share * a.dissipation + (1.0 - share) * b.dissipation;
    sphere.static_friction = mean(a.static_friction, b.static_friction);
    sphere.dynamic_friction = mean(a.dynamic_friction, b.dynamic_friction);
    sphere.viscous_friction = mean(a.viscous_friction, b.viscous_friction);
    return sphere;
  }

  /// Spheres and half-spaces of one contact force with their materials.
  struct Surfaces {
    std::vector<std::pair<const Component*, Material>> spheres, half_spaces;
    bool others = false;
  };

  static const Component* find_geometry(const std::vector<Component>& nodes, const std::string& name) {
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&](const Component& c) { return c.node.attribute("name").value() == name; });
    return found == nodes.end() ? nullptr : &*found;
  }

  Surfaces surfaces_of(const xml_node& force) {
    Surfaces out;
    const auto add = [&](const std::string& name, const Material& of) {
      if (const Component* sphere = find_geometry(sphere_nodes_, name))
        out.spheres.push_back({sphere, of});
      else if (const Component* half_space = find_geometry(half_space_nodes_, name))
        out.half_spaces.push_back({half_space, of});
      else
        out.others = true;
    };
    if (std::string_view(force.name()) == "SmoothSphereHalfSpaceForce") {
      for (const char* socket : {"socket_sphere", "socket_half_space"})
        add(last_part(text_of(property(force, socket))), material(force, 1.0));
      return out;
    }
    for (const xml_node child : force.children())
      for (const xml_node one : child.child("objects").children())
        if (one.type() == pugi::node_element)
          for (const std::string& name : words_of(property(one, "geometry").child_value()))
            add(last_part(name), material(one, 0.0));
    return out;
  }

  /// Spheres against half-spaces push in simulations; a force with other surfaces, or with a sphere that is taken, is left
  /// out whole.
  void contact_forces() {
    std::set<std::string> used;
    for (const Component& component : contact_force_nodes_) {
      const xml_node node = component.node;
      const bool acts = flag(node, "appliesForce", true);
      const Surfaces surfaces = acts ? surfaces_of(node) : Surfaces{};
      Named<SphereSpec> spheres;
      Named<PlaneSpec> planes;
      bool good = !surfaces.others && !surfaces.spheres.empty() && !surfaces.half_spaces.empty();
      for (const auto& [half_space, theirs] : surfaces.half_spaces) {
        const Frame* frame = known_frame(*half_space, "socket_frame");
        const std::string name = half_space->node.attribute("name").value();
        good = good && frame && name_fault(name).empty() && theirs == surfaces.half_spaces.front().second;
        if (!good) break;
        // the material is where the frame's x is positive
        const Vec3 none(0, 0, 0);
        const Pose X = frame->pose() * Pose{rotation_xyz(vector(half_space->node, "orientation", none)),
                                            vector(half_space->node, "location", none)};
        PlaneSpec& plane = planes[name];
        plane.body = frame->body;
        plane.normal = -X.R.col(0);
        for (double& x : plane.normal) x = ratio(x) + 0.0;  // -pi/2 of a file is no exact quarter turn
        plane.height = plane.normal.dot(X.p) + 0.0;
      }
      for (const auto& [ball, theirs] : surfaces.spheres) {
        const Frame* frame = good ? known_frame(*ball, "socket_frame") : nullptr;
        const std::string name = ball->node.attribute("name").value();
        good = good && frame && frame->body != "ground" && name_fault(name).empty() && !spec().spheres.find(name) &&
               !spheres.find(name);
        if (!good) break;
        SphereSpec sphere = pair_of(theirs, surfaces.half_spaces.front().second);
        sphere.body = frame->body;
        sphere.location = frame->pose() * vector(ball->node, "location", Vec3(0, 0, 0));
        sphere.radius = number(ball->node, "radius");
        sphere.transition_speed = number(node, "transition_velocity", 0.01);
        for (const auto& [plane, item] : planes) {
          sphere.planes.push_back(plane);
          good = good && item.body != sphere.body;
        }
        good = good && sphere.fault().empty();
        spheres[name] = sphere;
      }
      if (!good) {
        leave_out(node);
        continue;
      }
      for (const auto& [name, plane] : planes)
        spec().planes[name] = plane, nodes_[below("/planes", name)] = node, used.insert(name);
      for (const auto& [name, sphere] : spheres) spec().spheres[name] = sphere, nodes_[below("/spheres", name)] = node;
      contact_forces_[node.name()].push_back(node.attribute("name").value());
    }
    for (const Component& component : half_space_nodes_)
      if (!used.count(component.node.attribute("name").value())) leave_out(component.node);
  }

  // ---- the rest

  /// OpenSim takes default values outside the range of a coordinate; the range is widened, so that the pose stays.
  void widen_ranges() {
    for (auto& [name, coordinate] : spec().coordinates) {
      auto& [low, high] = coordinate.range;
      const double value = coordinate.value;
      if (coordinate.coupled_to || (low <= value && value <= high)) continue;
      result_.notes.push_back("range of coordinate " + name + ": widened from " + shortest_text(low) + " to " +
                              shortest_text(high) + " so that it holds the default value " + shortest_text(value));
      low = std::min(low, value), high = std::max(high, value);
    }
  }

  /// Holds what was imported to the rules for every model, with the place of the element that breaks one.
  void ranges() {
    widen_ranges();
    Check check;
    check.value(spec(), {}, {});
    for (const Problem& problem : check.problems) {
      const auto steps = pointer_steps(problem.pointer);
      std::string pointer, field;
      for (std::size_t i = 0; steps && i < steps->size(); ++i) {
        if (i < 2)
          pointer = below(pointer, (*steps)[i]);
        else
          field += (field.empty() ? "" : "/") + (*steps)[i];
      }
      const auto found = nodes_.find(pointer);
      const xml_node node = found == nodes_.end() ? model_ : found->second;
      wrong(node, (found == nodes_.end() ? problem.pointer : named(node) + (field.empty() ? "" : ", " + field)) + ": " +
                      problem.text);
    }
  }

  void about() {
    const std::string file = std::filesystem::path(path_).filename().string();
    spec().name = model_.attribute("name").value();
    spec().gravity = vector(model_, "gravity", Vec3(0, -9.80665, 0));
    for (const char* tag : {"credits", "publications"})
      for (const xml_node node : model_.children(tag))
        if (const std::string text = text_of(node); !text.empty() && text != "Unassigned")
          spec().sources.push_back(text);
    spec().sources.push_back("Imported from " + file + " (OpenSim, Version " + version_ + ")");
    for (const char* side : {"r", "l"})
      if (spec().joints.find(std::string("hip_") + side)) spec().hips[side] = std::string("hip_") + side;
    const auto unit = [&](const char* name, std::initializer_list<std::string_view> known, const std::string& wanted) {
      const xml_node node = model_.child(name);
      if (const std::string text = text_of(node); node && std::find(known.begin(), known.end(), text) == known.end())
        wrong(node, "expected " + wanted + " in " + named(node) + ", found " + in_quotes(text));
    };
    unit("length_units", {"meters", "meter", "metres", "metre", "m"}, "meters");
    unit("force_units", {"N", "newtons", "newton"}, "N");
  }

  void finish_notes() {
    std::vector<std::string>& notes = result_.notes;
    const auto list = [&](const std::string& text, const std::vector<std::string>& names) {
      if (!names.empty()) notes.push_back(text + ": " + join(names, ", "));
    };
    for (const auto& [tag, names] : left_out_)
      notes.push_back("not imported: " + std::to_string(names.size()) + " " + tag + " (" + join(names, ", ") + ")");
    if (geometry_ > 0) notes.push_back("not imported: " + std::to_string(geometry_) + " shapes for display");
    list("wraps left out, their surface is not imported", dropped_wraps_);
    list("wraps that keep their quadrant but on spans within one body at an end of the path", divided_);
    list("wrapping surfaces left out, inactive in the file", inactive_);
    list("wrapping surfaces whose quadrant is not kept, muscles take the shortest side", without_side_);
    if (!spec().contacts.empty())
      notes.push_back("contact: " + std::to_string(spec().contacts.size()) +
                      " ContactSphere became points of foot contact, a radius below their centres, for studies of "
                      "recorded motions");
    for (const auto& [tag, names] : contact_forces_)
      notes.push_back("contact: " + std::to_string(names.size()) + " " + tag +
                      " became spheres on planes, for simulations; friction " +
                      (tag == "HuntCrossleyForce"
                           ? "near rest follows a smoother curve, and spheres do not touch each other"
                           : "follows a smoother curve, and there is no force at a distance"));
    if (cylinders_ > 0)
      notes.push_back("paths do not let go at the ends of " + std::to_string(cylinders_) +
                      " WrapCylinder, where OpenSim's do; postures in which they lie on one beyond them are flagged");
    if (ellipsoids_ > 0)
      notes.push_back(
          "paths over " + std::to_string(ellipsoids_) +
          " WrapEllipsoid are the shortest over the surface; OpenSim's lie in a plane and are a little longer");
    list("coordinates locked in the file, free here", locked_);
    list("coordinates prescribed in the file, free here", prescribed_);
    list("constraints left out, the model moves without them", not_held_);
    list("constraints left out, not enforced in the file", not_enforced_);
    for (const auto& [tag, names] : changed_)
      list(std::to_string(names.size()) + " " + tag + " " + std::string(muscle_class(tag)->without), names);
    list("paths with a point inside a surface, allowed there", inside_);
    list("muscles left out, appliesForce is false", without_force_);
    list("group members left out, not an imported muscle", no_members_);
  }
  std::vector<Component> muscle_nodes_, sphere_nodes_, half_space_nodes_, contact_force_nodes_, bushing_nodes_,
      limit_nodes_, ligament_nodes_;

  // for the notes
  std::map<std::string, std::vector<std::string>> changed_, contact_forces_;  // muscles, contact by class
  std::vector<std::string> dropped_wraps_, divided_, without_force_, no_members_, inside_;
};

}  // namespace
}  // namespace osim

OsimImport read_osim(const std::string& path) { return osim::Importer(path).run(); }

}  // namespace psoas
