// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "study/answer.hpp"
#include "study/recording.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

constexpr double beyond = degrees(120.0);  ///< as far as contact is looked for, but for flexion
constexpr double hours_a_radian = 6.0 / pi;

/// Angles of a hip [rad].
struct HipAngles {
  double flexion = 0.0, adduction = 0.0, rotation = 0.0;
};

/// The hip of a side in a model: how its coordinates turn the femur against the pelvis.
class HipPose {
 public:
  HipPose(const Study& study, const ImpingementStudy& question, const Model& model)
      : model_(model), work_(model), q_(model.data().default_coordinates), still_(q_.size(), 0.0) {
    const ModelData& data = model.data();
    const auto hip =
        std::find_if(data.hips.begin(), data.hips.end(), [&](const auto& one) { return one.first == question.side; });
    if (hip == data.hips.end())
      throw Error(Kind::input, study.place("/side"),
                  "expected a side of which the model names the hip, found \"" + question.side + "\"");
    femur_ = hip->second;
    pelvis_ = model.tree().bodies[at(femur_)].parent;
    State state;
    state.coordinates = model.coordinates();
    state.vector = q_;
    state.vector.resize(2 * q_.size(), 0.0);
    set_coordinates(study, model, question.posture, "/posture", state);
    if (const std::string flexed = "hip_flexion_" + question.side; question.posture.find(flexed))
      throw Error(Kind::input, study.place("/posture/" + flexed),
                  "expected none: this coordinate goes through \"flexion\"");
    q_.assign(state.q().begin(), state.q().end());
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string name = "hip_" + std::string(words[i]) + "_" + question.side;
      coordinates_[i] = find_coordinate(study, model, name, "/side");
      // Ranges are looked for in steps that rest on a coordinate's turning by a radian a radian.
      const double h = 1e-4;
      HipAngles here = posture(), there = here;
      (i == 0 ? there.flexion : i == 1 ? there.adduction : there.rotation) += h;
      const Mat3 turn = R_PF(here).transpose() * R_PF(there);
      const double angle = std::asin(0.5 * (turn - turn.transpose()).norm() / std::sqrt(2.0));
      if (!(std::abs(angle - h) < 1e-6 * h))
        throw Error(
            Kind::input, study.place("/side"),
            "expected a hip whose coordinates turn the femur by as much as they change, found another for " + name);
    }
  }

  /// Angles of the study's posture.
  HipAngles posture() const { return {q_[at(coordinates_[0])], q_[at(coordinates_[1])], q_[at(coordinates_[2])]}; }
  /// Independent coordinates of the posture at these angles of the hip.
  std::vector<double> coordinates(const HipAngles& angles) const {
    std::vector<double> q = q_;
    q[at(coordinates_[0])] = angles.flexion, q[at(coordinates_[1])] = angles.adduction;
    q[at(coordinates_[2])] = angles.rotation;
    return q;
  }
  Mat3 R_PF(const HipAngles& angles) {
    couple(model_, coordinates(angles), still_, work_);
    positions<double>(model_.tree(), work_.q, work_.tree);
    return work_.tree.X_GB[at(pelvis_)].R.transpose() * work_.tree.X_GB[at(femur_)].R;
  }

  int pelvis() const { return pelvis_; }
  int femur() const { return femur_; }
  int coordinate(std::size_t i) const { return coordinates_[i]; }

 private:
  static constexpr std::string_view words[3] = {"flexion", "adduction", "rotation"};
  const Model& model_;
  Workspace work_;
  std::vector<double> q_, still_;
  int femur_ = 0, pelvis_ = 0;
  std::array<int, 3> coordinates_{0, 0, 0};
};

/// A movement of the hip to contact.
struct Movement {
  const char* label;
  HipAngles from, turn;  ///< a radian of the movement is one of `turn`
  double most;           ///< [rad]
};

