// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a thread keeps from one run to the next changes no bit of a result, whatever number of a study or its model
// changed in between; a brief result is a part of the whole one.
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "psoas/model/edit.hpp"
#include "study/answer.hpp"
#include "study/examples.hpp"

namespace psoas::test {
namespace {

std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return bits(x) == bits(y); });
}

/// The name of the first element in which two lists differ; empty where none does.
template <class T, class Same>
std::string first_difference(const Named<T>& a, const Named<T>& b, Same are_same) {
  if (a.size() != b.size()) return "number of elements";
  auto other = b.begin();
  for (const auto& [name, item] : a) {
    if (other->first != name || !are_same(item, other->second)) return name;
    ++other;
  }
  return "";
}

/// The first thing in which two results differ by a bit, tables and summaries included; empty where none does.
std::string difference(const Result& a, const Result& b) {
  if (a.blocks.size() != b.blocks.size()) return "number of blocks";
  for (std::size_t v = 0; v < a.blocks.size(); ++v) {
    const auto& [name, one] = *(a.blocks.begin() + static_cast<std::ptrdiff_t>(v));
    const Block& other = (b.blocks.begin() + static_cast<std::ptrdiff_t>(v))->second;
    if (!same(one.axis_values, other.axis_values)) return name + ": axis";
    // in the same order, too: results have thousands of names
    std::string differs = first_difference(
        one.scalars, other.scalars, [](const Scalar& x, const Scalar& y) { return bits(x.value) == bits(y.value); });
    if (differs.empty())
      differs = first_difference(one.series, other.series,
                                 [](const Series& x, const Series& y) { return same(x.values, y.values); });
    if (differs.empty())
      differs = first_difference(one.tables, other.tables, [](const ResultTable& x, const ResultTable& y) {
        return std::equal(x.rows.begin(), x.rows.end(), y.rows.begin(), y.rows.end(), same);
      });
    if (!differs.empty()) return name + ": " + differs;
    if (one.credibility.size() != other.credibility.size()) return name + ": number of credibility lines";
    for (std::size_t i = 0; i < one.credibility.size(); ++i)
      if (bits(one.credibility[i].value) != bits(other.credibility[i].value) ||
          one.credibility[i].note != other.credibility[i].note || one.credibility[i].ok != other.credibility[i].ok)
        return name + ": " + one.credibility[i].name;
    if (one.warnings != other.warnings) return name + ": warnings";
    if (one.unconverged != other.unconverged) return name + ": unconverged";
  }
  if (a.summary.size() != b.summary.size()) return "number of summary lines";
  for (std::size_t i = 0; i < a.summary.size(); ++i)
    if (a.summary[i].label != b.summary[i].label || !same(a.summary[i].values, b.summary[i].values))
      return a.summary[i].label;
  return a.notes == b.notes ? "" : "notes";
}

/// Shows every number of a struct with its place, as `see(pointer, number)`.
template <class T, class See>
void each_number(T& x, const std::string& pointer, See& see) {
  if constexpr (std::is_same_v<T, double>) {
    see(pointer, x);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return;
  } else if constexpr (requires { x.has_value(); }) {
    if (x) each_number(*x, pointer, see);
  } else if constexpr (requires { T::each(x, [](const char*, auto&, const Info&) {}); }) {
    T::each(x, [&](const char* key, auto& field, const Info&) { each_number(field, pointer + "/" + key, see); });
  } else if constexpr (requires { x.valueless_by_exception(); }) {
    std::visit([&](auto& kind) { each_number(kind, pointer + "/" + std::string(kind.name), see); }, x);
  } else if constexpr (requires { x.begin()->first, x.begin()->second; }) {
    for (auto& [key, item] : x) each_number(item, pointer + "/" + key, see);
  } else {
    for (Eigen::Index i = 0; i < static_cast<Eigen::Index>(x.size()); ++i)
      each_number(x[static_cast<std::size_t>(i)], pointer + "/" + std::to_string(i), see);
  }
}

/// How many numbers a struct has.
template <class T>
std::size_t count_numbers(T x) {
  std::size_t count = 0;
  auto see = [&](const std::string&, double&) { ++count; };
  each_number(x, "", see);
  return count;
}

