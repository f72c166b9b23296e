// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/validate/validate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/io/file.hpp"

namespace psoas {
namespace {

const std::vector<ValidationRow>& all() {
  static const std::vector<ValidationRow> rows = validate(PSOAS_SOURCE_DIR);
  return rows;
}

const ValidationRow& row(const std::string& name) {
  for (const ValidationRow& one : all())
    if (one.name == name) return one;
  throw std::runtime_error("no row " + name);
}

/// A text cut into words and numbers, so that numbers can be compared with a tolerance.
struct Piece {
  std::string word;
  double number = 0.0, last_digit = 0.0;  ///< of a number: one unit in its last printed place
  bool is_number = false;
};

std::vector<Piece> pieces(const std::string& text) {
  std::vector<Piece> out;
  std::string word;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < text.size();) {
    if (!digit(text[i])) {
      word += text[i++];
      continue;
    }
    std::size_t end = i, decimals = 0;
    while (end < text.size() && digit(text[end])) ++end;
    if (end + 1 < text.size() && text[end] == '.' && digit(text[end + 1])) {
      const std::size_t point = end++;
      while (end < text.size() && digit(text[end])) ++end;
      decimals = end - point - 1;
    }
    // a minus sign belongs to the number, so that 0.0 and -0.1 can be near each other
    double sign = 1.0;
    if (!word.empty() && word.back() == '-') {
      word.pop_back();
      sign = -1.0;
    }
    out.push_back({word, 0.0, 0.0, false});
    out.push_back({"", sign * std::strtod(text.substr(i, end - i).c_str(), nullptr),
                   std::pow(10.0, -static_cast<double>(decimals)), true});
    word.clear();
    i = end;
  }
  out.push_back({word, 0.0, 0.0, false});
  return out;
}

TEST(Validate, RowsAreNamedOnceFiniteAndSourced) {
  std::set<std::string> names;
  for (const ValidationRow& one : all()) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    EXPECT_TRUE(std::isfinite(one.computed)) << one.name;
    EXPECT_LE(one.low, one.high) << one.name;
    EXPECT_EQ(one.inside, one.low <= one.computed && one.computed <= one.high) << one.name;
    EXPECT_FALSE(one.quantity.empty()) << one.name;
    EXPECT_FALSE(one.unit.empty()) << one.name;
    ASSERT_EQ(one.source.back(), ']') << one.name << ": a source ends in how sure it is";
    EXPECT_FALSE(one.decides && one.source.find("[memory]") != std::string::npos)
        << one.name << ": a figure from memory decides nothing";
  }
}

TEST(Validate, EveryExperimentIsThere) {
  for (const char* name : {"hip_passive/knee_0/hip_0",
                           "hip_passive/knee_90/hip_90",
                           "hip_active/flexion/knee_0/hip_0",
                           "hip_active/extension/knee_90/hip_60",
                           "paths/hip_flexion/psoas/hip_0",
                           "paths/lumbar_bending/L4_L5",
                           "paths/length/psoas/hip_90",
                           "hip_capsule/extension_at_5_Nm",
                           "sarcomere/psoas/hip_0",
                           "shortening/delta_theta/s_0.95",
                           "psoas_lumbar/L5_S1",
                           "trunk_strength/L5_S1/lumbar_-20",
                           "sit_to_stand/hip_contact",
                           "sit_to_stand/anterior_shear/L5_S1",
                           "squat/force_balance",
                           "muscle_movement/thelen/rigid",
                           "muscle_stretch/residual_enhancement",
                           "muscle_shortening/force_depression",
                           "muscle_curves/velocity/shortening/millard",
                           "tightness/modified_thomas",
                           "tightness/pelvis/symphysis"})
    EXPECT_NO_THROW(row(name)) << name;
  std::size_t passive = 0;
  for (const ValidationRow& one : all()) passive += one.name.rfind("hip_passive/", 0) == 0;
  EXPECT_EQ(passive, 36u + 16u) << "three knee angles, −20…90° by 10°, and the angles of a second work";
}

