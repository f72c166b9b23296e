// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/study/study.hpp"

#include <filesystem>

#include "model/compile.hpp"
#include "model/json_walk.hpp"
#include "model/model_file.hpp"
#include "psoas/core/hash.hpp"
#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/model/osim.hpp"
#include "study/answer.hpp"
#include "study/number_slot.hpp"

namespace psoas {
namespace {

constexpr const char* study_format = "psoas-study/1";
constexpr const char* result_format = "psoas-result/1";

const Info mass_info{"kg", "mass of the subject", 1, 500}, height_info{"m", "height of the subject", 0.3, 3},
    factor_info{"1", "factor on lengths", 0.1, 10};

const std::set<std::string> common_keys = {"format", "$schema",  "note",    "title",   "study",   "model",
                                           "edits",  "variants", "subject", "outputs", "extends", "uncertain"};

/// A member of an object that is a text, or an empty one.
std::string text_of(const json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  [&]<class... K>(const std::variant<K...>*) {
    (names.emplace_back(K::name), ...);
  }(static_cast<const StudyKind*>(nullptr));
  return names;
}

/// The schema of one study kind; null where there is none of this name.
json schema_of_study(const std::string& kind) {
  json schema;
  const auto write = [&]<class K>(const K& question) {
    schema = schema_of(question);
    schema["description"] = K::help;
    json& p = schema["properties"];
    p["study"] = {{"const", std::string(K::name)}};
    p["format"] = {{"const", study_format}};
    for (const char* key : {"$schema", "title", "model"}) p[key] = {{"type", "string"}};
    p["extends"] = extends_schema();
    p["edits"] = {{"type", "array"}};
    p["variants"] = {{"type", "object"}};
    const json factor = schema_of(required, factor_info);
    json& subject = p["subject"] = {{"type", "object"}, {"additionalProperties", false}};
    subject["properties"] = {
        {"mass", schema_of(required, mass_info)},
        {"height", schema_of(required, height_info)},
        {"scale",
         {{"type", "object"},
          {"properties", {{"note", {{"type", "string"}}}}},
          {"additionalProperties",
           {{"anyOf", {factor, {{"type", "array"}, {"items", factor}, {"minItems", 3}, {"maxItems", 3}}}}}}}},
        {"note", {{"type", "string"}}}};
    p["outputs"] = {{"type", "array"}, {"items", {{"type", "string"}}}};
    p["uncertain"] = {
        {"type", "object"},
        {"description", "numbers with distributions: \"vary\", \"zipped\" and \"correlation\" as in a sweep"},
        {"required", {"vary"}},
        {"properties",
         {{"vary", {{"type", "object"}}},
          {"zipped", {{"type", "array"}}},
          {"correlation", {{"type", "object"}}},
          {"samples", {{"type", "integer"}, {"minimum", 2}, {"maximum", 1000000}, {"default", 200}}},
          {"seed", {{"type", "integer"}, {"minimum", 0}, {"default", 1}}},
          {"note", {{"type", "string"}}}}},
        {"additionalProperties", false}};
    json needed = json::array({"format", "study"});
    if (schema.contains("required"))
      for (const json& key : schema["required"]) needed.push_back(key);
    schema["required"] = needed;
  };
  [&]<class... K>(const std::variant<K...>*) {
    ((kind == K::name ? write(K{}) : void()), ...);
  }(static_cast<const StudyKind*>(nullptr));
  return schema;
}

/// Gives the model the subject's size.
void take_size(Study& study, std::vector<Problem>& problems) {
  study.unedited = scaled(study.model, study.subject, "/subject", problems);
}

/// Edits the model of the subject's size.
void take_edits(Study& study, std::vector<Problem>& problems) {
  study.model = study.unedited;
  study.matched = find_matches(study.unedited, study.model, "/edits", study.edits, problems);
  apply(study.edits, "/edits", study.model, problems);
}

/// Collects problems of two documents, the study's and the model's, and throws them together.
class StudyReader {
 public:
  StudyReader(const StudySource& source, const std::vector<std::pair<std::string, std::string>>& set) {
    study_.path = source.path;
    document_ = std::make_shared<Document>(source.text.empty()
                                               ? Document::read(study_.path)
                                               : Document::read_text(study_.path + " (its study)", source.text));
    if (text_of(document_->root(), "format") == result_format) open_result();
    // which model, before what is in it
    for (const bool model : {true, false})
      for (const auto& [pointer, text] : set)
        if ((pointer == "/model") == model) apply_set(pointer, text);
  }

