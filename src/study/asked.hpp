// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Other studies that a study asks for some edits of its model, and the scalars that it records of them.
//   AskedStudies asked(study, question.studies, "", memory);   asked.ask(model, edits, "week 12", "", warnings, tilt_deg);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "study/answer.hpp"

namespace psoas {

/// What is said of several models, each text once with the labels of those that it is about.
class Warnings {
 public:
  void add(const std::string& text, const std::string& label = "");
  void into(Block& block) const;

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> said_;
};

/// The studies of Study::asked. One per thread.
class AskedStudies {
 public:
  /// `named` are those that the question names, in their order, and outlive this. Throws Error(input) where one does not
  /// fit what it is asked for.
  AskedStudies(const Study& study, const Named<AskedStudy>& named, std::string pelvic_tilt_of, StudyMemory& memory);

  /// What they record, "<study>/<scalar>", of a model that the edits lead to; with `only` of the study that this output
  /// belongs to, and of the one whose pelvic tilt goes into it. That tilt comes into `tilt_deg` (nan: not known). What a
  /// posture that muscles do not hold gives is nan; warnings name the study and `label`.
  Named<Scalar> ask(const Model& model, const std::vector<Edit>& edits, const std::string& label, std::string_view only,
                    Warnings& warnings, double& tilt_deg);

 private:
  Result ask_one(std::size_t index, const std::vector<Edit>& edits, double tilt_deg, Warnings& warnings);
  void take(std::size_t index, const Model& model, const std::vector<Edit>& edits, const std::string& label,
            Named<Scalar>& out, Warnings& warnings, double& tilt_deg);
  Named<double> reference_posture(std::size_t index, Warnings& warnings);

  const Study& study_;
  const Named<AskedStudy>& named_;
  std::string pelvic_tilt_of_;
  StudyMemory& memory_;
  std::vector<std::optional<Named<double>>> postures_;  ///< with the muscles unchanged
};

}  // namespace psoas
