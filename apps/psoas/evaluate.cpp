// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas evaluate: states in, named outputs out, one row a state.
#include <algorithm>
#include <cmath>
#include <memory>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/model/model.hpp"
#include "psoas/report/text.hpp"
#include "psoas/solve/inverse.hpp"
#include "psoas/study/outputs.hpp"
#include "psoas/study/posture_watch.hpp"

namespace psoas::app {
namespace {

constexpr double coupler_tolerance = 1e-6;  // rad or m

struct Options {
  std::string model, states, output;
  std::vector<std::string> outputs;
};

/// What a column of the states means.
struct Column {
  enum Role { coordinate, speed, acceleration, activation, coupled } role;
  int index;  ///< of independent coordinate, muscle or coordinate of the tree
  const std::vector<double>* values;
};

bool starts_with(const std::string& text, std::string_view start, std::string& rest) {
  if (text.rfind(start, 0) != 0) return false;
  rest = text.substr(start.size());
  return true;
}

int index_in(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

bool rotates(const ModelData& data, const std::string& column) {
  std::string name = column;
  for (const char* start : {"u/", "udot/"})
    if (std::string rest; starts_with(column, start, rest)) name = rest;
  const int c = index_in(data.coordinate_names, name), t = index_in(data.tree_coordinate_names, name);
  return c >= 0 ? data.is_rotation[static_cast<std::size_t>(c)]
                : t >= 0 && data.tree_is_rotation[static_cast<std::size_t>(t)];
}

std::vector<Column> columns_of(const Table& table, const ModelData& data) {
  std::vector<Column> out;
  std::string problems;
  std::vector<std::string> known = data.coordinate_names;
  known.insert(known.end(), data.tree_coordinate_names.begin(), data.tree_coordinate_names.end());
  const std::size_t names = known.size();
  for (std::size_t i = 0; i < names; ++i)
    for (const char* start : {"u/", "udot/"}) known.push_back(start + known[i]);
  for (const std::string& muscle : data.muscle_names) known.push_back("activation/" + muscle);
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string& name = table.names[i];
    std::string rest;
    Column column{Column::coordinate, index_in(data.coordinate_names, name), &table.columns[i]};
    if (starts_with(name, "u/", rest))
      column = {Column::speed, index_in(data.coordinate_names, rest), &table.columns[i]};
    else if (starts_with(name, "udot/", rest))
      column = {Column::acceleration, index_in(data.coordinate_names, rest), &table.columns[i]};
    else if (starts_with(name, "activation/", rest))
      column = {Column::activation, index_in(data.muscle_names, rest), &table.columns[i]};
    else if (column.index < 0)
      column = {Column::coupled, index_in(data.tree_coordinate_names, name), &table.columns[i]};
    if (column.index < 0) {
      const bool dependent = !rest.empty() && index_in(data.tree_coordinate_names, rest) >= 0;
      problems += (problems.empty() ? "" : "\n" + table.source + ": ") + ("column \"" + name + "\": ") +
                  (dependent ? "expected an independent coordinate, this one follows another"
                             : "expected a coordinate, u/<coordinate>, udot/<coordinate> or activation/<muscle>" +
                                   did_you_mean(name, known));
      continue;
    }
    table.require_finite(name);
    out.push_back(column);
  }
  if (!problems.empty()) throw Error(Kind::input, table.source, problems);
  return out;
}

/// A file that holds degrees without saying so would give numbers that look like results: angles of more than two turns
/// are refused, as a motion study refuses them.
void refuse_degrees(const Table& table, const ModelData& data) {
  std::vector<std::string> columns;
  std::string place, found;
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string& name = table.names[i];
    if (name.find('/') != std::string::npos || !rotates(data, name)) continue;  // speeds have no such bound
    const std::vector<double>& values = table.columns[i];
    const auto large = std::find_if(values.begin(), values.end(), [](double x) { return std::abs(x) > 4.0 * pi; });
    if (large == values.end()) continue;
    if (columns.empty())
      place = table.place(static_cast<std::size_t>(large - values.begin())), found = short_text(*large);
    columns.push_back(name);
  }
  if (columns.empty()) return;
  const std::size_t others = columns.size() - 1;
  throw Error(Kind::input, place,
              columns.front() + ": expected an angle in radians, found " + found +
                  (others > 0 ? " (and the like in " + counted(others, "other column", "other columns") + ")" : "") +
                  "; values look like degrees; this file says inDegrees=no");
}

/// A difference of two values of a coordinate as a person reads it.
std::string difference_text(double difference, bool rotation) {
  return rotation ? short_text(to_degrees(difference)) + " deg" : short_text(difference) + " m";
}

/// The outputs; where a name means none, with the nearest beginning that does: "length/psos_*" -> "length/psoas*".
std::vector<Output> outputs_of(const Model& model, const std::vector<std::string>& wanted) {
  for (const std::string& name : wanted)
    if (const std::size_t space = name.find(' '); space != std::string::npos)
      throw Error(Kind::input, name,
                  "expected an output without \"" + name.substr(0, space) + "\" in front: here each state is a row");
  try {
    return find_outputs(model, wanted, true);
  } catch (const Error& error) {
    const std::string& pattern = error.where();
    if (std::string(error.what()).find("did you mean") != std::string::npos) throw;
    std::vector<std::string> beginnings;
    try {
      for (const Output& output : find_outputs(model, {pattern.substr(0, pattern.find('/')) + "/*"}, true))
        beginnings.push_back(output.name.substr(0, pattern.find('*')) + "*");
    } catch (const Error&) {  // nothing is near, not even the quantity
    }
    const std::string asked = pattern.substr(0, pattern.find('*')) + "*", hint = did_you_mean(asked, beginnings);
    const bool begins = std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& name) {
      return name.rfind(pattern + "_", 0) == 0;  // of many such names none is near
    });
    const std::string text = error.what();
    throw Error(error.kind(), pattern,
                text.substr(pattern.size() + 2) + (begins ? ", did you mean \"" + pattern + "*\"?" : hint));
  }
}

