// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/edit.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "model/compile.hpp"
#include "model/json_walk.hpp"
#include "model/multiply.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/words.hpp"
#include "psoas/model/model.hpp"

namespace psoas {
namespace {

template <class T>
std::vector<std::string> names_of(const Named<T>& items) {
  std::vector<std::string> names;
  for (const auto& [name, item] : items) names.push_back(name);
  return names;
}

template <class T>
std::vector<std::string> select(const Named<T>& items, std::string_view selection) {
  std::vector<std::string> names;
  for (const auto& [name, item] : items)
    if (glob_match(selection, name)) names.push_back(name);
  return names;
}

/// Which side a muscle is on by the end of its name.
bool on_side(std::string_view muscle, std::string_view side) {
  return side.empty() || (muscle.size() > side.size() && muscle.substr(muscle.size() - side.size()) == side);
}

/// How many numbers a field of this type is: none where it is something else.
template <class M>
constexpr std::size_t numbers_in() {
  if constexpr (std::is_same_v<M, double> || std::is_same_v<M, std::optional<double>>)
    return 1;
  else if constexpr (std::is_same_v<M, Vec3>)
    return 3;
  else if constexpr (requires(M m) {
                       std::tuple_size<M>::value;
                       { m.data() } -> std::same_as<double*>;
                     })
    return std::tuple_size_v<M>;
  else
    return 0;
}

/// Does what an edit says to the fields of one selected element, a struct with each().
template <class T>
class Editor {
 public:
  Editor(const std::string& pointer, std::vector<Problem>& problems) : pointer_(pointer), problems_(problems) {}

  void run(const Edit& edit, T& element, const std::string& name) {
    const std::size_t before = problems_.size();
    for (const auto& [field, value] : edit.set)
      change(element, name, "set", field, value, [&n = value.numbers](double, std::size_t i) { return n[i]; });
    for (const auto& [field, factor] : edit.scale)
      change(element, name, "scale", field, {}, [f = factor](double x, std::size_t) { return x * f; });
    for (const auto& [field, amounts] : edit.shift)
      change(element, name, "shift", field, {amounts, {}},
             [&a = amounts](double x, std::size_t i) { return x + a[i]; });
    if constexpr (requires { element.fault(); })
      if (problems_.size() == before)
        if (const std::string fault = element.fault(); !fault.empty())
          problems_.push_back({pointer_, fault + ", found another in \"" + name + "\" after this edit"});
  }

 private:
  template <class F>
  void change(T& element, const std::string& name, const char* verb, const std::string& field, const Value& value,
              F next) {
    bool found = false;
    std::vector<std::string> known;
    const std::string place = below(pointer_ + "/" + verb, field);
    const auto wrong = [&](const std::string& text) {
      // one complaint an edit and field: the first element that has it
      if (std::none_of(problems_.begin(), problems_.end(), [&](const Problem& p) { return p.pointer == place; }))
        problems_.push_back({place, text});
    };
    T::each(element, [&](const char* key, auto& member, const Info& info) {
      using M = std::decay_t<decltype(member)>;
      constexpr std::size_t size = numbers_in<M>();
      if constexpr (size > 0 || std::is_same_v<M, std::string>) known.emplace_back(key);
      if (field != key) return;
      found = true;
      if constexpr (std::is_same_v<M, std::string>) {
        const std::vector<std::string> words = split_words(info.choices);
        if (!value.word || (!words.empty() && std::find(words.begin(), words.end(), *value.word) == words.end()))
          return wrong("expected " + (words.empty() ? "a text" : "one of " + join(words, ", ")) + ", found " +
                       (value.word ? "\"" + *value.word + "\"" + did_you_mean(*value.word, words) : "a number"));
        member = *value.word;
      } else if constexpr (size > 0) {
        const std::string wanted = size == 1 ? "expected a number" : "expected " + std::to_string(size) + " numbers";
        if (value.word) return wrong(wanted + ", found \"" + *value.word + "\"");
        const bool one_factor = std::string_view(verb) == "scale";
        if (!one_factor && value.numbers.size() != size)
          return wrong(wanted + (info.help.empty() ? "" : " (" + std::string(info.help) + ")") + ", found " +
                       std::to_string(value.numbers.size()) + (value.numbers.size() == 1 ? " number" : " numbers"));
        M after = member;
        double* numbers = nullptr;
        if constexpr (std::is_same_v<M, double>) {
          numbers = &after;
        } else if constexpr (std::is_same_v<M, std::optional<double>>) {
          if (!member && std::string_view(verb) != "set")
            return wrong("expected a field that has a value in \"" + name + "\"");
          numbers = &after.emplace(member.value_or(0.0));
        } else {
          numbers = after.data();
        }
        for (std::size_t i = 0; i < size; ++i) {
          numbers[i] = next(numbers[i], i);
          if (!(numbers[i] >= info.low && numbers[i] <= info.high))
            return wrong(expectation(info) + ", found " + shortest_text(numbers[i]) + " for \"" + name + "\"");
        }
        member = after;
      } else {
        wrong("expected a field that is numbers or a word");
      }
    });
    if (!found) wrong("unknown field" + did_you_mean(field, known));
  }

