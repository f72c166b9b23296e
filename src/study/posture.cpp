// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Postures: where a body rests by itself, and how it holds itself on its feet or a seat.
#include <algorithm>
#include <cmath>

#include "psoas/core/factor.hpp"
#include "psoas/core/sampling.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/model/free_levels.hpp"
#include "psoas/solve/balance.hpp"
#include "psoas/solve/equilibrium.hpp"
#include "study/answer.hpp"
#include "study/posture_stability.hpp"
#include "study/posture_support.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

bool has_coordinate(const Model& model, const std::string& name) {
  const auto& names = model.data().coordinate_names;
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Step of differences by a factor on fibre lengths; at a corner of the cost, of differences of whole postures, which are
/// known less well there.
constexpr double factor_step = 1e-4, corner_step = 5e-3;

/// What standing and sitting people do. Standard deviations between people, with their different bones, so that they
/// bound what one person would do.
namespace norms {
// Mac-Thiong et al. 2011, Eur Spine J 20 Suppl 5:572: 709 adults standing, pelvic tilt 0 to 27 deg (mean +- 2 SD)
constexpr double tilt_scale = degrees(6.75);
// 627 adults standing, lordosis 49.8 +- 11.2 deg (Asian Spine J 2019, PMC6680033)
constexpr double lordosis_scale = degrees(11.2);
// Woodhull et al. 1985, Eur J Appl Physiol 54:109: 15 adults standing, hip 6.2 +- 1.3 cm ahead of the ankle
// and the knee 3.8 +- 2.0 cm
constexpr double hip_ahead = 0.062, hip_ahead_scale = 0.013, knee_ahead = 0.038, knee_ahead_scale = 0.020;
// Endo et al. 2012, J Orthop Sci 17:682: 50 adults from standing to sitting, pelvic tilt +18.3 and lordosis -16.6 deg
constexpr double seated_tilt = degrees(18.3), seated_lordosis = degrees(-16.6);
}  // namespace norms

/// One variant's posture and what belongs to it.
struct Answered {
  std::vector<double> q;
  bool converged = true;
};

class PostureRun {
 public:
  PostureRun(const Study& study, const PostureStudy& question, const RunOptions& options)
      : study_(study),
        question_(question),
        options_(options),
        passive_(question.problem == "passive"),
        held_(question.problem == "held") {}

  Result run();

 private:
  Model supported(const Model& model) const;
  std::vector<int> free_coordinates(const Model& model) const;
  std::vector<std::array<double, 2>> bounds(const Model& model, const std::vector<int>& free) const;
  std::vector<double> start(const Model& model, const Model& rhythm) const;
  std::vector<std::string> patterns(const Model& model, const std::vector<int>& free) const;
  BalanceOptions balance_options(const Model& model, const std::vector<int>& free) const;
  void preferences(const Model& model, BalanceOptions& out) const;
  bool stands_on(const std::string& side) const {
    return question_.support != (side == "r" ? "left_foot" : "right_foot");
  }

  Answered rest(const Model& model, const std::vector<int>& free, std::vector<double> q, Block& block);
  Answered balance(const Model& model, const std::vector<int>& free, std::vector<double> q, Block& block);
  void rest_landscape(const Model& model, const std::vector<int>& free, std::vector<double> q, Block& block);
  void balance_landscape(const Model& model, const std::vector<int>& free, std::vector<double> q, Block& block);
  void kappas(const Model& model, const BalanceOptions& options, const BalancedPosture& found,
              const std::vector<double>& values, Block& block) const;
  void summarise(const std::vector<Variant>& variants, Result& result) const;

  /// Values of outputs at a posture of rest.
  std::vector<double> read_rest(InverseSolver& inverse, const StoredEnergy& energy) const;
  std::vector<double> read(const Instant& now) const;
  /// What every muscle does.
  static ResultTable muscles(const Instant& now);
  static Instant instant_of(const InverseSolver& inverse) {
    return {&inverse.model(),     &inverse.work(),        inverse.q(), inverse.u(), inverse.udot(),
            inverse.activation(), inverse.tendon_force(), &inverse};
  }
  /// Models with the sensitivity's muscles shorter and longer by a step.
  std::pair<Model, Model> neighbours(const Model& model, double step = factor_step) const;
  void one_sided(const Model& model, const BalanceOptions& options, const BalancedPosture& found,
                 const std::vector<double>& values, Block& block) const;
  void tell_sensitivity(const std::vector<double>& below, const std::vector<double>& above, Block& block) const;
  std::vector<double> landscape_axis(const Model& model, const std::vector<int>& free, Block& block) const;

  const Study& study_;
  const PostureStudy& question_;
  const RunOptions& options_;
  bool passive_, held_, first_ = true;  // first_: of the variants
  std::vector<Output> outputs_;
};

/// The model with the contacts alone that may push.
Model PostureRun::supported(const Model& model) const {
  if (passive_ && question_.lumbar == "free") try {
      return Model(free_levels(model.spec()));
    } catch (const Error& error) {
      throw Error(Kind::input, study_.place("/lumbar"),
                  std::string("expected levels that can be free: ") + error.what());
    }
  return passive_ ? model : on_support(study_, question_, model);
}

std::vector<int> PostureRun::free_coordinates(const Model& model) const {
  const ModelData& data = model.data();
  std::vector<int> free;
  const auto add = [&](int c) {
    if (std::find(free.begin(), free.end(), c) == free.end()) free.push_back(c);
  };
  for (std::size_t i = 0; i < question_.free.size(); ++i) {
    bool any = false;
    for (int c = 0; c < model.coordinates(); ++c)
      if (glob_match(question_.free[i], data.coordinate_names[at(c)])) add(c), any = true;
    if (!any) find_coordinate(study_, model, question_.free[i], "/free/" + std::to_string(i));
  }
  if (question_.free.empty()) {
    if (passive_) throw Error(Kind::input, study_.place("/free"), "expected coordinates that may move, found none");
    std::vector<std::string> names = {"pelvis_tilt", "pelvis_ty", "lumbar_extension"};
    const bool one = question_.support != "both_feet" && question_.support != "seat";
    if (one) names.insert(names.end(), {"pelvis_list", "lumbar_bending"});
    for (const std::string side : {"r", "l"}) {
      if (!stands_on(side)) continue;
      for (const char* name : {"hip_flexion_", "knee_angle_", "ankle_angle_"})
        if (question_.support != "seat" || std::string(name) != "knee_angle_") names.push_back(name + side);
      if (one)
        for (const char* name : {"hip_adduction_", "subtalar_angle_"}) names.push_back(name + side);
    }
    for (const std::string& name : names)
      if (has_coordinate(model, name)) add(model.coordinate(name));
    if (free.empty())
      throw Error(Kind::input, study_.place("/free"),
                  "expected coordinates that may move: the model has none of those that stand free by themselves");
  }
  std::sort(free.begin(), free.end());
  return free;
}

std::vector<std::array<double, 2>> PostureRun::bounds(const Model& model, const std::vector<int>& free) const {
  std::vector<std::array<double, 2>> out;
  for (const int c : free) {
    const std::string& name = model.data().coordinate_names[at(c)];
    out.push_back(model.spec().coordinates.find(name)->range);
    if (!passive_ && question_.support != "seat" && name.starts_with("knee_angle_")) out.back() = {0.0, degrees(5.0)};
    if (const CoordinateRange* given = question_.ranges.find(name)) out.back() = {given->low, given->high};
  }
  for (const auto& [name, range] : question_.ranges) {
    const int c = find_coordinate(study_, model, name, "/ranges/" + name);
    if (!std::binary_search(free.begin(), free.end(), c))
      throw Error(Kind::input, study_.place("/ranges/" + name), "expected a free coordinate, found one that is held");
  }
  return out;
}

std::vector<double> PostureRun::start(const Model& model, const Model& rhythm) const {
  State state = model.default_state();
  const auto put = [&](const std::string& name, double value) {
    if (has_coordinate(model, name)) state.q()[at(model.coordinate(name))] = value;
  };
  if (!passive_ && question_.support == "seat") {
    put("pelvis_tilt", norms::seated_tilt + (question_.backrest ? degrees(question_.backrest->angle_deg - 90.0) : 0.0));
    put("lumbar_extension", norms::seated_lordosis);
    put("pelvis_ty", question_.seat_height + 0.1);
    for (const char* side : {"_r", "_l"}) {
      put(std::string("hip_flexion") + side, degrees(75.0));
      put(std::string("knee_angle") + side, degrees(90.0));
    }
  }
  for (const std::string side : {"r", "l"})
    if (!passive_ && !stands_on(side)) {
      put("hip_flexion_" + side, degrees(20.0));
      put("knee_angle_" + side, degrees(60.0));
    }
  Named<double> posture = question_.posture;
  if (passive_ && question_.lumbar == "free") posture = over_levels(rhythm.spec(), posture);
  set_coordinates(study_, model, posture, "/posture", state);
  return {state.q().begin(), state.q().end()};
}

std::vector<std::string> PostureRun::patterns(const Model& model, const std::vector<int>& free) const {
  std::vector<std::string> out;
  for (const int c : free) out.push_back("coordinate/" + model.data().coordinate_names[at(c)]);
  if (!model.data().levels.empty())
    for (const char* name : {"anterior_pelvic_tilt_deg", "lordosis_deg", "sacral_slope_deg", "compression/*",
                             "anterior_shear/*", "lateral_shear/*"})
      out.push_back(name);
  if (!model.data().hips.empty()) {
    out.push_back("hip_contact_force/*");
    if (passive_) out.push_back("thomas_angle_deg/*");
  }
  for (const auto& [group, members] : model.spec().groups)
    for (const char* side : {"", "_r", "_l"})
      if ((*side == '\0' || group == "iliopsoas") && !select_muscles(model.spec(), "group:" + group + side).empty())
        for (const char* quantity : {"muscle_force/group:", "passive_force/group:"})
          out.push_back(quantity + group + side);
  if (!passive_) {
    out.push_back("com_x");
    if (!model.data().contacts.empty()) out.push_back("contact_force_y/*");
  }
  out.insert(out.end(), study_.outputs.begin(), study_.outputs.end());
  return out;
}

void PostureRun::preferences(const Model& model, BalanceOptions& out) const {
  const auto prefer = [&](const std::string& name, double value, double scale) {
    if (has_coordinate(model, name)) out.preferences.push_back({{{model.coordinate(name), 1.0}}, value, scale});
  };
  for (const auto& [name, one] : question_.preferred) {
    check_coordinate(study_, model, name, one.value, "/preferred/" + name);
    prefer(name, one.value, one.scale);
  }
  if (!question_.preferred.empty()) return;
  const ModelData& data = model.data();
  const auto value = [&](const char* name) {
    return has_coordinate(model, name) ? data.default_coordinates[at(model.coordinate(name))] : 0.0;
  };
  const bool seat = question_.support == "seat";
  // lordosis counts the levels from L1 to S1, the coordinate all of them
  double lordosis = 0.0;
  for (std::size_t k = 0; k + 1 < data.levels.size(); ++k) {
    const Coupling& coupling = data.couplings[at(data.levels[k].coordinates[0])];
    lordosis += coupling.identity ? 1.0 : coupling.function.jet(0.0).slope;
  }
  if (!(lordosis > 0.1)) lordosis = 1.0;
  // at a backrest the pelvis turns back with the trunk
  if (!question_.backrest)
    prefer("pelvis_tilt", value("pelvis_tilt") + (seat ? norms::seated_tilt : 0.0), norms::tilt_scale);
  prefer("lumbar_extension", value("lumbar_extension") + (seat ? norms::seated_lordosis / lordosis : 0.0),
         norms::lordosis_scale / lordosis);
  for (const char* name : {"pelvis_list", "lumbar_bending"})
    if (question_.support != "both_feet" && !seat) prefer(name, value(name), degrees(5.0));
  if (seat) return;
  Workspace work(model);
  const std::vector<double> still(data.default_coordinates.size(), 0.0);
  evaluate(model, data.default_coordinates, still, work, Depth::position);
  for (const auto& [side, femur] : data.hips) {
    const std::string ankle = "ankle_angle_" + side, knee = "knee_angle_" + side;
    if (!stands_on(side) || !has_coordinate(model, ankle) || !has_coordinate(model, knee)) continue;
    const auto place = [&](const std::string& coordinate) {
      return work.tree.X_GB[moved_body(data, model.coordinate(coordinate))].p;
    };
    const Vec3 at_ankle = place(ankle), at_knee = place(knee), at_hip = work.tree.X_GB[at(femur)].p;
    const Vec3 shank = at_knee - at_ankle, thigh = at_hip - at_knee;
    // Ahead of the ankle by so much: with small angles the knee moves by the shank's lean, the hip by both segments'.
    // The default state stands upright on flat feet.
    const double angle = data.default_coordinates[at(model.coordinate(ankle))] + degrees(question_.floor_slope_deg);
    prefer(ankle, angle + (norms::knee_ahead - shank.x()) / shank.y(), norms::knee_ahead_scale / shank.y());
    const double height = shank.y() + thigh.y(), share = thigh.y() / height;
    out.preferences.push_back({{{model.coordinate(ankle), 1.0}, {model.coordinate(knee), -share}},
                               angle - share * data.default_coordinates[at(model.coordinate(knee))] +
                                   (norms::hip_ahead - shank.x() - thigh.x()) / height,
                               norms::hip_ahead_scale / height});
  }
}

BalanceOptions PostureRun::balance_options(const Model& model, const std::vector<int>& free) const {
  const ModelData& data = model.data();
  BalanceOptions out;
  out.free = free;
  out.bounds = bounds(model, free);
  out.kappa = question_.kappa;
  out.caps = {1.0, question_.support == "seat" ? 1.0 : 0.0};
  if (question_.gaze == "level" && !data.levels.empty() && !question_.backrest)
    out.level_body = data.levels.back().superior;
  out.redundancy.floor_slope = degrees(question_.floor_slope_deg);
  preferences(model, out);
  out.heights = held_heights(study_, question_, model, free);
  return out;
}

std::vector<double> PostureRun::read(const Instant& now) const {
  std::vector<double> out;
  for (const Output& output : outputs_) out.push_back(output.value(now));
  return out;
}

ResultTable PostureRun::muscles(const Instant& now) {
  ResultTable table;
  table.description = "every muscle: activation, and forces along its tendon";
  table.columns = {{"activation", "1"}, {"active_force", "N"}, {"passive_force", "N"}, {"tendon_force", "N"}};
  for (int m = 0; m < now.model->muscles(); ++m) {
    const double passive = now.work->force.passive[at(m)], force = now.tendon_force[at(m)];
    table.labels.push_back(now.model->data().muscle_names[at(m)]);
    table.rows.push_back({now.activation[at(m)], force - passive, passive, force});
  }
  return table;
}

std::vector<double> PostureRun::read_rest(InverseSolver& inverse, const StoredEnergy& energy) const {
  const std::vector<double> still(energy.q().size(), 0.0), none(3 * energy.model().data().contacts.size(), 0.0);
  inverse.net(energy.q(), still, still, energy.external());
  inverse.loads_with(none, energy.tendon_force());
  Instant now = instant_of(inverse);
  now.activation = energy.activation();
  return read(now);
}

std::pair<Model, Model> PostureRun::neighbours(const Model& model, double step) const {
  const auto with = [&](double factor) {
    Edit edit;
    edit.muscles = question_.sensitivity;
    edit.scale["optimal_fibre_length"] = factor;
    try {
      return model.with(edit);
    } catch (const Error& error) {
      throw Error(Kind::input, study_.place("/sensitivity"), error.what());
    }
  };
  return {with(1.0 - step), with(1.0 + step)};
}

void PostureRun::tell_sensitivity(const std::vector<double>& below, const std::vector<double>& above,
                                  Block& block) const {
  for (std::size_t k = 0; k < outputs_.size(); ++k)
    block.scalars["sensitivity/" + outputs_[k].name] = {(above[k] - below[k]) / (2.0 * factor_step), outputs_[k].unit};
}

std::vector<double> PostureRun::landscape_axis(const Model& model, const std::vector<int>& free, Block& block) const {
  const LandscapeSpec& spec = *question_.landscape;
  const int c = find_coordinate(study_, model, spec.coordinate, "/landscape/coordinate");
  if (!model.data().is_rotation[at(c)] || !std::binary_search(free.begin(), free.end(), c))
    throw Error(Kind::input, study_.place("/landscape/coordinate"), "expected a free coordinate that is a rotation");
  block.axis = spec.coordinate + "_deg";
  block.axis_unit = "deg";
  block.axis_values = in_steps(spec.from_deg, spec.to_deg, spec.step_deg);
  return block.axis_values;
}

void PostureRun::rest_landscape(const Model& model, const std::vector<int>& free, std::vector<double> q, Block& block) {
  const std::vector<double> axis = landscape_axis(model, free, block);
  const int pinned = model.coordinate(question_.landscape->coordinate);
  std::vector<int> others;
  RestOptions rest;
  const auto all = bounds(model, free);
  for (std::size_t i = 0; i < free.size(); ++i)
    if (free[i] != pinned) others.push_back(free[i]), rest.bounds.push_back(all[i]);
  StoredEnergy follow(model, others), whole(model, free);
  InverseSolver inverse(model, {});
  const auto place = std::lower_bound(free.begin(), free.end(), pinned) - free.begin();
  std::vector<std::vector<double>> columns(outputs_.size() + 2);
  for (const double angle : axis) {
    q[at(pinned)] = degrees(angle);
    const RestPosture found = come_to_rest(follow, q, rest);
    q = found.q;
    if (!found.converged) ++block.unconverged;
    whole.move_to(q);
    columns[0].push_back(found.energy);
    columns[1].push_back(whole.gradient()[place]);
    const std::vector<double> values = read_rest(inverse, whole);
    for (std::size_t k = 0; k < values.size(); ++k) columns[k + 2].push_back(values[k]);
  }
  block.series.add("energy") = {"J", columns[0]};
  block.series.add("holding_moment/" + question_.landscape->coordinate) = {"N m", columns[1]};
  for (std::size_t k = 0; k < outputs_.size(); ++k)
    block.series.add(outputs_[k].name) = {outputs_[k].unit, columns[k + 2]};
}

Answered PostureRun::rest(const Model& model, const std::vector<int>& free, std::vector<double> q, Block& block) {
  const ModelData& data = model.data();
  StoredEnergy energy(model, free);
  const RestOptions rest{1e-9, 200, bounds(model, free)};
  const RestPostures found = find_rest_postures(energy, q, options_.brief ? 0 : question_.starts, rest);
  if (found.postures.empty())
    throw Error(Kind::numeric, study_.place("/free"), "expected a posture in which the body rests, found none");
  const auto one = found.postures.begin() + std::max(found.from_start, 0);
  const double value = energy.move_to(one->q);
  InverseSolver inverse(model, {});
  const std::vector<double> values = read_rest(inverse, energy);
  for (std::size_t k = 0; k < outputs_.size(); ++k) block.scalars.add(outputs_[k].name) = {values[k], outputs_[k].unit};
  block.scalars["energy"] = {value, "J"};
  block.scalars["residual"] = {one->residual, "N m"};
  if (!one->stiffness.empty()) block.scalars["least_stiffness"] = {one->stiffness.front(), "N m/rad"};
  for (std::size_t i = 0; i < free.size(); ++i)
    if (one->stop[i] != 0.0) {
      const std::string& name = data.coordinate_names[at(free[i])];
      block.scalars["stop_moment/" + name] = {one->stop[i], data.is_rotation[at(free[i])] ? "N m" : "N"};
      block.warnings.push_back(name + " rests at the end of its range (" + fixed_text(std::abs(one->stop[i]), 1) +
                               (data.is_rotation[at(free[i])] ? " N m" : " N") + " press against it)");
    }
  block.credibility.push_back({"equilibrium: greatest moment that nothing balances", "N m",
                               "docs/science.md, section 9", "", one->residual, 1e-8, one->residual <= 1e-8});
  if (!one->stable()) block.warnings.push_back("the posture is no minimum of energy: a small push would change it");
  if (!options_.brief) {
    Instant now = instant_of(inverse);
    now.activation = energy.activation();
    block.tables["muscles"] = muscles(now);
    ResultTable& table = block.tables["postures"];
    table.description = "every posture of rest that was found, lowest energy first, and how many starts led to it";
    table.columns = {{"energy", "J"}, {"least_stiffness", "N m/rad"}, {"starts", "1"}};
    for (const int c : free)
      table.columns.push_back({data.coordinate_names[at(c)], data.is_rotation[at(c)] ? "rad" : "m"});
    for (std::size_t i = 0; i < found.postures.size(); ++i) {
      const RestPosture& posture = found.postures[i];
      table.labels.push_back(static_cast<int>(i) == found.from_start ? "from the given start" : "another");
      table.rows.push_back({posture.energy, posture.stiffness.empty() ? std::nan("") : posture.stiffness.front(),
                            static_cast<double>(found.reached[i])});
      for (const int c : free) table.rows.back().push_back(posture.q[at(c)]);
    }
    block.scalars["starts_without_rest"] = {static_cast<double>(found.lost), "1"};
    ResultTable& modes = block.tables["stiffness"];
    modes.description = "eigenvalues of the second derivatives of energy, and their modes over the free coordinates";
    modes.columns = {{"stiffness", "N m/rad"}};
    for (const int c : free) modes.columns.push_back({data.coordinate_names[at(c)], "1"});
    for (std::size_t i = 0; i < one->stiffness.size(); ++i) {
      modes.labels.push_back("mode " + std::to_string(i + 1));
      modes.rows.push_back({one->stiffness[i]});
      for (std::size_t k = 0; k < free.size(); ++k)
        modes.rows.back().push_back(one->modes(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(i)));
    }
    if (!question_.sensitivity.empty()) {
      const auto [shorter, longer] = neighbours(model);
      StoredEnergy low(shorter, free), high(longer, free);
      const VecX slope = rest_sensitivity(energy, *one, low, high, factor_step);
      const auto moved = [&](StoredEnergy& there, double sign) {
        std::vector<double> shifted = one->q;
        for (std::size_t i = 0; i < free.size(); ++i)
          shifted[at(free[i])] += sign * factor_step * slope[static_cast<Eigen::Index>(i)];
        there.move_to(shifted);
        InverseSolver loads(there.model(), {});
        return read_rest(loads, there);
      };
      tell_sensitivity(moved(low, -1.0), moved(high, 1.0), block);
    }
    if (question_.landscape) rest_landscape(model, free, one->q, block);
  }
  return {one->q, one->converged};
}

/// What changes a unit of the factor towards longer fibres and towards shorter ones: how the posture moves by searches for
/// it a step away, and the outputs beside it along that way.
void PostureRun::one_sided(const Model& model, const BalanceOptions& options, const BalancedPosture& found,
                           const std::vector<double>& values, Block& block) const {
  const auto [less, more] = neighbours(model, corner_step);
  const auto [shorter, longer] = neighbours(model);
  for (const double sign : {1.0, -1.0}) {
    const std::vector<double> away = Balance(sign > 0.0 ? more : less, options).find(found.q).q;
    std::vector<double> beside = found.q;
    for (const int c : options.free) beside[at(c)] += factor_step / corner_step * (away[at(c)] - found.q[at(c)]);
    Balance there(sign > 0.0 ? longer : shorter, options);
    there.value(beside);
    const std::vector<double> changed = read(instant_of(there.inverse()));
    for (std::size_t k = 0; k < outputs_.size(); ++k)
      block.scalars[(sign > 0.0 ? "sensitivity_up/" : "sensitivity_down/") + outputs_[k].name] = {
          sign * (changed[k] - values[k]) / factor_step, outputs_[k].unit};
  }
}

void PostureRun::kappas(const Model& model, const BalanceOptions& options, const BalancedPosture& found,
                        const std::vector<double>& values, Block& block) const {
  ResultTable& table = block.tables["kappa"];
  table.description = "the first variant's posture as preferences lose their weight";
  table.columns = {{"kappa", "1"}, {"effort", "1"}};
  for (const Output& output : outputs_) table.columns.push_back({output.name, output.unit});
  const auto row = [&](const char* label, double kappa, double effort, const std::vector<double>& numbers) {
    table.labels.push_back(label);
    table.rows.push_back({kappa, effort});
    table.rows.back().insert(table.rows.back().end(), numbers.begin(), numbers.end());
  };
  row("as asked", options.kappa, found.effort, values);
  std::vector<double> from = found.q;
  for (const double factor : {0.1, 0.01, 0.0}) {
    BalanceOptions weaker = options;
    weaker.kappa *= factor;
    Balance balance(model, weaker);
    const BalancedPosture next = balance.find(from);
    from = next.q;
    row(factor == 0.0 ? "effort alone" : "weaker", weaker.kappa, next.effort, read(instant_of(balance.inverse())));
  }
}

void PostureRun::balance_landscape(const Model& model, const std::vector<int>& free, std::vector<double> q,
                                   Block& block) {
  const std::vector<double> axis = landscape_axis(model, free, block);
  const int pinned = model.coordinate(question_.landscape->coordinate);
  BalanceOptions options = balance_options(model, free);
  const auto place = std::lower_bound(free.begin(), free.end(), pinned) - free.begin();
  options.free.erase(options.free.begin() + place);
  options.bounds.erase(options.bounds.begin() + place);
  Balance balance(model, options);
  std::vector<std::vector<double>> columns(outputs_.size() + 3);
  // outwards from the posture, so that each search starts nearby
  const double here = to_degrees(q[at(pinned)]);
  std::vector<std::size_t> order(axis.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(axis[a] - here) < std::abs(axis[b] - here); });
  for (std::vector<double>& column : columns) column.assign(axis.size(), std::nan(""));
  std::vector<double> above = q, below = q;
  for (const std::size_t i : order) {
    std::vector<double>& from = axis[i] >= here ? above : below;
    from[at(pinned)] = degrees(axis[i]);
    try {
      const BalancedPosture found = balance.find(from);
      from = found.q;
      columns[0][i] = found.cost;
      columns[1][i] = found.effort;
      columns[2][i] = found.imbalance;
      const std::vector<double> values = read(instant_of(balance.inverse()));
      for (std::size_t k = 0; k < values.size(); ++k) columns[k + 3][i] = values[k];
    } catch (const Error& error) {
      if (error.kind() != Kind::numeric) throw;  // out of reach there: no number
    }
  }
  block.series.add("cost") = {"1", columns[0]};
  block.series.add("effort") = {"1", columns[1]};
  block.series.add("greatest_imbalance") = {"N m", columns[2]};
  for (std::size_t k = 0; k < outputs_.size(); ++k)
    block.series.add(outputs_[k].name) = {outputs_[k].unit, columns[k + 3]};
}

