// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/compile.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "model/arms.hpp"
#include "model/check.hpp"
#include "model/fitted.hpp"
#include "model/parts.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

template <class T>
std::vector<std::string> names_of(const Named<T>& items) {
  std::vector<std::string> names;
  for (const auto& [name, item] : items) names.push_back(name);
  return names;
}

Pose frame_pose(const Vec3& translation, const Vec3& orientation) { return {rotation_xyz(orientation), translation}; }

/// Compiles one spec; each step needs the ones before it and stops where they found problems.
class Compiler {
 public:
  Compiler(const ModelSpec& spec, std::vector<Problem>& problems) : spec_(spec), problems_(problems) {}

  /// What a muscle says of its mechanics, whose values are in their ranges.
  MuscleParameters parameters(const std::string& name, const MuscleSpec& muscle) {
    MuscleParameters unit;
    unit.max_isometric_force = isometric_force(name, muscle);
    unit.optimal_fibre_length = muscle.optimal_fibre_length;
    unit.tendon_slack_length = muscle.tendon_slack_length;
    unit.pennation = muscle.pennation;
    unit.tendon_strain = muscle.tendon_strain;
    unit.passive_strain = muscle.passive_strain;
    unit.passive_shape = muscle.passive_shape;
    unit.passive_scale = muscle.passive_scale;
    unit.max_contraction_velocity = muscle.max_contraction_velocity;
    unit.damping = muscle.damping;
    unit.minimum_activation = muscle.minimum_activation;
    unit.activation_time = muscle.activation_time;
    unit.deactivation_time = muscle.deactivation_time;
    if (muscle.activation_dynamics == "thelen") unit.activation_dynamics = ActivationDynamics::thelen;
    // A tendon that is hardly there would only make the integration stiff.
    unit.rigid_tendon = muscle.tendon == "rigid" || muscle.tendon_slack_length < 0.01 * muscle.optimal_fibre_length;
    unit.curve = psoas::compile(muscle.curve);
    return unit;
  }

  std::shared_ptr<ModelData> run() {
    data_ = std::make_shared<ModelData>();
    data_->spec = spec_;
    const std::size_t before = problems_.size();
    Check check;
    check.value(spec_, {}, {});
    problems_.insert(problems_.end(), check.problems.begin(), check.problems.end());
    if (problems_.size() > before) return nullptr;
    order_bodies();
    if (problems_.size() > before) return nullptr;
    coordinates();
    if (problems_.size() > before) return nullptr;
    root();
    muscles();
    lumbar();
    passive();
    planes();
    contacts();
    pelvic_ring();
    groups();
    domain();
    if (problems_.size() == before) charts();
    if (problems_.size() == before && spec_.paths == "fitted") compile_fitted(*data_, problems_);
    return problems_.size() > before ? nullptr : data_;
  }

 private:
  void wrong(const std::string& pointer, const std::string& text) { problems_.push_back({pointer, text}); }

  static std::string join_pointer(std::initializer_list<std::string_view> keys) {
    std::string pointer;
    for (const std::string_view key : keys) pointer = below(pointer, key);
    return pointer;
  }

  int body(const std::string& name, const std::string& pointer) {
    if (name == "ground") return 0;
    const auto found = body_index_.find(name);
    if (found != body_index_.end()) return found->second;
    wrong(pointer, "expected a body or ground, found \"" + name + "\"" + did_you_mean(name, names_of(spec_.bodies)));
    return 0;
  }

