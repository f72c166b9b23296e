// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Laws of the whole program on its main job: the same bytes again, and nearly the same numbers on another kind of CPU.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

/// Runs the sit-to-stand without the integration of muscle states, whose step control follows every rounding.
std::string run(const TempFolder& folder, const std::string& name, const std::string& environment) {
  const std::string study = folder / "study.json", out = folder / name;
  write_file_atomically(study, R"({"format": "psoas-study/1", "integration": null, "extends": ")" PSOAS_SOURCE_DIR
                               R"(/examples/sit_to_stand/study.json", "model": ")" PSOAS_SOURCE_DIR
                               R"(/models/full_body.json", "motion": {"coordinates": ")" PSOAS_SOURCE_DIR
                               R"(/examples/sit_to_stand/subject_a.mot", "windows": {"rep_2": null, "rep_3": null}}})");
  const std::string command = environment + " '" PSOAS_PROGRAM "' run '" + study + "' -o '" + out + "' >/dev/null 2>&1";
  return std::system(command.c_str()) == 0 ? out : "";
}

TEST(MainJob, SameBytesAgain) {
  // the shipped study as it stands, three variants, three rises, muscle states integrated
  const TempFolder folder;
  const std::string first = folder / "first", second = folder / "second";
  for (const std::string& out : {first, second}) {
    const std::string command = "'" PSOAS_PROGRAM "' run '" PSOAS_SOURCE_DIR "/examples/sit_to_stand/study.json' -o '" +
                                out + "' >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  for (const char* file : {"/result.json", "/series.csv", "/series.sto"})
    EXPECT_TRUE(read_file(first + file) == read_file(second + file)) << file;
}

TEST(MainJob, OtherCpusDifferByRoundingOnly) {
  const TempFolder folder;
  const std::string here = run(folder, "here", "");
  const std::string plain = run(folder, "plain", "GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2,-FMA_Usable,-AVX2_Usable");
  ASSERT_FALSE(here.empty() || plain.empty());
  const Table a = read_table(here + "/series.csv"), b = read_table(plain + "/series.csv");
  ASSERT_EQ(a.names, b.names);
  for (std::size_t c = 0; c < a.names.size(); ++c) {
    double scale = 1.0;
    for (const double x : a.columns[c]) scale = std::max(scale, std::abs(x));
    for (std::size_t i = 0; i < a.rows(); ++i)
      ASSERT_NEAR(a.columns[c][i], b.columns[c][i], 1e-9 * scale) << a.names[c] << " row " << i;
  }
}

}  // namespace
}  // namespace psoas::test