/// Angle of a movement [rad] at which bones touch, with where: below 0 where they touch from the start, as far as it has to
/// go back for them to come apart; nan where they never do.
HipContact range_of(const HipBones& bones, HipPose& pose, const Movement& movement) {
  const auto turned = [&](double x) {
    return pose.R_PF({movement.from.flexion + x * movement.turn.flexion,
                      movement.from.adduction + x * movement.turn.adduction,
                      movement.from.rotation + x * movement.turn.rotation});
  };
  if (bones.clearance(turned(0.0)).distance > 0.0) return first_contact(bones, turned, 0.0, movement.most);
  return first_contact(bones, turned, 0.0, -movement.most);
}

/// The movements that the table of ranges has, about a posture.
std::vector<Movement> movements(const HipAngles& posture) {
  HipAngles neutral = posture;
  neutral.flexion = 0.0;
  HipAngles sitting = posture;
  sitting.flexion = degrees(90.0), sitting.rotation = 0.0;
  HipAngles straight = neutral;
  straight.rotation = 0.0;
  HipAngles middle = neutral;
  middle.adduction = 0.0;
  return {{"flexion", neutral, {1, 0, 0}, pi},
          {"extension", neutral, {-1, 0, 0}, beyond},
          {"abduction", middle, {0, -1, 0}, beyond},
          {"adduction", middle, {0, 1, 0}, beyond},
          {"internal rotation at 90 deg of flexion", sitting, {0, 0, 1}, beyond},
          {"external rotation at 90 deg of flexion", sitting, {0, 0, -1}, beyond},
          {"internal rotation", straight, {0, 0, 1}, beyond},
          {"external rotation", straight, {0, 0, -1}, beyond}};
}
constexpr std::size_t flexion_row = 0, sitting_row = 4;

std::vector<ResultColumn> contact_columns(const char* angle) {
  return {{angle, "deg"}, {"rim_clock_hours", "h"}, {"neck_clock_hours", "h"}, {"neck_angle_deg", "deg"}};
}

std::vector<double> contact_row(const HipContact& contact) {
  const bool none = std::isnan(contact.value);
  const auto where = [&](double value) { return none ? std::nan("") : value; };
  return {to_degrees(contact.value), where(hours_a_radian * contact.at.rim_clock),
          where(hours_a_radian * contact.at.neck_clock), where(to_degrees(contact.at.neck_angle))};
}

/// What muscles press on surfaces, in the pelvis.
struct Press {
  std::vector<Vec3> force;     ///< per surface [N]
  std::vector<double> length;  ///< per surface: of contact, weighted with the force of each string [m]
};

/// The iliopsoas on the surfaces in front of the hip.
class FrontOfHip {
 public:
  FrontOfHip(const Study& study, const ImpingementStudy& question, const Model& model, int pelvis)
      : model_(model), spec_(*question.iliopsoas), work_(model), still_(at(model.coordinates()), 0.0), pelvis_(pelvis) {
    const auto select = [&](const std::string& selection, const std::string& pointer) {
      try {
        for (const int m : model.select(selection))
          if (std::find(muscles_.begin(), muscles_.end(), m) == muscles_.end()) muscles_.push_back(m);
      } catch (const Error& error) {
        throw Error(Kind::input, study.place(pointer), error.what());
      }
    };
    for (std::size_t i = 0; i < spec_.muscles.size(); ++i)
      select(spec_.muscles[i], "/iliopsoas/muscles/" + std::to_string(i));
    if (spec_.muscles.empty()) select("group:iliopsoas_" + question.side, "/iliopsoas");
    std::sort(muscles_.begin(), muscles_.end());

    // Surfaces of their paths, by name, and which of them are asked for.
    for (const int m : muscles_)
      for (const WrapSpec& wrap : (model.spec().muscles.begin() + m)->second.wraps)
        if (std::find(all_.begin(), all_.end(), wrap.surface) == all_.end()) all_.push_back(wrap.surface);
    std::vector<bool> wanted(all_.size(), spec_.surfaces.empty());
    for (std::size_t i = 0; i < spec_.surfaces.size(); ++i) {
      bool any = false;
      for (std::size_t s = 0; s < all_.size(); ++s)
        if (glob_match(spec_.surfaces[i], all_[s])) wanted[s] = any = true;
      if (!any)
        throw Error(Kind::input, study.place("/iliopsoas/surfaces/" + std::to_string(i)),
                    "expected a surface of the paths of these muscles (" + join(all_, ", ") + "), found \"" +
                        spec_.surfaces[i] + "\"" + did_you_mean(spec_.surfaces[i], all_));
    }
    for (std::size_t s = 0; s < all_.size(); ++s)
      if (wanted[s]) surfaces_.push_back(all_[s]);
    if (surfaces_.empty())
      throw Error(Kind::input, study.place("/iliopsoas"), "expected muscles whose paths touch surfaces, found none");
    std::vector<MuscleParameters> units;
    for (const int m : muscles_) units.push_back(model.data().units[at(m)]);
    batch_ = MuscleBatch(units);
    fibre_ = BatchFibres(units.size());
    force_ = BatchForces(units.size());
  }