/// Things that were seen in several rows, each said once.
struct Seen {
  std::size_t rows = 0, worst_row = 0;
  double worst = 0.0;
  void add(double size, std::size_t row) {
    if (size > worst || rows == 0) worst = size, worst_row = row;
    ++rows;
  }
};

int perform(const Options& options) {
  const Model model = Model::load(options.model);
  const ModelData& data = model.data();
  Table states = read_table(options.states);
  if (!options.output.empty() && ending_of(options.output) != ".csv" && ending_of(options.output) != ".sto")
    throw Error(Kind::input, options.output, "expected a name that ends in .csv or .sto");
  const bool was_in_degrees = states.in_degrees;
  convert_to_radians(states, [&](std::string_view name) { return rotates(data, std::string(name)); });
  const std::vector<Column> columns = columns_of(states, data);
  if (!was_in_degrees) refuse_degrees(states, data);

  std::vector<std::string> wanted = comma_separated(options.outputs);
  if (wanted.empty()) wanted = {"length/*"};
  for (const std::string& name : wanted)
    if (glob_match(name.substr(0, name.find('/')), "reserve"))
      throw Error(Kind::input, name,
                  "expected an output of a state; reserves exist where a motion is solved (psoas run)");
  const std::vector<Output> outputs = outputs_of(model, wanted);

  // Coordinates that the table lacks stand where the model has them.
  std::vector<std::string> absent;
  for (std::size_t c = 0; c < data.coordinate_names.size(); ++c)
    if (std::none_of(columns.begin(), columns.end(), [&](const Column& column) {
          return column.role == Column::coordinate && column.index == static_cast<int>(c);
        }))
      absent.push_back(data.coordinate_names[c]);
  if (!absent.empty()) say("note: not in " + options.states + ", so at the model's value: " + join(absent, ", "));

  State state = model.default_state();
  std::vector<double> udot(data.coordinate_names.size(), 0.0), tendon_force(data.muscle_names.size(), 0.0);
  const std::vector<double> no_contact(3 * data.contacts.size(), 0.0);
  InverseSolver solver(model, {});
  std::vector<std::vector<double>> values(outputs.size(), std::vector<double>(states.rows()));
  std::vector<Seen> mismatch(columns.size());
  PostureWatch watch(model);
  bool like_degrees = false;
  for (std::size_t row = 0; row < states.rows(); ++row) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const auto i = static_cast<std::size_t>(columns[k].index);
      const double value = (*columns[k].values)[row];
      if (columns[k].role == Column::coordinate) {
        state.q()[i] = value;
        like_degrees = like_degrees || (!was_in_degrees && data.is_rotation[i] && std::abs(value) > 7.0);
      } else if (columns[k].role == Column::speed) {
        state.u()[i] = value;
      } else if (columns[k].role == Column::acceleration) {
        udot[i] = value;
      } else if (columns[k].role == Column::activation) {
        if (!(value >= 0.0 && value <= 1.0))
          throw Error(
              Kind::input, states.place(row),
              "activation/" + data.muscle_names[i] + ": expected a number from 0 to 1, found " + shortest_text(value));
        state.activation()[i] = value;
      }
    }
    solver.net(state.q(), state.u(), udot);
    const Workspace& work = solver.work();
    for (std::size_t m = 0; m < tendon_force.size(); ++m)
      tendon_force[m] =
          std::max(0.0, state.activation()[m] * work.force.active[m] + work.force.passive[m] + work.force.damping[m]);
    solver.loads_with(no_contact, tendon_force);
    watch.see(state.q(), work);
    for (std::size_t k = 0; k < columns.size(); ++k)
      if (columns[k].role == Column::coupled) {
        const double difference =
            std::abs((*columns[k].values)[row] - work.q[static_cast<std::size_t>(columns[k].index)]);
        if (difference > coupler_tolerance) mismatch[k].add(difference, row);
      }
    const Instant instant{&model, &work, state.q(), state.u(), udot, state.activation(), tendon_force, &solver};
    for (std::size_t k = 0; k < outputs.size(); ++k) values[k][row] = outputs[k].value(instant);
  }
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const auto i = static_cast<std::size_t>(columns[k].index);
    const auto rows = [&](const Seen& seen, bool rotation) {
      return " in " + counted(seen.rows, "row", "rows") + ", most at " + states.place(seen.worst_row) + " by " +
             difference_text(seen.worst, rotation);
    };
    if (mismatch[k].rows > 0)
      say("warning: " + data.tree_coordinate_names[i] + " does not follow its coupler" +
          rows(mismatch[k], data.tree_is_rotation[i]) + "; the coupler was used");
  }
  for (const std::string& line :
       watch.warnings([&](int i) { return "at " + states.place(static_cast<std::size_t>(i)); }))
    say("warning: " + line);
  if (like_degrees) say("warning: values look like degrees; this file says inDegrees=no");

  Table result;
  result.name = "outputs";
  result.time = states.time;
  for (std::size_t k = 0; k < outputs.size(); ++k) result.add(outputs[k].name, std::move(values[k]));
  if (options.output.empty()) {
    print(write_csv(result));
    return done;
  }
  const std::string bytes = ending_of(options.output) == ".sto" ? write_sto(result) : write_csv(result);
  const FinishFirst guard;
  write_file_atomically(options.output, bytes);
  return was_interrupted() ? interrupted : done;
}

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.required("MODEL", options->model, "psoas-model/1 file");
  parser.required("STATES", options->states,
                  "table (.csv, .sto, .mot): coordinates in rad and m (in degrees where it says inDegrees=yes), "
                  "u/<coordinate>, udot/<coordinate>, activation/<muscle>");
  parser.list("--outputs", options->outputs,
              "names and globs, separated by commas (psoas info --outputs lists them); default: length/*");
  parser.option("-o,--output", options->output, ".csv or .sto file; default: .csv on standard output");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb evaluate_verb = {
    "evaluate", "states in, named outputs out, one row a state: the way for other programs to use psoas",
    "  psoas evaluate models/iliopsoas.json states.csv --outputs length/*,moment_arm/*/hip_flexion_r\n"
    "  psoas evaluate models/full_body.json examples/sit_to_stand/subject_a.mot --outputs "
    "passive_moment/hip_flexion_r/group:iliopsoas_r -o moment.csv\n"
    "\nMuscles are at the given activations (else at their least), their tendons rigid; nothing but gravity and the "
    "motion\nloads the body: there are no contact forces.",
    options_of};

}  // namespace psoas::app