  NumberPlaces numbers(const std::string& pointer) {
    NumberPlaces places;
    try {
      places.pointers = meant(pointer);
      for (const std::string& one : places.pointers) set_one(one, 1.5, one);
    } catch (const Error& error) {
      const std::string start = "--set ";
      if (error.kind() != Kind::input || error.where().rfind(start, 0) != 0) throw;
      // where the value came from is the caller's to say; which of several places, the message's
      const std::string one = error.where().substr(start.size());
      std::string text = error.text();
      const std::string_view type = "expected a value of type ", found = ", found 1.5";
      if (text.rfind(type, 0) == 0 && text.ends_with(found))
        text = "expected a place for a number, found one for " +
               text.substr(type.size(), text.size() - type.size() - found.size());
      places.fault = (one == pointer ? "" : one + ": ") + text;
    }
    return places;
  }

  Study read() {
    take_files();
    std::vector<Problem> problems;
    take_size(study_, problems);
    if (problems.empty()) take_edits(study_, problems);
    document_->complain(Kind::input, problems);

    json provenance = json::object();
    provenance["program"] = "psoas";
    provenance["version"] = PSOAS_VERSION;
    provenance["study"] = document_->root();
    provenance["model"] = model_->root();
    provenance["tables"] = tables_;
    if (!asked_.empty()) provenance["studies"] = asked_;
    study_.provenance = provenance.dump();
    return std::move(study_);
  }

  /// What stands in files: the model is that of its file, edits are not applied.
  Study read_files() {
    take_files();
    return std::move(study_);
  }

 private:
  explicit StudyReader(std::string path) { study_.path = std::move(path); }

  static constexpr std::string_view into_model = "/model/";
  static bool is_into_model(const std::string& pointer) {
    return std::string_view(pointer).substr(0, into_model.size()) == into_model;
  }

  void take_files() {
    take_question();
    load_model(document_->root());
    load_tables();
  }

  /// What the study's own document says.
  void take_question() {
    std::vector<Problem> problems;
    const json& root = document_->root();
    check_format(root, study_format, problems);
    document_->complain(Kind::input, problems);
    Walk walk;
    question(root, walk);
    common(root, walk);
    problems = walk.problems;
    const std::size_t more = walk.more;
    if (root.contains("edits")) study_.edits = edits_from(root["edits"], "/edits", problems);
    one_edit_a_name(study_.edits, problems);
    if (root.contains("variants")) variants(root["variants"], problems);
    document_->complain(Kind::input, problems, more);
    study_.place = [document = document_](const std::string& pointer) { return document->place(pointer); };
  }

  /// A result holds the study that it answers, its model and its tables.
  void open_result() {
    const json root = document_->root();
    if (!root.contains("provenance") || !root["provenance"].is_object() || !root["provenance"].contains("study") ||
        !root["provenance"].contains("model"))
      throw Error(Kind::input, document_->place("/provenance"),
                  "expected the study and the model that this result answers");
    embedded_ = root["provenance"];
    document_ = std::make_shared<Document>(Document::parse(study_.path + " (its study)", embedded_["study"].dump(1)));
  }

  void apply_set(const std::string& pointer, const std::string& text) {
    json value = json::parse(text, nullptr, false);
    if (value.is_discarded()) value = text;
    for (const std::string& one : meant(pointer)) set_one(one, value, pointer);
  }

  /// The pointers that one with globs, a group of muscles or an edit's name means.
  std::vector<std::string> meant(const std::string& pointer) {
    if (!is_into_model(pointer)) return {named_edit(pointer)};
    load_model_document(document_->root());
    std::vector<std::string> pointers = selected(pointer.substr(into_model.size() - 1), pointer);
    for (std::string& one : pointers) one = "/model" + one;
    return pointers;
  }

  /// Sets what stands at a pointer without globs; messages call it `shown`.
  void set_one(const std::string& pointer, const json& value, const std::string& shown) {
    if (!is_into_model(pointer)) return document_->set(pointer, value, schema_for_set(pointer), shown);
    load_model_document(document_->root());
    model_changed_ = true;
    if (model_schema_.is_null()) model_schema_ = model_schema_json();
    model_->set(pointer.substr(into_model.size() - 1), value, model_schema_, pointer);
  }

  /// The schema of this study's kind, with the model's bodies as fields where one of them is scaled.
  json schema_for_set(const std::string& pointer) {
    json schema = schema_of_study(text_of(document_->root(), "study"));
    if (pointer.rfind("/subject/scale/", 0) == 0) {
      load_model_document(document_->root());
      json& scale = schema["properties"]["subject"]["properties"]["scale"];
      const json factor = scale["additionalProperties"];
      scale["additionalProperties"] = false;
      const json& root = model_->root();
      if (root.is_object() && root.contains("bodies") && root["bodies"].is_object())
        for (const auto& [body, item] : root["bodies"].items()) scale["properties"][body] = factor;
    }
    return schema;
  }

