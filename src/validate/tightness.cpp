// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Tests of a tight hip flexor, standing and sitting, and the joints of the pelvic ring, of the unscaled full-body model.
#include <cmath>

#include "psoas/study/study.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

/// The first block of an example's brief answer.
Block answer_of(const Root& root, const std::string& example, const Settings& set = {}) {
  Study study = read_study(root.examples + "/" + example, set);
  if (!study.variants.empty()) study.variants.resize(1);
  RunOptions brief;
  brief.brief = true;
  return run(study, brief).blocks.begin()->second;
}

double value(const Block& block, const std::string& name) { return find_scalar(block, name)->value; }

/// How an output changes a degree of extension that the prone hip loses, from the first value of a study to the second.
double slope(const Block& block, const std::string& name) {
  const std::vector<double>&x = block.series.find("prone_extension_deg/r")->values,
        &y = block.series.find(name)->values;
  return (y[1] - y[0]) / (x[0] - x[1]);
}

void tests_of_length(const Root& root, Rows& rows) {
  const Block hanging = answer_of(root, "posture/modified_thomas.json");
  rows.add("tightness/modified_thomas", "thigh above the horizontal", "deg", value(hanging, "thomas_angle_deg/r"),
           -18.0, -5.0, "Harvey 1998, Br J Sports Med 32:68: 11.9° below, 117 athletes", Certainty::second_hand,
           "accepted: ±7°, the error of measurement (Peeler & Anderson 2008)");
}

void consequences(const Root& root, Rows& rows) {
  const Block block = answer_of(root, "tight_psoas/study.json", {{"/values", "[1.0, 0.95]"}, {"/sides", "[\"both\"]"}});
  const std::string preece =
      "Preece et al. 2021, J Manip Physiol Ther 44:289: 2.6° more extension after stretching, 1.2° less tilt, lordosis "
      "unchanged, and no correlation, 23 men";
  rows.add("tightness/tilt_of_lost_extension", "anterior pelvic tilt in standing a degree of lost extension", "deg/deg",
           slope(block, "standing/anterior_pelvic_tilt_deg"), 0.2, 0.7, preece, Certainty::read,
           "s 1 to 0.95, extension prone at 15 N·m of all tissue");
  rows.add("tightness/lordosis_of_lost_extension", "lordosis in standing, 2.6° of extension lost", "deg",
           2.6 * slope(block, "standing/lordosis_deg"), -2.0, 2.0, preece, Certainty::read);
  const double tilt = 5.0 * slope(block, "standing/anterior_pelvic_tilt_deg");
  rows.add(
      "tightness/tilt_and_extension", "anterior pelvic tilt in standing, 5° of extension lost", "deg", tilt, -2.0, 2.0,
      "Heino et al. 1990, JOSPT 12:243: hip extension and standing tilt, r = −0.04, and lordosis, r = −0.09, 25 adults",
      Certainty::read, "accepted: what no such study would find");
  const std::vector<double>& compression = block.series.find("standing/compression/L5_S1")->values;
  rows.add("tightness/L5_S1_of_shortening", "L5–S1 compression in standing, s 0.95 over s 1", "1",
           compression[1] / compression[0], -inf, inf, "no measurement was found", Certainty::memory);
}

void standing_and_sitting(const Root& root, Rows& rows) {
  const Block standing = answer_of(root, "posture/standing.json"), sitting = answer_of(root, "posture/sitting.json");
  rows.add("tightness/standing/lordosis", "lordosis in standing", "deg", value(standing, "lordosis_deg"), 27.4, 72.2,
           "Asian Spine J 2019 (PMC6680033): 49.8 ± 11.2°, T12 to S1, 627 adults", Certainty::read, "accepted: ± 2 SD");
  rows.add("tightness/standing/sacral_slope", "sacral slope in standing", "deg", value(standing, "sacral_slope_deg"),
           24.0, 55.0, "Mac-Thiong et al. 2011, Eur Spine J 20 Suppl 5:572: mean ± 2 SD of 709 adults",
           Certainty::read);
  rows.add("tightness/sitting/L4_L5", "L4–L5 compression, sitting without a backrest over standing", "1",
           value(sitting, "compression/L4_L5") / value(standing, "compression/L4_L5"), 0.64, 1.2,
           "Wilke et al. 1999, Spine 24:755: pressure 0.46 over 0.50 MPa, one man", Certainty::read, "accepted: ±30 %");
  const Block prone = answer_of(root, "posture/prone.json"),
              backrest = answer_of(root, "posture/sitting_backrest.json");
  rows.add("tightness/prone/L4_L5", "L4–L5 compression, face down over standing", "1",
           value(prone, "compression/L4_L5") / value(standing, "compression/L4_L5"), 0.14, 0.26,
           "Wilke et al. 1999, Spine 24:755: pressure 0.10 over 0.50 MPa, one man", Certainty::read, "accepted: ±30 %");
  rows.add("tightness/sitting/backrest", "change of L5–S1 compression by a backrest at 110°", "%",
           100.0 * (value(backrest, "compression/L5_S1") / value(sitting, "compression/L5_S1") - 1.0), -51.0, -21.0,
           "Rohlmann et al. 2011: −36 %, implants", Certainty::read,
           "accepted: ±15 %; with the lordosis of standing the model has −44 % (docs/science.md, 9)");
}

void pelvic_ring(const Root& root, Rows& rows) {
  const std::string outputs =
      R"(["sacroiliac_rotation_deg/*", "sacroiliac_translation_mm/*", "symphysis_translation_mm", "symphysis_compression"])";
  const Block both = answer_of(root, "posture/standing.json", {{"/outputs", outputs}}),
              one = answer_of(root, "posture/standing.json", {{"/outputs", outputs}, {"/support", "\"right_foot\""}});
  const std::string kissling = "Jacob & Kissling 1995: between postures, in life, 24 adults: ";
  rows.add("tightness/pelvis/rotation", "rotation of a sacroiliac joint, standing against no load", "deg",
           value(both, "sacroiliac_rotation_deg/r"), 0.0, 3.4, kissling + "1.7°", Certainty::read,
           "accepted: up to twice as much");
  rows.add("tightness/pelvis/translation", "displacement of a sacroiliac joint, standing against no load", "mm",
           value(both, "sacroiliac_translation_mm/r"), 0.0, 1.4, kissling + "0.7 mm", Certainty::read,
           "accepted: up to twice as much");
  rows.add("tightness/pelvis/one_leg", "change of that rotation from two feet to one, side of the leg", "deg",
           std::abs(value(one, "sacroiliac_rotation_deg/r") - value(both, "sacroiliac_rotation_deg/r")), 0.0, 1.0,
           "Kibsgård et al. 2014, Clin Biomech: 0.5°, patients", Certainty::read, "accepted: up to twice as much");
  rows.add("tightness/pelvis/symphysis", "displacement of one pubis past the other, from one leg to the other", "mm",
           2.0 * value(one, "symphysis_translation_mm"), 0.4, 2.4,
           "Garras et al. 2008, J Bone Joint Surg Am 90:2114: 1.4 ± 1.0 mm in men", Certainty::read, "not fitted");
  rows.add("tightness/pelvis/symphysis_tension", "compression of the symphysis, both feet", "N",
           value(both, "symphysis_compression"), -inf, 0.0, "Icke & Koebke 2014, Anat Cell Biol 47:40: tension",
           Certainty::read);
}

}  // namespace

void tightness(const Root& root, Rows& rows) {
  tests_of_length(root, rows);
  consequences(root, rows);
  standing_and_sitting(root, rows);
  pelvic_ring(root, rows);
}

}  // namespace psoas