/// Changes the n-th number of a struct a little and returns its place.
template <class T>
std::string change_number(T& x, std::size_t n, double share) {
  std::size_t count = 0;
  std::string place;
  auto see = [&](const std::string& pointer, double& number) {
    if (count++ != n) return;
    place = pointer;
    number += share * std::max(std::abs(number), 0.1);
  };
  each_number(x, "", see);
  return place;
}

/// A few frames of the sit-to-stand with outputs of all kinds; a short recording, so that a test of thousands of runs
/// ends.
Study few_frames() {
  Study study = read_study(example_path("sit_to_stand"));
  auto& motion = std::get<MotionStudy>(study.question);
  motion.integration.reset();
  motion.motion.windows = {};
  motion.motion.windows["rise"] = {0.4, 0.42};
  Table& table = *study.table;
  const std::size_t rows = 48;
  for (std::vector<double>& column : table.columns) column.resize(rows);
  table.time->resize(rows);
  table.lines.resize(rows);
  study.variants.clear();
  study.outputs = {"coordinate/*",
                   "speed/*",
                   "acceleration/*",
                   "joint_moment/*",
                   "joint_moment_partial/*",
                   "length/*",
                   "lengthening_speed/*",
                   "moment_arm/*/hip_flexion_r",
                   "moment_arm/*/lumbar_extension",
                   "moment_arm_partial/*/hip_flexion_r",
                   "fibre_length/*",
                   "fibre_velocity/*",
                   "pennation/*",
                   "activation/*",
                   "tendon_force/*",
                   "muscle_force/group:iliopsoas_r",
                   "passive_force/*",
                   "flagged/*",
                   "compression/*",
                   "anterior_shear/*",
                   "lateral_shear/*",
                   "net_*/*",
                   "rhythm_moment*/*",
                   "hip_contact_force*/*",
                   "reserve/*",
                   "residual/*",
                   "contact_force_*/*",
                   "external_force_*",
                   "lordosis_deg",
                   "sacral_slope_deg",
                   "anterior_pelvic_tilt_deg",
                   "body_origin_*/*",
                   "com_*",
                   "muscle_moment/hip_flexion_r/group:iliopsoas_r",
                   "passive_moment/hip_flexion_r/group:iliopsoas_r",
                   "torque_capacity/hip_flexion_r"};
  return study;
}

/// Runs a study after another one has filled the memory, and without; both have to throw, or give the same bits.
class Sameness {
 public:
  Sameness(const Study& study, bool brief) : brief_(brief) { run(study, {{}, &memory_, brief_}); }

  void check(const Study& study, const std::string& what) {
    Result with, without;
    std::string fault_with, fault_without;
    const auto attempt = [&](Result& result, std::string& fault, StudyMemory* memory) {
      try {
        result = run(study, {{}, memory, brief_});
      } catch (const Error& error) {
        fault = error.what();
      }
    };
    attempt(with, fault_with, &memory_);
    attempt(without, fault_without, nullptr);
    EXPECT_EQ(fault_with, fault_without) << what;
    if (fault_without.empty()) ++compared_;
    EXPECT_EQ(difference(with, without), "") << what;
    if (fault_without.empty() && reference_.blocks.empty()) reference_ = without;
    if (fault_without.empty() && !difference(reference_, without).empty()) ++moved_;
  }
  /// Runs that had a result, and those of them whose result is not that of the first.
  int compared() const { return compared_; }
  int moved() const { return moved_; }

 private:
  bool brief_;
  StudyMemory memory_;
  Result reference_;
  int compared_ = 0, moved_ = 0;
};

