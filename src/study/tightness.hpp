// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What one degree of tightness of the iliopsoas does: measures of the hip, and other studies of the same model.
//   Tightness tightness(study, question, memory);   tightness.outcome(tightness.at(mechanism, "right", 0.95), {}, warnings);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "study/asked.hpp"

namespace psoas {

/// A way in which a muscle gets tight: which number of it changes, and from which value on.
struct Mechanism {
  const char *name, *words, *field;
  enum class Verb { scale, shift, set } verb;
  double neutral;    ///< value that changes nothing
  double near;       ///< where a search begins, on the side of tightness
  double low, high;  ///< within which a value is estimated
  double sign;       ///< of the field's change a unit of the value
  const char* unit;

  Edit edit(const std::string& side, double value) const;
  double value_of(const Edit& edit) const;
};

const Mechanism& mechanism_of(std::string_view name);

/// The iliopsoas of one or both sides as tight as a mechanism makes it.
struct TightModel {
  Model model;
  std::vector<Edit> edits;  ///< none where nothing changes
  double value = 0.0;       ///< the mechanism's own
  std::string label;        ///< what messages call it
};

/// Makes tight models and asks what each does. One per thread.
class Tightness {
 public:
  Tightness(const Study& study, const TightnessStudy& question, StudyMemory& memory);

  /// With the mechanism's own value. Throws Error(input) where no muscle can be so.
  TightModel make(const Mechanism& mechanism, const std::string& side, double value) const;
  /// At a value of the study's axis; nothing, with a warning, where the mechanism cannot cost so much extension.
  std::optional<TightModel> at(const Mechanism& mechanism, const std::string& side, double value,
                               std::vector<std::string>& warnings) const;

  /// All that is told of a model, or only what belongs to the output `only`.
  Named<Scalar> outcome(const TightModel& tight, std::string_view only, std::vector<std::string>& warnings);

  const Model& unedited() const { return unedited_; }
  /// Sides of which the model has an iliopsoas: r, l.
  const std::vector<std::string>& hips() const { return hips_; }

 private:
  void measure_hip(const TightModel& tight, const std::string& hip, double tilt_deg, Named<Scalar>& out) const;

  const Study& study_;
  const TightnessStudy& question_;
  StudyMemory& memory_;
  Model unedited_, base_;
  std::vector<std::string> hips_;
  AskedStudies asked_;
};

/// Estimates how tight the muscle is from what was measured; scalars estimate/… of a block, and what to say of it.
struct TightnessEstimate {
  Named<Scalar> scalars;
  std::string sentence;
  std::vector<std::string> warnings;
};
TightnessEstimate estimate(const Study& study, const TightnessStudy& question, Tightness& tightness);

}  // namespace psoas