  const std::vector<std::string>& surfaces() const { return surfaces_; }
  const std::vector<int>& muscles() const { return muscles_; }

  /// At coordinates q [rad, m], the muscles held still.
  Press press(std::span<const double> q, PostureWatch& watch) {
    evaluate(model_, q, still_, work_, muscles_);
    std::vector<double> lengths;
    for (const int m : muscles_) lengths.push_back(work_.length[at(m)]);
    batch_.rigid(lengths, std::vector<double>(lengths.size(), 0.0), fibre_, force_);
    std::vector<unsigned char> outside(at(model_.muscles()), 0);
    for (std::size_t k = 0; k < muscles_.size(); ++k) outside[at(muscles_[k])] = fibre_.outside_domain[k];
    watch.see(q, work_.inside, outside, muscles_);

    Press out{std::vector<Vec3>(surfaces_.size(), Vec3::Zero()), std::vector<double>(surfaces_.size(), 0.0)};
    std::vector<double> weight(surfaces_.size(), 0.0);
    const Mat3 R_PG = work_.tree.X_GB[at(pelvis_)].R.transpose();
    for (std::size_t k = 0; k < muscles_.size(); ++k) {
      const double tension = spec_.activation * force_.active[k] + force_.passive[k];
      const Path& path = model_.data().paths[at(muscles_[k])];
      const std::vector<WrapSpec>& wraps = (model_.spec().muscles.begin() + muscles_[k])->second.wraps;
      trace_path(path, work_.tree.X_GB, work_.q, trace_step, trace_);
      for (std::size_t i = 1; i + 1 < trace_.size(); ++i) {
        const int wrap = trace_[i].wrap;
        if (wrap < 0) continue;
        std::size_t last = i;
        double length = 0.0;
        for (; trace_[last + 1].wrap == wrap; ++last) length += (trace_[last + 1].place - trace_[last].place).norm();
        const auto found = std::find(surfaces_.begin(), surfaces_.end(), wraps[at(wrap)].surface);
        if (found != surfaces_.end()) {
          // The string lies on the surface between two straight pieces that pull at its ends.
          const Vec3 before = (trace_[i].place - trace_[i - 1].place).normalized(),
                     after = (trace_[last + 1].place - trace_[last].place).normalized();
          const Vec3 force = tension * (R_PG * (after - before));
          const auto s = static_cast<std::size_t>(found - surfaces_.begin());
          out.force[s] += force;
          out.length[s] += force.norm() * length;
          weight[s] += force.norm();
        }
        i = last;
      }
    }
    for (std::size_t s = 0; s < surfaces_.size(); ++s)
      if (weight[s] > 0.0) out.length[s] /= weight[s];
    return out;
  }