/// Changes every number of a share (of four) of some elements of each member of the model, one after another.
void vary_model(std::size_t share) {
  const Study study = few_frames();
  Sameness sameness(study, true);
  sameness.check(study, "nothing changed");
  std::set<std::string> members;
  // some elements of each member of the model, all of their numbers
  const auto vary = [&](auto pick, const std::string& what) {
    const std::size_t numbers = count_numbers(pick(const_cast<ModelSpec&>(study.model)));
    for (std::size_t n = 0; n < numbers; ++n) {
      Study changed = study;
      const std::string place = change_number(pick(changed.model), n, n % 2 == 0 ? 1e-3 : -1e-3);
      sameness.check(changed, what + place);
    }
    // and back, so that what a changed model left behind meets the first one
    sameness.check(study, "back from " + what);
    if (numbers > 0) members.insert(what);
  };
  const auto some = [&](auto member, const std::string& what, std::size_t few) {
    const std::size_t size = member(const_cast<ModelSpec&>(study.model)).size();
    for (std::size_t i = 0; i < size; i += std::max<std::size_t>(1, size / std::max<std::size_t>(1, few * share / 4)))
      vary(
          [&](ModelSpec & spec) -> auto& { return (member(spec).begin() + static_cast<std::ptrdiff_t>(i))->second; },
          what);
  };
  vary(
      [](ModelSpec & spec) -> auto& { return spec.gravity; }, "gravity");
  vary(
      [](ModelSpec & spec) -> auto& { return spec.specific_tension; }, "specific_tension");
  vary(
      [](ModelSpec & spec) -> auto& { return spec.lumbar->levels; }, "levels");
  vary(
      [](ModelSpec & spec) -> auto& { return *spec.muscles.find("psoas_L2_TP_r"); }, "psoas");
  vary(
      [](ModelSpec & spec) -> auto& { return spec.domain; }, "domain");
  some(
      [](ModelSpec & spec) -> auto& { return spec.bodies; }, "bodies", 4);
  some(
      [](ModelSpec & spec) -> auto& { return spec.coordinates; }, "coordinates", 6);
  some(
      [](ModelSpec & spec) -> auto& { return spec.joints; }, "joints", 5);
  some(
      [](ModelSpec & spec) -> auto& { return spec.surfaces; }, "surfaces", 4);
  some(
      [](ModelSpec & spec) -> auto& { return spec.muscles; }, "muscles", 3);
  some(
      [](ModelSpec & spec) -> auto& { return spec.passive; }, "passive", 8);
  some(
      [](ModelSpec & spec) -> auto& { return spec.contacts; }, "contacts", 4);
  EXPECT_EQ(members.size(), 12u);
  EXPECT_GT(sameness.compared(), 150);  // so that few were refused
  EXPECT_GT(sameness.moved(), 100);
}

TEST(StudyMemory, no_number_of_a_model_is_forgotten) { vary_model(1); }
TEST(StudyMemorySlow, no_number_of_a_model_is_forgotten) { vary_model(4); }

TEST(StudyMemory, no_number_of_a_motion_study_is_forgotten) {
  const Study study = few_frames();
  Sameness sameness(study, true);
  for (std::size_t n = 0; n < count_numbers(std::get<MotionStudy>(study.question)); ++n) {
    Study changed = study;
    const std::string place = change_number(std::get<MotionStudy>(changed.question), n, 0.05);
    sameness.check(changed, place);
  }
  for (const std::size_t column : {0u, 5u, 12u}) {
    Study changed = study;
    changed.table->columns[column][20] += 1e-3;
    sameness.check(changed, "a cell of the recording");
  }
  Study degrees = study;
  degrees.table->in_degrees = !degrees.table->in_degrees;
  sameness.check(degrees, "in degrees");
  for (const char* seat : {"none", "until_seat_off"}) {
    Study changed = study;
    std::get<MotionStudy>(changed.question).support.seat = seat;
    sameness.check(changed, seat);
  }
  Study other = study;
  std::get<MotionStudy>(other.question).motion.trunk = "coordinates";
  sameness.check(other, "trunk");
  EXPECT_GT(sameness.compared(), 15);
}

class StudyMemoryOfVariants : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(BriefAndWhole, StudyMemoryOfVariants, ::testing::Values(true, false));

