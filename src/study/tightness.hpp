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

/// A way in which a muscle gets tight: which number of it changes.
struct Mechanism {
  const char *name, *words, *field;
  enum class Verb { scale, shift, raise } verb;
  double low, high;  ///< within which a value is estimated
  const char* unit;
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

  /// With the mechanism's own value; nothing, and a problem, where no muscle can be so.
  std::optional<TightModel> make(const Mechanism& mechanism, const std::string& side, double value,
                                 std::vector<Problem>& problems) const;
  /// At a value of the study's axis, which stands at `pointer`; nothing, with a warning, where the mechanism cannot cost
  /// so much extension. Throws Error(input) where no muscle can be so.
  std::optional<TightModel> at(const Mechanism& mechanism, const std::string& side, double value,
                               const std::string& pointer, Warnings& warnings) const;

  /// All that is told of a model, or only what belongs to the output `only`.
  Named<Scalar> outcome(const TightModel& tight, std::string_view only, Warnings& warnings);

  /// The mechanism's value that changes nothing, and the least that it can have.
  double neutral(const Mechanism& mechanism) const;
  double least(const Mechanism& mechanism) const;
  /// Whether no other muscle crosses this hip.
  bool iliopsoas_alone(const std::string& hip) const;
  const Model& unedited() const { return unedited_; }
  /// Sides of which the model has an iliopsoas: r, l.
  const std::vector<std::string>& hips() const { return hips_; }

 private:
  Edit edit(const Mechanism& mechanism, const std::string& side, double value) const;
  void measure_hip(const TightModel& tight, const std::string& hip, double tilt_deg, Named<Scalar>& out) const;

  const Study& study_;
  const TightnessStudy& question_;
  StudyMemory& memory_;
  Model unedited_, base_;
  std::vector<std::string> hips_;
  AskedStudies asked_;
};

/// How tight the muscle is by what was measured: scalars estimate/… of a block, and what to say of it.
struct TightnessEstimate {
  std::string side;
  Named<Scalar> scalars;
  std::string sentence;
  std::vector<std::string> warnings;
};
TightnessEstimate estimate(const Study& study, const TightnessStudy& question, Tightness& tightness);

}  // namespace psoas
