// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas convert: between file formats, decided by the endings of both names.
#include <memory>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"
#include "psoas/model/osim.hpp"

namespace psoas::app {
namespace {

bool is_table(const std::string& ending) { return ending == ".sto" || ending == ".mot" || ending == ".csv"; }

std::string converted(const std::string& in, const std::string& out) {
  const std::string from = ending_of(in), to = ending_of(out);
  if (is_table(from) && is_table(to)) {
    const Table table = read_table(in);
    return to == ".csv" ? write_csv(table) : write_sto(table);
  }
  if (from == ".osim" && to == ".json") {
    OsimImport import = read_osim(in);
    for (const std::string& note : import.notes) say(note);
    const Model checked(import.spec);  // what cannot be compiled is said now, not when it is used
    return model_text(import.spec);
  }
  if (from == ".json" && to == ".json") {
    const ModelSpec spec = read_model(in);
    const Model checked = Model::load(in);
    return model_text(spec);
  }
  throw Error(Kind::input, in + " -> " + out,
              "expected .osim to .json, a model's .json to .json, or one of .sto, .mot, .csv to another");
}

std::function<int()> options_of(Parser& parser) {
  const auto files = std::make_shared<std::pair<std::string, std::string>>();
  parser.required("IN", files->first, ".osim, .json (a model), .sto, .mot or .csv");
  parser.required("OUT", files->second, ".json for models; .sto, .mot or .csv for tables");
  return [files] {
    const std::string bytes = converted(files->first, files->second);
    const FinishFirst guard;
    write_file_atomically(files->second, bytes);
    return was_interrupted() ? interrupted : done;
  };
}

}  // namespace

const Verb convert_verb = {
    "convert", "OpenSim models to .json, .json models to their normal form, tables between .sto, .mot and .csv",
    "  psoas convert examples/squat/subject_2.osim subject_2.json\n"
    "  psoas convert examples/sit_to_stand/subject_a.mot subject_a.csv",
    options_of};

}  // namespace psoas::app