TEST_P(StudyMemoryOfVariants, results_are_the_same) {
  Study study = few_frames();
  study.variants = {{"normal", {}},
                    {"short", {scale("group:iliopsoas", "optimal_fibre_length", 0.9)}},
                    {"weak", {scale("group:glutes", "max_isometric_force", 0.6)}}};
  study.variants[1].second.push_back({});
  study.variants[1].second.back().passive = {"*"};
  study.variants[1].second.back().remove = true;
  if (select_muscles(study.model, "group:glutes").empty())
    study.variants[2].second = {scale("*", "max_isometric_force", 0.9)};
  Sameness sameness(study, GetParam());
  sameness.check(study, "again");
  for (const double factor : {0.95, 0.85}) {
    Study changed = study;
    changed.variants[1].second.front().scale.find("optimal_fibre_length")[0] = factor;
    sameness.check(changed, "another factor");
  }
  Study edited = study;
  std::vector<Problem> problems;
  apply({scale("group:iliopsoas", "optimal_fibre_length", 0.97)}, "", edited.model, problems);
  edited.edits = {scale("group:iliopsoas", "optimal_fibre_length", 0.97)};
  sameness.check(edited, "an edit of all variants");
  Study matched = study;
  matched.variants[1].second = {scale("group:iliopsoas", "optimal_fibre_length", 0.95)};
  matched.variants[1].second.front().match_delta_theta_deg = 8.0;
  sameness.check(matched, "a matched edit");
  Study removed = study;
  removed.variants[2].second = {{}};
  removed.variants[2].second.front().muscles = {"psoas_*_l"};
  removed.variants[2].second.front().remove = true;
  sameness.check(removed, "muscles gone");
  EXPECT_EQ(sameness.compared(), 6);
}

TEST(StudyMemory, no_number_of_a_torque_curve_is_forgotten) {
  Study study = read_study(example_path("torque_curve"));
  auto& curve = std::get<TorqueCurveStudy>(study.question);
  curve.posture["hip_adduction_r"] = 0.05;
  curve.step_deg = 15.0;
  Sameness sameness(study, false);
  for (std::size_t n = 0; n < count_numbers(curve); ++n) {
    Study changed = study;
    const std::string place = change_number(std::get<TorqueCurveStudy>(changed.question), n, 0.05);
    sameness.check(changed, place);
  }
  const auto muscle = [](ModelSpec& spec) -> MuscleSpec& { return *spec.muscles.find("psoas_L2_TP_r"); };
  for (std::size_t n = 0; n < count_numbers(muscle(study.model)); ++n) {
    Study changed = study;
    const std::string place = change_number(muscle(changed.model), n, 1e-3);
    muscle(changed.unedited) = muscle(changed.model);
    sameness.check(changed, place);
  }
  const auto passive = [](ModelSpec & spec) -> auto& { return spec.passive; };
  for (std::size_t n = 0; n < count_numbers(passive(study.model)); ++n) {
    Study changed = study;
    sameness.check(changed, change_number(passive(changed.model), n, 1e-3));
  }
  Study negative = study;
  std::get<TorqueCurveStudy>(negative.question).direction = "negative";
  sameness.check(negative, "direction");
  Study other = study;
  std::get<TorqueCurveStudy>(other.question).muscles = {"iliacus_*_r"};
  sameness.check(other, "other muscles");
  EXPECT_GT(sameness.compared(), 60);
}

/// Everything that a brief result has is in the whole one, to the bit.
void expect_part(const Result& brief, const Result& whole) {
  ASSERT_EQ(brief.blocks.size(), whole.blocks.size());
  for (const auto& [name, block] : brief.blocks) {
    const Block& other = *whole.blocks.find(name);
    EXPECT_GT(block.scalars.size(), 0u);
    EXPECT_EQ(block.scalars.size(), other.scalars.size());
    for (const auto& [key, scalar] : block.scalars) {
      ASSERT_TRUE(other.scalars.find(key)) << key;
      EXPECT_EQ(bits(scalar.value), bits(other.scalars.find(key)->value)) << key;
      EXPECT_EQ(scalar.unit, other.scalars.find(key)->unit);
    }
    for (const auto& [key, series] : block.series) {
      ASSERT_TRUE(other.series.find(key)) << key;
      EXPECT_TRUE(same(series.values, other.series.find(key)->values)) << key;
    }
    EXPECT_TRUE(block.tables.empty());
    EXPECT_EQ(block.warnings, other.warnings);
    EXPECT_EQ(block.unconverged, other.unconverged);
  }
  EXPECT_TRUE(brief.summary.empty());
  EXPECT_TRUE(brief.plots.empty());
  EXPECT_TRUE(brief.notes.empty());
}