  /// Depth-first order of the bodies along the joints, each body carried by exactly one joint.
  void order_bodies() {
    const std::size_t before = problems_.size();
    const std::vector<std::string> names = names_of(spec_.bodies);
    if (spec_.bodies.find("ground")) wrong("/bodies/ground", "expected no body of this name: ground is given");
    std::map<std::string, std::vector<int>> children;
    std::map<std::string, int> carrier;
    for (std::size_t j = 0; j < spec_.joints.size(); ++j) {
      const auto& [name, joint] = *(spec_.joints.begin() + static_cast<std::ptrdiff_t>(j));
      for (const auto& [key, end] : {std::pair{"parent", joint.parent}, std::pair{"child", joint.child}})
        if (!(end == "ground" && std::string_view(key) == "parent") && !spec_.bodies.find(end))
          wrong(join_pointer({"joints", name, key}),
                "expected a body, found \"" + end + "\"" + did_you_mean(end, names));
      if (const auto [first, fresh] = carrier.emplace(joint.child, static_cast<int>(j)); !fresh)
        wrong(join_pointer({"joints", name, "child"}), "expected each body to be the child of one joint, found \"" +
                                                           joint.child + "\" also in joint \"" +
                                                           (spec_.joints.begin() + first->second)->first + "\"");
      else
        children[joint.parent].push_back(static_cast<int>(j));
    }
    for (const auto& [name, item] : spec_.bodies)
      if (!carrier.count(name))
        wrong(join_pointer({"bodies", name}), "expected a joint with this body as its child, found none");
    if (problems_.size() > before) return;

    Tree& tree = data_->tree;
    tree.bodies.push_back({});
    tree.bodies[0].subtree_end = 1;
    data_->body_names = {"ground"};
    body_index_["ground"] = 0;
    // an explicit stack: a chain of bodies may be long
    std::vector<int> stack(children["ground"].rbegin(), children["ground"].rend());
    while (!stack.empty()) {
      const int j = stack.back();
      stack.pop_back();
      const auto& [name, joint] = *(spec_.joints.begin() + j);
      const BodySpec& item = *spec_.bodies.find(joint.child);
      TreeBody body;
      body.parent = body_index_[joint.parent];
      body.X_PF = frame_pose(joint.parent_frame.translation, joint.parent_frame.orientation);
      body.X_MB = frame_pose(joint.child_frame.translation, joint.child_frame.orientation).inverse();
      body.mass = item.mass;
      body.mass_center = item.mass_center;
      const auto& i = item.inertia;
      body.inertia << i[0], i[3], i[4], i[3], i[1], i[5], i[4], i[5], i[2];
      data_->mass += item.mass;
      const int index = static_cast<int>(tree.bodies.size());
      body_index_[joint.child] = index;
      joint_body_[name] = index;
      joint_of_body_.push_back(j);
      data_->body_names.push_back(joint.child);
      tree.bodies.push_back(body);
      const std::vector<int>& next = children[joint.child];
      stack.insert(stack.end(), next.rbegin(), next.rend());
    }
    for (const auto& [name, item] : spec_.bodies)
      if (!body_index_.count(name)) {
        std::string chain = name, up = (spec_.joints.begin() + carrier[name])->second.parent;
        for (int step = 0; step < 8 && up != name && up != "ground"; ++step) {
          chain += " -> " + up;
          up = (spec_.joints.begin() + carrier[up])->second.parent;
        }
        wrong(join_pointer({"bodies", name}),
              "expected a chain of joints down to ground, found the cycle " + chain + " -> " + up);
      }
    for (std::size_t b = tree.bodies.size(); b-- > 0;) {
      tree.bodies[b].subtree_end = std::max(tree.bodies[b].subtree_end, static_cast<int>(b) + 1);
      if (b > 0) {
        TreeBody& parent = tree.bodies[at(tree.bodies[b].parent)];
        parent.subtree_end = std::max(parent.subtree_end, tree.bodies[b].subtree_end);
      }
    }
  }

  /// Axes of all joints, coordinates of the tree, and how they follow from the independent ones.
  void coordinates() {
    Tree& tree = data_->tree;
    const std::vector<std::string> names = names_of(spec_.coordinates);
    std::map<std::string, int> in_tree;
    for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
      const auto& [joint_name, joint] = *(spec_.joints.begin() + joint_of_body_[b - 1]);
      TreeBody& body = tree.bodies[b];
      body.first_axis = static_cast<int>(tree.axes.size());
      body.first_coordinate = tree.coordinates();
      const std::string pointer = join_pointer({"joints", joint_name, "motion"});
      const std::vector<JointAxis> axes = std::visit([](const auto& kind) { return kind.axes(); }, joint.motion);
      for (const JointAxis& item : axes) {
        TreeAxis axis;
        axis.rotation = item.rotation;
        axis.vector = item.vector;
        axis.direction = item.spec.axis.normalized();
        axis.function = psoas::compile(item.spec.function);
        if (item.spec.coordinate) {
          const std::string& name = *item.spec.coordinate;
          if (!spec_.coordinates.find(name)) {
            wrong(pointer, "expected a coordinate of the model, found \"" + name + "\"" + did_you_mean(name, names));
            continue;
          }
          const auto [place, fresh] = in_tree.emplace(name, tree.coordinates());
          if (fresh) {
            tree.coordinate_body.push_back(static_cast<int>(b));
            data_->tree_coordinate_names.push_back(name);
          } else if (tree.coordinate_body[at(place->second)] != static_cast<int>(b)) {
            wrong(pointer, "expected a coordinate that no other joint uses, found \"" + name +
                               "\"; give this joint its own coordinate and couple it");
          }
          axis.coordinate = place->second;
        }
        tree.axes.push_back(std::move(axis));
      }
      body.last_axis = static_cast<int>(tree.axes.size());
      body.last_coordinate = tree.coordinates();
      if (body.last_coordinate - body.first_coordinate > 6)
        wrong(pointer, "expected at most six coordinates in one joint");
    }