Answered PostureRun::balance(const Model& model, const std::vector<int>& free, std::vector<double> q, Block& block) {
  const ModelData& data = model.data();
  const BalanceOptions options = balance_options(model, free);
  Balance balance(model, options);
  BalancedPosture found;
  try {
    found = held_ ? balance.hold(q) : balance.find(q);
  } catch (const Error& error) {
    throw Error(error.kind(), study_.place("/support"), error.what());
  }
  const std::vector<double> values = read(instant_of(balance.inverse()));
  for (std::size_t k = 0; k < outputs_.size(); ++k) block.scalars.add(outputs_[k].name) = {values[k], outputs_[k].unit};
  if (question_.backrest) {
    const BackrestPush push = backrest_push(*question_.backrest, balance.inverse());
    block.scalars["backrest_force"] = {push.normal, "N"};
    block.scalars["backrest_friction"] = {push.friction, "N"};
    block.scalars["backrest_height"] = {push.height, "m"};
  }
  block.scalars["effort"] = {found.effort, "1"};
  if (!held_) block.scalars["preference_cost"] = {options.kappa * found.preference, "1"};
  block.scalars["residual"] = {found.imbalance, "N m"};
  const std::vector<double> stiffness = balance.stiffness();
  if (!stiffness.empty()) block.scalars["least_stiffness"] = {stiffness.front(), "N m/rad"};
  block.credibility.push_back(
      {"redundancy residual", "1", "docs/science.md, section 6", "", found.residual, 1e-8, found.residual <= 1e-8});
  block.credibility.push_back({"equilibrium: greatest moment or force that muscles and contacts leave", "N m",
                               "docs/science.md, section 9",
                               found.imbalance <= 1e-3 ? ""
                               : held_                 ? "muscles cannot hold the posture"
                                                       : "muscles cannot hold any posture that was met",
                               found.imbalance, 1e-8, found.imbalance <= 1e-8});
  const double off = held_ ? 1e-3 : 1e-9;  // a posture that is given in a few digits is off by them
  block.credibility.push_back({"feet, seat and gaze where they are held", "mm or mrad", "docs/science.md, section 9",
                               "", 1e3 * found.height_error, 1e3 * off, found.height_error <= off});
  if (!found.converged) {
    ++block.unconverged;
    block.warnings.push_back(held_ ? "no least effort was found to the tolerance"
                                   : "the search for the posture did not come to an end: it is known to " +
                                         shortest_text(std::round(1e3 * to_degrees(found.last_step)) / 1e3) + "°");
  }
  for (std::size_t i = 0; i < free.size(); ++i)
    if (found.stop[i] != 0.0)
      block.scalars["stop_slope/" + data.coordinate_names[at(free[i])]] = {
          found.stop[i], data.is_rotation[at(free[i])] ? "1/rad" : "1/m"};
  if (question_.stability) tell_stability(study_, *question_.stability, balance.inverse(), options_.brief, block);
  if (!options_.brief) {
    block.tables["muscles"] = muscles(instant_of(balance.inverse()));
    ResultTable& modes = block.tables["stiffness"];
    modes.description =
        "eigenvalues of the stiffness along the held feet and seat, activations and contact forces held";
    modes.columns = {{"stiffness", "N m/rad"}};
    for (std::size_t i = 0; i < stiffness.size(); ++i) {
      modes.labels.push_back("mode " + std::to_string(i + 1));
      modes.rows.push_back({stiffness[i]});
    }
    // a coordinate that only just stands at the end of its range leaves it to one side alone
    bool leaving = false;
    for (std::size_t i = 0; i < free.size(); ++i)
      leaving =
          leaving || ((found.q[at(free[i])] <= options.bounds[i][0] || found.q[at(free[i])] >= options.bounds[i][1]) &&
                      std::abs(found.stop[i]) <= 1e-6);
    const bool corner = found.slope > options.tolerance;
    if (!question_.sensitivity.empty() && (corner || leaving)) {
      one_sided(model, options, found, values, block);
      block.warnings.push_back(std::string("sensitivities are one-sided (sensitivity_up/… and sensitivity_down/…): ") +
                               (corner ? "the least cost stands at a corner, where its slope jumps"
                                       : "a coordinate only just stands at the end of its range"));
    }
    if (!question_.sensitivity.empty() && !corner && !leaving) {
      const auto [shorter, longer] = neighbours(model);
      Balance low(shorter, options), high(longer, options);
      const VecX slope = balance.sensitivity(found, low, high, factor_step);
      const auto moved = [&](Balance& there, double sign) {
        std::vector<double> shifted = found.q;
        for (std::size_t i = 0; i < free.size(); ++i)
          shifted[at(free[i])] += sign * factor_step * slope[static_cast<Eigen::Index>(i)];
        there.value(shifted);
        return read(instant_of(there.inverse()));
      };
      const std::vector<double> below = moved(low, -1.0), above = moved(high, 1.0);
      tell_sensitivity(below, above, block);
    }
    if (!held_ && first_) kappas(model, options, found, values, block);
    if (question_.landscape) balance_landscape(model, free, found.q, block);
  }
  return {found.q, found.converged};
}

