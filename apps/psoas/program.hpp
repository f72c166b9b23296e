// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the verbs share. A new verb: its file with a `const Verb`, and a line in the table of main.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace psoas::app {

using json = nlohmann::ordered_json;

/// Exit codes.
enum Exit { done = 0, wrong = 1, bad_input = 2, numeric_failure = 3, interrupted = 4 };

/// Adds options to the parser of a verb: names such as "-o,--output", or "STUDY" for an argument without a dash.
class Parser {
 public:
  explicit Parser(CLI::App& app) : app_(app) {}
  void required(const std::string& names, std::string& value, const std::string& help);
  void required(const std::string& names, std::vector<std::string>& values, const std::string& help);
  void option(const std::string& names, std::string& value, const std::string& help);
  /// Any number of arguments, or an option that may be repeated with one value each.
  void list(const std::string& names, std::vector<std::string>& values, const std::string& help);
  void flag(const std::string& names, bool& value, const std::string& help);

 private:
  CLI::App& app_;
};

/// A verb of the program. `options` adds its options to the parser and gives what is done once they are parsed.
struct Verb {
  const char* name;      ///< one word or two
  const char* job;       ///< one line
  const char* examples;  ///< two real command lines
  std::function<int()> (*options)(Parser& parser);
};

/// Parses a verb's arguments and does it. Gives the exit code; says what was not understood.
int perform(const Verb& verb, const std::vector<std::string>& arguments);

extern const Verb run_verb, sweep_verb, sweep_status_verb, sweep_merge_verb, sweep_export_verb, sweep_analyse_verb,
    check_verb, info_verb, evaluate_verb, convert_verb, fit_paths_verb, new_verb, validate_verb;

/// Writes to standard output. A reader that has gone away is no error; anything else throws Error(io).
void print(std::string_view text);
/// Writes a line to standard error.
void say(std::string_view text);
/// Writes JSON to standard output.
void print_json(const json& value);

/// Whether output may be coloured.
bool colour_out();
bool colour_error();

/// The exit code of an error that a library call threw; says what it was.
int report_error();

/// While one of these lives, Ctrl-C waits until files are complete.
class FinishFirst {
 public:
  FinishFirst();
  ~FinishFirst();
  FinishFirst(const FinishFirst&) = delete;
  FinishFirst& operator=(const FinishFirst&) = delete;
};
/// Whether Ctrl-C or kill came during a FinishFirst.
bool was_interrupted();

/// A bar on a terminal for work that takes longer than two seconds.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void operator()(double share_done, const std::string& what);
  /// The same with words of the caller's own behind the bar; shown from two seconds on.
  void show(double share_done, const std::string& text);

 private:
  double start_, shown_ = 0.0;
  bool terminal_, drawn_ = false;
};

/// Seconds of a steady clock.
double clock_seconds();

/// The ending of a file's name in small letters: ".json".
std::string ending_of(const std::string& path);
/// "a, b" as words.
std::vector<std::string> comma_separated(const std::vector<std::string>& texts);
/// A count with its noun: "1 body", "3 bodies".
std::string counted(std::size_t count, const std::string& one, const std::string& many);
/// A span of time for reading: "35 µs", "1.25 s", "3.4 h".
std::string time_text(double seconds);

/// "format" of a JSON file or of what it extends, or "" where there is none; throws Error(input) where a file is no JSON,
/// Error(io) where it cannot be read.
std::string format_of(const std::string& path);

/// Signals, standard streams and the command line; main calls it once.
void prepare(int argc, char** argv);

/// The value of an option. Throws Error(input) for a text that is no whole number from low to high.
std::uint64_t whole_number(const std::string& option, const std::string& text, std::uint64_t low, std::uint64_t high);
/// The number of --threads, or of processors where there is none.
int threads_of(const std::string& text);

std::string host_name();
/// Now, as ISO 8601 in UTC.
std::string utc_date();

/// Folder of this program.
std::string program_folder();
/// The command line as it was given.
const std::vector<std::string>& command_line();

}  // namespace psoas::app