    std::map<std::string, int> independent;
    for (const auto& [name, item] : spec_.coordinates)
      if (!item.coupled_to) {
        independent[name] = static_cast<int>(data_->coordinate_names.size());
        data_->coordinate_names.push_back(name);
        data_->default_coordinates.push_back(item.value);
        data_->is_rotation.push_back(item.motion == "rotation");
        const auto found = in_tree.find(name);
        data_->tree_coordinate.push_back(found == in_tree.end() ? -1 : found->second);
      }
    std::vector<bool> is_source(independent.size(), false);
    data_->couplings.resize(at(tree.coordinates()));
    data_->tree_is_rotation.resize(at(tree.coordinates()));
    for (const auto& [name, item] : spec_.coordinates) {
      const auto used = in_tree.find(name);
      if (used != in_tree.end()) data_->tree_is_rotation[at(used->second)] = item.motion == "rotation";
      if (!item.coupled_to) {
        if (used != in_tree.end()) {
          data_->couplings[at(used->second)] = {independent[name], true, PiecewisePolynomial::identity()};
          is_source[at(independent[name])] = true;
        }
        continue;
      }
      const std::string pointer = join_pointer({"coordinates", name, "coupled_to", "coordinate"});
      const std::string& source = item.coupled_to->coordinate;
      const auto found = independent.find(source);
      if (found == independent.end()) {
        const CoordinateSpec* other = spec_.coordinates.find(source);
        wrong(pointer, other ? "expected an independent coordinate, found \"" + source + "\", which is coupled itself" +
                                   (source == name || other->coupled_to->coordinate == name ? " (a cycle)" : "")
                             : "expected a coordinate, found \"" + source + "\"" + did_you_mean(source, names));
        continue;
      }
      if (used == in_tree.end()) {
        wrong(join_pointer({"coordinates", name}), "expected a joint that uses this coupled coordinate, found none");
        continue;
      }
      is_source[at(found->second)] = true;
      data_->couplings[at(used->second)] = {found->second, false, psoas::compile(item.coupled_to->function)};
    }
    for (const auto& [name, index] : independent)
      if (!is_source[at(index)])
        wrong(join_pointer({"coordinates", name}),
              "expected a joint that uses this coordinate or a coordinate coupled to it, found none");
  }

  /// Six independent coordinates between ground and one body: the equations that only the environment can carry.
  void root() {
    const Tree& tree = data_->tree;
    for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
      const TreeBody& body = tree.bodies[b];
      if (body.parent != 0 || body.last_coordinate - body.first_coordinate != 6) continue;
      std::array<int, 6> indices{};
      bool free = true;
      for (int c = 0; c < 6; ++c) {
        const Coupling& coupling = data_->couplings[at(body.first_coordinate + c)];
        free = free && coupling.identity;
        indices[at(c)] = coupling.source;
      }
      if (free && data_->root[0] < 0) data_->root = indices;
    }
  }

  /// The side of a wrap; complains where its surface has none such.
  Side side_of(const WrapSpec& item, const Surface& shape, const std::string& place) {
    static constexpr std::array<std::string_view, 3> rules = {"shortest", "clockwise", "counter_clockwise"};
    static constexpr std::array<std::string_view, 6> half_axes = {"+x", "-x", "+y", "-y", "+z", "-z"};
    const std::string_view word = item.side ? std::string_view(*item.side) : rules[0];
    Side side;
    if (const auto rule = std::find(rules.begin(), rules.end(), word); rule != rules.end()) {
      side = static_cast<Side::Rule>(rule - rules.begin());
    } else if (const auto axis = std::find(half_axes.begin(), half_axes.end(), word); axis != half_axes.end()) {
      const auto index = axis - half_axes.begin();
      side = Side::toward(Vec3::Unit(index / 2) * (index % 2 == 0 ? 1.0 : -1.0));
    } else {
      wrong(place + "/side", "expected one of " + join({rules.begin(), rules.end()}, ", ") + ", " +
                                 join({half_axes.begin(), half_axes.end()}, ", ") + ", found \"" + std::string(word) +
                                 "\"");
    }
    if (item.toward) side = Side::toward(item.toward->normalized());
    const std::string at = place + (item.toward ? "/toward" : "/side");
    const std::string found = item.toward ? "a direction" : "\"" + std::string(word) + "\"";
    if (side.rule != Side::shortest && std::holds_alternative<Torus>(shape))
      wrong(at, "expected no side: a path goes through a torus, found " + found);
    if (side.rule == Side::directed && std::holds_alternative<Cylinder>(shape) &&
        side.direction.head<2>().norm() < 1e-6)
      wrong(at,
            "expected a direction across the axis of the cylinder, found " + (item.toward ? "one along it" : found));
    return side;
  }

  void muscles() {
    const Tree& tree = data_->tree;
    for (const auto& [name, surface] : spec_.surfaces) body(surface.body, join_pointer({"surfaces", name, "body"}));
    data_->wrench_start = {0};
    data_->drive_start = {0};
    data_->arm_start = {0};
    for (const auto& [name, muscle] : spec_.muscles) {
      Path path = compile_path(name, join_pointer({"muscles", name}), muscle.path, muscle.wraps);

      const MuscleParameters unit = parameters(name, muscle);

      append_arm_slots(tree, path, data_->arm_slots);
      data_->arm_start.push_back(static_cast<int>(data_->arm_slots.size()));
      data_->wrench_start.push_back(data_->wrench_start.back() + static_cast<int>(path.bodies.size()));
      data_->drive_start.push_back(data_->drive_start.back() + static_cast<int>(path.motions.size()));
      data_->muscle_names.push_back(name);
      data_->paths.push_back(std::move(path));
      data_->units.push_back(unit);
    }
    data_->batch = MuscleBatch(data_->units);
  }

  /// The path of a muscle or ligament: its name, its JSON pointer, and what it says.
  Path compile_path(const std::string& name, const std::string& pointer, const std::vector<PointSpec>& points,
                    const std::vector<WrapSpec>& wraps) {
    Path path;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const PointSpec& item = points[i];
      const std::string place = pointer + "/path/" + std::to_string(i);
      PathPoint point{body(item.body, place + "/body"), item.location};
      for (std::size_t k = 0; k < item.moving.size(); ++k) {
        const AxisSpec& axis = item.moving[k];
        const PiecewisePolynomial function = psoas::compile(axis.function);
        if (!axis.coordinate) {  // a constant
          point.location += axis.axis.normalized() * function.jet(0.0).value;
          continue;
        }
        const int driver = of_tree(*axis.coordinate, place + "/moving/" + std::to_string(k) + "/coordinate");
        path.motions.push_back({static_cast<int>(i), axis.axis.normalized(), driver, function});
      }
      if (item.only_when) {
        point.coordinate = of_tree(item.only_when->coordinate, place + "/only_when/coordinate");
        point.low = item.only_when->range[0];
        point.high = item.only_when->range[1];
      }
      path.points.push_back(point);
    }
    for (std::size_t i = 0; i < wraps.size(); ++i) {
      const WrapSpec& item = wraps[i];
      const std::string place = pointer + "/wraps/" + std::to_string(i);
      const SurfaceSpec* surface = spec_.surfaces.find(item.surface);
      if (!surface) {
        wrong(place + "/surface", "expected a surface, found \"" + item.surface + "\"" +
                                      did_you_mean(item.surface, names_of(spec_.surfaces)));
        continue;
      }
      const int count = static_cast<int>(points.size());
      const auto carrier = body_index_.find(surface->body);  // the surface itself has complained where there is none
      PathWrap wrap{carrier == body_index_.end() ? 0 : carrier->second,
                    frame_pose(surface->translation, surface->orientation), surface->shape};
      wrap.last = count - 1;
      if (item.between) {
        wrap.first = static_cast<int>((*item.between)[0]);
        wrap.last = static_cast<int>((*item.between)[1]);
        if (wrap.first != (*item.between)[0] || wrap.last != (*item.between)[1] || wrap.first < 0 ||
            wrap.last <= wrap.first || wrap.last >= count) {
          wrong(place + "/between",
                "expected two point indices, the first below the second, from 0 to " + std::to_string(count - 1));
          continue;
        }
      }
      wrap.side = side_of(item, wrap.shape, place);
      if (!item.allow_inside)
        for (const PointInside& found : points_inside(points, item, *surface))
          wrong(place, "expected a surface that holds no point of its muscle, found point " +
                           std::to_string(found.point) + " of " + name + " " + fixed_text(1e3 * found.depth, 3) +
                           " mm inside " + item.surface + "; move it out, or say \"allow_inside\": true");
      path.wraps.push_back(wrap);
    }
    try {
      path.finish();
    } catch (const Error& error) {
      wrong(pointer + "/path", error.what());
    }
    return path;
  }

  /// Index of a coordinate of the tree; 0 after a complaint.
  int of_tree(const std::string& name, const std::string& place) {
    const auto& names = data_->tree_coordinate_names;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<int>(found - names.begin());
    wrong(place, "expected a coordinate that a joint uses, found \"" + name + "\"" + did_you_mean(name, names));
    return 0;
  }

  double isometric_force(const std::string& name, const MuscleSpec& muscle) {
    if (muscle.max_isometric_force) return *muscle.max_isometric_force;
    const double* tension = spec_.specific_tension.find(muscle.region);
    if (!tension) {
      wrong(join_pointer({"muscles", name, "region"}),
            "expected a region of specific_tension, found \"" + muscle.region + "\"" +
                did_you_mean(muscle.region, names_of(spec_.specific_tension)));
      return 0.0;
    }
    return *tension * muscle.physiological_cross_section_area.value_or(0.0);
  }

  /// The coordinates of a joint's three rotations, or a problem.
  std::array<int, 3> rotations(const std::string& joint, const std::string& pointer) {
    std::array<int, 3> out{-1, -1, -1};
    const auto found = joint_body_.find(joint);
    if (found == joint_body_.end()) {
      wrong(pointer, "expected a joint, found \"" + joint + "\"" + did_you_mean(joint, names_of(spec_.joints)));
      return out;
    }
    const Tree& tree = data_->tree;
    const TreeBody& item = tree.bodies[at(found->second)];
    std::size_t n = 0;
    for (int i = item.first_axis; i < item.last_axis; ++i)
      if (const TreeAxis& axis = tree.axes[at(i)];
          axis.rotation && axis.coordinate >= 0 && n < 3 && std::count(out.begin(), out.end(), axis.coordinate) == 0)
        out[n++] = axis.coordinate;
    if (n != 3) wrong(pointer, "expected a joint with three rotations by coordinates, found \"" + joint + "\"");
    return out;
  }

  void lumbar() {
    if (!spec_.lumbar) return;
    const LumbarSpec& lumbar = *spec_.lumbar;
    const std::array<std::pair<const char*, const std::string*>, 3> trunk{
        {{"extension", &lumbar.extension}, {"bending", &lumbar.bending}, {"rotation", &lumbar.rotation}}};
    for (std::size_t i = 0; i < 3 && !lumbar.free(); ++i) {
      const auto& names = data_->coordinate_names;
      const auto found = std::find(names.begin(), names.end(), *trunk[i].second);
      if (found == names.end())
        wrong(join_pointer({"lumbar", trunk[i].first}), "expected an independent coordinate, found \"" +
                                                            *trunk[i].second + "\"" +
                                                            did_you_mean(*trunk[i].second, names));
      data_->trunk[i] = static_cast<int>(found - names.begin());
    }
    int below_body = -1;
    for (const auto& [name, item] : lumbar.levels) {
      const std::string pointer = join_pointer({"lumbar", "levels", name});
      Level level;
      level.name = name;
      level.coordinates = rotations(item.joint, pointer + "/joint");
      level.endplate_angle = degrees(item.endplate_angle_deg);
      if (level.coordinates[2] >= 0) {
        level.superior = joint_body_[item.joint];
        level.inferior = data_->tree.bodies[at(level.superior)].parent;
        if (below_body >= 0 && level.inferior != below_body)
          wrong(pointer, "expected the levels from the lowest to the highest without a gap");
        below_body = level.superior;
        for (std::size_t i = 0; i < 3; ++i) {
          const Coupling& coupling = data_->couplings[at(level.coordinates[i])];
          const std::string& own = data_->tree_coordinate_names[at(level.coordinates[i])];
          if (lumbar.free() ? !coupling.identity : coupling.source != data_->trunk[i])
            wrong(pointer, lumbar.free() ? "expected \"" + own + "\" to be independent, since no rhythm is given"
                                         : "expected \"" + own + "\" to be coupled to \"" + *trunk[i].second + "\"");
        }
      }
      data_->levels.push_back(level);
    }
  }

  void passive() {
    int element = 0;
    for (const auto& [name, item] : spec_.passive) {
      const std::string pointer = join_pointer({"passive", name});
      std::visit([&, &n = name](const auto& kind) { passive(n, below(pointer, kind.name), element, kind); }, item);
      ++element;
    }
  }

  void passive(const std::string&, const std::string& pointer, int element, const ExponentialTorque& exponential) {
    PassiveTorque torque;
    torque.element = element;
    torque.coordinate = of_tree(exponential.coordinate, pointer + "/coordinate");
    torque.law = PassiveTorque::Law::exponential;
    torque.reference = exponential.reference;
    torque.torque = exponential.torque;
    torque.rate = exponential.rate;
    data_->passive.push_back(torque);
  }

  void passive(const std::string&, const std::string& pointer, int element, const Bushing& bushing) {
    const std::array<int, 3> coordinates = rotations(bushing.joint, pointer + "/joint");
    for (int i = 0; i < 3; ++i) {
      PassiveTorque torque;
      torque.element = element;
      torque.coordinate = coordinates[at(i)];
      torque.stiffness = bushing.stiffness[i];
      torque.damping = bushing.damping[i];
      torque.reference = bushing.neutral[i];
      if (!bushing.moments.empty()) {
        torque.moment = psoas::compile(bushing.moments[at(i)]);
        torque.energy = torque.moment.antiderivative(0.0);
      }
      data_->passive.push_back(torque);
    }
  }

  void passive(const std::string&, const std::string& pointer, int element, const CoordinateLimit& limit) {
    PassiveTorque torque;
    torque.element = element;
    torque.coordinate = of_tree(limit.coordinate, pointer + "/coordinate");
    torque.law = PassiveTorque::Law::limit;
    torque.limit = {limit.lower,           limit.upper,   limit.lower_stiffness,
                    limit.upper_stiffness, limit.damping, limit.transition};
    data_->passive.push_back(torque);
  }

  void passive(const std::string&, const std::string& pointer, int element, const FrameBushing& item) {
    CompiledBushing bushing;
    bushing.element = element;
    bushing.first = body(item.first, pointer + "/first");
    bushing.second = body(item.second, pointer + "/second");
    if (item.first == item.second)
      wrong(pointer + "/second", "expected another body than the first, found \"" + item.second + "\"");
    bushing.X_AF = frame_pose(item.first_frame.translation, item.first_frame.orientation);
    bushing.X_BM = frame_pose(item.second_frame.translation, item.second_frame.orientation);
    for (Eigen::Index r = 0; r < 6 && !item.matrix.empty(); ++r)
      for (Eigen::Index c = 0; c < 6; ++c)  // both halves, as a file may round them apart
        bushing.stiffness(r, c) =
            0.5 * (item.matrix[static_cast<std::size_t>(6 * r + c)] + item.matrix[static_cast<std::size_t>(6 * c + r)]);
    bushing.stiffness.diagonal().head<3>() += item.rotation_stiffness;
    bushing.stiffness.diagonal().tail<3>() += item.translation_stiffness;
    bushing.damping << item.rotation_damping, item.translation_damping;
    for (const Function& moment : item.moments) {
      bushing.moment.push_back(psoas::compile(moment));
      bushing.energy.push_back(bushing.moment.back().antiderivative(0.0));
    }
    data_->bushings.push_back(std::move(bushing));
  }

  void passive(const std::string& name, const std::string& pointer, int element, const Ligament& item) {
    CompiledLigament ligament;
    ligament.element = element;
    ligament.path = compile_path(name, pointer, item.path, item.wraps);
    ligament.law = {item.slack_length, item.stiffness, item.transition_strain, item.damping};
    if (!data_->ligaments.empty()) {
      const CompiledLigament& before = data_->ligaments.back();
      ligament.wrench_start = before.wrench_start + static_cast<int>(before.path.bodies.size());
      ligament.drive_start = before.drive_start + static_cast<int>(before.path.motions.size());
    }
    data_->ligaments.push_back(std::move(ligament));
    data_->ligament_names.push_back(name);
  }

  void planes() {
    for (const auto& [name, item] : spec_.planes) {
      ContactPlane plane;
      plane.body = body(item.body, join_pointer({"planes", name, "body"}));
      plane.normal = item.normal.normalized();
      plane.point = item.height * plane.normal;
      if (item.edge) {
        const Vec3 toward = item.edge->toward.normalized();
        plane.edge = (toward - toward.dot(plane.normal) * plane.normal).normalized();
        plane.distance = item.edge->distance;
        plane.width = item.edge->width;
      }
      data_->planes.push_back(plane);
      data_->plane_names.push_back(name);
    }
    for (const auto& [name, item] : spec_.spheres) {
      const std::string pointer = join_pointer({"spheres", name});
      ContactSphere sphere;
      sphere.body = body(item.body, pointer + "/body");
      if (item.body == "ground") wrong(pointer + "/body", "expected a body that moves, found \"ground\"");
      sphere.location = item.location;
      sphere.radius = item.radius;
      sphere.law = {item.stiffness,        item.dissipation,      item.static_friction,
                    item.dynamic_friction, item.viscous_friction, item.transition_speed};
      for (std::size_t k = 0; k < item.planes.size(); ++k) {
        const int plane = spec_.planes.index(item.planes[k]);
        if (plane < 0)
          wrong(pointer + "/planes/" + std::to_string(k), "expected a plane, found \"" + item.planes[k] + "\"" +
                                                              did_you_mean(item.planes[k], data_->plane_names));
        else if (std::find(sphere.planes.begin(), sphere.planes.end(), plane) != sphere.planes.end())
          wrong(pointer + "/planes/" + std::to_string(k),
                "expected each plane once, found a second \"" + item.planes[k] + "\"");
        else
          sphere.planes.push_back(plane);
      }
      // a plane cannot push its own body
      for (std::size_t p = 0; p < data_->planes.size() && item.planes.empty(); ++p)
        if (data_->planes[p].body != sphere.body) sphere.planes.push_back(static_cast<int>(p));
      for (const int plane : sphere.planes)
        if (data_->planes[at(plane)].body == sphere.body)
          wrong(pointer + "/planes", "expected planes of other bodies than \"" + item.body + "\", found \"" +
                                         data_->plane_names[at(plane)] + "\"");
      data_->spheres.push_back(std::move(sphere));
      data_->sphere_names.push_back(name);
    }
  }

  void contacts() {
    for (const auto& [name, item] : spec_.contacts)
      data_->contacts.push_back({body(item.body, join_pointer({"contacts", name, "body"})), item.location, item.cap,
                                 item.friction, item.support == "seat", item.normal.normalized()});
    for (const auto& [side, joint] : spec_.hips) {
      const auto found = joint_body_.find(joint);
      if (found == joint_body_.end())
        wrong(join_pointer({"hips", side}),
              "expected a joint, found \"" + joint + "\"" + did_you_mean(joint, names_of(spec_.joints)));
      else
        data_->hips.emplace_back(side, found->second);
    }
  }

  /// Names alone: solve/pelvic_ring.hpp makes the rest of it.
  void pelvic_ring() {
    if (!spec_.pelvic_ring) return;
    const PelvicRingSpec& ring = *spec_.pelvic_ring;
    const int pelvis = body(ring.body, "/pelvic_ring/body");
    if (ring.body == "ground" || data_->tree.bodies[at(pelvis)].parent != 0)
      wrong("/pelvic_ring/body", "expected a body that a joint carries on ground, found \"" + ring.body + "\"");
    std::vector<char> sacral(data_->muscle_names.size(), 0);
    for (std::size_t i = 0; i < ring.sacral_muscles.size(); ++i) {
      const std::vector<std::string> selected = select_muscles(spec_, ring.sacral_muscles[i]);
      // a pattern may match none, as in the same body without some of its muscles
      if (selected.empty() && ring.sacral_muscles[i].find_first_of("*?:") == std::string::npos)
        wrong("/pelvic_ring/sacral_muscles/" + std::to_string(i),
              "expected a muscle, glob or group, found \"" + ring.sacral_muscles[i] + "\"" +
                  did_you_mean(ring.sacral_muscles[i], data_->muscle_names));
      for (const std::string& name : selected) sacral[at(spec_.muscles.index(name))] = 1;
    }
    // what is on the middle plane pulls on no side
    std::size_t m = 0;
    for (const auto& [name, muscle] : spec_.muscles) {
      if (!sacral[m++])
        for (const PointSpec& point : muscle.path)
          if (point.body == ring.body && point.location.z() == 0.0) {
            wrong(join_pointer({"muscles", name}),
                  "expected a muscle on one side of \"" + ring.body + "\", or among /pelvic_ring/sacral_muscles");
            break;
          }
    }
  }

  void groups() {
    const auto& names = data_->muscle_names;
    for (const auto& [name, patterns] : spec_.groups)
      for (std::size_t i = 0; i < patterns.size(); ++i) {
        const std::string& pattern = patterns[i];
        if (std::none_of(names.begin(), names.end(),
                         [&](const std::string& muscle) { return glob_match(pattern, muscle); }))
          wrong(join_pointer({"groups", name}) + "/" + std::to_string(i),
                "expected a pattern that matches a muscle, found \"" + pattern + "\"" + did_you_mean(pattern, names));
      }
  }

  void domain() {
    for (std::size_t i = 0; i < spec_.domain.size(); ++i) {
      const std::string pointer = join_pointer({"domain"}) + "/" + std::to_string(i);
      OutsideDomain item;
      for (std::size_t k = 0; k < spec_.domain[i].muscles.size(); ++k) {
        const std::string& selection = spec_.domain[i].muscles[k];
        const std::vector<std::string> selected = select_muscles(spec_, selection);
        if (selected.empty())
          wrong(pointer + "/muscles/" + std::to_string(k), "expected a muscle, glob or group, found \"" + selection +
                                                               "\"" + did_you_mean(selection, data_->muscle_names));
        for (const std::string& name : selected) item.muscles.push_back(spec_.muscles.index(name));
      }
      for (const auto& [name, range] : spec_.domain[i].outside) {
        const auto& names = data_->coordinate_names;
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end())
          wrong(below(pointer + "/outside", name),
                "expected an independent coordinate, found \"" + name + "\"" + did_you_mean(name, names));
        else
          item.ranges.push_back({static_cast<int>(found - names.begin()), range[0], range[1]});
      }
      data_->domain.push_back(std::move(item));
    }
  }

  /// Rotation vectors of which no component means anything to anybody but their joint.
  void charts() {
    const std::vector<TreeAxis>& axes = data_->tree.axes;
    std::vector<int> uses(data_->couplings.size(), 0);  // per coordinate of the tree
    for (const TreeAxis& axis : axes)
      if (axis.coordinate >= 0) ++uses[static_cast<std::size_t>(axis.coordinate)];
    for (const PassiveTorque& torque : data_->passive) ++uses[static_cast<std::size_t>(torque.coordinate)];
    const auto see = [&](const Path& path) {
      for (const int t : path.coordinates) ++uses[static_cast<std::size_t>(t)];
    };
    for (const Path& path : data_->paths) see(path);
    for (const CompiledLigament& ligament : data_->ligaments) see(ligament.path);
    std::vector<int> followers(data_->coordinate_names.size(), 0);  // per independent coordinate
    for (const Coupling& coupling : data_->couplings) ++followers[static_cast<std::size_t>(coupling.source)];
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (!axes[i].vector) continue;
      std::array<int, 3> chart{};
      bool own = true;
      for (std::size_t k = 0; k < 3; ++k) {
        const auto t = static_cast<std::size_t>(axes[i + k].coordinate);
        chart[k] = data_->couplings[t].source;
        own = own && data_->couplings[t].identity && uses[t] == 1 && followers[static_cast<std::size_t>(chart[k])] == 1;
      }
      if (own) data_->charts.push_back(chart);
      i += 2;
    }
  }

  const ModelSpec& spec_;
  std::vector<Problem>& problems_;
  std::shared_ptr<ModelData> data_;
  std::map<std::string, int> body_index_, joint_body_;
  std::vector<int> joint_of_body_;  // per body but ground: index of its joint in the spec
};

}  // namespace

