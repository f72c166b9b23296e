// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas info: what is in a model, a muscle, and what kinds, outputs and formats there are.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "certificate.hpp"
#include "kinds.hpp"
#include "muscle_card.hpp"
#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"
#include "psoas/report/report.hpp"
#include "psoas/report/text.hpp"
#include "psoas/solve/inverse.hpp"
#include "psoas/study/kinds.hpp"
#include "psoas/study/moment_arms.hpp"
#include "psoas/study/outputs.hpp"
#include "psoas/study/study.hpp"
#include "psoas/sweep/spec.hpp"

namespace psoas::app {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// --- kinds -----------------------------------------------------------------------------------------------------------

/// What `--kinds NAME` shows: the fields that an object has in any case, and the kinds that it may be.
struct KindTable {
  std::string name, help;
  std::optional<KindHelp> object;
  std::vector<KindHelp> kinds;
};

template <class Variant>
std::vector<KindHelp> kinds() {
  return kinds_of(static_cast<const Variant*>(nullptr));
}

// Members that the reader of studies takes one by one; what they mean depends on the model.
KindHelp study_members() {
  return {
      "all studies",
      "the members that every study has, whatever its kind",
      {{"format", "text", "", "psoas-study/1", "required", "what the file is"},
       {"study", "text", "", "", "required", "the kind of study, a name below"},
       {"model", "text", "", "", "required", "path of a psoas-model/1 file, relative to the study"},
       {"title", "text", "", "", "none", "one line for the heading"},
       {"subject", "object", "", "", "none", "size of the subject (psoas info --kinds subject)"},
       {"edits", "array of object", "", "", "none", "changes of the model in all variants (psoas info --kinds edit)"},
       {"variants", "object, name to array of object", "", "", "none",
        "edits of each variant, applied after `edits`; the first is the reference of differences"},
       {"outputs", "array of text", "", "", "none", "names of outputs, with globs; absent: a useful set"},
       {"uncertain", "object", "", "", "none", "distributions of numbers: the result has bands, docs/sweeps.md"},
       {"extends", "text or array of text", "", "", "none",
        "paths of studies that are read first, each laid over those before it and this one over all"},
       {"note", "text", "", "", "none", "here and in every object: ignored"},
       {"$schema", "text", "", "", "none", "for editors: ignored"}}};
}

KindHelp subject_members() {
  return {
      "subject",
      "size of the subject (\"subject\" of a study)",
      {{"mass", "number", "kg", "1 … 500", "none", "mass of the subject; absent: the model's"},
       {"height", "number", "m", "0.3 … 3", "none", "height of the subject, for the record: nothing is scaled by it"},
       {"scale", "object, name to number or 3 numbers", "1", "0.1 … 10", "none",
        "factor on lengths by body, one or along x, y, z"}}};
}

KindHelp edit_members() {
  const char* exactly_one =
      "names, globs or groups (group:…); exactly one of muscles, joints, bodies, passive, planes and spheres";
  return {"edit",
          "a change of the model (edits/* and variants/*/* of a study)",
          {{"name", "text", "", "", "none", "may stand for the index in pointers of --set; no two edits have the same"},
           {"muscles", "text or array of text", "", "", "none", exactly_one},
           {"joints", "text or array of text", "", "", "none", "names or globs"},
           {"bodies", "text or array of text", "", "", "none", "names or globs"},
           {"passive", "text or array of text", "", "", "none", "names or globs of passive elements"},
           {"planes", "text or array of text", "", "", "none", "names or globs of planes"},
           {"spheres", "text or array of text", "", "", "none", "names or globs of spheres"},
           {"set", "object, field to number, numbers or text", "", "that of the field", "none",
            "new values, in the field's unit (psoas info --kinds muscle and so on show fields)"},
           {"scale", "object, field to number", "1", "-1e+06 … 1e+06", "none",
            "factors on the value as it then is, on all numbers of one that is a list"},
           {"shift", "object, field to number or numbers", "", "-1e+09 … 1e+09", "none",
            "amounts added, in the field's unit"},
           {"remove", "true or false", "", "", "false", "takes the selected elements out of the model"}}};
}

std::vector<KindTable> kind_tables() {
  const auto object = [](const KindHelp& help) { return KindTable{help.name, help.help, help, {}}; };
  return {
      {"study", "questions (\"study\" of a psoas-study/1 file)", study_members(), kinds<StudyKind>()},
      {"controller", "what drives a simulation (controllers/*)", {}, kinds<Controller>()},
      object(object_of<PrescribedSpec>("prescribed", "coordinates that follow a curve in a simulation (prescribed/*)")),
      object(
          object_of<ReferenceSpec>("reference", "a motion that feet can carry, made of the recorded one (reference)")),
      object(subject_members()),
      object(edit_members()),
      object(object_of<ModelSpec>("model", "members of a psoas-model/1 file", false)),
      object(object_of<BodySpec>("body", "rigid bodies (bodies/*)")),
      object(object_of<CoordinateSpec>("coordinate", "coordinates (coordinates/*)")),
      {"joint", "joints (joints/*) and the kinds of their motion",
       object_of<JointSpec>("all joints", "the members of joints/*"), kinds<Joint>()},
      {"function", "functions of a coordinate (couplers and joint axes)", {}, kinds<Function>()},
      object(object_of<LumbarSpec>("lumbar", "lumbar rhythm and levels")),
      object(object_of<LevelSpec>("level", "lumbar levels (lumbar/levels/*)")),
      {"surface", "wrapping surfaces (surfaces/*) and the kinds of their shape",
       object_of<SurfaceSpec>("all surfaces", "the members of surfaces/*"), kinds<Surface>()},
      object(object_of<MuscleSpec>("muscle", "muscle-tendon units (muscles/*)")),
      {"curve", "muscle curve sets (muscles/*/curve)", {}, kinds<Curve>()},
      {"passive", "passive elements (passive/*)", {}, kinds<Passive>()},
      object(object_of<ContactSpec>("contact", "points that the environment may push on (contacts/*)")),
      object(object_of<PlaneSpec>("plane", "planes that spheres press against in simulations (planes/*)")),
      object(object_of<SphereSpec>("sphere", "spheres of bodies that planes push back (spheres/*)")),
      object(object_of<DomainSpec>("domain", "postures outside the domain of paths (domain/*)")),
      {"distribution",
       "what a factor of a sweep takes (vary/*): distributions and lists of levels",
       {},
       kinds<Values>()},
      {"sampler", "which cases a sweep computes (sampler)", {}, kinds<Sampler>()},
      object(object_of<Correlation>("correlation", "correlated factors of a sweep (correlation)")),
      object(object_of<SeriesRecord>("series", "whole curves that a sweep keeps (series)")),
      object(object_of<Certificate>("certificate", "members of a psoas-certificate/1 file"))};
}

json field_json(const FieldHelp& field) {
  return {{"name", field.name},   {"depth", field.depth},      {"type", field.type}, {"unit", field.unit},
          {"range", field.range}, {"default", field.standard}, {"help", field.help}};
}

json help_json(const KindHelp& kind) {
  json out = {{"help", kind.help}, {"fields", json::array()}};
  for (const FieldHelp& field : kind.fields) out["fields"].push_back(field_json(field));
  return out;
}

std::string fields_text(const KindHelp& kind) {
  Rows rows = {{"  field", "type", "unit", "range", "default", ""}};
  for (const FieldHelp& field : kind.fields)
    rows.push_back({std::string(at(2 * field.depth + 2), ' ') + field.name, field.type, readable_unit(field.unit),
                    field.range, field.standard, readable_text(field.help)});
  return kind.fields.empty() ? "  no fields\n" : aligned(rows, "llllll");
}

/// The names of tables and, since people look for what a file says, of its lists: muscle, muscles, levels.
const KindTable* find_table(const std::vector<KindTable>& tables, const std::string& word) {
  for (const KindTable& table : tables) {
    std::string many =
        table.name.ends_with("y") ? table.name.substr(0, table.name.size() - 1) + "ies" : table.name + "s";
    if (word == table.name || word == many) return &table;
  }
  return nullptr;
}

int show_kinds(const std::vector<std::string>& words, bool json_out) {
  const std::vector<KindTable> tables = kind_tables();
  if (words.empty()) {
    json all = json::object();
    Rows rows;
    std::string text;
    for (const KindTable& table : tables) {
      all[table.name] = {{"help", table.help}};
      if (table.object) all[table.name]["fields"] = help_json(*table.object)["fields"];
      if (!table.kinds.empty()) all[table.name]["kinds"] = json::object();
      for (const KindHelp& kind : table.kinds) all[table.name]["kinds"][kind.name] = help_json(kind);
      rows.push_back({table.name, table.help});
      for (const KindHelp& kind : table.kinds) rows.push_back({"  " + kind.name, "  " + kind.help});
    }
    if (json_out)
      print_json(all);
    else
      print(aligned(rows, "ll") + "\npsoas info --kinds KIND [NAME] shows the fields\n");
    return done;
  }

  std::vector<std::string> names;
  for (const KindTable& table : tables) names.push_back(table.name);
  const KindTable* table = find_table(tables, words[0]);
  if (!table)
    throw Error(Kind::input, "--kinds " + words[0],
                "expected one of " + join(names, ", ") + did_you_mean(words[0], names));
  std::vector<std::string> known;
  for (const KindHelp& kind : table->kinds) known.push_back(kind.name);
  if (words.size() > 1 && std::find(known.begin(), known.end(), words[1]) == known.end())
    throw Error(Kind::input, "--kinds " + words[0] + " " + words[1],
                known.empty() ? "expected no name here"
                              : "expected one of " + join(known, ", ") + did_you_mean(words[1], known));
  json one = {{"help", table->help}};
  std::string text = table->name + ": " + table->help + "\n";
  if (table->object && words.size() == 1) {
    one["fields"] = help_json(*table->object)["fields"];
    if (!table->kinds.empty()) text += "\n" + table->object->name + ": " + table->object->help + "\n";
    text += fields_text(*table->object);
  }
  if (!table->kinds.empty()) one["kinds"] = json::object();
  for (const KindHelp& kind : table->kinds) {
    if (words.size() > 1 && words[1] != kind.name) continue;
    one["kinds"][kind.name] = help_json(kind);
    text += "\n" + kind.name + ": " + kind.help + "\n" + fields_text(kind);
  }
  if (table->object && words.size() > 1)
    text += "\nand the fields of " + table->object->name + ": psoas info --kinds " + table->name + "\n";
  if (json_out)
    print_json({{table->name, one}});
  else
    print(text);
  return done;
}

// --- outputs ---------------------------------------------------------------------------------------------------------

int show_outputs(const std::string& path, bool json_out) {
  std::vector<OutputFamily> families = output_families();
  json all = json::array();
  Rows rows;
  if (path.empty()) {
    for (const OutputFamily& family : families) {
      rows.push_back({family.pattern, readable_unit(family.unit), family.help});
      all.push_back({{"name", family.pattern}, {"unit", family.unit}, {"help", family.help}});
    }
  } else {
    const Model model = Model::load(path);
    const std::vector<Equation> equations = redundancy_equations(model);
    SimulationStudy simulation;
    for (const std::string& name : model.data().coordinate_names) simulation.prescribed[name];
    for (const OutputFamily& family : families) {
      // of two elements there are too many to list: the pattern stands for them
      const auto slashes = std::count(family.pattern.begin(), family.pattern.end(), '/');
      const std::string quantity = family.pattern.substr(0, family.pattern.find('/'));
      if (slashes > 1) {
        rows.push_back({family.pattern, readable_unit(family.unit), family.help});
        all.push_back({{"name", family.pattern}, {"unit", family.unit}, {"help", family.help}});
        continue;
      }
      std::vector<std::string> patterns = {slashes == 0 ? quantity : quantity + "/*"};
      if (family.pattern.find("group:") != std::string::npos) patterns.push_back(quantity + "/group:*");
      for (const std::string& pattern : patterns) try {
          for (const Output& output : find_outputs(model, {pattern}, true, equations, &simulation)) {
            rows.push_back({output.name, readable_unit(output.unit), family.help});
            all.push_back({{"name", output.name}, {"unit", output.unit}, {"help", family.help}});
          }
        } catch (const Error&) {  // this model has none of them
        }
    }
  }
  if (json_out)
    print_json(all);
  else
    print(aligned(rows, "lll") +
          "\nbefore a name: peak, min, peak_abs, mean, final, impulse, time_of_peak; * matches between slashes\n");
  return done;
}

// --- a model ---------------------------------------------------------------------------------------------------------

std::string angle_or_metres(double value, bool rotation) {
  return rotation ? fixed_text(to_degrees(value), 1) + "°" : fixed_text(value, 3) + " m";
}

std::string joint_name(const Joint& joint) {
  return std::visit([](const auto& kind) { return std::string(kind.name); }, joint);
}

double total_force(const ModelData& data, const std::vector<std::string>& muscles) {
  double sum = 0.0;
  for (std::size_t m = 0; m < data.muscle_names.size(); ++m)
    if (std::find(muscles.begin(), muscles.end(), data.muscle_names[m]) != muscles.end())
      sum += data.units[m].max_isometric_force;
  return sum;
}

/// What stands for the paths, and how far it is from them.
std::string fitted_line(const ModelSpec& spec) {
  double length = 0.0, arm = 0.0;
  std::string of_length, of_arm;
  std::vector<std::string> exact;
  for (const auto& [name, muscle] : spec.muscles) {
    const FittedSpec& item = *muscle.fitted;
    if (item.stays_exact) exact.push_back(name);
    if (item.worst_length_error > length) length = item.worst_length_error, of_length = name;
    if (item.worst_moment_arm_error > arm) arm = item.worst_moment_arm_error, of_arm = name;
  }
  std::string out = "paths: fitted";
  if (!of_length.empty()) out += ", worst error of length " + fixed_text(1e3 * length, 3) + " mm (" + of_length + ")";
  if (!of_arm.empty()) out += ", of moment arm " + fixed_text(1e3 * arm, 2) + " mm (" + of_arm + ")";
  if (!exact.empty()) out += "; exact: " + join(exact, ", ");
  return out + "\n";
}

std::string overview_text(const std::string& path, const Model& model) {
  const ModelData& data = model.data();
  const ModelSpec& spec = data.spec;
  std::string out = (spec.name.empty() ? path : spec.name) + " · " + fixed_text(data.mass, 3) + " kg · " +
                    counted(spec.bodies.size(), "body", "bodies") + " · " +
                    counted(data.coordinate_names.size(), "independent coordinate", "independent coordinates") + " · " +
                    counted(data.muscle_names.size(), "muscle", "muscles") + "\n";

  Rows rows = {{"body", "kg", "joint", "from", "coordinates"}};
  for (const auto& [name, joint] : spec.joints) {
    std::vector<std::string> coordinates;
    std::visit(
        [&](const auto& kind) {
          for (const JointAxis& axis : kind.axes())
            if (axis.spec.coordinate &&
                std::find(coordinates.begin(), coordinates.end(), *axis.spec.coordinate) == coordinates.end())
              coordinates.push_back(*axis.spec.coordinate);
        },
        joint.motion);
    const BodySpec* body = spec.bodies.find(joint.child);
    rows.push_back({joint.child, body ? fixed_text(body->mass, 3) : "", name + " (" + joint_name(joint.motion) + ")",
                    joint.parent, join(coordinates, ", ")});
  }
  out += "\n" + aligned(rows, "lrlll");

  rows = {{"independent coordinate", "value", "range"}};
  std::size_t coupled = 0;
  for (const auto& [name, coordinate] : spec.coordinates) {
    if (coordinate.coupled_to) {
      ++coupled;
      continue;
    }
    const bool rotation = coordinate.motion == "rotation";
    rows.push_back(
        {name, angle_or_metres(coordinate.value, rotation),
         angle_or_metres(coordinate.range[0], rotation) + " … " + angle_or_metres(coordinate.range[1], rotation)});
  }
  out += "\n" + aligned(rows, "lrl");
  if (coupled > 0) {
    rows = {{"coupled coordinate", "follows"}};
    for (const auto& [name, coordinate] : spec.coordinates)
      if (coordinate.coupled_to)
        rows.push_back(
            {name, coordinate.coupled_to->coordinate + " (" +
                       std::visit([](const auto& f) { return std::string(f.name); }, coordinate.coupled_to->function) +
                       ")"});
    out += "\n" + aligned(rows, "ll");
  }

  rows = {{"muscles", "number", "ΣF0 [N]"}};
  std::set<std::string> grouped;
  for (const auto& [group, patterns] : spec.groups) {
    const std::vector<std::string> members = select_muscles(spec, "group:" + group);
    grouped.insert(members.begin(), members.end());
    rows.push_back({"group:" + group, std::to_string(members.size()), fixed_text(total_force(data, members), 0)});
  }
  std::vector<std::string> others;
  for (const std::string& name : data.muscle_names)
    if (!grouped.contains(name)) others.push_back(name);
  if (!others.empty())
    rows.push_back({spec.groups.empty() ? "all" : "in no group", std::to_string(others.size()),
                    fixed_text(total_force(data, others), 0)});
  if (!data.muscle_names.empty()) out += "\n" + aligned(rows, "lrr");

  if (spec.lumbar) {
    rows = {{"level", "endplate forward", "load output"}};
    for (const auto& [name, level] : spec.lumbar->levels)
      rows.push_back({readable_name(name), fixed_text(-level.endplate_angle_deg, 1) + "°",
                      "compression/" + name + ", anterior_shear/" + name});
    out += "\n" + aligned(rows, "lrl");
  }
  std::vector<std::string> line;
  for (const auto& [name, surface] : spec.surfaces) line.push_back(name);
  if (!line.empty()) out += "\n" + counted(line.size(), "surface", "surfaces") + ": " + join(line, ", ") + "\n";
  line.clear();
  for (const auto& [name, contact] : spec.contacts) line.push_back(name);
  if (!line.empty()) out += counted(line.size(), "contact point", "contact points") + ": " + join(line, ", ") + "\n";
  line.clear();
  for (const auto& [name, plane] : spec.planes) line.push_back(name);
  if (!line.empty()) out += counted(line.size(), "plane", "planes") + ": " + join(line, ", ") + "\n";
  line.clear();
  for (const auto& [name, sphere] : spec.spheres) line.push_back(name);
  if (!line.empty()) out += counted(line.size(), "contact sphere", "contact spheres") + ": " + join(line, ", ") + "\n";
  line.clear();
  for (const auto& [name, element] : spec.passive) line.push_back(name);
  if (!line.empty())
    out += counted(line.size(), "passive element", "passive elements") + ": " + join(line, ", ") + "\n";
  if (!spec.domain.empty()) out += "\noutside the domain of the paths\n";
  for (const DomainSpec& item : spec.domain) {
    std::vector<std::string> ranges;
    for (const auto& [name, range] : item.outside) {
      const bool rotation = spec.coordinates.find(name)->motion == "rotation";
      ranges.push_back(name + " " + angle_or_metres(range[0], rotation) + " … " + angle_or_metres(range[1], rotation));
    }
    out += "  " + join(item.muscles, ", ") + ": " + join(ranges, " with ") +
           (item.reason ? " (" + *item.reason + ")" : "") + "\n";
  }
  const bool fitted = spec.paths == "fitted";
  if (fitted) out += "\n" + fitted_line(spec);
  if (const auto carried = carried_certificate(path, model); carried && !carried->inherited.empty()) {
    out += "\nrange of motion\n" + wrapped(carried->inherited, "  ");
  } else if (carried) {
    out += std::string("\nrange of motion") + (fitted ? " of the exact paths, " : ", ") + *spec.certificate + "\n";
    if (!carried->problem.empty()) out += wrapped(carried->problem, "  ");
    for (const std::string& text : carried->lines) out += wrapped(text, "  ");
  }
  if (!spec.sources.empty()) out += "\nsources\n";
  for (const std::string& source : spec.sources) out += "  " + source + "\n";
  return out;
}

json overview_json(const std::string& path, const Model& model) {
  const ModelData& data = model.data();
  json out = {{"name", data.spec.name}, {"mass", data.mass}};
  out["bodies"] = std::vector<std::string>(data.body_names.begin() + 1, data.body_names.end());
  out["joints"] = json::array();
  for (const auto& [name, joint] : data.spec.joints)
    out["joints"].push_back(
        {{"name", name}, {"kind", joint_name(joint.motion)}, {"parent", joint.parent}, {"child", joint.child}});
  out["coordinates"] = json::array();
  for (const auto& [name, coordinate] : data.spec.coordinates)
    out["coordinates"].push_back(
        {{"name", name},
         {"motion", coordinate.motion},
         {"value", coordinate.value},
         {"range", coordinate.range},
         {"coupled_to", coordinate.coupled_to ? json(coordinate.coupled_to->coordinate) : json()}});
  out["muscles"] = data.muscle_names;
  out["groups"] = json::object();
  for (const auto& [group, patterns] : data.spec.groups) {
    const std::vector<std::string> members = select_muscles(data.spec, "group:" + group);
    out["groups"][group] = {{"muscles", members}, {"max_isometric_force", total_force(data, members)}};
  }
  out["levels"] = json::array();
  for (const Level& level : data.levels) out["levels"].push_back(level.name);
  out["surfaces"] = json::array();
  for (const auto& [name, surface] : data.spec.surfaces) out["surfaces"].push_back(name);
  out["contacts"] = json::array();
  for (const auto& [name, contact] : data.spec.contacts) out["contacts"].push_back(name);
  out["domain"] = json::array();
  for (const DomainSpec& item : data.spec.domain) {
    out["domain"].push_back({{"muscles", item.muscles}, {"outside", json::object()}});
    for (const auto& [name, range] : item.outside) out["domain"].back()["outside"][name] = range;
  }
  const auto carried = carried_certificate(path, model);
  const bool own = carried && carried->inherited.empty();
  out["certificate"] = own ? carried->lines : std::vector<std::string>();
  if (own && !carried->problem.empty()) out["certificate_problem"] = carried->problem;
  out["sources"] = data.spec.sources;
  return out;
}

struct Options {
  std::vector<std::string> words, at;
  bool kinds = false, outputs = false, all = false, json_out = false;
  std::string schema, moment_arms, steps, output;
};

/// The muscles that the words after the model name; `all` where there are none.
std::vector<int> chosen_muscles(const Model& model, const std::vector<std::string>& words, bool all) {
  std::vector<int> muscles;
  for (std::size_t i = 1; i < words.size(); ++i)
    for (const int m : model.select(words[i]))
      if (std::find(muscles.begin(), muscles.end(), m) == muscles.end()) muscles.push_back(m);
  if (all && words.size() == 1)
    for (int m = 0; m < model.muscles(); ++m) muscles.push_back(m);
  return muscles;
}

int show_model(const std::vector<std::string>& words, bool json_out) {
  const Model model = Model::load(words[0]);
  if (words.size() == 1) {
    if (json_out)
      print_json(overview_json(words[0], model));
    else
      print(overview_text(words[0], model));
    return done;
  }
  const std::vector<int> muscles = chosen_muscles(model, words, false);
  if (json_out)
    print_json(muscle_cards_json(model, muscles));
  else
    print(muscle_cards_text(model, muscles));
  return done;
}

// --- moment arms -----------------------------------------------------------------------------------------------------

/// The default coordinates with those of --at, which are in the units of the file; `scanned` is none of them (-1: any).
std::vector<double> pose_of(const Model& model, const std::vector<std::string>& at_values, int scanned) {
  std::vector<double> q = model.data().default_coordinates;
  std::set<int> given;
  for (const std::string& text : at_values) {
    const std::size_t equals = text.find('=');
    std::string name = text.substr(0, equals);
    const std::string number = equals == std::string::npos ? "" : text.substr(equals + 1);
    const bool in_degrees = name.ends_with("_deg") && !model.spec().coordinates.find(name);
    if (in_degrees) name.resize(name.size() - 4);
    double value = 0.0;
    const char* end = number.data() + number.size();
    if (const auto [stop, error] = std::from_chars(number.data(), end, value);
        error != std::errc() || stop != end || !std::isfinite(value))
      throw Error(Kind::input, "--at " + text, "expected coordinate=number [rad, m] or coordinate_deg=number");
    const int c = model.coordinate(name);
    if (c == scanned)
      throw Error(Kind::input, "--at " + text,
                  "expected another coordinate than that of --moment-arms, which goes through its range");
    if (!given.insert(c).second) throw Error(Kind::input, "--at " + text, "expected each coordinate once");
    if (in_degrees && !model.data().is_rotation[at(c)])
      throw Error(Kind::input, "--at " + text, "expected a value in m: the coordinate is a translation");
    if (!in_degrees && model.data().is_rotation[at(c)] && std::abs(value) > 4.0 * pi)
      throw Error(Kind::input, "--at " + text,
                  "expected an angle in radians, found " + number + "; in degrees it is " + name + "_deg=" + number);
    q[at(c)] = in_degrees ? degrees(value) : value;
  }
  return q;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

/// In SI units: value in rad or m, length in m, moment arm in m (1 about a translation); why a place is not to be trusted.
std::string curves_csv(const ModelData& data, const std::vector<MomentArmCurve>& curves) {
  std::string out = "muscle,coordinate,value,length,moment_arm,flag\n";
  for (const MomentArmCurve& curve : curves)
    for (std::size_t i = 0; i < curve.value.size(); ++i)
      out += csv_cell(data.muscle_names[at(curve.muscle)]) + "," +
             csv_cell(data.coordinate_names[at(curve.coordinate)]) + "," + shortest_text(curve.value[i]) + "," +
             shortest_text(curve.length[i]) + "," + shortest_text(curve.arm[i]) + "," +
             std::string(name_of(curve.flag[i]).word) + "\n";
  return out;
}

json curves_json(const ModelData& data, const std::vector<MomentArmCurve>& curves) {
  json out = json::array();
  for (const MomentArmCurve& curve : curves) {
    out.push_back({{"muscle", data.muscle_names[at(curve.muscle)]},
                   {"coordinate", data.coordinate_names[at(curve.coordinate)]},
                   {"value", curve.value},
                   {"length", curve.length},
                   {"moment_arm", curve.arm},
                   {"flag", json::array()}});
    for (const PathFlag flag : curve.flag) out.back()["flag"].push_back(name_of(flag).word);
  }
  return out;
}

std::string curves_text(const ModelData& data, const std::vector<MomentArmCurve>& curves) {
  std::string out;
  for (const MomentArmCurve& curve : curves) {
    const bool rotation = data.is_rotation[at(curve.coordinate)];
    Rows rows = {{data.coordinate_names[at(curve.coordinate)] + (rotation ? " [deg]" : " [m]"), "length [mm]",
                  rotation ? "moment arm [mm]" : "moment arm [1]", ""}};
    for (std::size_t i = 0; i < curve.value.size(); ++i)
      rows.push_back({rotation ? fixed_text(to_degrees(curve.value[i]), 1) : fixed_text(curve.value[i], 3),
                      fixed_text(1e3 * curve.length[i], 2),
                      rotation ? fixed_text(1e3 * curve.arm[i], 2) : fixed_text(curve.arm[i], 4),
                      std::string(name_of(curve.flag[i]).text)});
    out += (out.empty() ? "" : "\n") + data.muscle_names[at(curve.muscle)] + "\n" + aligned(rows, "rrrl");
  }
  return out;
}

/// A line a muscle, all over one coordinate; muscles whose lines are the same share one.
std::string curves_svg(const ModelData& data, const std::vector<MomentArmCurve>& curves) {
  Result result;
  const std::size_t c = at(curves.front().coordinate);
  const std::string& name = data.coordinate_names[c];
  std::vector<std::string> names;
  for (auto curve = curves.begin(); curve != curves.end(); ++curve) {
    names.push_back(data.muscle_names[at(curve->muscle)]);
    const auto same = [&](const MomentArmCurve& other) { return other.arm == curve->arm; };
    if (std::find_if(curves.begin(), curve, same) != curve) continue;
    const auto sharing = static_cast<std::size_t>(std::count_if(curve, curves.end(), same));
    std::string label = names.back();
    if (sharing > 2) label += " and " + std::to_string(sharing - 1) + " others";
    if (sharing == 2) label += ", " + data.muscle_names[at(std::find_if(curve + 1, curves.end(), same)->muscle)];
    Block& block = result.blocks.add(label);
    block.axis = name;
    block.axis_unit = data.is_rotation[c] ? "deg" : "m";
    Series& series = block.series.add("moment_arm");
    series.unit = data.is_rotation[c] ? "mm" : "1";
    for (std::size_t i = 0; i < curve->value.size(); ++i) {
      block.axis_values.push_back(data.is_rotation[c] ? to_degrees(curve->value[i]) : curve->value[i]);
      series.values.push_back(data.is_rotation[c] ? 1e3 * curve->arm[i] : curve->arm[i]);
    }
  }
  result.heading = names.size() > 4 ? counted(names.size(), "muscle", "muscles") : join(names, " · ");
  return svg(result, {"", readable_output("moment_arm/" + name), data.is_rotation[c] ? "mm" : "1", "moment_arm"});
}

int show_moment_arms(const Options& options) {
  const Model model = Model::load(options.words[0]);
  const std::vector<int> muscles = chosen_muscles(model, options.words, true);
  const std::vector<double> q = pose_of(model, options.at, options.all ? -1 : model.coordinate(options.moment_arms));
  int steps = ending_of(options.output) == ".svg" ? 120 : 30;
  if (!options.steps.empty()) {
    const char* end = options.steps.data() + options.steps.size();
    if (const auto [stop, error] = std::from_chars(options.steps.data(), end, steps);
        error != std::errc() || stop != end || steps < 1 || steps > 100000)
      throw Error(Kind::input, "--steps " + options.steps, "expected a whole number from 1 to 100000");
  }
  std::vector<MomentArmCurve> curves;
  PostureWatch watch(model);
  std::vector<std::pair<int, double>> places;  // that the watch has seen: coordinate, value
  for (int c = 0; c < model.coordinates(); ++c) {
    if (!options.all && c != model.coordinate(options.moment_arms)) continue;
    std::vector<MomentArmCurve> found = moment_arm_curves(model, muscles, c, q, steps, &watch);
    if (found.empty()) continue;
    for (const double value : found.front().value) places.emplace_back(c, value);
    std::move(found.begin(), found.end(), std::back_inserter(curves));
  }
  if (curves.empty())
    throw Error(Kind::input, "--moment-arms " + options.moment_arms, "expected a coordinate that the muscles cross");
  // all coordinates of one muscle together
  std::stable_sort(curves.begin(), curves.end(),
                   [](const MomentArmCurve& a, const MomentArmCurve& b) { return a.muscle < b.muscle; });
  const ModelData& data = model.data();
  for (const std::string& line : watch.warnings([&](int i) {
         const auto& [c, value] = places[at(i)];
         return "at " + data.coordinate_names[at(c)] + " " + angle_or_metres(value, data.is_rotation[at(c)]);
       }))
    say("warning: " + line);
  if (!options.output.empty()) {
    if (ending_of(options.output) == ".svg" && options.all)
      throw Error(Kind::input, "-o " + options.output, "expected one coordinate for a drawing, or a .csv file");
    if (ending_of(options.output) != ".svg" && ending_of(options.output) != ".csv")
      throw Error(Kind::input, "-o " + options.output, "expected a name that ends in .csv or .svg");
    const std::string text = ending_of(options.output) == ".svg" ? curves_svg(data, curves) : curves_csv(data, curves);
    {
      const FinishFirst guard;
      write_file_atomically(options.output, text);
    }
    say(counted(curves.size(), "curve", "curves") + " in " + options.output);
  } else if (options.json_out) {
    print_json(curves_json(data, curves));
  } else if (options.all) {
    print(curves_csv(data, curves));
  } else {
    print(curves_text(data, curves));
  }
  return was_interrupted() ? interrupted : done;
}

/// Options that contradict each other are refused: one of them would be ignored.
void refuse_contradictions(const Options& options) {
  std::vector<std::string> asked;
  const auto ask = [&](bool given, const char* name) {
    if (given) asked.push_back(name);
  };
  ask(options.kinds, "--kinds"), ask(options.outputs, "--outputs"), ask(!options.schema.empty(), "--schema");
  ask(!options.moment_arms.empty(), "--moment-arms"), ask(options.all, "--all");
  if (asked.size() > 1) throw Error(Kind::input, "psoas info", "expected one of these, found " + join(asked, " and "));
  const bool curves = options.all || !options.moment_arms.empty();
  if (!curves && (!options.at.empty() || !options.steps.empty() || !options.output.empty()))
    throw Error(Kind::input, "psoas info", "expected --moment-arms or --all beside --at, --steps and -o");
  if (curves && options.json_out && !options.output.empty())
    throw Error(Kind::input, "psoas info", "expected --json (on standard output) or -o, found both");
  if (options.kinds && options.words.size() > 2)
    throw Error(Kind::input, "psoas info", "expected KIND and NAME beside --kinds, found " + join(options.words, " "));
  if (options.outputs && options.words.size() > 1)
    throw Error(Kind::input, "psoas info", "expected one MODEL beside --outputs, found " + join(options.words, " "));
  if (!options.schema.empty() && !options.words.empty())
    throw Error(Kind::input, "psoas info", "expected nothing beside --schema, found " + join(options.words, " "));
}

int perform(const Options& options) {
  refuse_contradictions(options);
  if (options.kinds) return show_kinds(options.words, options.json_out);
  if (options.outputs) return show_outputs(options.words.empty() ? "" : options.words.front(), options.json_out);
  if (!options.schema.empty()) {
    const std::vector<std::string> known = {"model", "study", "sweep"};
    if (options.schema == "model")
      print(model_schema());
    else if (options.schema == "study")
      print(study_schema());
    else if (options.schema == "sweep")
      print(sweep_schema());
    else
      throw Error(Kind::input, "--schema " + options.schema,
                  "expected model, study or sweep" + did_you_mean(options.schema, known));
    return done;
  }
  if (options.words.empty()) throw Error(Kind::input, "psoas info", "expected a MODEL, --kinds, --outputs or --schema");
  if (options.all || !options.moment_arms.empty()) return show_moment_arms(options);
  return show_model(options.words, options.json_out);
}

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.list("MODEL", options->words, "psoas-model/1 file, and muscles of it (names, globs, group:…)");
  parser.flag("--kinds", options->kinds,
              "what studies and models are made of; with KIND [NAME]: its fields, units, ranges and defaults");
  parser.flag("--outputs", options->outputs, "names of outputs with units; with MODEL: those that it has");
  parser.option("--schema", options->schema, "JSON schema of a format: model, study or sweep");
  parser.option("--moment-arms", options->moment_arms,
                "lengths and moment arms of the muscles over the range of a coordinate, other coordinates at default");
  parser.flag("--all", options->all,
              "the same of all muscles, or those named, over each of their coordinates, as CSV in SI units");
  parser.list("--at", options->at,
              "coordinate=value [rad, m] or coordinate_deg=value, for another pose; may be repeated");
  parser.option("--steps", options->steps, "steps over the range; default: 30, of a drawing 120");
  parser.option("-o,--output", options->output, "file for the curves: .csv, or .svg for one coordinate");
  parser.flag("--json", options->json_out, "print JSON");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb info_verb = {"info", "what is in a model or a muscle; kinds, outputs, schemas",
                        "  psoas info models/full_body.json psoas_L2_TP_r --moment-arms hip_flexion_r\n"
                        "  psoas info --kinds study motion",
                        options_of};

}  // namespace psoas::app