  const std::string& pointer_;
  std::vector<Problem>& problems_;
};

}  // namespace

Edit scale(const std::string& muscles, const std::string& field, double factor) {
  Edit edit;
  edit.muscles = {muscles};
  edit.scale[field] = factor;
  return edit;
}

Edit shift(const std::string& muscles, const std::string& field, double amount) {
  Edit edit;
  edit.muscles = {muscles};
  edit.shift[field] = {amount};
  return edit;
}

Edit set(const std::string& muscles, const std::string& field, double value) {
  Edit edit;
  edit.muscles = {muscles};
  edit.set[field] = {{value}, {}};
  return edit;
}

bool is_shortening_field(std::string_view field) {
  return field == "optimal_fibre_length" || field == "tendon_slack_length" || field == "passive_strain" ||
         field == "passive_scale" || field == "minimum_activation";
}

std::vector<std::string> select_muscles(const ModelSpec& spec, std::string_view selection) {
  if (selection.substr(0, 6) != "group:") return select(spec.muscles, selection);
  std::string_view group = selection.substr(6), side;
  const std::vector<std::string>* patterns = spec.groups.find(group);
  if (!patterns && group.size() > 2 &&
      (group.substr(group.size() - 2) == "_r" || group.substr(group.size() - 2) == "_l")) {
    side = group.substr(group.size() - 2);
    patterns = spec.groups.find(group.substr(0, group.size() - 2));
  }
  std::vector<std::string> names;
  if (!patterns) return names;
  for (const auto& [name, muscle] : spec.muscles)
    if (on_side(name, side) &&
        std::any_of(patterns->begin(), patterns->end(),
                    [&, &n = name](const std::string& pattern) { return glob_match(pattern, n); }))
      names.push_back(name);
  return names;
}

void apply(const std::vector<Edit>& edits, const std::string& pointer, ModelSpec& spec,
           std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const Edit& edit = edits[i];
    const std::string here = pointer + "/" + std::to_string(i);
    const int kinds = !edit.muscles.empty() + !edit.joints.empty() + !edit.bodies.empty() + !edit.passive.empty() +
                      !edit.planes.empty() + !edit.spheres.empty();
    if (kinds != 1) {
      problems.push_back({here, "expected exactly one selection: muscles, joints, bodies, passive, planes or spheres"});
      continue;
    }
    if (edit.set.empty() && edit.scale.empty() && edit.shift.empty() && !edit.remove)
      problems.push_back({here, "expected something to do: set, scale, shift or remove"});
    if (edit.match_delta_theta_deg) {
      problems.push_back({here + "/match", "expected a study to find the matched value, found a plain edit"});
      continue;
    }
    for (const auto& [field, factor] : edit.scale)
      if (edit.set.find(field))
        problems.push_back({below(here + "/scale", field), "expected a field that the same edit does not set, too"});

    const auto each = [&](const char* key, const std::vector<std::string>& selections, auto& items, auto&& find) {
      using T = typename std::decay_t<decltype(items)>::value_type::second_type;
      std::vector<std::string> selected;
      for (std::size_t k = 0; k < selections.size(); ++k) {
        const std::vector<std::string> names = find(selections[k]);
        if (names.empty()) {
          std::vector<std::string> known = names_of(items);
          for (const auto& [group, patterns] : spec.groups)
            for (const char* side : {"", "_r", "_l"}) known.push_back("group:" + group + side);
          problems.push_back({here + "/" + key + (selections.size() > 1 ? "/" + std::to_string(k) : ""),
                              "expected a name, glob or group that matches something, found \"" + selections[k] + "\"" +
                                  did_you_mean(selections[k], known)});
        }
        for (const std::string& name : names)
          if (std::find(selected.begin(), selected.end(), name) == selected.end()) selected.push_back(name);
      }
      if (edit.remove)
        items.erase_if([&](const std::string& name, const T&) {
          return std::find(selected.begin(), selected.end(), name) != selected.end();
        });
      Editor<T> editor(here, problems);
      if (!edit.remove)
        for (const std::string& name : selected) editor.run(edit, *items.find(name), name);
    };

    if (!edit.muscles.empty()) {
      // An area turns into a force where the edit speaks of force.
      const auto of_force = [](const auto& fields) { return fields.find("max_isometric_force") != nullptr; };
      if (of_force(edit.set) || of_force(edit.scale) || of_force(edit.shift))
        for (const std::string& selection : edit.muscles)
          for (const std::string& name : select_muscles(spec, selection)) {
            MuscleSpec& muscle = *spec.muscles.find(name);
            const double* tension = spec.specific_tension.find(muscle.region);
            if (muscle.physiological_cross_section_area && tension) {
              muscle.max_isometric_force = *tension * *muscle.physiological_cross_section_area;
              muscle.physiological_cross_section_area.reset();
            }
          }
      each("muscles", edit.muscles, spec.muscles,
           [&](const std::string& selection) { return select_muscles(spec, selection); });
      // groups and domains go on without the muscles that went
      if (edit.remove) {
        for (auto& [group, patterns] : spec.groups)
          std::erase_if(patterns, [&](const std::string& pattern) { return select(spec.muscles, pattern).empty(); });
        spec.groups.erase_if(
            [](const std::string&, const std::vector<std::string>& patterns) { return patterns.empty(); });
        for (DomainSpec& item : spec.domain)
          std::erase_if(item.muscles,
                        [&](const std::string& selection) { return select_muscles(spec, selection).empty(); });
        std::erase_if(spec.domain, [](const DomainSpec& item) { return item.muscles.empty(); });
      }
    }
    if (!edit.joints.empty())
      each("joints", edit.joints, spec.joints,
           [&](const std::string& selection) { return select(spec.joints, selection); });
    if (!edit.bodies.empty())
      each("bodies", edit.bodies, spec.bodies,
           [&](const std::string& selection) { return select(spec.bodies, selection); });
    if (!edit.spheres.empty())
      each("spheres", edit.spheres, spec.spheres,
           [&](const std::string& selection) { return select(spec.spheres, selection); });
    if (!edit.planes.empty()) {
      each("planes", edit.planes, spec.planes,
           [&](const std::string& selection) { return select(spec.planes, selection); });
      // spheres go on without the planes that went, and one that touched no other goes with them
      if (edit.remove)
        spec.spheres.erase_if([&](const std::string&, SphereSpec& sphere) {
          return std::erase_if(sphere.planes, [&](const std::string& name) { return !spec.planes.find(name); }) > 0 &&
                 sphere.planes.empty();
        });
    }
    if (!edit.passive.empty()) {
      // a passive element is a kind: the fields are those of the kind that it is
      std::vector<std::string> selected;
      for (const std::string& selection : edit.passive) {
        const std::vector<std::string> names = select(spec.passive, selection);
        if (names.empty())
          problems.push_back({here + "/passive", "expected a name or glob that matches something, found \"" +
                                                     selection + "\"" +
                                                     did_you_mean(selection, names_of(spec.passive))});
        selected.insert(selected.end(), names.begin(), names.end());
      }
      for (const std::string& name : selected)
        std::visit(
            [&](auto& kind) {
              Editor<std::decay_t<decltype(kind)>> editor(here, problems);
              if (!edit.remove) editor.run(edit, kind, name);
            },
            *spec.passive.find(name));
      if (edit.remove)
        spec.passive.erase_if([&](const std::string& name, const Passive&) {
          return std::find(selected.begin(), selected.end(), name) != selected.end();
        });
    }
  }
}