std::vector<PointInside> points_inside(const std::vector<PointSpec>& points, const WrapSpec& wrap,
                                       const SurfaceSpec& surface) {
  std::vector<PointInside> found;
  const Pose X_SB = frame_pose(surface.translation, surface.orientation).inverse();
  for (std::size_t k = 0; k < points.size(); ++k) {
    const PointSpec& point = points[k];
    const double place = static_cast<double>(k);
    if (point.body != surface.body || !point.moving.empty()) continue;
    if (wrap.between && (place < (*wrap.between)[0] || place > (*wrap.between)[1])) continue;
    const Vec3 inside = X_SB * point.location;
    Vec3 rim = inside;
    if (std::visit([&](const auto& shape) { return push_out(shape, rim); }, surface.shape))
      found.push_back({k, (rim - inside).norm()});
  }
  return found;
}

std::shared_ptr<ModelData> compile(const ModelSpec& spec, std::vector<Problem>& problems) {
  return Compiler(spec, problems).run();
}

/// Makes an entry's model that of a spec of the same structure; false where that is no model.
bool ModelMemory::take_over(const ModelSpec& spec, Entry& entry) {
  std::vector<Problem> problems;
  Check check;
  Compiler compiler(spec, problems);
  const bool tensions = entry.mechanics.part(0, entry.ends[0]) == mechanics_.part(0, ends_[0]);
  if (!tensions) check.value(spec, {}, {});
  std::vector<std::pair<std::size_t, MuscleParameters>> changed;
  for (std::size_t m = 0; m < spec.muscles.size(); ++m) {
    if (tensions && entry.mechanics.part(entry.ends[m], entry.ends[m + 1]) == mechanics_.part(ends_[m], ends_[m + 1]))
      continue;
    const auto& [name, muscle] = *(spec.muscles.begin() + static_cast<std::ptrdiff_t>(m));
    check.value(muscle, {}, {});
    if (!check.problems.empty()) return false;
    changed.emplace_back(m, compiler.parameters(name, muscle));
  }
  if (!check.problems.empty() || !problems.empty()) return false;
  for (const auto& [m, unit] : changed) {
    entry.data->units[m] = unit;
    const auto place = static_cast<std::ptrdiff_t>(m);
    (entry.data->spec.muscles.begin() + place)->second = (spec.muscles.begin() + place)->second;
  }
  entry.data->batch = MuscleBatch(entry.data->units);
  if (!tensions) entry.data->spec.specific_tension = spec.specific_tension;
  std::swap(entry.mechanics, mechanics_);
  std::swap(entry.ends, ends_);
  return true;
}