TEST(BriefResult, is_a_part_of_the_whole_one) {
  Study rise = read_study(example_path("sit_to_stand"));
  std::get<MotionStudy>(rise.question).integration.reset();
  rise.outputs = {"anterior_shear/L5_S1", "muscle_force/group:iliopsoas_r"};
  StudyMemory memory;
  expect_part(run(rise, {{}, &memory, true}), run(rise));
  const Study curve = read_study(example_path("torque_curve"));
  expect_part(run(curve, {{}, &memory, true}), run(curve));
}

TEST(BriefResult, says_how_many_frames_have_no_answer) {
  EXPECT_EQ(run(few_frames(), {{}, nullptr, true}).blocks.begin()->second.unconverged, 0);
}

// ---- the clinical shift

/// Lost hip extension [deg] by the model's whole pipeline and halving alone.
double shift_by_halving(const Model& reference, const Model& model, const std::string& side) {
  const auto angle = [&](const Model& one) {
    const int hip = one.coordinate("hip_flexion_" + side);
    const std::vector<int> muscles = one.select("group:iliopsoas_" + side);
    State state = one.default_state();
    Workspace work(one);
    const auto excess = [&](double q) {
      state.q()[at(hip)] = q;
      evaluate(one, state, work, Depth::velocity);
      rigid_tendon_forces(one, work);
      double moment = -5.0;
      for (const int m : muscles) {
        const double tone = std::max(
            0.0, one.data().units[at(m)].minimum_activation - reference.data().units[at(m)].minimum_activation);
        moment += moment_arm(one, work, m, hip) * (work.force.passive[at(m)] + tone * work.force.active[at(m)]);
      }
      return moment;
    };
    double high = degrees(120.0), low = high - degrees(1.0);
    while (excess(low) < 0.0) high = low, low -= degrees(1.0);
    for (int k = 0; k < 60; ++k) (excess(0.5 * (low + high)) < 0.0 ? high : low) = 0.5 * (low + high);
    return 0.5 * (low + high);
  };
  return to_degrees(angle(model) - angle(reference));
}

TEST(DeltaTheta, is_that_of_the_whole_pipeline_to_a_billionth_of_a_degree) {
  for (const char* file : {"iliopsoas", "full_body"}) {
    const Model reference = Model::load(PSOAS_SOURCE_DIR "/models/" + std::string(file) + ".json");
    for (const Model& model : {reference.with(scale("group:iliopsoas", "optimal_fibre_length", 0.85)),
                               reference.with(scale("group:iliopsoas", "tendon_slack_length", 0.97)),
                               reference.with(set("group:iliopsoas", "minimum_activation", 0.05))})
      for (const char* side : {"r", "l"}) {
        if (!iliopsoas_of(reference, side)) continue;
        EXPECT_NEAR(delta_theta_deg(reference, model, side), shift_by_halving(reference, model, side), 1e-9)
            << file << " " << side;
      }
  }
}

TEST(DeltaTheta, is_a_scalar_of_each_variant_that_the_summary_shows) {
  const Result result = run(read_study(example_path("torque_curve")));
  const SummaryLine& line = result.summary.front();
  std::size_t v = 0;
  for (const auto& [name, block] : result.blocks)
    EXPECT_EQ(scalar(block, "delta_theta_deg/r"), line.values.at(v++)) << name;
  EXPECT_EQ(scalar(result.blocks.begin()->second, "delta_theta_deg/r"), 0.0);
  EXPECT_GT(line.values.at(2), 1.0);

  Study plain = read_study(example_path("torque_curve"));
  plain.variants.clear();
  EXPECT_EQ(run(plain).blocks.begin()->second.scalars.find("delta_theta_deg/r"), nullptr);
}

}  // namespace
}  // namespace psoas::test