ModelSpec scaled(const ModelSpec& spec, const Subject& subject, const std::string& pointer,
                 std::vector<Problem>& problems) {
  ModelSpec out = spec;
  const std::size_t before = problems.size();
  for (const auto& [name, factors] : subject.scale) {
    if (!spec.bodies.find(name))
      problems.push_back({below(pointer + "/scale", name), "expected a body of the model, found \"" + name + "\"" +
                                                               did_you_mean(name, names_of(spec.bodies))});
    for (Eigen::Index i = 0; i < 3; ++i)
      if (!(factors[i] >= 0.1 && factors[i] <= 10.0)) {
        problems.push_back(
            {below(pointer + "/scale", name), "expected factors from 0.1 to 10, found " + shortest_text(factors[i])});
        break;
      }
  }
  if (subject.mass && !(*subject.mass >= 1.0 && *subject.mass <= 500.0))
    problems.push_back(
        {pointer + "/mass", "expected a mass [kg] from 1 to 500, found " + shortest_text(*subject.mass)});
  if (problems.size() > before) return out;

  const auto factors = [&](const std::string& body) -> Vec3 {
    const Vec3* found = subject.scale.find(body);
    return found ? *found : Vec3(1, 1, 1);
  };
  // The length factor along a direction of a body.
  const auto along = [](const Vec3& f, const Vec3& direction) { return direction.normalized().cwiseProduct(f).norm(); };

  double mass = 0.0;
  for (const auto& [name, body] : spec.bodies) mass += body.mass;
  const double mass_factor = subject.mass && mass > 0.0 ? *subject.mass / mass : 1.0;
  for (auto& [name, body] : out.bodies) {
    const Vec3 f = factors(name);
    body.mass *= mass_factor;
    body.mass_center = body.mass_center.cwiseProduct(f);
    const auto i = body.inertia;
    if (f == Vec3(1, 1, 1)) {
      for (std::size_t k = 0; k < i.size(); ++k) body.inertia[k] = mass_factor * i[k];
      continue;
    }
    // second moments of mass scale with the squares of their directions: xx of inertia is yy + zz of those
    const double half = 0.5 * (i[0] + i[1] + i[2]);
    const Vec3 second((half - i[0]) * f.x() * f.x(), (half - i[1]) * f.y() * f.y(), (half - i[2]) * f.z() * f.z());
    body.inertia = {mass_factor * (second.y() + second.z()), mass_factor * (second.x() + second.z()),
                    mass_factor * (second.x() + second.y()), mass_factor * i[3] * f.x() * f.y(),
                    mass_factor * i[4] * f.x() * f.z(),      mass_factor * i[5] * f.y() * f.z()};
  }
  std::set<std::string> grown;  // couplers of coordinates
  for (auto& [name, joint] : out.joints) {
    const Vec3 parent = factors(joint.parent);
    joint.parent_frame.translation = joint.parent_frame.translation.cwiseProduct(parent);
    joint.child_frame.translation = joint.child_frame.translation.cwiseProduct(factors(joint.child));
    // Translations by functions grow with the parent's length along their axis. A coordinate that is a length does not,
    // but where it is coupled its coupler's function does (OpenSim: CoordinateCouplerConstraint::scale), in place of the
    // axis's own.
    const Mat3 R = rotation_xyz(joint.parent_frame.orientation);
    const auto coupler = [&](const std::string& coordinate, const Vec3& axis) {
      CoordinateSpec* item = out.coordinates.find(coordinate);
      if (!item || item->motion != "translation") return false;
      if (item->coupled_to && grown.insert(coordinate).second)
        multiply(item->coupled_to->function, along(parent, R * axis));
      return true;
    };
    if (auto* custom = std::get_if<Custom>(&joint.motion))
      for (AxisSpec& axis : custom->translations)
        if (!axis.coordinate || !coupler(*axis.coordinate, axis.axis))
          multiply(axis.function, along(parent, R * axis.axis));
    if (auto* ellipsoid = std::get_if<OnEllipsoid>(&joint.motion))
      for (int i = 0; i < 3; ++i) ellipsoid->radii[i] *= along(parent, R.col(i));
    if (const auto* slide = std::get_if<Slide>(&joint.motion)) coupler(slide->coordinate, slide->axis);
    if (const auto* planar = std::get_if<Planar>(&joint.motion))
      coupler(planar->x, Vec3::UnitX()), coupler(planar->y, Vec3::UnitY());
    if (const auto* free = std::get_if<Free>(&joint.motion))
      coupler(free->tx, Vec3::UnitX()), coupler(free->ty, Vec3::UnitY()), coupler(free->tz, Vec3::UnitZ());
  }
  for (auto& [name, surface] : out.surfaces) {
    const Vec3 f = factors(surface.body);
    surface.translation = surface.translation.cwiseProduct(f);
    const Mat3 R = rotation_xyz(surface.orientation);
    const double x = along(f, R.col(0)), y = along(f, R.col(1)), z = along(f, R.col(2));
    // across the axis for a cylinder or a torus, the mean of all directions for a sphere, each half-axis for an ellipsoid
    if (auto* cylinder = std::get_if<Cylinder>(&surface.shape)) {
      cylinder->radius *= std::sqrt(x * y);
      if (cylinder->length) *cylinder->length *= z;
    }
    if (auto* sphere = std::get_if<Sphere>(&surface.shape)) sphere->radius *= std::cbrt(x * y * z);
    if (auto* ellipsoid = std::get_if<Ellipsoid>(&surface.shape))
      ellipsoid->radii = ellipsoid->radii.cwiseProduct(Vec3(x, y, z));
    if (auto* torus = std::get_if<Torus>(&surface.shape)) {
      torus->radius *= std::sqrt(x * y);
      torus->tube_radius *= std::sqrt(x * y);
    }
  }
  for (auto& [name, contact] : out.contacts) contact.location = contact.location.cwiseProduct(factors(contact.body));
  if (out.pelvic_ring) {
    const Vec3 f = factors(out.pelvic_ring->body);
    for (RingJointSpec* joint : {&out.pelvic_ring->sacroiliac, &out.pelvic_ring->symphysis}) {
      joint->center = joint->center.cwiseProduct(f);
      if (joint->stiffness_center) joint->stiffness_center = joint->stiffness_center->cwiseProduct(f);
      joint->normal = joint->normal.cwiseQuotient(f).normalized();
    }
  }
  for (auto& [name, sphere] : out.spheres) {
    const Vec3 f = factors(sphere.body);
    sphere.location = sphere.location.cwiseProduct(f);
    sphere.radius *= std::cbrt(f.prod());
  }
  for (auto& [name, plane] : out.planes) {
    // n p = h of points p becomes (n / f) (f p) = h
    const Vec3 f = factors(plane.body), normal = plane.normal.normalized().cwiseQuotient(f);
    plane.normal = normal.normalized();
    plane.height /= normal.norm();
    if (plane.edge) {
      const Vec3 toward = plane.edge->toward.normalized().cwiseQuotient(f);
      plane.edge->toward = toward.normalized();
      plane.edge->distance /= toward.norm();
      plane.edge->width /= toward.norm();
    }
  }
  const auto scale_path = [&](std::vector<PointSpec>& path, std::vector<WrapSpec>& wraps) {
    for (PointSpec& point : path) {
      const Vec3 f = factors(point.body);
      point.location = point.location.cwiseProduct(f);
      for (AxisSpec& move : point.moving) {
        multiply(move.function, along(f, move.axis));
        move.axis = move.axis.cwiseProduct(f).normalized();
      }
    }
    // Uneven factors can bring a point into a surface: nobody can mend that in a file, so it is flagged where it matters.
    for (WrapSpec& wrap : wraps)
      if (const SurfaceSpec* surface = out.surfaces.find(wrap.surface))
        wrap.allow_inside = wrap.allow_inside || !points_inside(path, wrap, *surface).empty();
  };
  std::vector<Ligament*> ligaments;
  for (auto& [name, passive] : out.passive) {
    if (auto* ligament = std::get_if<Ligament>(&passive)) {
      scale_path(ligament->path, ligament->wraps);
      ligaments.push_back(ligament);
    }
    if (auto* bushing = std::get_if<FrameBushing>(&passive)) {
      Vec3 &first = bushing->first_frame.translation, &second = bushing->second_frame.translation;
      first = first.cwiseProduct(factors(bushing->first));
      second = second.cwiseProduct(factors(bushing->second));
    }
  }
  for (auto& [name, muscle] : out.muscles) {
    scale_path(muscle.path, muscle.wraps);
    const double strength = std::pow(mass_factor, 2.0 / 3.0);
    if (muscle.max_isometric_force) *muscle.max_isometric_force *= strength;
    if (muscle.physiological_cross_section_area) *muscle.physiological_cross_section_area *= strength;
  }
  if (out.muscles.empty() && ligaments.empty()) return out;

  // Fibre, tendon and slack lengths in proportion to the path's neutral length, which keeps the operating range.
  const auto lengths = [](ModelSpec one) {
    one.paths = "exact";  // fitted ones are those of one geometry
    const Model model(one);
    Workspace work(model);
    evaluate(model, model.default_state(), work, Depth::force);
    return std::pair(work.length, work.passive.ligament_length);
  };
  try {
    const auto [generic, generic_ligaments] = lengths(spec);
    const auto [personal, personal_ligaments] = lengths(out);
    for (std::size_t k = 0; k < ligaments.size(); ++k)
      if (generic_ligaments[k] > 0.0) ligaments[k]->slack_length *= personal_ligaments[k] / generic_ligaments[k];
    std::size_t i = 0;
    for (auto& [name, muscle] : out.muscles) {
      // all of its points in one place: no proportion to keep
      if (!(generic[i] > 0.0 && personal[i] > 0.0)) {
        problems.push_back(
            {pointer, "expected a path longer than 0 in the default state, found none in muscle " + in_quotes(name)});
        ++i;
        continue;
      }
      const double ratio = personal[i] / generic[i];
      muscle.optimal_fibre_length *= ratio;
      muscle.tendon_slack_length *= ratio;
      ++i;
    }
  } catch (const Error& error) {
    problems.push_back({pointer, error.what()});
  }
  return out;
}

}  // namespace psoas
