// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/model_file.hpp"

#include "model/json_walk.hpp"
#include "psoas/model/file.hpp"

namespace psoas {
namespace {

constexpr const char* format = "psoas-model/1";

ModelSpec from(const Document& document) {
  std::vector<Problem> problems;
  std::size_t more = 0;
  ModelSpec spec = model_from(document.root(), problems, &more);
  document.complain(Kind::model, problems, more);
  return spec;
}

}  // namespace

void check_format(const json& root, const std::string& expected, std::vector<Problem>& problems) {
  if (!root.is_object())
    problems.push_back({"", "expected an object with \"format\": \"" + expected + "\""});
  else if (!root.contains("format"))
    problems.push_back({"", "missing \"format\": \"" + expected + "\""});
  else if (root["format"] != expected)
    problems.push_back(
        {"/format", "expected \"" + expected + "\", found " + excerpt(root["format"].dump(-1, ' ', true))});
}

ModelSpec model_from(const json& root, std::vector<Problem>& problems, std::size_t* more) {
  ModelSpec spec;
  check_format(root, format, problems);
  if (!problems.empty()) return spec;
  Walk walk;
  walk.into_fields(spec, root, "", {}, {"format", "$schema", "note"});
  problems.insert(problems.end(), walk.problems.begin(), walk.problems.end());
  if (more) *more += walk.more;
  return spec;
}

std::vector<Edit> edits_from(const json& array, const std::string& pointer, std::vector<Problem>& problems) {
  std::vector<Edit> edits;
  Walk walk;
  if (!array.is_array()) {
    problems.push_back({pointer, "expected an array of edits"});
    return edits;
  }
  for (std::size_t i = 0; i < array.size(); ++i) {
    const json& item = array[i];
    const std::string here = pointer + "/" + std::to_string(i);
    Edit edit;
    if (!item.is_object()) {
      walk.wrong(here, "expected an object", &item);
      continue;
    }
    const std::vector<std::string> known = {"name", "muscles", "joints", "bodies", "passive", "planes", "spheres",
                                            "set",  "scale",   "shift",  "remove", "match",   "note"};
    for (const auto& [key, value] : item.items()) {
      const std::string place = below(here, key);
      const auto selection = [&](std::vector<std::string>& out, const json& v) {
        if (v.is_string())
          out = {v.get<std::string>()};
        else if (v.is_array() && !v.empty())
          walk.into(out, v, place, Info{"", "names, globs or groups"});
        else
          walk.wrong(place, "expected a name, glob or group, or a list of them", &v);
      };
      if (key == "name") {
        edit.name.emplace();
        walk.into(*edit.name, value, place, {});
      } else if (key == "muscles") {
        selection(edit.muscles, value);
      } else if (key == "joints") {
        selection(edit.joints, value);
      } else if (key == "bodies") {
        selection(edit.bodies, value);
      } else if (key == "passive") {
        selection(edit.passive, value);
      } else if (key == "planes") {
        selection(edit.planes, value);
      } else if (key == "spheres") {
        selection(edit.spheres, value);
      } else if (key == "set" || key == "shift") {
        const bool set = key == "set";
        const Info about = set ? Info{} : edit_amount_info;
        if (!value.is_object()) walk.wrong(place, "expected an object from fields to values", &value);
        if (value.is_object())
          for (const auto& [field, v] : value.items()) {
            if (field == "note" && v.is_string()) continue;
            std::vector<double>& numbers = set ? edit.set[field].numbers : edit.shift[field];
            if (set && v.is_string())
              edit.set[field].word = v.get<std::string>();
            else if (v.is_array() && v.size() > 1)
              walk.into(numbers, v, below(place, field), about);
            else if (v.is_number())
              walk.into(numbers.emplace_back(), v, below(place, field), about);
            else
              walk.wrong(below(place, field),
                         set ? "expected a number, numbers of a field that is a list, or a text"
                             : "expected a number, or numbers of a field that is a list",
                         &v);
          }
      } else if (key == "scale") {
        walk.into(edit.scale, value, place, edit_factor_info);
      } else if (key == "remove") {
        walk.into(edit.remove, value, place, {});
      } else if (key == "match") {
        if (!value.is_object()) {
          walk.wrong(place, "expected an object with \"delta_theta_deg\"", &value);
          continue;
        }
        for (const auto& [match, v] : value.items())
          if (match == "delta_theta_deg")
            walk.into(edit.match_delta_theta_deg.emplace(), v, below(place, match), matched_angle_info);
          else if (match != "note")
            walk.wrong(below(place, match), "unknown key" + did_you_mean(match, {"delta_theta_deg"}));
        if (!value.contains("delta_theta_deg")) walk.wrong(place, "missing \"delta_theta_deg\"");
      } else if (key != "note") {
        walk.wrong(place, "unknown key" + did_you_mean(key, known));
      }
    }
    if (edit.match_delta_theta_deg) {
      std::size_t numbers = edit.scale.size();
      for (const auto& [field, amounts] : edit.shift) numbers += amounts.size();
      for (const auto& [field, value] : edit.set) numbers += value.word ? 0 : value.numbers.size();
      if (numbers != 1 || edit.remove || edit.muscles.empty())
        walk.wrong(here + "/match", "expected beside it muscles and one number in scale, shift or set, found " +
                                        std::to_string(numbers) + (numbers == 1 ? " number" : " numbers"));
    }
    edits.push_back(std::move(edit));
  }
  problems.insert(problems.end(), walk.problems.begin(), walk.problems.end());
  return edits;
}

json edits_json(const std::vector<Edit>& edits) {
  json array = json::array();
  const auto one_or_all = [](const auto& items) { return items.size() == 1 ? json(items.front()) : json(items); };
  for (const Edit& edit : edits) {
    json item = json::object();
    if (edit.name) item["name"] = *edit.name;
    for (const auto& [key, selections] :
         {std::pair{"muscles", &edit.muscles}, std::pair{"joints", &edit.joints}, std::pair{"bodies", &edit.bodies},
          std::pair{"passive", &edit.passive}, std::pair{"planes", &edit.planes}, std::pair{"spheres", &edit.spheres}})
      if (!selections->empty()) item[key] = one_or_all(*selections);
    for (const auto& [field, value] : edit.set)
      item["set"][field] = value.word ? json(*value.word) : one_or_all(value.numbers);
    for (const auto& [field, factor] : edit.scale) item["scale"][field] = factor;
    for (const auto& [field, amounts] : edit.shift) item["shift"][field] = one_or_all(amounts);
    if (edit.remove) item["remove"] = true;
    if (edit.match_delta_theta_deg) item["match"]["delta_theta_deg"] = *edit.match_delta_theta_deg;
    array.push_back(std::move(item));
  }
  return array;
}

ModelSpec read_model(const std::string& path) { return from(Document::read(path)); }

ModelPlace place_in_model(const std::string& path, const std::string& pointer) {
  const Document document = Document::read(path);
  for (const JsonFile& file : document.files())
    if (file.has(pointer)) return {file.name(), document.place(pointer)};
  return {path, document.place(pointer)};
}

ModelSpec parse_model(const std::string& name, const std::string& text) { return from(Document::parse(name, text)); }

std::string model_text(const ModelSpec& spec) {
  json root = json::object();
  root["format"] = format;
  root.update(to_json_value(spec));
  return pretty(root);
}

std::string model_schema() { return pretty(model_schema_json()); }

json model_schema_json() {
  json root = json::object();
  root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  root["title"] = format;
  root.update(schema_of(ModelSpec{}));
  root["properties"]["format"] = {{"const", format}};
  root["properties"]["$schema"] = {{"type", "string"}};
  root["properties"]["extends"] = extends_schema();
  json needed = json::array({"format"});
  if (root.contains("required"))
    for (const json& key : root["required"]) needed.push_back(key);
  root["required"] = needed;
  return root;
}

}  // namespace psoas