Model ModelMemory::compile(const ModelSpec& spec) {
  structure_.clear();
  mechanics_.clear();
  add_structure(spec, structure_, mechanics_, ends_);
  ++uses_;
  std::uint64_t number = 0;
  for (Entry& entry : entries_)
    if (entry.structure == structure_) {
      number = entry.structure_number;
      if (!(entry.mechanics == mechanics_)) continue;
      entry.used = uses_;
      return Model(entry.data);
    }
  for (Entry& entry : entries_) {
    if (entry.structure_number != number || entry.data.use_count() > 1) continue;
    if (!take_over(spec, entry)) break;
    entry.used = uses_;
    return Model(entry.data);
  }
  std::vector<Problem> problems;
  std::shared_ptr<ModelData> data = psoas::compile(spec, problems);
  if (!problems.empty()) return Model(spec);  // which says so
  if (entries_.size() < most) entries_.emplace_back();
  Entry& place = *std::min_element(entries_.begin(), entries_.end(),
                                   [](const Entry& a, const Entry& b) { return a.used < b.used; });
  place.data = std::move(data);
  place.structure_number = number > 0 ? number : ++structures_;
  std::swap(place.structure, structure_);
  std::swap(place.mechanics, mechanics_);
  std::swap(place.ends, ends_);
  place.used = uses_;
  return Model(place.data);
}

