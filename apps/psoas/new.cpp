// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas new: a complete example to start from.
#include <memory>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/study/study.hpp"

namespace psoas::app {
namespace {

std::vector<std::string> study_kinds() {
  std::vector<std::string> names;
  [&]<class... K>(const std::variant<K...>*) {
    (names.emplace_back(K::name), ...);
  }(static_cast<const StudyKind*>(nullptr));
  return names;
}

std::function<int()> options_of(Parser& parser) {
  struct Options {
    std::string what, kind;
  };
  const auto options = std::make_shared<Options>();
  parser.required("WHAT", options->what, "study");
  parser.required("KIND", options->kind, "kind of study: " + join(study_kinds(), ", "));
  return [options]() -> int {
    if (options->what != "study")
      throw Error(Kind::input, "psoas new " + options->what,
                  "expected \"study\" and a kind" + did_you_mean(options->what, {"study"}));
    print(example_study(options->kind));
    return done;
  };
}

}  // namespace

const Verb new_verb = {
    "new", "a complete example of a study to start from",
    "  psoas new study motion > my_study.json\n"
    "  psoas new study torque_curve > hip.json\n"
    "\nWritten into the root of the source tree it runs as it is; elsewhere change the paths in it, which "
    "are relative\nto the file.",
    options_of};

}  // namespace psoas::app