// What the documentation claims to hold. Everything else may be a ✗, but not silently become one.
TEST(Validate, ClaimsAreInside) {
  for (const char* name : {"hip_capsule/extension_at_5_Nm",
                           "paths/hip_flexion/psoas/least_fascicle",
                           "paths/hip_flexion/psoas/greatest_fascicle",
                           "paths/hip_flexion/psoas/hip_0",
                           "paths/hip_flexion/psoas/hip_30",
                           "paths/hip_flexion/psoas/hip_55",
                           "paths/hip_flexion/psoas/change_to_50",
                           "paths/hip_flexion/psoas/rise_50_to_90",
                           "paths/hip_flexion/iliacus/rise_30_to_90",
                           "paths/lumbar_bending/grows_downwards",
                           "shortening/delta_theta/s_0.98/long_sitting",
                           "shortening/delta_theta/s_0.95",
                           "shortening/delta_theta/s_0.90",
                           "shortening/delta_theta/s_0.85",
                           "shortening/capacity/hip_90/s_0.85",
                           "shortening/capacity/hip_0/s_0.85",
                           "psoas_lumbar/L5_S1",
                           "psoas_lumbar/L4_L5",
                           "psoas_lumbar/L3_L4",
                           "psoas_lumbar/L2_L3",
                           "psoas_lumbar/L1_L2",
                           "trunk_strength/L5_S1/lumbar_-20",
                           "trunk_strength/T12_L1/lumbar_-20",
                           "sit_to_stand/vertical_force/peak",
                           "sit_to_stand/vertical_force/least",
                           "sit_to_stand/seat_off/rep_1",
                           "sit_to_stand/seat_off/rep_2",
                           "sit_to_stand/seat_off/rep_3",
                           "sit_to_stand/hip_moment",
                           "sit_to_stand/knee_moment",
                           "sit_to_stand/ankle_moment",
                           "sit_to_stand/hip_and_knee_moment",
                           "sit_to_stand/net_moment/L3_L4",
                           "sit_to_stand/net_moment/L5_S1",
                           "sit_to_stand/compression/L5_S1",
                           "sit_to_stand/rise_over_stand/L5_S1",
                           "squat/force_balance",
                           "muscle_movement/de_groote_fregly/compliant",
                           "muscle_movement/millard/compliant",
                           "muscle_curves/active/human_fibres/de_groote_fregly",
                           "muscle_curves/velocity/shortening/millard",
                           "muscle_curves/tendon_toe/de_groote_fregly"})
    EXPECT_TRUE(row(name).inside) << name << " is " << row(name).computed << ", accepted " << row(name).low << " to "
                                  << row(name).high;
}

TEST(Validate, AShorterPsoasGainsInFlexionAndLosesInExtension) {
  EXPECT_GT(row("shortening/capacity/hip_90/s_0.85").computed, row("shortening/capacity/hip_90/s_1.00").computed);
  EXPECT_LT(row("shortening/capacity/hip_0/s_0.85").computed, row("shortening/capacity/hip_0/s_1.00").computed);
  double before = 0.0;
  for (const char* s : {"0.98", "0.95", "0.90", "0.85"}) {
    const double shift = row(std::string("shortening/delta_theta/s_") + s).computed;
    EXPECT_GT(shift, before);
    before = shift;
  }
}

TEST(Validate, ATendonThatStretchesIsNearerToMovedMuscle) {
  for (const char* set : {"de_groote_fregly", "millard", "thelen"}) {
    const std::string name = std::string("muscle_movement/") + set;
    EXPECT_LT(row(name + "/compliant").computed, 0.7 * row(name + "/rigid").computed) << set;
  }
}

TEST(Validate, FiltersByNameAndGivesTheSameNumbersAgain) {
  const std::vector<ValidationRow> some = validate(PSOAS_SOURCE_DIR, "shortening/delta_theta");
  ASSERT_EQ(some.size(), 5u);
  for (const ValidationRow& one : some) EXPECT_EQ(one.computed, row(one.name).computed) << one.name;
  const std::vector<ValidationRow> part = validate(std::string(PSOAS_SOURCE_DIR) + "/models", "passive/knee_45/hip_30");
  ASSERT_EQ(part.size(), 1u) << "part of a name, and the folder models itself";
  EXPECT_EQ(part[0].computed, row(part[0].name).computed);
  EXPECT_TRUE(validate(PSOAS_SOURCE_DIR, "hip_capsule/nothing").empty());
  EXPECT_TRUE(validate(PSOAS_SOURCE_DIR, "knee_45").empty()) << "rows are of an experiment";
}

TEST(Validate, FolderWithoutModelsIsAnError) {
  try {
    validate(std::string(PSOAS_SOURCE_DIR) + "/docs");
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::io);
    EXPECT_NE(std::string(error.what()).find("full_body.json"), std::string::npos);
  }
}

// `psoas validate --markdown > docs/validation.md` after a change of the model. Last digits may differ by machine.
TEST(Validate, PageInDocsIsWhatTheProgramWrites) {
  const std::vector<Piece> here = pieces(validation_markdown(all())),
                           kept = pieces(read_file(std::string(PSOAS_SOURCE_DIR) + "/docs/validation.md"));
  ASSERT_EQ(here.size(), kept.size()) << "write docs/validation.md again";
  for (std::size_t i = 0; i < here.size(); ++i) {
    ASSERT_EQ(here[i].is_number, kept[i].is_number);
    ASSERT_EQ(here[i].word, kept[i].word) << "write docs/validation.md again";
    EXPECT_NEAR(here[i].number, kept[i].number,
                1.01 * std::max(here[i].last_digit, kept[i].last_digit) + 1e-3 * std::abs(kept[i].number))
        << "after: …" << here[i > 0 ? i - 1 : 0].word;
  }
}

}  // namespace
}  // namespace psoas
