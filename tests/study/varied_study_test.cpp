// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A study with numbers set in memory is the study that is read with the same numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "model/json_walk.hpp"
#include "model/model_file.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/study/study.hpp"

namespace psoas {
namespace {

using Set = std::vector<std::pair<std::string, std::string>>;

std::string example(const std::string& name) { return std::string(PSOAS_SOURCE_DIR) + "/examples/" + name; }

/// All that an answer is computed from, but not what only says where it came from.
std::string text_of(const Study& study) {
  json root = json::object();
  root["unedited"] = to_json_value(study.unedited);
  root["model"] = to_json_value(study.model);
  std::visit([&](const auto& question) { root["question"] = to_json_value(question); }, study.question);
  root["edits"] = edits_json(study.edits);
  for (const auto& [name, edits] : study.variants) root["variants"][name] = edits_json(edits);
  root["matched"] = study.matched;
  if (study.subject.mass) root["mass"] = *study.subject.mass;
  for (const auto& [body, factors] : study.subject.scale) root["scale"][body] = to_json_value(factors);
  return root.dump();
}

/// Pointers of all numbers below a value, with the numbers.
void numbers_in(const json& value, const std::string& at, std::vector<std::pair<std::string, double>>& out) {
  if (value.is_number_float() || value.is_number_integer()) out.emplace_back(at, value.get<double>());
  if (value.is_object())
    for (const auto& [key, member] : value.items()) numbers_in(member, below(at, key), out);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i) numbers_in(value[i], at + "/" + std::to_string(i), out);
}

/// The message, or the study's text.
template <class Read>
std::string told(Read read) {
  try {
    return text_of(read());
  } catch (const Error& error) {
    return error.what();
  }
}

/// Sets one number at a time to something near it, both ways.
void expect_same(const StudySource& source, const std::vector<std::pair<std::string, double>>& numbers) {
  std::vector<std::string> pointers;
  for (const auto& [pointer, value] : numbers) pointers.push_back(pointer);
  const std::vector<NumberPlaces> places = find_numbers(source, pointers);
  int compared = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!places[i].fault.empty()) continue;  // a whole number, which no sweep varies
    const double value = numbers[i].second * 1.0078125 + 0.001;
    VariedStudy varied(source, {pointers[i]});
    const std::string fast = told([&] { return varied.with(std::vector<double>{value}); });
    const std::string slow = told([&] { return read_study(source, Set{{pointers[i], shortest_text(value)}}); });
    ASSERT_EQ(fast, slow) << pointers[i];
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

TEST(VariedStudy, EveryNumberOfAStudyIsThatOfTheReader) {
  for (const char* name :
       {"torque_curve/study.json", "passive_swing/study.json", "muscle_experiment/isokinetic.json"}) {
    SCOPED_TRACE(name);
    const StudySource source{example(name), ""};
    std::vector<std::pair<std::string, double>> numbers;
    numbers_in(json::parse(read_file(source.path)), "", numbers);
    expect_same(source, numbers);
  }
}

TEST(VariedStudy, EveryNumberOfAModelIsThatOfTheReader) {
  const StudySource source{example("torque_curve/study.json"), ""};
  std::vector<std::pair<std::string, double>> numbers;
  numbers_in(json::parse(read_file(std::string(PSOAS_SOURCE_DIR) + "/models/iliopsoas.json")), "/model", numbers);
  ASSERT_GT(numbers.size(), 500u);
  std::vector<std::pair<std::string, double>> some;  // an odd step meets every kind of field
  for (std::size_t i = 0; i < numbers.size(); i += 7) some.push_back(numbers[i]);
  expect_same(source, some);
}

TEST(VariedStudy, SubjectsEditsAndVariantsTakeNumbersInAnyOrderAndAgain) {
  const std::string text = R"({"format": "psoas-study/1", "study": "torque_curve", "model": ")" +
                           std::string(PSOAS_SOURCE_DIR) + R"(/models/iliopsoas.json",
    "subject": {"mass": 70, "scale": {"pelvis": 1.1, "femur_r": [1, 1.1, 1]}},
    "edits": [{"muscles": "group:iliopsoas", "scale": {"optimal_fibre_length": 0.95}},
              {"muscles": "psoas_*_r", "shift": {"tendon_slack_length": -0.004}, "set": {"passive_strain": 0.5}}],
    "variants": {"a": [], "b": [{"muscles": "iliacus*", "scale": {"max_isometric_force": 0.5}}]},
    "coordinate": "hip_flexion_r", "muscles": ["group:iliopsoas_r"], "from_deg": 0, "to_deg": 30})";
  const StudySource source{"here.json", text};
  const std::vector<std::string> pointers = {"/subject/mass",
                                             "/subject/scale/pelvis",
                                             "/subject/scale/femur_r/1",
                                             "/edits/0/scale/optimal_fibre_length",
                                             "/edits/1/shift/tendon_slack_length",
                                             "/edits/1/set/passive_strain",
                                             "/variants/b/0/scale/max_isometric_force",
                                             "/to_deg"};
  VariedStudy varied(source, pointers);
  for (const std::vector<double>& numbers : {std::vector<double>{60.0, 0.9, 1.2, 0.8, 0.002, 0.7, 0.25, 50.0},
                                             {80.0, 1.0, 1.0, 1.0, 0.0, 0.6, 1.0, 10.0},
                                             {60.0, 0.9, 1.2, 0.8, 0.002, 0.7, 0.25, 50.0}}) {
    Set set;
    for (std::size_t i = 0; i < pointers.size(); ++i) set.emplace_back(pointers[i], shortest_text(numbers[i]));
    EXPECT_EQ(text_of(varied.with(numbers)), text_of(read_study(source, set)));
    VariedStudy copy(varied);
    EXPECT_EQ(text_of(copy.with(numbers)), text_of(read_study(source, set)));
  }
}