 private:
  static constexpr double trace_step = 2e-4;  // [m]
  const Model& model_;
  const IliopsoasContact& spec_;
  Workspace work_;
  std::vector<double> still_;
  int pelvis_;
  std::vector<int> muscles_;
  std::vector<std::string> all_, surfaces_;
  MuscleBatch batch_;
  BatchFibres fibre_;
  BatchForces force_;
  std::vector<TracePoint> trace_;
};

/// Angles of the hip over a recorded motion.
std::vector<HipAngles> recorded(const Study& study, const ImpingementStudy& question, const Model& model,
                                const HipPose& pose, std::vector<double>& time) {
  Table table = *study.tables.find(question.recording->coordinates);
  takes_own_coordinates(table);
  std::vector<char> needless(at(model.coordinates()), 1);
  for (std::size_t i = 0; i < 3; ++i) needless[at(pose.coordinate(i))] = 0;
  const Recording recording = read_recording(study, model, std::move(table), {}, "/recording", false, needless);
  time = recording.time;
  std::vector<HipAngles> out(time.size());
  for (std::size_t i = 0; i < time.size(); ++i)
    out[i] = {recording.columns[at(pose.coordinate(0))][i], recording.columns[at(pose.coordinate(1))][i],
              recording.columns[at(pose.coordinate(2))][i]};
  return out;
}

