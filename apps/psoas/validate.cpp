// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas validate: published experiments computed again.
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/kind.hpp"
#include "psoas/core/words.hpp"
#include "psoas/report/text.hpp"
#if __has_include("psoas/validate/validate.hpp")
#include "psoas/validate/validate.hpp"
#define PSOAS_HAS_VALIDATE 1
#endif

namespace psoas::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string name, models;
  bool json_out = false, strict = false, markdown = false;
};

/// The folder with full_body.json: in the current folder, beside the build, or where it was installed.
std::string models_folder(const std::string& given) {
  const std::string program = program_folder();
  std::vector<std::string> places = {given};
  if (given.empty()) places = {"models", program + "/../../../models", program + "/../share/psoas/models"};
  std::string tried;
  for (const std::string& place : places) {
    std::error_code ignored;
    const fs::path folder = fs::path(place).lexically_normal();
    if (fs::exists(folder / "full_body.json", ignored)) return folder.string();
    tried += (tried.empty() ? "" : ", ") + folder.string();
  }
  throw Error(Kind::io, "--models", "expected a folder with full_body.json, looked in " + tried);
}

#ifdef PSOAS_HAS_VALIDATE
std::string interval(double low, double high) {
  if (low == -inf && high == inf) return "–";
  if (low == -inf) return "≤ " + short_text(high);
  if (high == inf) return "≥ " + short_text(low);
  return short_text(low) + " … " + short_text(high);
}

/// Experiments, and rows of those that the name selects.
std::vector<std::string> names_like(const Options& options) {
  std::vector<std::string> names = experiment_names();
  const std::string experiment = options.name.substr(0, options.name.find('/'));
  for (const ValidationRow& row : validate(models_folder(options.models), experiment)) names.push_back(row.name);
  return names;
}

int perform(const Options& options) {
  if (options.json_out && options.markdown)
    throw Error(Kind::input, "psoas validate", "expected --json or --markdown, found both");
  const std::vector<ValidationRow> rows = validate(models_folder(options.models), options.name);
  if (rows.empty())
    throw Error(Kind::input, options.name,
                "expected the name of a published experiment (psoas validate lists all), found none like it" +
                    did_you_mean(options.name, names_like(options)));
  std::size_t inside = 0, deciding = 0;
  for (const ValidationRow& row : rows) {
    deciding += row.decides;
    inside += row.decides && row.inside;
  }
  if (options.json_out) {
    json all = json::array();
    for (const ValidationRow& row : rows)
      all.push_back({{"name", row.name},
                     {"quantity", row.quantity},
                     {"unit", row.unit},
                     {"computed", row.computed},
                     {"low", row.low},
                     {"high", row.high},
                     {"inside", row.inside},
                     {"decides", row.decides},
                     {"source", row.source},
                     {"note", row.note}});
    print_json(all);
  } else if (options.markdown) {
    print(validation_markdown(rows));
  } else {
    const bool colour = colour_out();
    const auto paint = [&](const char* code, const std::string& text) {
      return colour ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
    };
    std::vector<std::vector<std::string>> table = {
        {"", "experiment", "quantity", "unit", "computed", "published", "source"}};
    for (const ValidationRow& row : rows) {
      table.push_back({!row.decides ? "–"
                       : row.inside ? paint("32", "✓")
                                    : paint("1;31", "✗"),
                       row.name, readable_text(row.quantity), readable_unit(row.unit), short_text(row.computed),
                       interval(row.low, row.high), row.source});
      const bool no_range = row.low == -inf && row.high == inf;  // its note says what was measured
      if ((row.inside && !no_range) || row.note.empty()) continue;
      std::string note = wrapped(readable_text(row.note), "     ");
      note.pop_back();
      table.push_back({note});
    }
    print(aligned(table, "llllrl"));
    print("\n" + std::to_string(inside) + " of " + std::to_string(deciding) + " inside the published range" +
          (deciding < rows.size() ? "; " + std::to_string(rows.size() - deciding) + " more (–) are for information"
                                  : "") +
          "\n");
  }
  return options.strict && inside < deciding ? wrong : done;
}
#else
int perform(const Options& options) {
  const std::string folder = models_folder(options.models);
  throw Error(Kind::input, "psoas validate",
              "this program was built without the published experiments (models: " + folder + ")");
}
#endif

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.option("NAME", options->name,
                "an experiment or a part of its name, and with a / a part of its rows' names; default: all");
  parser.option("--models", options->models, "folder with full_body.json; default: models/ here or beside the program");
  parser.flag("--json", options->json_out, "print the rows as JSON");
  parser.flag("--markdown", options->markdown, "print the page docs/validation.md");
  parser.flag("--strict", options->strict, "exit with 1 when a row is outside its published range");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb validate_verb = {"validate", "published experiments computed again: quantity, published range, computed",
                            "  psoas validate\n"
                            "  psoas validate hip_passive --strict --json",
                            options_of};

}  // namespace psoas::app