TEST(VariedStudy, FilesAreReadOnceOnly) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "varied_study_once";
  std::filesystem::create_directories(folder);
  write_file_atomically((folder / "model.json").string(),
                        read_file(std::string(PSOAS_SOURCE_DIR) + "/models/iliopsoas.json"));
  write_file_atomically((folder / "study.json").string(),
                        R"({"format": "psoas-study/1", "study": "torque_curve", "model": "model.json",
     "edits": [{"muscles": "*", "scale": {"max_isometric_force": 1}}],
     "coordinate": "hip_flexion_r", "muscles": ["group:iliopsoas_r"], "from_deg": 0, "to_deg": 30})");
  VariedStudy varied({(folder / "study.json").string(), ""},
                     {"/to_deg", "/edits/0/scale/max_isometric_force", "/model/muscles/iliacus_ant_r/pennation"});
  std::filesystem::remove_all(folder);
  const Study study = varied.with(std::vector<double>{40.0, 0.5, 0.1});
  EXPECT_EQ(std::get<TorqueCurveStudy>(study.question).to_deg, 40.0);
  EXPECT_EQ(study.model.muscles.find("iliacus_ant_r")->pennation, 0.1);
}

TEST(VariedStudy, WrongNumbersAreToldAsByTheReader) {
  const StudySource source{example("torque_curve/study.json"), ""};
  VariedStudy varied(source, {"/to_deg", "/variants/shortened_0_95/0/scale/optimal_fibre_length"});
  for (const std::vector<double>& numbers : {std::vector<double>{900.0, 0.9}, {-90.0, 0.9}, {30.0, 1e7}}) {
    Set set = {{"/to_deg", shortest_text(numbers[0])},
               {"/variants/shortened_0_95/0/scale/optimal_fibre_length", shortest_text(numbers[1])}};
    const std::string fast = told([&] { return varied.with(numbers); });
    EXPECT_EQ(fast, told([&] { return read_study(source, set); }));
    EXPECT_NE(fast.find("expected"), fast.npos);
  }
  EXPECT_NO_THROW(varied.with(std::vector<double>{30.0, 0.9}));  // and nothing of it is left behind
}

}  // namespace
}  // namespace psoas
