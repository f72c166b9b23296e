// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The program psoas: finds the verb, parses its options, does it, and turns errors into exit codes.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "program.hpp"
#include "psoas/core/words.hpp"
#include "psoas/report/text.hpp"

namespace psoas::app {

namespace {

const Verb* const verbs[] = {&run_verb,           &sweep_status_verb, &sweep_merge_verb, &sweep_export_verb,
                             &sweep_analyse_verb, &check_verb,        &info_verb,        &evaluate_verb,
                             &convert_verb,       &fit_paths_verb,    &new_verb,         &validate_verb};

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

/// Says what was not understood. CLI11's own words are kept where there is nothing better.
int refuse(const Verb& verb, const std::string& text) {
  say("psoas " + std::string(verb.name) + ": " + text);
  say("psoas " + std::string(verb.name) + " --help shows what there is");
  return bad_input;
}

int unknown_argument(const Verb& verb, const CLI::App& parser, const std::string& argument) {
  if (argument.empty() || argument[0] != '-' || argument == "-")
    return refuse(verb, "expected no more arguments, found \"" + argument + "\"");
  std::vector<std::string> known;
  for (const CLI::Option* option : parser.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    for (const std::string& name : option->get_snames()) known.push_back("-" + name);
  }
  const std::string name = argument.substr(0, argument.find('='));
  return refuse(verb, "unknown option " + name + did_you_mean(name, known));
}

int perform(const Verb& verb, const std::vector<std::string>& arguments) {
  CLI::App parser(verb.job, std::string("psoas ") + verb.name);
  parser.footer(std::string("examples\n") + verb.examples);
  parser.allow_extras();
  for (const auto& [word, label] :
       {std::pair{"TEXT", ""}, {"REQUIRED", ""}, {"...", ""}, {"Positionals", "Arguments"}, {"OPTIONS", "options"}})
    parser.get_formatter()->label(word, label);
  Parser options(parser);
  const auto action = verb.options(options);
  try {
    parser.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    print(parser.help() + "\n");
    return done;
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> rest = parser.remaining();
    if (const auto option = std::find_if(rest.begin(), rest.end(),
                                         [](const std::string& word) { return word.size() > 1 && word[0] == '-'; });
        option != rest.end())
      return unknown_argument(verb, parser, *option);
    return refuse(verb, error.what());
  }
  if (const std::vector<std::string> rest = parser.remaining(); !rest.empty())
    return unknown_argument(verb, parser, rest.front());
  return action();
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

void Parser::required(const std::string& names, std::string& value, const std::string& help) {
  app_.add_option(names, value, help)->required();
}
void Parser::required(const std::string& names, std::vector<std::string>& values, const std::string& help) {
  app_.add_option(names, values, help)->required();
}
void Parser::option(const std::string& names, std::string& value, const std::string& help) {
  app_.add_option(names, value, help);
}
void Parser::list(const std::string& names, std::vector<std::string>& values, const std::string& help) {
  app_.add_option(names, values, help)->allow_extra_args(names[0] != '-');
}
void Parser::flag(const std::string& names, bool& value, const std::string& help) { app_.add_flag(names, value, help); }

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