  /// The pointers that one with globs, or with a group of muscles, means in the model.
  std::vector<std::string> selected(const std::string& pointer, const std::string& whole) const {
    const auto steps = pointer_steps(pointer);
    if (!steps || (pointer.find_first_of("*?") == pointer.npos && pointer.find("group:") == pointer.npos))
      return {pointer};
    std::vector<std::pair<std::string, const json*>> found{{"", &model_->root()}};
    for (std::size_t i = 0; i < steps->size(); ++i) {
      const std::string& step = (*steps)[i];
      const bool group = i == 1 && steps->front() == "muscles" && step.rfind("group:", 0) == 0;
      std::vector<std::pair<std::string, const json*>> next;
      std::vector<std::string> known, members;
      if (group) {
        std::vector<Problem> ignored;  // told when the model is read
        const ModelSpec spec = model_from(model_->root(), ignored);
        members = select_muscles(spec, step);
        for (const auto& [name, patterns] : spec.groups)
          for (const char* side : {"", "_r", "_l"}) known.push_back("group:" + name + side);
      }
      const bool selection = group || step.find_first_of("*?") != step.npos;
      for (const auto& [at, value] : found) {
        const json* there = value;
        if (!selection) {
          const bool has = there && there->is_object() && there->contains(step);
          next.emplace_back(below(at, step), has ? &(*there)[step] : nullptr);
        } else if (there && there->is_object()) {
          for (const auto& [key, member] : there->items()) {
            known.push_back(key);
            if (key == "note" && member.is_string()) continue;
            if (group ? std::find(members.begin(), members.end(), key) != members.end() : glob_match(step, key))
              next.emplace_back(below(at, key), &member);
          }
        }
      }
      if (next.empty())
        throw Error(Kind::input, "--set " + whole,
                    "expected a name, glob or group that matches something, found " + in_quotes(step) +
                        did_you_mean(step, known));
      found = std::move(next);
    }
    std::vector<std::string> pointers;
    for (const auto& [at, value] : found) pointers.push_back(at);
    return pointers;
  }

  /// A pointer may use an edit's name instead of its index.
  std::string named_edit(const std::string& pointer) const {
    if (pointer.rfind("/edits/", 0) != 0 || !document_->root().contains("edits")) return pointer;
    const std::size_t end = std::min(pointer.find('/', 7), pointer.size());
    const json& edits = document_->root()["edits"];
    const std::string name = pointer.substr(7, end - 7);
    if (!edits.is_array() || name.find_first_not_of("0123456789") == name.npos) return pointer;
    std::vector<std::string> known;
    for (std::size_t i = 0; i < edits.size(); ++i) {
      known.push_back(text_of(edits[i], "name"));
      if (known.back() == name) return "/edits/" + std::to_string(i) + pointer.substr(end);
    }
    throw Error(Kind::input, "--set " + pointer,
                "expected an edit of this name or index, found none in " + document_->file().name() +
                    did_you_mean(name, known));
  }

