// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The whole main job in a mirror: the recording mirrored in the sagittal plane, the subject's left and right exchanged.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "psoas/io/table_file.hpp"
#include "study/examples.hpp"

namespace psoas::test {
namespace {

/// The same name on the other side.
std::string other_side(const std::string& name) {
  std::string out = name;
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    const bool end = i + 2 == out.size() || out[i + 2] == '/' || out[i + 2] == '_';
    if ((out[i] == '_' || out[i] == '/') && end && (out[i + 1] == 'r' || out[i + 1] == 'l'))
      out[i + 1] = out[i + 1] == 'r' ? 'l' : 'r';
  }
  return out;
}

Study mirrored(const Study& study) {
  Study out = study;
  Subject subject = study.subject;
  for (auto& [body, factors] : subject.scale)
    if (const Vec3* other = study.subject.scale.find(other_side(body))) factors = *other;
  // the study holds the model at the subject's size: scale the file's again
  const ModelSpec generic = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json").spec();
  std::vector<Problem> problems;
  out.model = out.unedited = scaled(generic, subject, "/subject", problems);
  EXPECT_TRUE(problems.empty());
  out.subject = subject;

  const Table& recorded = *study.table;
  Table table = recorded;
  for (const std::string& name : recorded.names) {
    std::vector<double> values = *recorded.find(other_side(name));
    const bool turns = name == "pelvis_list" || name == "pelvis_rotation" || name == "pelvis_tz" ||
                       name == "lumbar_bending" || name == "lumbar_rotation";
    if (turns)
      for (double& x : values) x = -x;
    table.columns[static_cast<std::size_t>(recorded.index(name))] = std::move(values);
  }
  out.table = table;
  return out;
}

TEST(Mirror, the_mirrored_motion_gives_the_mirrored_result) {
  Study study = read_study(example_path("sit_to_stand"));
  auto& motion = std::get<MotionStudy>(study.question);
  motion.integration.reset();
  study.variants = {study.variants.front(), study.variants.back()};
  // sign of each output in the mirror
  const std::map<std::string, double> signs = {{"compression/*", 1},
                                               {"anterior_shear/*", 1},
                                               {"lateral_shear/*", -1},
                                               {"net_moment/*", 1},
                                               {"net_moment_bending/*", -1},
                                               {"net_moment_axial/*", -1},
                                               {"joint_moment/hip_*", 1},
                                               {"joint_moment/knee_*", 1},
                                               {"joint_moment/ankle_*", 1},
                                               {"activation/*", 1},
                                               {"muscle_force/group:iliopsoas_r", 1},
                                               {"muscle_force/group:iliopsoas_l", 1},
                                               {"hip_contact_force/*", 1},
                                               {"hip_contact_force_z/*", -1},
                                               {"external_force_x", 1},
                                               {"external_force_z", -1},
                                               {"contact_force_y/*", 1}};
  study.outputs.clear();
  for (const auto& [pattern, sign] : signs) study.outputs.push_back(pattern);
  const Result one = run(study), two = run(mirrored(study));
  const auto sign_of = [&](const std::string& name) {
    for (const auto& [pattern, sign] : signs)
      if (pattern.substr(0, pattern.find('/')) == name.substr(0, name.find('/'))) return sign;
    return 1.0;
  };
  ASSERT_EQ(one.blocks.size(), 2u);
  int compared = 0;
  for (const auto& [variant, block] : one.blocks) {
    const Block& other = *two.blocks.find(variant);
    for (const auto& [name, here] : block.series) {
      const Series* there = other.series.find(other_side(name));
      ASSERT_NE(there, nullptr) << name;
      double scale = 1.0;
      for (const double x : here.values) scale = std::max(scale, std::abs(x));
      for (std::size_t f = 0; f < here.values.size(); ++f)
        ASSERT_NEAR(sign_of(name) * there->values[f], here.values[f], 1e-9 * scale)
            << variant << ", " << name << ", frame " << f;
      ++compared;
    }
  }
  EXPECT_GT(compared, 600);
}

}  // namespace
}  // namespace psoas::test