/// What the bones of all shapes do in a model: series, scalars and tables.
Block bony_part(const Study& study, const ImpingementStudy& question, const Model& model, HipPose& pose,
                const Named<HipShape>& shapes, const std::vector<HipBones>& bones, bool brief,
                const std::function<void(const std::string&)>& progress) {
  Block block;
  const HipAngles posture = pose.posture();
  const std::vector<double> flexions = question.flexion.angles_deg(), rotations = question.rotation.angles_deg();
  std::vector<double> time;
  std::vector<HipAngles> motion;
  ResultTable over_time;
  if (question.recording) {
    motion = recorded(study, question, model, pose, time);
    over_time.description = "clearance over the recorded motion";
    over_time.columns = {
        {"time", "s"}, {"hip_flexion_deg", "deg"}, {"hip_adduction_deg", "deg"}, {"hip_rotation_deg", "deg"}};
    for (std::size_t i = 0; i < time.size(); ++i) {
      over_time.labels.push_back(shortest_text(time[i]));
      over_time.rows.push_back(
          {time[i], to_degrees(motion[i].flexion), to_degrees(motion[i].adduction), to_degrees(motion[i].rotation)});
    }
  }

  for (std::size_t s = 0; s < bones.size(); ++s) {
    const std::string& name = (shapes.begin() + static_cast<std::ptrdiff_t>(s))->first;
    const HipBones& hip = bones[s];
    const auto clearance = [&](const HipAngles& angles) { return hip.clearance(pose.R_PF(angles)).distance; };

    std::vector<double> clear, inward;
    ResultTable map;
    map.description = "clearance by hip flexion (rows) and internal rotation (columns), adduction as in the posture";
    for (const double rotation : rotations) map.columns.push_back({"rotation_" + short_text(rotation) + "_deg", "m"});
    for (const double flexion : flexions) {
      const HipAngles here{degrees(flexion), posture.adduction, posture.rotation};
      clear.push_back(clearance(here));
      const Movement turn{"", {here.flexion, here.adduction, 0.0}, {0, 0, 1}, beyond};
      inward.push_back(to_degrees(range_of(hip, pose, turn).value));
      if (brief) continue;
      map.labels.push_back(short_text(flexion) + " deg");
      map.rows.emplace_back();
      for (const double rotation : rotations)
        map.rows.back().push_back(clearance({here.flexion, here.adduction, degrees(rotation)}));
    }
    block.series.add("clearance/" + name) = {"m", std::move(clear)};
    block.series.add("internal_rotation_to_contact_deg/" + name) = {"deg", std::move(inward)};

    ResultTable ranges;
    ranges.description = "movement to contact from the posture, and where: clock faces have 12 above, 3 in front";
    ranges.columns = contact_columns("range_deg");
    for (const Movement& movement : movements(posture)) {
      ranges.labels.push_back(movement.label);
      ranges.rows.push_back(contact_row(range_of(hip, pose, movement)));
    }
    block.scalars["flexion_to_contact_deg/" + name] = {ranges.rows[flexion_row][0], "deg"};
    block.scalars["internal_rotation_at_90_to_contact_deg/" + name] = {ranges.rows[sitting_row][0], "deg"};
    const FemoralShape& femur = (shapes.begin() + static_cast<std::ptrdiff_t>(s))->second.femur;
    block.scalars["head_neck_offset_ratio/" + name] = {
        (femur.head_radius - femur.neck_radius) / (2.0 * femur.head_radius), "1"};
    if (!brief) {
      block.tables.add("clearance/" + name) = std::move(map);
      block.tables.add("range_to_contact/" + name) = std::move(ranges);
    }

    // A thigh that stays where it is while the pelvis tilts forward is flexed by as much more.
    if (!question.pelvic_tilt_deg.empty()) {
      ResultTable tilts;
      tilts.description =
          "forward tilt of the pelvis from where the hip's angles are 0: flexion of the thigh in space to contact, "
          "and internal rotation to contact with the thigh at 90 degrees";
      tilts.columns = {{"flexion_of_thigh_to_contact_deg", "deg"},
                       {"internal_rotation_at_90_to_contact_deg", "deg"},
                       {"clearance_at_90", "m"}};
      for (const double tilt_deg : question.pelvic_tilt_deg) {
        const double tilt = degrees(tilt_deg);
        HipAngles sitting{degrees(90.0) + tilt, posture.adduction, 0.0};
        const Movement flexion{"", {tilt, posture.adduction, posture.rotation}, {1, 0, 0}, pi - std::abs(tilt)};
        const Movement turn{"", sitting, {0, 0, 1}, beyond};
        tilts.labels.push_back(short_text(tilt_deg) + " deg");
        tilts.rows.push_back({to_degrees(range_of(hip, pose, flexion).value),
                              to_degrees(range_of(hip, pose, turn).value), clearance(sitting)});
        block.scalars["internal_rotation_at_90_to_contact_deg/" + name + "/tilt_" + short_text(tilt_deg)] = {
            tilts.rows.back()[1], "deg"};
      }
      if (!brief) block.tables.add("pelvic_tilt/" + name) = std::move(tilts);
    }

    if (question.recording) {
      double least = inf, when = std::nan("");
      over_time.columns.push_back({"clearance/" + name, "m"});
      for (std::size_t i = 0; i < motion.size(); ++i) {
        const double here = clearance(motion[i]);
        over_time.rows[i].push_back(here);
        if (here < least) least = here, when = time[i];
      }
      block.scalars["min clearance_over_recording/" + name] = {least, "m"};
      block.scalars["time_of_min clearance_over_recording/" + name] = {when, "s"};
    }
    progress(name);
  }
  if (question.recording && !brief) block.tables.add("recording") = std::move(over_time);
  return block;
}

std::string degrees_text(double angle_deg) { return short_text(angle_deg) + "°"; }

}  // namespace