  /// A pointer such as /edits/tight/scale must mean one edit.
  static void one_edit_a_name(const std::vector<Edit>& edits, std::vector<Problem>& problems) {
    for (std::size_t i = 0; i < edits.size(); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (edits[i].name && edits[k].name == edits[i].name) {
          problems.push_back(
              {"/edits/" + std::to_string(i) + "/name", "expected a name that no other edit has, found \"" +
                                                            *edits[i].name + "\" also in /edits/" + std::to_string(k)});
          break;
        }
  }

  void question(const json& root, Walk& walk) {
    const std::vector<std::string> names = kind_names();
    if (!root.contains("study")) return walk.wrong("", "missing \"study\": one of " + join(names, ", "));
    if (!root["study"].is_string()) return walk.wrong("/study", "expected one of " + join(names, ", "), &root["study"]);
    const std::string name = root["study"].get<std::string>();
    const bool known = [&]<class... K>(std::variant<K...>& kind) {
      return ((name == K::name && (walk.into_fields(kind.template emplace<K>(), root, "", {}, common_keys), true)) ||
              ...);
    }(study_.question);
    if (!known)
      walk.wrong("/study",
                 "expected one of " + join(names, ", ") + ", found \"" + name + "\"" + did_you_mean(name, names));
  }

  void common(const json& root, Walk& walk) {
    if (root.contains("note")) walk.into(study_.note, root["note"], "/note", {});
    if (root.contains("title")) walk.into(study_.title, root["title"], "/title", {});
    if (root.contains("outputs")) walk.into(study_.outputs, root["outputs"], "/outputs", Info{"", "names of outputs"});
    if (!root.contains("model"))
      walk.wrong("", "missing \"model\" (path of a psoas-model/1 file)");
    else if (!root["model"].is_string())
      walk.wrong("/model", "expected the path of a psoas-model/1 file", &root["model"]);
    if (root.contains("uncertain")) {
      if (root["uncertain"].is_object())
        study_.uncertain = root["uncertain"].dump();
      else
        walk.wrong("/uncertain", "expected an object with \"vary\"", &root["uncertain"]);
    }
    if (!root.contains("subject")) return;
    const json& subject = root["subject"];
    if (!subject.is_object()) return walk.wrong("/subject", "expected an object", &subject);
    for (const auto& [key, value] : subject.items()) {
      const std::string place = below("/subject", key);
      if (key == "mass") {
        walk.into(study_.subject.mass.emplace(), value, place, mass_info);
      } else if (key == "height") {
        walk.into(study_.subject.height.emplace(), value, place, height_info);
      } else if (key == "scale") {
        if (!value.is_object()) walk.wrong(place, "expected an object from bodies to one or three factors", &value);
        if (value.is_object())
          for (const auto& [body, factor] : value.items()) {
            if (body == "note" && factor.is_string()) continue;
            Vec3& f = study_.subject.scale[body];
            if (factor.is_number()) {
              double one = 1.0;
              walk.into(one, factor, below(place, body), factor_info);
              f = Vec3::Constant(one);
            } else {
              walk.into(f, factor, below(place, body), factor_info);
            }
          }
      } else if (key != "note") {
        walk.wrong(place, "unknown key" + did_you_mean(key, {"mass", "height", "scale"}));
      }
    }
  }

  void variants(const json& object, std::vector<Problem>& problems) {
    if (!object.is_object() || object.empty()) {
      problems.push_back({"/variants", "expected an object from names to edits"});
      return;
    }
    for (const auto& [name, edits] : object.items()) {
      if (name == "note" && edits.is_string()) continue;
      if (name.empty() || name.find_first_of(":/ \t") != std::string::npos)
        problems.push_back({below("/variants", name), "expected a name without spaces, colons and slashes"});
      study_.variants.emplace_back(name, edits_from(edits, below("/variants", name), problems));
    }
  }

  std::string beside(const std::string& file) const { return psoas::beside(study_.path, file); }

  void load_model_document(const json& root) {
    if (model_) return;
    if (!embedded_.is_null()) {
      model_ = std::make_shared<Document>(Document::parse(study_.path + " (its model)", embedded_["model"].dump(1)));
      return;
    }
    if (!root.contains("model") || !root["model"].is_string())
      throw Error(Kind::input, document_->place("/model"), "expected the path of a psoas-model/1 file");
    named_file("/model",
               [&] { model_ = std::make_shared<Document>(Document::read(beside(root["model"].get<std::string>()))); });
  }

  /// Reads a file that the study names: one that cannot be read is a matter of the place that names it, too.
  template <class Read>
  void named_file(const std::string& pointer, Read read) const {
    try {
      read();
    } catch (const Error& error) {
      if (error.kind() != Kind::io) throw;
      throw Error(Kind::io, document_->place(pointer), error.what());
    }
  }

  void load_model(const json& root) {
    load_model_document(root);
    std::vector<Problem> problems;
    std::size_t more = 0;
    study_.model = model_from(model_->root(), problems, &more);
    model_->complain(Kind::model, problems, more);
    // Compiled once here for problems with places; variants compile their own. Whether fitted paths suit the geometry is
    // seen there, too, where the subject's size or the study's edits may change it.
    ModelSpec spec = study_.model;
    if (root.contains("subject") || root.contains("edits")) spec.paths = "exact";
    compile(spec, problems);
    model_->complain(Kind::model, problems);
  }

  void load_tables() {
    if (auto* motion = std::get_if<MotionStudy>(&study_.question)) {
      named_file("/motion/coordinates", [&] { study_.table = load_table(motion->motion.coordinates); });
      if (motion->motion.forces) load_forces("/motion/forces", *motion->motion.forces);
    }
    const auto load = [&](const std::string& name, const std::string& pointer) {
      if (!study_.tables.find(name)) named_file(pointer, [&] { study_.tables[name] = load_table(name); });
    };
    if (auto* impingement = std::get_if<ImpingementStudy>(&study_.question); impingement && impingement->recording)
      load(impingement->recording->coordinates, "/recording/coordinates");
    std::visit(
        [&](const auto& question) {
          if constexpr (requires { question.studies; })
            for (const auto& [name, asked] : question.studies) load_asked("/studies/" + name, asked.file);
        },
        study_.question);
    auto* simulation = std::get_if<SimulationStudy>(&study_.question);
    if (!simulation) return;
    if (simulation->forces) load_forces("/forces", *simulation->forces);
    for (const auto& [name, controller] : simulation->controllers)
      if (const auto* table = std::get_if<TableController>(&controller))
        load(table->file, "/controllers/" + name + "/table/file");
      else if (const auto* tracking = std::get_if<TrackingController>(&controller))
        load(tracking->coordinates, "/controllers/" + name + "/tracking/coordinates");
    for (const auto& [coordinate, prescribed] : simulation->prescribed)
      if (prescribed.table) load(*prescribed.table, "/prescribed/" + coordinate + "/table");
  }

  /// A study that this one asks: what it says itself, its tables, and its model where that is another one.
  void load_asked(const std::string& pointer, const std::string& file) {
    named_file(pointer + "/file", [&] {
      StudyReader reader(beside(file));
      const json* kept = nullptr;
      if (!embedded_.is_null() && embedded_.contains("studies") && embedded_["studies"].contains(file)) {
        kept = &embedded_["studies"][file];
        const auto has = [&](const char* key) { return kept->contains(key) && (*kept)[key].is_object(); };
        if (!kept->is_object() || !has("study") || !has("tables"))
          throw Error(Kind::input, study_.path, "/provenance/studies/" + file + ": expected the study that was asked");
        reader.document_ =
            std::make_shared<Document>(Document::parse(beside(file) + " (as it was asked)", (*kept)["study"].dump(1)));
        reader.embedded_ = *kept;
      } else {
        reader.document_ = std::make_shared<Document>(Document::read(beside(file)));
      }
      const json& root = reader.document_->root();
      const std::string kind = text_of(root, "study");
      if (kind == TightnessStudy::name || kind == AdaptationStudy::name)
        throw Error(Kind::input, document_->place(pointer + "/file"),
                    "expected a study that asks no others, found one of " + kind);
      reader.take_question();
      const auto model_path = [](const StudyReader& one) {
        const std::filesystem::path path = one.beside(text_of(one.document_->root(), "model"));
        return std::filesystem::weakly_canonical(std::filesystem::absolute(path));
      };
      const bool same_model = kept ? !kept->contains("model") : model_path(reader) == model_path(*this);
      if (!same_model && model_changed_)
        throw Error(Kind::input, document_->place(pointer + "/file"),
                    "expected a study of this study's model, as a /model/... setting reaches no other; found one of " +
                        text_of(root, "model"));
      if (!same_model) reader.load_model(root);
      reader.load_tables();
      asked_[file] = {{"study", root}, {"tables", reader.tables_}};
      if (!same_model) asked_[file]["model"] = reader.model_->root();
      study_.asked.push_back({std::make_shared<const Study>(std::move(reader.study_)), same_model});
    });
  }

  /// The table of external forces; where a file of OpenSim says what it is, its loads come into the study.
  void load_forces(const std::string& pointer, MeasuredForces& forces) {
    if (forces.external_loads.empty()) {
      named_file(pointer + "/table", [&] { study_.forces = load_table(forces.table); });
      if (forces.loads.empty()) take_simulated(pointer, forces);
      return;
    }
    named_file(pointer + "/external_loads", [&] {
      const OsimExternalLoads loads =
          parse_external_loads(beside(forces.external_loads), load_text(forces.external_loads));
      for (const OsimExternalForce& one : loads.forces) {
        MeasuredForce& load = forces.loads[one.name];
        load.body = one.body;
        load.force = one.force;
        load.point = one.point;
        load.torque = one.torque;
        load.expressed_in = one.force_frame;
        load.point_expressed_in = one.point_frame;
      }
      study_.forces = load_table(psoas::beside(forces.external_loads, loads.data_file));
    });
  }

  /// The loads that a simulation wrote: what pushed its bodies, about ground's origin.
  void take_simulated(const std::string& pointer, MeasuredForces& forces) {
    static constexpr std::string_view start = "body_force_x/";
    for (const std::string& name : study_.forces->names) {
      if (name.rfind(start, 0) != 0) continue;
      const std::string body = name.substr(start.size());
      MeasuredForce& load = forces.loads[body];
      load.body = body;
      load.force = "body_force_*/" + body;
      load.torque = "body_moment_*/" + body;
    }
    if (forces.loads.empty())
      throw Error(
          Kind::input, document_->place(pointer),
          "expected at least one force in \"loads\", or a table with columns body_force_x/<body> as a simulation "
          "writes them");
  }

  Table load_table(const std::string& name) {
    const std::string text = load_text(name);
    return parse_table(text, beside(name));
  }

  /// A table, or what says what is in one, that the study names: from beside the study or from the result that it is
  /// read from.
  std::string load_text(const std::string& name) {
    std::string text;
    const std::string path = beside(name);
    if (!embedded_.is_null() && embedded_.contains("tables") && embedded_["tables"].contains(name)) {
      const json& kept = embedded_["tables"][name];
      text = kept.contains("text") && kept["text"].is_string() ? kept["text"].get<std::string>() : read_file(path);
      const std::string hash = text_of(kept, "fnv1a64");
      if (hash != hash_of(text))
        throw Error(Kind::input, path,
                    "expected the table that this result was computed from (hash " + hash + "), found another one (" +
                        hash_of(text) + ")");
    } else {
      text = read_file(path);
    }
    tables_[name] = embedded(text);
    return text;
  }

  Study study_;
  std::shared_ptr<Document> document_, model_;
  json embedded_, tables_ = json::object(), asked_ = json::object(), model_schema_;
  bool model_changed_ = false;  ///< by set_one()
};

json block_json(const Block& block) {
  json j = json::object();
  json& scalars = j["scalars"] = json::object();
  for (const auto& [name, scalar] : block.scalars) scalars[name] = {{"value", scalar.value}, {"unit", scalar.unit}};
  json& series = j["series"] = json::object();
  series[block.axis] = {{"unit", block.axis_unit}, {"values", block.axis_values}};
  for (const auto& [name, one] : block.series) series[name] = {{"unit", one.unit}, {"values", one.values}};
  json& tables = j["tables"] = json::object();
  for (const auto& [name, table] : block.tables) {
    json columns = json::array(), rows = json::array();
    for (const ResultColumn& column : table.columns) columns.push_back({{"name", column.name}, {"unit", column.unit}});
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      rows.push_back({{"label", table.labels[i]}, {"values", table.rows[i]}});
    tables[name] = {{"description", table.description}, {"columns", columns}, {"rows", rows}};
  }
  json& credibility = j["credibility"] = json::array();
  for (const Credibility& line : block.credibility) {
    json entry = {{"name", line.name}, {"value", line.value}, {"limit", line.limit}, {"unit", line.unit}};
    entry["ok"] = line.ok ? json(*line.ok) : json();
    entry["source"] = line.source;
    if (!line.note.empty()) entry["note"] = line.note;
    credibility.push_back(entry);
  }
  j["warnings"] = block.warnings;
  return j;
}

}  // namespace

Study read_study(const std::string& path, const std::vector<std::pair<std::string, std::string>>& set) {
  return StudyReader({path, ""}, set).read();
}

Study read_study(const StudySource& source, const std::vector<std::pair<std::string, std::string>>& set) {
  return StudyReader(source, set).read();
}

std::vector<NumberPlaces> find_numbers(const StudySource& source, const std::vector<std::string>& pointers) {
  StudyReader reader(source, {});
  std::vector<NumberPlaces> places;
  for (const std::string& pointer : pointers) places.push_back(reader.numbers(pointer));
  return places;
}

struct VariedStudy::Impl {
  StudySource source;
  std::vector<std::string> pointers;
  Study files;                    ///< as read_files() gives it, with numbers of the last call
  std::vector<NumberSlot> slots;  ///< one a pointer; none where the reader has to set a number
  bool sized = false;             ///< files.unedited has the subject's size whatever the numbers

