// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The program psoas: finds the verb, parses its options, does it, and turns errors into exit codes.
#include <algorithm>
#include <string>
#include <vector>

#include "program.hpp"
#include "psoas/core/words.hpp"
#include "psoas/report/text.hpp"

namespace psoas::app {

namespace {

const Verb* const verbs[] = {&run_verb,          &sweep_verb,         &sweep_status_verb, &sweep_merge_verb,
                             &sweep_export_verb, &sweep_analyse_verb, &check_verb,        &info_verb,
                             &evaluate_verb,     &convert_verb,       &fit_paths_verb,    &new_verb,
                             &validate_verb};

std::string overview() {
  std::string out =
      "psoas " PSOAS_VERSION
      ": iliopsoas biomechanics. A study (JSON) runs on a model (JSON) and gives a result.\n\nusage: psoas VERB …\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const Verb* verb : verbs) rows.push_back({std::string("  ") + verb->name, verb->job});
  out += aligned(rows, "ll");
  out +=
      "\npsoas VERB --help     options and examples of a verb\npsoas --version       version of the program\n"
      "\nexit codes: 0 done; 1 check found something wrong, or --strict and a line is not met; 2 bad input or files;\n"
      "3 numeric failure; 4 interrupted\n"
      "\nexamples\n  psoas run examples/sit_to_stand/study.json\n  psoas info models/full_body.json psoas_L2_TP_r\n";
  return out;
}

int start(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    say(overview());
    return bad_input;
  }
  const std::string& first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") {
    print(overview());
    return done;
  }
  if (first == "--version") {
    print("psoas " PSOAS_VERSION "\n");
    return done;
  }
  std::vector<std::string> names = {"--help", "--version"};
  const std::string two = arguments.size() > 1 ? first + " " + arguments[1] : first;
  for (const Verb* verb : verbs)  // a verb of two words stands before one of the first word alone
    if (two != first && two == verb->name) return perform(*verb, {arguments.begin() + 2, arguments.end()});
  for (const Verb* verb : verbs) {
    if (first == verb->name) return perform(*verb, {arguments.begin() + 1, arguments.end()});
    names.emplace_back(verb->name);
  }
  std::string hint = did_you_mean(first, names);
  if (hint.empty()) hint = did_you_mean(two, names);
  say("psoas: unknown " + std::string(first[0] == '-' ? "option " : "verb ") + first + hint);
  say("psoas --help shows what there is");
  return bad_input;
}

}  // namespace

}  // namespace psoas::app

int main(int argc, char** argv) {
  try {
    psoas::app::prepare(argc, argv);
    const auto& all = psoas::app::command_line();
    return psoas::app::start({all.begin() + (all.empty() ? 0 : 1), all.end()});
  } catch (...) {
    return psoas::app::report_error();
  }
}