std::uint64_t ModelMemory::structure_of(const Model& model) const {
  for (const Entry& entry : entries_)
    if (entry.data.get() == &model.data()) return entry.structure_number;
  return 0;
}

bool ModelMemory::add_identity(const Model& model, Bytes& out) const {
  for (const Entry& entry : entries_)
    if (entry.data.get() == &model.data()) {
      out.add(entry.structure_number);
      out.add(entry.mechanics);
      return true;
    }
  return false;
}

std::string BodySpec::fault() const {
  // Physical when the second moments of mass, half the trace minus the inertia, are not negative in any direction.
  Mat3 I;
  I << inertia[0], inertia[3], inertia[4], inertia[3], inertia[1], inertia[5], inertia[4], inertia[5], inertia[2];
  const double trace = I.trace();
  if (mass == 0.0 && trace == 0.0 && I.isZero()) return "";
  if (trace == 0.0 && I.isZero()) return "";
  const auto positive = [](const Mat3& A) {
    return A(0, 0) > 0.0 && A(0, 0) * A(1, 1) - A(0, 1) * A(1, 0) > 0.0 && A.determinant() > 0.0;
  };
  const double slack = 1e-6 * std::abs(trace);
  if (!positive(I + slack * Mat3::Identity()))
    return "expected a positive definite inertia: no axis about which it is negative";
  Mat3 P = 0.5 * trace * Mat3::Identity() - I;
  P.diagonal().array() += slack;
  if (mass > 0.0 && positive(P)) return "";
  return "expected an inertia that a body of positive mass can have: no principal moment above the sum of the other "
         "two";
}

