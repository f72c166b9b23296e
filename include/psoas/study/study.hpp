// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A study file, read and answered.
//   Study study = read_study("examples/sit_to_stand/study.json", {});   Result result = run(study, {});
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psoas/core/table.hpp"
#include "psoas/model/edit.hpp"
#include "psoas/model/model.hpp"
#include "psoas/study/kinds.hpp"
#include "psoas/study/result.hpp"

namespace psoas {

struct Study;

/// A study that another one asks.
struct Asked {
  std::shared_ptr<const Study> study;  ///< its model neither at a subject's size nor edited
  bool same_model = true;              ///< it names the same model, and has none of its own
};

/// A study with everything that it reads: nothing below touches a file.
struct Study {
  std::string path;    ///< the study's file, or what messages call it
  std::string title;   ///< one line about the study, from the file
  std::string note;    ///< what its author says of it, from the file
  ModelSpec unedited;  ///< the model at the subject's size
  ModelSpec model;     ///< the same with the study's edits
  Subject subject;
  std::vector<std::pair<std::string, std::vector<Edit>>> variants;  ///< the first is the reference
  std::vector<Edit> edits;
  std::vector<std::string> matched;  ///< a sentence for each value of `edits` that was matched
  std::vector<std::string> outputs;  ///< names of outputs, with globs
  StudyKind question;
  std::optional<Table> table;   ///< a motion's recording
  std::optional<Table> forces;  ///< a motion's measured external forces
  Named<Table> tables;          ///< a simulation's tables, as the study names them
  std::vector<Asked> asked;     ///< the studies that one of tightness or adaptation asks, in their order
  std::string uncertain;   ///< JSON text of what the study says of uncertain numbers, or empty; sweep/uncertain.hpp
  std::string provenance;  ///< JSON text

  /// "file:line: pointer" for messages of what runs later.
  std::function<std::string(const std::string& pointer)> place;
};

/// What a thread keeps from one run to the next: stages of studies with all that they depend on, so that a study that
/// differs in nothing that a stage depends on takes it as it was. Results are the same bits with and without. One thread
/// at a time.
class StudyMemory {
 public:
  StudyMemory();
  ~StudyMemory();
  StudyMemory(StudyMemory&&) noexcept;
  StudyMemory& operator=(StudyMemory&&) noexcept;

  struct Impl;
  Impl& inside() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// How a study is run, and what is told while it is.
struct RunOptions {
  std::function<void(double done, const std::string& what)> progress;  ///< share done, 0 … 1; may be empty
  StudyMemory* memory = nullptr;                                       ///< of the calling thread; null: nothing is kept
  /// Series of the study's outputs, scalars, convergence, warnings and cheap credibility alone, bit for bit those of a
  /// whole result: no tables, sensitivities, summary, notes and plots.
  bool brief = false;
  /// False leaves out the lost hip extension of edited iliopsoas muscles (scalars delta_theta_deg/…), which takes longer
  /// than a light study.
  bool delta_theta = true;
};

/// A study that is still text: a file, or the text of one that stands inside another file.
struct StudySource {
  std::string path;  ///< the study's file, or the one that the text stands in: other files are named beside it
  std::string text;  ///< empty: what the file says
};

/// The numbers that a pointer means in a study or its model ("/subject/mass",
/// "/model/muscles/group:iliopsoas/optimal_fibre_length"), or why there are none.
struct NumberPlaces {
  std::vector<std::string> pointers;
  std::string fault;
};

/// Reads a psoas-study/1 file, its bases, its model and its tables, applies `set` (pointer, JSON text or plain text) and
/// the study's edits. A psoas-result/1 file is read as the study that it answers. Throws Error with every problem found.
Study read_study(const std::string& path, const std::vector<std::pair<std::string, std::string>>& set = {});
/// The same of a source.
Study read_study(const StudySource& source, const std::vector<std::pair<std::string, std::string>>& set);

/// What each pointer means to `set` of read_study() where the value is a number. Throws Error where study or model cannot
/// be read.
std::vector<NumberPlaces> find_numbers(const StudySource& source, const std::vector<std::string>& pointers);

/// A study of which some numbers change from one answer to the next. Its files are read once.
///   VariedStudy varied({"study.json", ""}, {"/subject/mass"});   Result result = run(varied.with(mass));
class VariedStudy {
 public:
  /// Each pointer means one number, as find_numbers() gives them. Throws as read_study().
  VariedStudy(StudySource source, std::vector<std::string> pointers);
  VariedStudy(const VariedStudy& other);  ///< for another thread
  ~VariedStudy();

  /// What read_study() gives when these numbers, one a pointer, are set, but without provenance. Throws as read_study().
  Study with(std::span<const double> numbers);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Answers a study. Throws Error(input) for names that the model lacks, Error(numeric) where no result exists.
Result run(const Study& study, const RunOptions& options = {});

/// The text of result.json: a pure function of study and program.
std::string result_text(const Result& result);
/// What the study itself changed in its model, as the text of a psoas-study/1 file with edits that another study of the
/// same model and subject can extend. Empty where it changed nothing.
std::string edits_text(const Result& result);
/// The result's series as one table: other variants' columns are "<variant>:<output>".
Table series_table(const Result& result);

/// A complete example of a study kind. Throws Error(input) for an unknown kind.
std::string example_study(const std::string& kind);
/// JSON schema (draft 2020-12) of psoas-study/1.
std::string study_schema();

}  // namespace psoas
