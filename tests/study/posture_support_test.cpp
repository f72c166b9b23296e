// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Postures on what carries them: backrest, bench face down, one foot, slopes, loads in the hands; from any start.
#include <algorithm>
#include <numeric>

#include "psoas/core/units.hpp"
#include "study/examples.hpp"
#include "support/errors.hpp"
#include "support/random.hpp"
#include "support/repeats.hpp"

namespace psoas::test {
namespace {

/// Random starts of a search.
constexpr int starts = repeats(20);

Study posture(const std::string& name) {
  return read_study(std::string(PSOAS_SOURCE_DIR) + "/examples/posture/" + name + ".json");
}

PostureStudy& question(Study& study) { return std::get<PostureStudy>(study.question); }

Result brief(const Study& study) {
  RunOptions options;
  options.brief = true;
  return run(study, options);
}

const Block& first(const Result& result) { return result.blocks.begin()->second; }

Study one_variant(const std::string& name) {
  Study study = posture(name);
  study.variants.resize(1);
  question(study).landscape.reset();
  question(study).sensitivity.clear();
  return study;
}

void expect_credible(const Block& block) {
  for (const Credibility& line : block.credibility)
    EXPECT_TRUE(line.ok.value_or(true)) << line.name << " " << line.value;
}

/// The sum of scalars whose names begin so.
double sum_of(const Block& block, const std::string& prefix) {
  return std::accumulate(block.scalars.begin(), block.scalars.end(), 0.0, [&](double sum, const auto& item) {
    return sum + (item.first.starts_with(prefix) ? item.second.value : 0.0);
  });
}

TEST(PostureSupports, ABackrestCarriesPartOfTheTrunkAndUnloadsTheSpine) {
  const Result upright = brief(one_variant("sitting"));
  Study leaning = one_variant("sitting_backrest");
  leaning.outputs = {"contact_force_x/*"};
  const double weight = Model(leaning.model).data().mass * standard_gravity;
  const auto ratio = [&](const Block& block) {
    return scalar(block, "compression/L5_S1") / scalar(first(upright), "compression/L5_S1");
  };
  const auto check = [&](const Block& block) {
    expect_credible(block);
    const BackrestSpec& backrest = *question(leaning).backrest;
    EXPECT_GT(scalar(block, "backrest_force"), 0.1 * weight);
    EXPECT_LE(std::abs(scalar(block, "backrest_friction")), backrest.friction * scalar(block, "backrest_force"));
    EXPECT_GE(scalar(block, "backrest_height"), backrest.low);
    EXPECT_LE(scalar(block, "backrest_height"), backrest.high);
    // Newton: what feet, seat and backrest push is the weight, and the seat's friction holds what leans
    EXPECT_NEAR(sum_of(block, "contact_force_y/"), weight, 1e-6 * weight);
    EXPECT_NEAR(sum_of(block, "contact_force_x/"), 0.0, 1e-6 * weight);
    // the two scalars are the contacts' forces in the backrest's axes: normal and tangent, 20 deg off the vertical
    const double x = sum_of(block, "contact_force_x/backrest"), y = sum_of(block, "contact_force_y/backrest"),
                 lean = degrees(backrest.angle_deg - 90.0);
    EXPECT_NEAR(scalar(block, "backrest_force"), std::cos(lean) * x + std::sin(lean) * y, 1e-9 * weight);
    EXPECT_NEAR(scalar(block, "backrest_friction"), std::cos(lean) * y - std::sin(lean) * x, 1e-9 * weight);
  };
  // Rohlmann et al. 2011: an implant in place of a lumbar vertebra carries 36 % less where one leans back
  const Result slid = brief(leaning);
  check(first(slid));
  EXPECT_LT(ratio(first(slid)), 1.0);
  question(leaning).backrest->pelvis_depth = 0.2;
  const Result deep = brief(leaning);
  check(first(deep));
  EXPECT_LT(ratio(first(deep)), ratio(first(slid)));
  EXPECT_GT(scalar(first(deep), "lordosis_deg"), scalar(first(slid), "lordosis_deg"));
}

TEST(PostureSupports, MoreLeanMoreForceOfTheBackrest) {
  Study study = one_variant("sitting_backrest");
  double last = 0.0;
  for (const double angle : {95.0, 110.0, 125.0}) {
    question(study).backrest->angle_deg = angle;
    const Result result = brief(study);
    EXPECT_GT(scalar(first(result), "backrest_force"), last) << angle;
    last = scalar(first(result), "backrest_force");
  }
}

TEST(PostureSupports, ABackrestSaysWhatIsWrong) {
  const auto error = [](auto change) {
    Study study = one_variant("sitting_backrest");
    change(question(study));
    return error_of([&] { run(study); });
  };
  const auto has = [](const std::string& text, const std::string& part) { return text.find(part) != text.npos; };
  EXPECT_TRUE(has(error([](PostureStudy& q) { q.support = "both_feet"; }), "expected the support \"seat\""));
  EXPECT_TRUE(has(error([](PostureStudy& q) { q.problem = "passive", q.free = {"pelvis_tilt"}; }), "/backrest"));
  EXPECT_TRUE(has(error([](PostureStudy& q) { q.backrest->low = 0.15; }), "expected a height at the thorax"));
}

TEST(PostureSupports, WhoLiesFaceDownIsLiftedByAShortIliopsoas) {
  const Result result = run(posture("prone"));
  double hip = -1.0, lordosis = -90.0, load = 0.0;
  for (const auto& [name, block] : result.blocks) {
    expect_credible(block);
    EXPECT_GT(scalar(block, "least_stiffness"), 0.0) << name;
    EXPECT_GT(scalar(block, "coordinate/hip_flexion_r"), hip) << name;
    EXPECT_GT(scalar(block, "lordosis_deg"), lordosis) << name;
    EXPECT_GT(scalar(block, "compression/L5_S1"), load) << name;
    EXPECT_NEAR(scalar(block, "coordinate/hip_flexion_r"), scalar(block, "coordinate/hip_flexion_l"), 1e-6) << name;
    hip = scalar(block, "coordinate/hip_flexion_r");
    lordosis = scalar(block, "lordosis_deg");
    load = scalar(block, "compression/L5_S1");
  }
}

// The least energy at once, and two seconds of falling and coming to rest: two routes to one place.
TEST(PostureSupports, WhoLiesFaceDownRestsWhereASimulationComesToRest) {
  const Study lying = one_variant("prone");
  const Result result = brief(lying);
  Study released = read_study(std::string(PSOAS_SOURCE_DIR) + "/examples/leg_raise/rest.json");
  released.model = lying.model;
  // friction, of which energy knows nothing, would hold the body drawn out or pushed together along the bench
  for (auto& [name, sphere] : released.model.spheres) sphere.static_friction = sphere.dynamic_friction = 0.0;
  for (auto& [name, muscle] : released.model.muscles) muscle.tendon = "rigid";  // as at rest
  released.variants.resize(1);
  SimulationStudy& simulation = std::get<SimulationStudy>(released.question);
  simulation.duration = 2.0;
  simulation.initial = std::get<PostureStudy>(lying.question).posture;
  released.outputs = {"anterior_pelvic_tilt_deg", "lordosis_deg", "coordinate/hip_flexion_r", "compression/*"};
  const Result simulated = run(released);
  const Block &one = first(result), &end = first(simulated);
  for (const char* angle : {"anterior_pelvic_tilt_deg", "lordosis_deg"})
    EXPECT_NEAR(scalar(one, angle), scalar(end, std::string("final ") + angle), 1e-3) << angle;
  EXPECT_NEAR(scalar(one, "coordinate/hip_flexion_r"), scalar(end, "final coordinate/hip_flexion_r"), degrees(1e-3));
  EXPECT_NEAR(scalar(one, "compression/L5_S1"), scalar(end, "final compression/L5_S1"), 0.05);
}

TEST(PostureSupports, ALoadInTheHandsPressesTheSpine) {
  const Result result = brief(posture("loaded"));
  const double weight = Model(posture("loaded").model).data().mass * standard_gravity;
  double last = 0.0, load = 0.0;  // [N], [kg]
  for (const auto& [name, block] : result.blocks) {
    expect_credible(block);
    EXPECT_EQ(block.unconverged, 0) << name;
    // the feet carry it too
    EXPECT_NEAR(sum_of(block, "contact_force_y/"), weight + load * standard_gravity, 1e-6 * weight) << name;
    EXPECT_GT(scalar(block, "compression/L5_S1"), last) << name;
    last = scalar(block, "compression/L5_S1");
    load += 5.0;
  }
  // 10 kg press by more than their weight
  EXPECT_GT(last, scalar(first(result), "compression/L5_S1") + 10.0 * standard_gravity);
}

TEST(PostureSupports, OneFootIsTheMirrorOfTheOther) {
  Study study = one_variant("one_foot");
  const Result right = brief(study);
  question(study).support = "left_foot";
  const Result left = brief(study);
  expect_credible(first(right));
  expect_credible(first(left));
  for (const auto& [name, value] : first(right).scalars) {
    if (!name.starts_with("coordinate/")) continue;
    std::string mirrored = name;
    if (mirrored.ends_with("_r")) mirrored.back() = 'l';
    const double sign = name == "coordinate/pelvis_list" || name == "coordinate/lumbar_bending" ? -1.0 : 1.0;
    EXPECT_NEAR(scalar(first(left), mirrored), sign * value.value, 1e-7) << name;
  }
}

TEST(PostureSupports, FloorsThatRiseAndFallBendTheAnkles) {
  double last = -90.0;
  for (const char* name : {"downhill", "standing", "uphill"}) {
    const Result result = brief(one_variant(name));
    expect_credible(first(result));
    const double ankle = to_degrees(scalar(first(result), "coordinate/ankle_angle_r"));
    EXPECT_GT(ankle, last + 5.0) << name;
    last = ankle;
  }
}

TEST(PostureSupports, AThomasTestOnTheBenchLiftsTheThighOfAShortSide) {
  const Result result = run(posture("thomas"));
  double last = -90.0;
  for (const auto& [name, block] : result.blocks) {
    expect_credible(block);
    EXPECT_EQ(table(block, "postures").rows.size(), 1u) << name;
    EXPECT_GT(scalar(block, "thomas_angle_deg/r"), last) << name;
    EXPECT_LT(scalar(block, "sensitivity/thomas_angle_deg/r"), 0.0) << name;
    last = scalar(block, "thomas_angle_deg/r");
  }
  // the leg lies, nearly straight, where the iliopsoas is not short; where it is severely so the thigh is off the bench
  EXPECT_LT(scalar(first(result), "thomas_angle_deg/r"), -5.0);
  EXPECT_LT(scalar(first(result), "coordinate/knee_angle_r"), degrees(5.0));
  EXPECT_GT(last, 0.0);
}

TEST(PostureSupports, SensitivitiesAtACornerAreThoseOfEitherSide) {
  Study study = posture("standing");
  question(study).landscape.reset();
  Edit edit;
  edit.muscles = {"group:iliopsoas"};
  const auto with = [&](double factor) {
    edit.scale["optimal_fibre_length"] = factor;
    study.variants = {{"one", {edit}}};
    return study;
  };
  const double s = 0.95, step = 0.01;
  const Result here = run(with(s));
  const Block& block = first(here);
  ASSERT_TRUE(std::any_of(block.warnings.begin(), block.warnings.end(),
                          [](const std::string& line) { return line.find("one-sided") != line.npos; }));
  for (const auto& [side, sign] : {std::pair("sensitivity_up/", 1.0), std::pair("sensitivity_down/", -1.0)}) {
    const Result near = brief(with(s * (1.0 + sign * step))), far = brief(with(s * (1.0 + 2.0 * sign * step)));
    for (const char* output : {"compression/L5_S1", "anterior_shear/L5_S1", "passive_force/group:iliopsoas"}) {
      // differences on one side, of second order
      const double slope =
          sign * (4.0 * scalar(first(near), output) - 3.0 * scalar(block, output) - scalar(first(far), output)) /
          (2.0 * step);
      EXPECT_NEAR(scalar(block, side + std::string(output)), slope, 0.02 * std::abs(slope)) << side << output;
    }
  }
}

TEST(PostureSupports, WhoStandsComesToOnePostureFromAnyStart) {
  Study study = one_variant("standing");
  const Result expected = brief(study);
  MersenneTwister random(11);
  for (int k = 0; k < starts; ++k) {
    Named<double>& start = question(study).posture;
    start["pelvis_tilt"] = random.uniform(-0.3, 0.3);
    start["lumbar_extension"] = random.uniform(-0.3, 0.3);
    for (const char* side : {"_r", "_l"}) {
      start[std::string("hip_flexion") + side] = random.uniform(-0.3, 0.4);
      start[std::string("knee_angle") + side] = random.uniform(0.0, degrees(5.0));
      start[std::string("ankle_angle") + side] = random.uniform(-0.2, 0.2);
    }
    const Result result = brief(study);
    expect_credible(first(result));
    for (const auto& [name, value] : first(expected).scalars)
      if (name.starts_with("coordinate/")) EXPECT_NEAR(scalar(first(result), name), value.value, 1e-6) << name << k;
  }
}

TEST(PostureSupports, WhoLiesComesToOneOfTheListedPosturesFromAnyStart) {
  for (const char* example : {"modified_thomas", "prone"}) {
    Study study = one_variant(example);
    question(study).starts = 20;
    const Result whole = run(study);
    const ResultTable& listed = table(first(whole), "postures");
    MersenneTwister random(12);
    for (int k = 0; k < starts; ++k) {
      for (const auto& [name, range] : question(study).ranges)
        question(study).posture[name] = random.uniform(range.low, range.high);
      const Result result = brief(study);
      const bool found = std::any_of(listed.rows.begin(), listed.rows.end(), [&](const std::vector<double>& row) {
        for (std::size_t c = 3; c < row.size(); ++c)
          if (std::abs(row[c] - scalar(first(result), "coordinate/" + listed.columns[c].name)) > 1e-6) return false;
        return true;
      });
      EXPECT_TRUE(found) << example << " from start " << k;
    }
  }
}

}  // namespace
}  // namespace psoas::test