void PostureRun::summarise(const std::vector<Variant>& variants, Result& result) const {
  const auto line = [&](const std::string& label, const std::string& name, const std::string& unit, int decimals,
                        double factor, const std::string& note) {
    SummaryLine out{label, unit, note, {}, decimals};
    bool any = false;
    for (const auto& [variant, block] : result.blocks) {
      const Scalar* found = block.scalars.find(name);
      any = any || found;
      out.values.push_back(found ? factor * found->value : std::nan(""));
    }
    if (any) result.summary.push_back(std::move(out));
  };
  const double deg = to_degrees(1.0);
  line("anterior pelvic tilt", "anterior_pelvic_tilt_deg", "deg", 2, 1.0, "from the neutral model");
  line("lordosis", "lordosis_deg", "deg", 2, 1.0, "L1 to S1 endplates");
  line("sacral slope", "sacral_slope_deg", "deg", 2, 1.0, "");
  for (const char* side : {"r", "l"}) {
    const std::string s = side;
    line("hip flexion " + s, "coordinate/hip_flexion_" + s, "deg", 2, deg, "");
    line("knee flexion " + s, "coordinate/knee_angle_" + s, "deg", 2, deg, "");
    line("ankle dorsiflexion " + s, "coordinate/ankle_angle_" + s, "deg", 2, deg, "");
    if (passive_) line("thigh above horizontal " + s, "thomas_angle_deg/" + s, "deg", 2, 1.0, "");
  }
  const Model& model = variants.front().model;
  if (!model.data().levels.empty()) {
    const std::string level = model.data().levels.front().name;
    line("compression " + level, "compression/" + level, "N", 1, 1.0, "");
    line("anterior shear " + level, "anterior_shear/" + level, "N", 1, 1.0,
         "endplate " + fixed_text(-to_degrees(model.data().levels.front().endplate_angle), 0) + "° in neutral");
  }
  line("passive force of iliopsoas", "passive_force/group:iliopsoas", "N", 1, 1.0, "both sides");
  line("muscle force of iliopsoas", "muscle_force/group:iliopsoas", "N", 1, 1.0, "both sides");
  line("force of the backrest", "backrest_force", "N", 1, 1.0, "normal to it");
  line("friction of the backrest", "backrest_friction", "N", 1, 1.0, "upwards along it");
  line("its height above the seat", "backrest_height", "m", 3, 1.0, "along the back");
  line("effort", "effort", "1", 5, 1.0, "sum of a² by share of volume");
  line("least stiffness", "least_stiffness", "N·m/rad", 1, 1.0, passive_ ? "below 0: no rest" : "without reaction");
  line("critical muscle stiffness gain q", "spinal_stability/critical_gain", "1", 2, 1.0,
       "below it the spine gives way");
  line("least stiffness of the spine", "spinal_stability/least_eigenvalue", "1", 3, 1.0,
       "in shares of discs and ligaments");
  // how much tilt a degree of lost extension brings: what studies can be held against
  const Block& first = result.blocks.begin()->second;
  const Scalar* tilt = first.scalars.find("anterior_pelvic_tilt_deg");
  for (auto& [name, block] : result.blocks) {
    const Scalar *now = block.scalars.find("anterior_pelvic_tilt_deg"), *lost = block.scalars.find("delta_theta_deg/r");
    if (tilt && now && lost && std::abs(lost->value) > 0.1)
      block.scalars["tilt_per_lost_extension"] = {(now->value - tilt->value) / lost->value, "deg/deg"};
  }
  line("tilt a degree of lost extension", "tilt_per_lost_extension", "deg/deg", 3, 1.0, "");
}