  void find_slots() {
    slots.clear();
    for (const std::string& pointer : pointers) {
      NumberSlot slot;
      const auto all = pointer_steps(pointer);
      if (all && !all->empty()) find(*all, slot);
      if (!slot.number) return slots.clear();
      slots.push_back(std::move(slot));
    }
  }

  void find(const std::vector<std::string>& all, NumberSlot& slot) {
    const PointerSteps steps = PointerSteps(all).subspan(1);
    if (all[0] == "model") return find_slot(files.model, steps, {}, slot);
    if (all[0] == "edits") return find_slot(files.edits, steps, slot);
    if (all[0] != "variants" && all[0] != "subject")
      return std::visit([&](auto& question) { find_slot(question, PointerSteps(all), {}, slot); }, files.question);
    if (steps.empty()) return;
    if (all[0] == "variants") {
      for (auto& [name, edits] : files.variants)
        if (name == all[1]) find_slot(edits, steps.subspan(1), slot);
      return;
    }
    Subject& subject = files.subject;
    if (all[1] == "mass") return find_slot(subject.mass, steps.subspan(1), mass_info, slot);
    if (all[1] == "height") return find_slot(subject.height, steps.subspan(1), height_info, slot);
    Vec3* factors = all[1] == "scale" && all.size() > 2 ? subject.scale.find(all[2]) : nullptr;
    if (!factors) return;
    find_slot(*factors, steps.subspan(2), factor_info, slot);
    if (all.size() == 3) {  // one factor for all directions
      find_slot((*factors)[0], {}, factor_info, slot);
      slot.count = 3;
    }
  }
};

VariedStudy::VariedStudy(StudySource source, std::vector<std::string> pointers)
    : impl_(std::make_unique<Impl>(Impl{std::move(source), std::move(pointers), {}, {}, false})) {
  impl_->files = StudyReader(impl_->source, {}).read_files();
  impl_->sized = std::none_of(impl_->pointers.begin(), impl_->pointers.end(), [](const std::string& pointer) {
    return pointer.rfind("/model/", 0) == 0 || pointer.rfind("/subject/", 0) == 0;
  });
  if (std::any_of(impl_->pointers.begin(), impl_->pointers.end(),
                  [](const std::string& pointer) { return pointer.starts_with("/model/"); }))
    for (const Asked& asked : impl_->files.asked)
      if (!asked.same_model)
        throw Error(Kind::input, impl_->files.place("/studies"),
                    "expected studies of this study's model, as numbers of /model/... reach no other; found " +
                        asked.study->path + " of another one");
  std::vector<Problem> problems;
  if (impl_->sized) take_size(impl_->files, problems);
  impl_->sized = impl_->sized && problems.empty();
  impl_->find_slots();
}

VariedStudy::VariedStudy(const VariedStudy& other) : impl_(std::make_unique<Impl>(*other.impl_)) {
  impl_->find_slots();
}
VariedStudy::~VariedStudy() = default;

Study VariedStudy::with(std::span<const double> numbers) {
  Impl& own = *impl_;
  bool fits = own.slots.size() == own.pointers.size();
  for (std::size_t i = 0; i < own.slots.size(); ++i) {
    fits = fits && own.slots[i].allows(numbers[i]);
    own.slots[i].set(numbers[i]);
  }
  for (const NumberSlot& slot : own.slots)
    for (const auto& holds : slot.rules) fits = fits && holds();
  if (fits) {
    Study study = own.files;
    std::vector<Problem> problems;
    if (!own.sized) take_size(study, problems);
    if (problems.empty()) take_edits(study, problems);
    if (problems.empty()) return study;
  }
  // what is wrong, and where, the reader says
  std::vector<std::pair<std::string, std::string>> set;
  for (std::size_t i = 0; i < own.pointers.size(); ++i) set.emplace_back(own.pointers[i], shortest_text(numbers[i]));
  return read_study(own.source, set);
}

Result run(const Study& study, const RunOptions& options) {
  if (!options.memory) {
    StudyMemory own;
    return run(study, {options.progress, &own, options.brief, options.delta_theta});
  }
  Result result = std::visit([&](const auto& question) { return answer(study, question, options); }, study.question);
  result.study = std::visit([](const auto& question) { return std::string(question.name); }, study.question);
  result.provenance = study.provenance;
  return result;
}

std::string result_text(const Result& result) {
  json root = json::object();
  root["format"] = result_format;
  root["study"] = result.study;
  root["status"] = "ok";
  root["heading"] = result.heading;
  if (result.blocks.size() == 1 && result.blocks.begin()->first.empty()) {
    root.update(block_json(result.blocks.begin()->second));
  } else {
    json& variants = root["variants"] = json::object();
    for (const auto& [name, block] : result.blocks) variants[name] = block_json(block);
  }
  json& summary = root["summary"] = json::array();
  for (const SummaryLine& line : result.summary) {
    json entry = {{"label", line.label}};
    if (!line.values.empty()) entry.update({{"unit", line.unit}, {"values", line.values}});
    if (!line.note.empty()) entry["note"] = line.note;
    summary.push_back(entry);
  }
  if (!result.columns.empty()) root["summary_columns"] = result.columns;
  root["notes"] = result.notes;
  if (!result.edits.empty()) root["edits"] = edits_json(result.edits);
  root["provenance"] = json::parse(result.provenance);
  return pretty(root);
}

std::string edits_text(const Result& result) {
  if (result.edits.empty()) return "";
  json root = json::object();
  root["format"] = study_format;
  root["edits"] = edits_json(result.edits);
  return pretty(root);
}

Table series_table(const Result& result) {
  Table table;
  table.name = result.study;
  for (const auto& [name, block] : result.blocks) {
    const std::string prefix = column_prefix(result, name);
    if (prefix.empty()) {
      if (block.axis == "time")
        table.time = block.axis_values;
      else
        table.add(block.axis, block.axis_values);
    }
    for (const auto& [output, series] : block.series) table.add(prefix + output, series.values);
  }
  return table;
}

std::string example_study(const std::string& kind) {
  json root = json::object();
  root["format"] = study_format;
  root["study"] = kind;
  root["model"] = kind == "motion" || kind == "torque_curve" || kind == "posture" || kind == "tightness"
                      ? "models/full_body.json"
                      : "models/iliopsoas.json";
  StudyKind question;
  if (kind == MotionStudy::name) {
    MotionStudy motion;
    motion.motion.coordinates = "examples/sit_to_stand/subject_a.mot";
    for (const char* forearm : {"pro_sup_r", "pro_sup_l"}) motion.motion.hold[forearm] = 0.0;
    motion.motion.windows["rep_1"] = {0.0, 1.22};
    question = motion;
    root["subject"] = {{"mass", 75.0}};
  } else if (kind == TorqueCurveStudy::name) {
    TorqueCurveStudy curve;
    curve.coordinate = "hip_flexion_r";
    curve.muscles = {"group:iliopsoas_r"};
    curve.from_deg = -20.0;
    curve.to_deg = 120.0;
    question = curve;
  } else if (kind == SimulationStudy::name) {
    SimulationStudy simulation;
    simulation.duration = 2.0;
    simulation.initial["hip_flexion_r"] = 1.0471975511965976;
    simulation.locked = {"pelvis_tilt", "lumbar_*", "hip_*_l", "hip_adduction_r", "hip_rotation_r"};
    question = simulation;
  } else if (kind == MuscleExperimentStudy::name) {
    MuscleExperimentStudy experiment;
    experiment.muscle = "psoas_L2_TP_r";
    experiment.length_is = "fibres";
    experiment.length = {{0.0, 0.2, 0.25}, {1.1, 1.1, 1.0}, "linear"};
    experiment.excitation = {{0.0, 0.05}, {0.0, 1.0}, "steps"};
    experiment.duration = 0.4;
    question = experiment;
  } else if (kind == ImpingementStudy::name) {
    ImpingementStudy impingement;
    impingement.shapes["normal"];
    impingement.shapes["cam"].femur.alpha_deg = 70.0;
    impingement.shapes["cam"].femur.alpha_clock_hours = 3.0;
    impingement.shapes["pincer"].acetabulum.center_edge_deg = 42.0;
    impingement.iliopsoas = IliopsoasContact{{}, {"*_brim_r", "*_hip_r"}, 1.0, 0.0142};
    question = impingement;
  } else if (kind == PostureStudy::name) {
    question = PostureStudy();
  } else if (kind == TightnessStudy::name) {
    TightnessStudy tightness;
    tightness.values = {1.0, 0.95, 0.9};
    tightness.studies["standing"] = {"examples/posture/standing.json",
                                     "",
                                     {"anterior_pelvic_tilt_deg", "compression/L5_S1", "anterior_shear/L5_S1"}};
    tightness.pelvic_tilt_of = "standing";
    question = tightness;
  } else if (kind == AdaptationStudy::name) {
    AdaptationStudy adaptation;
    const auto posture = [&](const char* name, double hip_deg, double activation) {
      DailyPosture& one = adaptation.postures[name];
      one.hip_flexion_deg = hip_deg;
      one.activation["iliopsoas"] = activation;
    };
    posture("lying", 20.0, 0.01), posture("sitting", 80.0, 0.02), posture("standing", 0.0, 0.02);
    posture("walking", 0.0, 0.1);
    const auto day = [](double lying, double sitting, double standing, double walking) {
      DaySpec out;
      for (const auto& [name, hours] : {std::pair{"lying", lying}, std::pair{"sitting", sitting},
                                        std::pair{"standing", standing}, std::pair{"walking", walking}}) {
        out.activities[name].posture = name;
        out.activities[name].hours = hours;
      }
      return out;
    };
    adaptation.habitual["day"] = day(8.0, 5.0, 8.5, 2.5);
    PhaseSpec& phase = adaptation.plans["office"].phases["year"];
    phase.weeks = 26.0;
    phase.week["day"] = day(8.0, 11.0, 4.0, 1.0);
    PlanSpec stretching = adaptation.plans["office"];
    stretching.phases["year"].stretches["kneeling"].days_per_week = 5.0;
    adaptation.plans["office_and_stretches"] = std::move(stretching);
    question = adaptation;
  } else {
    throw Error(Kind::input, kind,
                "expected a study kind: " + join(kind_names(), ", ") + did_you_mean(kind, kind_names()));
  }
  root["variants"] = {
      {"normal", json::array()},
      {"shortened_0_95", json::array({{{"muscles", "group:iliopsoas"}, {"scale", {{"optimal_fibre_length", 0.95}}}}})}};
  if (kind == AdaptationStudy::name || kind == TightnessStudy::name)
    root.erase("variants");  // they compare other things
  std::visit([&](const auto& one) { root.update(to_json_value(one)); }, question);
  return pretty(root);
}

std::string study_schema() {
  json root = json::object();
  root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  root["title"] = study_format;
  root["oneOf"] = json::array();
  for (const std::string& kind : kind_names()) root["oneOf"].push_back(schema_of_study(kind));
  return pretty(root);
}

}  // namespace psoas
