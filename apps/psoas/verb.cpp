// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A verb's command line, parsed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "program.hpp"
#include "psoas/core/words.hpp"

namespace psoas::app {
namespace {

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

}  // namespace

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