Result PostureRun::run() {
  if (!passive_ && question_.lumbar == "free")
    throw Error(Kind::input, study_.place("/lumbar"),
                "expected \"rhythm\" for a " + question_.problem + " posture, found \"free\"");
  if (passive_ && question_.stability)
    throw Error(Kind::input, study_.place("/stability"), "expected a balanced or held posture, found a passive one");
  if (passive_ && question_.backrest)
    throw Error(Kind::input, study_.place("/backrest"),
                "expected none for a passive posture, which planes and spheres of the model carry");
  if (held_) {
    const auto refuse = [&](bool given, const char* what) {
      if (given)
        throw Error(Kind::input, study_.place(std::string("/") + what), "expected none: a held posture is given");
    };
    refuse(!question_.free.empty(), "free"), refuse(!question_.preferred.empty(), "preferred");
    refuse(!question_.ranges.empty(), "ranges"), refuse(question_.landscape.has_value(), "landscape");
    refuse(!question_.sensitivity.empty(), "sensitivity");
  }
  const std::vector<Variant> variants = compile_variants(study_, *options_.memory);
  Result result;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const Variant& variant = variants[v];
    first_ = v == 0;
    const Model model = supported(variant.model);
    const std::vector<int> free = free_coordinates(model);
    const std::vector<double> q = start(model, variant.model);
    const std::vector<Equation> equations = passive_ ? std::vector<Equation>() : redundancy_equations(model, true);
    outputs_ = find_outputs(model, patterns(model, free), true, equations);
    bounds(model, free);
    if (options_.progress)
      options_.progress(static_cast<double>(v) / static_cast<double>(variants.size()), variant.name);
    Block& block = result.blocks[variant.name];
    block.axis = "pelvis_tilt_deg";
    block.axis_unit = "deg";
    const Answered answered = passive_ ? rest(model, free, q, block) : balance(model, free, q, block);
    credit_fitted_paths(model, block);
    for (std::string& warning : edit_warnings(study_, variant)) block.warnings.push_back(std::move(warning));
    Workspace work(model);
    const std::vector<double> still(answered.q.size(), 0.0);
    evaluate(model, answered.q, still, work, Depth::velocity);
    rigid_tendon_forces(model, work);
    PostureWatch watch(model);
    watch.see(answered.q, work);
    for (std::string& warning : watch.warnings([](int) { return std::string("in the posture"); }))
      block.warnings.push_back(std::move(warning));
    if (result.heading.empty())
      result.heading = (study_.title.empty() ? "posture" : study_.title) + " · " +
                       (passive_ ? "at rest" : (held_ ? "held, " : "least effort, ") + question_.support) +
                       (held_ ? "" : " · " + std::to_string(free.size()) + " free coordinates");
  }
  result.summary = delta_theta_lines(study_, variants, options_, result);
  if (options_.brief) {
    result.summary.clear();
    return result;
  }
  summarise(variants, result);
  if (!study_.note.empty()) result.notes.push_back(study_.note);
  if (question_.landscape) {
    result.plots.push_back(passive_ ? Plot{"energy.svg", "Stored energy", "J", "energy"}
                                    : Plot{"cost.svg", "Cost of the posture", "1", "cost"});
    if (!variants.front().model.data().levels.empty())
      result.plots.push_back({"anterior_shear.svg", "Anterior shear", "N",
                              "anterior_shear/" + variants.front().model.data().levels.front().name});
  }
  return result;
}

}  // namespace

Result answer(const Study& study, const PostureStudy& question, const RunOptions& options) {
  return PostureRun(study, question, options).run();
}

}  // namespace psoas
