// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Declared domains that say nothing, or take everything, are found.
#include <gtest/gtest.h>

#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

const std::string models = PSOAS_SOURCE_DIR "/models/";

/// Entry by entry, the ranges [rad] of hip_flexion_r (-0.5236 to 2.0944) and hip_adduction_r (-0.8727 to 0.5236).
std::vector<Problem> problems_of(const std::vector<std::array<std::array<double, 2>, 2>>& entries) {
  static const ModelSpec plain = read_model(models + "iliopsoas.json");
  ModelSpec spec = plain;
  spec.domain.clear();
  for (const auto& [flexion, adduction] : entries) {
    DomainSpec& item = spec.domain.emplace_back();
    item.muscles = {"group:iliacus_r"};
    item.outside["hip_flexion_r"] = flexion;
    item.outside["hip_adduction_r"] = adduction;
  }
  return domain_problems(Model(spec));
}

TEST(Domain, of_the_shipped_models_means_something) {
  for (const char* name : {"full_body.json", "iliopsoas.json"}) {
    const Model model = Model::load(models + name);
    EXPECT_FALSE(model.data().domain.empty());
    EXPECT_TRUE(domain_problems(model).empty()) << domain_problems(model).front().text;
  }
}

TEST(Domain, that_meets_no_posture_is_found) {
  // degrees for radians
  const auto found = problems_of({{{{-1, 1}, {-50, -41}}}, {{{-1, 1}, {-0.8, -0.7}}}, {{{3, 4}, {-1, 1}}}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].pointer, "/domain/0/outside/hip_adduction_r");
  EXPECT_EQ(found[0].text, "expected postures in the range of the coordinate (-0.8727 to 0.5236), found -50 to -41");
  EXPECT_EQ(found[1].pointer, "/domain/2/outside/hip_flexion_r");
  EXPECT_TRUE(problems_of({{{{2.0, 4}, {0.5, 4}}}}).empty()) << "a corner is a posture";
}

TEST(Domain, that_leaves_no_posture_is_found) {
  const auto found = problems_of({{{{-0.6, 2.1}, {-1, 1}}}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pointer, "/domain/0");
  EXPECT_EQ(found[0].text,
            "expected a domain that leaves postures to iliacus_ant_r and 1 other, found none in the ranges of the "
            "coordinates");

  // four pieces round a hole that a fifth fills, and one that means nothing
  const std::array<double, 2> all_flexion = {-1, 3}, all_adduction = {-1, 1};
  const std::vector<std::array<std::array<double, 2>, 2>> frame = {{{{-1, 0.2}, all_adduction}},
                                                                   {{{1.1, 3}, all_adduction}},
                                                                   {{all_flexion, {-1, -0.1}}},
                                                                   {{all_flexion, {0.1, 1}}}};
  EXPECT_TRUE(problems_of(frame).empty());
  auto filled = frame;
  filled.push_back({{{0.1, 1.2}, {-0.2, 0.2}}});
  ASSERT_EQ(problems_of(filled).size(), 1u);
  EXPECT_EQ(problems_of(filled)[0].pointer, "/domain/4");
  filled.back() = {{{0.1, 1.2}, {-0.2, 0.099}}};
  EXPECT_TRUE(problems_of(filled).empty()) << "a slit is left";
  filled.back() = {{{0.201, 1.2}, {-0.2, 0.2}}};
  EXPECT_TRUE(problems_of(filled).empty()) << "a slit is left";
}

TEST(Domain, of_two_groups_is_judged_muscle_by_muscle) {
  ModelSpec spec = read_model(models + "iliopsoas.json");
  spec.domain.clear();
  for (const auto& [muscles, range] : std::vector<std::pair<std::string, std::array<double, 2>>>{
           {"group:iliopsoas_r", {-1, 0.5}}, {"iliacus_ant_r", {0.4, 3}}}) {
    DomainSpec& item = spec.domain.emplace_back();
    item.muscles = {muscles};
    item.outside["hip_flexion_r"] = range;
  }
  const auto found = domain_problems(Model(spec));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pointer, "/domain/1");
  EXPECT_EQ(found[0].text.find("expected a domain that leaves postures to iliacus_ant_r, found none"), 0u);
}

TEST(PlaceInModel, names_the_file_that_says_it) {
  const TempFolder folder;
  folder.write("base.json", "{\"format\": \"psoas-model/1\",\n\"certificate\": \"c.json\"}");
  folder.write("own.json", "{\"extends\": \"base.json\",\n\n\"gravity\": [0, -9, 0]}");
  const std::string own = folder / "own.json";
  EXPECT_EQ(place_in_model(own, "/gravity").file, own);
  EXPECT_EQ(place_in_model(own, "/gravity").text, own + ":3: /gravity");
  EXPECT_EQ(place_in_model(own, "/certificate").file, folder / "base.json");
  EXPECT_EQ(place_in_model(own, "/certificate").text, folder / "base.json:2: /certificate");
}

}  // namespace
}  // namespace psoas::test