std::string FrameBushing::fault() const {
  if (matrix.size() != 0 && matrix.size() != 36)
    return "expected 36 numbers in \"matrix\", found " + std::to_string(matrix.size());
  if (const std::string wrong = Bushing::moments_fault(moments); !wrong.empty()) return wrong;
  if (matrix.empty()) return "";
  Eigen::Matrix<double, 6, 6> K;
  for (Eigen::Index i = 0; i < 36; ++i) K(i / 6, i % 6) = matrix[static_cast<std::size_t>(i)];
  // to the digits of a file, and free of units: an entry against the geometric mean of its diagonals
  const Eigen::Matrix<double, 6, 1> d = K.diagonal();
  for (Eigen::Index r = 0; r < 6; ++r)
    for (Eigen::Index c = 0; c < r; ++c) {
      const double scale = std::sqrt(std::max(d[r], 0.0) * std::max(d[c], 0.0));
      if (!(std::abs(K(r, c) - K(c, r)) <= 1e-3 * scale))
        return "expected a symmetric \"matrix\", found " + shortest_text(K(r, c)) + " and " + shortest_text(K(c, r)) +
               " in rows " + std::to_string(c) + " and " + std::to_string(r);
    }
  // elimination: no pivot of a positive semidefinite matrix is negative, and below a zero one stand zeros
  Eigen::Matrix<double, 6, 6> A = 0.5 * (K + K.transpose());
  for (Eigen::Index k = 0; k < 6; ++k) {
    const double least = 1e-6 * std::max(d[k], 0.0);
    const bool coupled = [&] {
      for (Eigen::Index r = k + 1; r < 6; ++r)
        if (std::abs(A(r, k)) > 1e-3 * std::sqrt(std::max(d[r], 0.0) * std::max(d[k], 0.0))) return true;
      return false;
    }();
    if (A(k, k) < -least || d[k] < 0.0 || (A(k, k) <= least && coupled))
      return "expected a \"matrix\" that resists every deflection, found one that helps some";
    if (A(k, k) <= least) continue;
    for (Eigen::Index r = k + 1; r < 6; ++r)
      for (Eigen::Index c = k + 1; c < 6; ++c) A(r, c) -= A(r, k) * A(k, c) / A(k, k);
  }
  return "";
}

std::string MuscleSpec::fault() const {
  if (path.size() < 2) return "expected a path of at least two points";
  if (physiological_cross_section_area.has_value() == max_isometric_force.has_value())
    return "expected either max_isometric_force or physiological_cross_section_area with a region";
  return "";
}

}  // namespace psoas