Result answer(const Study& study, const ImpingementStudy& question, const RunOptions& options) {
  if (!study.outputs.empty())
    throw Error(Kind::input, study.place("/outputs"),
                "expected none: an impingement study gives clearances, ranges and forces of its hip");
  const std::vector<Variant> variants = compile_variants(study, *options.memory);
  Named<HipShape> shapes = question.shapes;
  if (shapes.empty()) shapes["normal"];
  const HipSide side = question.side == "r" ? HipSide::right : HipSide::left;
  std::vector<HipBones> bones;
  for (const auto& [name, shape] : shapes) {
    try {
      bones.emplace_back(shape, side);
    } catch (const Error& error) {
      throw Error(Kind::input, study.place("/shapes/" + name + "/" + error.where()), error.text());
    }
  }
  const std::vector<double> flexions = question.flexion.angles_deg(), rotations = question.rotation.angles_deg();

  Result result;
  std::vector<std::pair<std::uint64_t, Block>> bony;
  const double parts = static_cast<double>(variants.size() + std::max(bones.size(), variants.size()));
  double done = 0.0;
  const auto progress = [&](const std::string& what) {
    done += 1.0 / parts;
    if (options.progress) options.progress(std::min(done, 1.0), what);
  };
  for (const Variant& variant : variants) {
    const Model& model = variant.model;
    HipPose pose(study, question, model);
    const HipAngles posture = pose.posture();
    Block& block = result.blocks[variant.name];
    block.axis = "hip_flexion_" + question.side + "_deg";
    block.axis_unit = "deg";
    block.axis_values = flexions;
    PostureWatch watch(model);

    // What the muscles press, first: what is wrong with the question shows before the long part.
    if (question.iliopsoas) {
      FrontOfHip front(study, question, model, pose.pelvis());
      const std::vector<std::string>& surfaces = front.surfaces();
      std::vector<std::vector<double>> each(surfaces.size()), lengths = each;
      std::array<std::vector<double>, 3> sum;
      std::vector<double> total, pressures;
      for (const double flexion : flexions) {
        const Press press =
            front.press(pose.coordinates({degrees(flexion), posture.adduction, posture.rotation}), watch);
        Vec3 all = Vec3::Zero();
        double highest = 0.0;
        for (std::size_t s = 0; s < surfaces.size(); ++s) {
          const double force = press.force[s].norm();
          each[s].push_back(force);
          lengths[s].push_back(press.length[s]);
          all += press.force[s];
          if (press.length[s] > 0.0) highest = std::max(highest, force / (press.length[s] * question.iliopsoas->width));
        }
        total.push_back(all.norm());
        pressures.push_back(highest);
        for (std::size_t i = 0; i < 3; ++i) sum[i].push_back(all[static_cast<Eigen::Index>(i)]);
      }
      block.series.add("iliopsoas_force_on_hip") = {"N", std::move(total)};
      for (std::size_t i = 0; i < 3; ++i)
        block.series.add(std::string("iliopsoas_force_on_hip_") + "xyz"[i]) = {"N", std::move(sum[i])};
      for (std::size_t s = 0; s < surfaces.size(); ++s) {
        block.series.add("iliopsoas_force/" + surfaces[s]) = {"N", std::move(each[s])};
        block.series.add("iliopsoas_contact_length/" + surfaces[s]) = {"m", std::move(lengths[s])};
      }
      block.series.add("iliopsoas_pressure") = {"Pa", std::move(pressures)};
    }
    progress(variant.name);

    // Bones do not know what muscles do: variants of one structure have the same.
    const std::uint64_t structure = options.memory->inside().models.structure_of(model);
    std::size_t known = 0;
    while (known < bony.size() && (structure == 0 || bony[known].first != structure)) ++known;
    if (known == bony.size())
      bony.emplace_back(structure, bony_part(study, question, model, pose, shapes, bones, options.brief, progress));
    else
      progress(variant.name);
    const Block& part = bony[known].second;
    for (const auto& [name, one] : part.series) block.series.add(name) = one;
    for (const auto& [name, one] : part.scalars) block.scalars.add(name) = one;
    for (const auto& [name, one] : part.tables) block.tables.add(name) = one;
    credit_fitted_paths(model, block);
    for (std::string& warning : edit_warnings(study, variant)) block.warnings.push_back(std::move(warning));
    for (std::string& warning : watch.warnings(
             [&](int i) { return "at " + block.axis + " " + short_text(flexions[static_cast<std::size_t>(i)]); }))
      block.warnings.push_back(std::move(warning));
  }
  result.summary = delta_theta_lines(study, variants, options, result);
  if (options.brief) {
    result.summary.clear();
    return result;
  }

  result.heading = (study.title.empty() ? "impingement" : study.title) + " · " +
                   (side == HipSide::right ? "right" : "left") + " hip · " + std::to_string(bones.size()) +
                   (bones.size() == 1 ? " shape · " : " shapes · ") + std::to_string(flexions.size()) + " × " +
                   std::to_string(rotations.size()) + " postures";
  const auto line = [&](const std::string& label, const std::string& unit, int decimals, const auto& value) {
    SummaryLine out{label, unit, "", {}, decimals};
    for (const Variant& variant : variants) out.values.push_back(value(*result.blocks.find(variant.name)));
    result.summary.push_back(std::move(out));
  };
  const auto scalar = [](const std::string& name, double factor = 1.0) {
    return [name, factor](const Block& block) { return factor * block.scalars.find(name)->value; };
  };
  result.summary.push_back({"flexion to bony contact", "", "", {}, 0});
  for (const auto& [name, shape] : shapes) line("  " + name, "°", 1, scalar("flexion_to_contact_deg/" + name));
  result.summary.push_back({"internal rotation at 90° of flexion to bony contact", "", "", {}, 0});
  for (const auto& [name, shape] : shapes)
    line("  " + name, "°", 1, scalar("internal_rotation_at_90_to_contact_deg/" + name));
  if (question.pelvic_tilt_deg.size() > 1) {
    const std::string& first = shapes.begin()->first;
    result.summary.push_back({"the same, thigh at 90° in space, pelvis tilted forward (" + first + ")", "", "", {}, 0});
    for (const double tilt : question.pelvic_tilt_deg)
      line("  by " + degrees_text(tilt), "°", 1,
           scalar("internal_rotation_at_90_to_contact_deg/" + first + "/tilt_" + short_text(tilt)));
  }
  if (question.recording) {
    result.summary.push_back({"least clearance over the recording", "", "", {}, 0});
    for (const auto& [name, shape] : shapes)
      line("  " + name, "mm", 2, scalar("min clearance_over_recording/" + name, 1e3));
  }
  if (question.iliopsoas) {
    const auto at_flexion = [&](const std::string& series, std::size_t i, double factor) {
      return [series, i, factor](const Block& block) { return factor * block.series.find(series)->values[i]; };
    };
    for (const bool pressure : {false, true}) {
      result.summary.push_back({pressure ? "highest mean pressure of the iliopsoas on one of these surfaces"
                                         : "force of the iliopsoas on the front of the hip",
                                "",
                                "activation " + short_text(question.iliopsoas->activation),
                                {},
                                0});
      for (std::size_t i = 0; i < flexions.size(); ++i)
        if (std::fmod(std::abs(flexions[i]), 30.0) < 1e-9)
          line("  hip flexion " + degrees_text(flexions[i]), pressure ? "MPa" : "N", pressure ? 2 : 0,
               at_flexion(pressure ? "iliopsoas_pressure" : "iliopsoas_force_on_hip", i, pressure ? 1e-6 : 1.0));
    }
  }
  if (!study.note.empty()) result.notes.push_back(study.note);
  result.notes.push_back(
      "Ranges are those of bone about a centre that stays: soft tissue ends many of them before, no cartilage "
      "or labrum yields, the head does not shift. A shape is no diagnosis, and contact no pain.");
  if (question.iliopsoas)
    result.notes.push_back(
        "Pressure is force over the length of contact with the model's smooth surfaces and a stated width; how it is "
        "shared between capsule, labrum and rim the model does not know.");
  result.plots.push_back(
      {"clearance.svg", "Clearance between rim and femur", "m", "clearance/" + shapes.begin()->first});
  result.plots.push_back({"internal_rotation.svg", "Internal rotation to bony contact", "deg",
                          "internal_rotation_to_contact_deg/" + shapes.begin()->first});
  return result;
}

}  // namespace psoas
