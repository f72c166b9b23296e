// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The list of experiments, and the page that is made of them.
#include "psoas/validate/validate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <utility>

#include "psoas/core/error.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

struct Experiment {
  const char* name;  ///< first part of its rows' names
  const char* title;
  void (*run)(const Root&, Rows&);
  const char* example;  ///< the study that it needs, or null
  const char* text;     ///< what the page says about it
};

const Experiment experiments[] = {
    {"hip_passive", "Passive hip moment", hip_passive, nullptr,
     "The budget of passive flexion moment at each hip and knee angle: iliopsoas, rectus femoris, all other muscles "
     "and the capsule, none of them active, tendons rigid. Two works measured it in young adults and do not agree: "
     "with the knee nearly "
     "straight and 15° of extension one has 20, the other 28 N·m. Accepted: ±5 N·m or ±40 %, whichever is "
     "more, between 15° of extension and 60° of flexion.\n\n"
     "Why it misses. No muscle is calibrated to passive torque; the muscles of the leg model have the passive curve of "
     "its file (Millard 2013, strain 0.7 at greatest isometric force), iliopsoas and trunk De Groote's with strain "
     "0.6. With the knee straight, flexion stretches the hamstrings of the leg model to 1.2 times their optimal length "
     "at 30° and 1.8 times at 90°; with the knee at 90°, extension stretches the rectus femoris to 1.7 times. Both "
     "then pull many times harder than was measured. Rigid tendons add to it: with compliant ones −150 instead of "
     "−215 N·m remain at 90° with the knee straight, and 37 instead of 69 N·m of all muscles at 0° with the knee at "
     "90°, which is still too much. The published fit has a constant of 8 N·m of flexion that no element here "
     "supplies; it is most of the published moment between 10° and 40° with the knee "
     "bent. Capsule and iliopsoas are not changed to close a gap: stiffening the psoas until a "
     "sum fits would inflate every effect of a shortened psoas.\n\n"
     "What follows. Do not quote results of this model for deep hip flexion with straight knees, nor for hip extension "
     "with bent knees. Rising from a chair and standing are neither. Δθ and the passive moment of "
     "the iliopsoas do not depend on these muscles."},
    {"hip_active", "Active hip moment", hip_active, nullptr,
     "All muscles that turn the hip one way fully active, the others silent, passive moments left out, held still. "
     "Published: men of 18 to 25 years at the model's mass and 1.75 m; their scatter is 22 %, accepted is "
     "±40 %. The knee angle of the published test is not given in what was read, so both are shown.\n\n"
     "Why it misses. The leg model's forces are those of young people's muscle volumes at 60 N/cm², all fully active "
     "at once. Its flexors other than the iliopsoas give about as much at 0° as all flexors of the men "
     "tested did, and with the knee bent, where the rectus femoris works near its best length, the sum is 1.7 times "
     "the published at 30° and 2.7 times at 60°; the published curve also falls to nothing at 110°, "
     "which no arm in the model does. The extensors are two to four times too strong up to 30° of flexion. No "
     "strength of the psoas repairs the one or the other. Capacities of all hip muscles together should "
     "be compared between variants, not with a person; that of the iliopsoas alone is a different number and is looked "
     "at below."},
    {"paths", "Muscle paths", muscle_paths, nullptr,
     "Arms and lengths of the right psoas and iliacus, hips and trunk otherwise as in the file. [paths.md](paths.md) "
     "tells the anatomy.\n\n"
     "Hip flexion. Blemker & Delp: 20 to 30 mm for the peaks across the fibres, in a model from images that was "
     "compared "
     "over 55° of flexion. Kumazaki et al. followed the arms from 0 to 90° on cadavers; what could be read are courses "
     "and ratios, not millimetres. Above 90° nothing measured was found.\n\n"
     "Lumbar levels. Bogduk et al. give signs, in the erect (psoas_lumbar below), flexed and extended spine; Reid et "
     "al. "
     "that the lateral arm grows downwards while the sagittal one stays small. Their tables could not be read, and the "
     "millimetres of imaging studies are from memory.\n\n"
     "Length. Against the model from which the points on the femur come, up to 90°, where its path is sound."},
    {"hip_capsule", "Hip capsule", hip_capsule, nullptr, ""},
    {"sarcomere", "Sarcomere length", sarcomere_length, nullptr,
     "Slack lengths were chosen for 3.1 µm at neutral in every fascicle, so the first row says nothing new. The figure "
     "with the flexed hip disagrees with Ward's fibre length and any published arm."},
    {"shortening", "Shortened resting length", shortening, nullptr,
     "Δθ is the shift of the passive torque–angle curve of the right iliopsoas at 5 N·m, knees straight; "
     "with all tissue, at a moment that an examiner feels, a fifth to a third of it is lost "
     "([tightness.md](tightness.md))."},
    {"hip_impingement", "Bony contact at the hip", hip_impingement, nullptr,
     "The default shape of the impingement study, and one angle changed at a time ([impingement.md](impingement.md)); "
     "nothing is fitted.\n\n"
     "Why it misses. An alpha angle alone, in front and above where it is greatest in most people, takes almost no "
     "internal rotation: with the hip flexed by 90° the rim meets the neck in front and below, at half past three on "
     "its clock face. A cam that reaches that far takes a third. Patients lose more: they have less offset and, most "
     "of them, a pincer; and what is measured on them ends with pain or soft tissue before bone. Of hips that were "
     "scanned and moved to bony contact, one work finds 12° in cam hips, another 30°.\n\n"
     "What follows. Differences between shapes are worth more than the ranges themselves."},
    {"psoas_lumbar", "Psoas at the lumbar levels", psoas_lumbar, nullptr,
     "Neutral posture, right side, fascicles that cross the level."},
    {"trunk_strength", "Strength of the trunk", trunk_strength, nullptr,
     "All muscles that extend a level fully active, legs and hips as in the file. Whether each axis of each level has "
     "the strength that it needs at once is another question: reserves of the motions show it."},
    {"sit_to_stand", "Sit-to-stand", sit_to_stand, "sit_to_stand",
     "The shipped recording: three fast rises of one person, no measured forces, generic mass distribution. Numbers "
     "are means over the rises unless a row names one. [shear.md](shear.md) says what decides the shear at L5–S1."},
    {"squat", "Squat", squat, "squat",
     "The shipped recording of another person, 1.96 m tall, feet alone on the floor, trunk almost horizontal at the "
     "deepest point with the arms raised. The coordinates are noisy: even while the person stands, "
     "accelerations swing the required force by half a body weight at 6 Hz, and at 2 Hz the required centre of "
     "pressure still leaves the feet. The rows for shortfall and reserves say so. Take the joint moments of this "
     "example as an order, and its muscle forces and spine loads not at all."},
    {"muscle_movement", "Muscle that is moved", muscle_movement, nullptr,
     "Cat soleus under 30 stimuli a second, first held, then moved by up to 10 mm to and fro. Activation over "
     "time is the one with which the model has the force of the held muscle at each instant, fibres and tendon "
     "moving as that force asks; with it the force of the moved muscle is predicted, and nothing is fitted. F0 "
     "25.1 N, l0 30 mm, tendon 65 mm, pennation 7.5°, start 4 mm below optimum are those of a public repetition "
     "of the benchmark; vmax is 4.65 l0/s, cat soleus's own (Scott et al. 1996), damping 0.1, tendon strain 4.9 "
     "%, passive curves as their authors have them. Accepted: what Millard et al. published as the limits of "
     "their damped and their rigid model over such trials. Theirs are means over whole trials, as far as is "
     "known with the rest before and after; here rest is left out. With the first 0.1 s the errors would be 14.2 "
     "and 23.8 (De Groote), 11.1 and 20.7 (Millard), 14.9 and 23.3 % (Thelen). The data are T. G. Sandercock's, "
     "from files without a licence (Sgarzi et al.): rounded figures, taken as facts.\n\n"
     "Why it misses. The muscle is right. A rigid tendon gives its fibres the whole speed, up to vmax itself: at "
     "0.26 s 1 to 4 N are left where the muscle, its tendon stretched, still holds 18 N, and at 0.38 s 23 to 28 "
     "N are back where it has 12 N. What Millard et al. took for vmax was not found; with 10 l0/s the rigid "
     "errors are 21 to 23 %, the compliant 16 to 19 %. What is left with a compliant tendon is mostly no matter "
     "of curves: at 0.68 s, short after shortening, the muscle has 13 N and the models 21 to 23 N. A Hill-type "
     "muscle takes the activation of the held muscle as that of the moved one, and Perreault et al. name this as "
     "the cause of such errors. Thelen's set is outside by 0.4 % and would be inside with the rest counted.\n\n"
     "What follows. In fast movements forces of rigid tendons are uncertain by a quarter of F0, those of "
     "compliant ones by a sixth."},
    {"muscle_stretch", "Muscle that is stretched", muscle_stretch, nullptr,
     "Cat soleus, fully active, stretched by 9 mm (0.21 l0) onto the descending limb. F0 21.8 N, l0 42.9 mm, "
     "tendon 30.5 mm with 4.6 % strain at F0, pennation 7°, vmax 4.65 l0/s, activation 0.113 and 0.142 s. The "
     "passive strain is the one with which the passive force at 9 mm is the measured 7.07 N. The fibre length at "
     "0 mm, 0.96 l0, was fitted by others with another model, and no publication says what error is small, so "
     "these rows show and do not decide; their ranges are the measured force ± half the range of three isometric "
     "trials. Enhancement decides: it is the difference of two forces at one length, for which the apparatus "
     "hardly matters.\n\n"
     "Why it misses. The muscle is right. Seconds after a stretch it pulls 0.17 F0 more than without; more than "
     "half of that is a passive force that only active stretch leaves behind (Herzog & Leonard 2002, abstract). "
     "A Hill-type muscle knows length, velocity and activation of the moment, so the force is that of the held "
     "muscle again. During the stretch it lacks 0.27 to 0.49 F0. Thelen's set comes nearest, in part because its "
     "force at 9 mm is too high before any stretch: its active curve is too wide.\n\n"
     "What follows. Forces of active muscles that lengthen on the descending limb are too low by up to half of "
     "F0. Nothing is tuned to hide it."},
    {"muscle_shortening", "Muscle that shortens", muscle_shortening, nullptr,
     "Cat soleus, fully active, shortened by 4 mm on the ascending limb at 2.6 to 22 mm/s. F0 40.6 N, l0 48.0 "
     "mm, tendon 34.1 mm with 4.6 % strain, pennation 7° and the path length at 0 mm are from files of others; "
     "the path length belongs to their model and is free by about 2 mm, so these rows show and do not decide. "
     "vmax is 4.65 l0/s, as measured in other cats. Depression decides: it is a ratio of two forces at one "
     "length.\n\n"
     "What it shows. Every set pulls too hard, the more the faster, De Groote's most at high speed. With the "
     "2.81 l0/s that others fitted to this muscle Millard's set comes to 2 to 3 % F0. The tendon hardly matters "
     "at the end of such a ramp: the force falls slowly by then, and the fibres have nearly the whole speed with "
     "either. That is no argument for a rigid tendon; see the muscle that is moved.\n\n"
     "Why depression misses. The muscle is right. After shortening it stays 4 to 8 % below the force held at the "
     "same length, in proportion to the work done (Herzog, Leonard & Wu 2000, J Biomech 33:659, abstract). A "
     "Hill-type muscle has no such memory."},
    {"muscle_curves", "Curves of muscle", muscle_curves, nullptr,
     "Each law alone against points of published figures, gathered by 0.05 l0 or by velocity. The number is the "
     "mean distance of the law from the means of the groups with two points or more; accepted is at most the "
     "mean standard deviation of the points in a group, which holds scatter between animals and the slope across "
     "a group. Passive strains are those of the sets' authors: 0.6, shape 4 (De Groote); 0.7 (Millard); 0.6, "
     "shape 5 (Thelen). Velocities are taken over 4.65 l0/s, read from the same figure. The tendon's range is "
     "the standard deviation of the ratio of two measured strains.\n\n"
     "Why it misses.\n\n"
     "*Active force.* Whole rabbit muscle is narrower than all three curves; De Groote's is near enough, "
     "Millard's too wide beyond 1.3 l0, Thelen's with its width of 0.45 everywhere. The points are right: a "
     "model of filament overlap alone meets them (Winters et al. 2011, intraclass correlation 0.88). In cat and "
     "human De Groote's stays inside, Millard's is the best in the cat and just outside in human fibres; "
     "Thelen's has 0.6 F0 where cat muscle has 0.2, at 0.54 l0. On the descending limb De Groote's slope is too "
     "steep, Millard's too shallow, Thelen's by far.\n\n"
     "*Force–velocity.* De Groote's curve is too straight for a slow muscle: its slope at rest is 2.5 F0 a vmax "
     "where Millard's and Thelen's have 5, and 0.59 instead of 0.41 F0 remain at −0.8 l0/s. In lengthening the "
     "muscle has reached 1.3 F0 at 0.25 l0/s and stays at 1.35 to 1.39; De Groote's reaches 1.3 at 0.8 l0/s and "
     "rises without bound, Millard's reaches the right plateau too slowly. Scott et al. call the lengthening "
     "forces highly variable, and no fast muscle is compared here.\n\n"
     "*Passive force.* Muscles differ more than curves: rabbit tibialis anterior carries F0 at 1.38 l0, extensor "
     "digitorum II at 1.62 l0. No default suits both, and passive_strain is a muscle's to set. Single human "
     "fibres, which have lost their connective tissue, carry 0.04 F0 at l0, where of the curves only De Groote's "
     "has any force, and their force rises more evenly than exponentially; the scatter is small, so all three "
     "miss, De Groote's by least.\n\n"
     "*Tendon.* Thelen's toe, a third of F0 over 0.6 of the strain, is too soft at small force; the other two "
     "are inside, De Groote's at the edge."},
    {"tightness", "A tight iliopsoas: tests, posture, pelvis", tightness, "tight_psoas",
     "The examples of postures and of tightness as they stand; nothing is fitted. [tightness.md](tightness.md) says "
     "what "
     "is assumed and what follows.\n\n"
     "Why it misses. *Thomas test.* The thigh of the model hangs lower than that of athletes. At their 12° its weight "
     "needs 30 N·m more than the passive tissue of the model gives; with the passive moment of Riener & Edrich in its "
     "place it would still sink to about 28°. Athletes' hips are stiffer than those of the people measured, or they "
     "were not quite at rest; differences between two tests are worth more than angles. *Tilt.* Stretching a person's "
     "hip "
     "flexors brought half a degree of tilt a degree of extension; the model gives a hundredth of that. What a short "
     "iliopsoas adds in standing, 1 to 2 N·m a side at s = 0.95, is little beside what muscles can do, so least effort "
     "answers with muscles, not with posture, and the load of the lowest level rises instead. To agree, standing "
     "people "
     "would have to leave passive tissue to itself where muscles cost hardly anything. Heino et al. found no relation "
     "between people, which is what the model says. *Sitting.* Without a backrest the model's back muscles hold the "
     "flexed trunk; the one man measured had no more pressure than in standing, others of an older study had "
     "(Nachemson; from memory). Lying face down the discs, neutral at the lordosis of standing, are bent further. A "
     "backrest unloads by what lordosis it allows, and the posture sought prefers that of upright sitting. *Sacroiliac "
     "joints.* Springs with the stiffness of old cadavers give way too far along the joint's "
     "surface under constant load; differences between postures are near what was measured."},
    {"adaptation", "Stretches, and weeks and months", adaptation, "adaptation",
     "Relaxation inside a stretch, and the slow laws of [adaptation.md](adaptation.md), which says what each number "
     "was "
     "set by. Rows whose note says that they were fitted show that the law can hold the numbers, no more.\n\n"
     "Why it misses. *Relaxation.* Two studies of hamstrings do not agree: one lost in 30 s more than the other in 45 "
     "s. "
     "*Recovery.* Nor do two studies of what is left: stiffness of the calf was restored within 10 min, resistance of "
     "the "
     "hamstrings was lower for an hour. A sum of exponentials follows the first, and nothing that it holds could "
     "follow "
     "both. *Sitting.* With the gain of cats in casts, sarcomeres make up for all of a lasting change of length. Then "
     "the "
     "angle at 5 N·m of the iliopsoas alone moves by more than twice what was measured on people, and the angle at 15 "
     "N·m "
     "with the capsule by half of it. Passive hip extension is measured at some moment in between that the study's "
     "abstract "
     "does not give. It compares people of one day, not the same people before and after, so the gain is not set by "
     "it."},
};

std::string first_part(const std::string& name) { return name.substr(0, name.find('/')); }

Root find_root(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path given = folder.empty() ? fs::path(".") : fs::path(folder);
  for (const auto& [models, examples] :
       {std::pair(given / "models", given / "examples"), std::pair(given, given / ".." / "examples")})
    if (fs::exists(models / "full_body.json", ignored))
      return {models.lexically_normal().string(), examples.lexically_normal().string()};
  throw Error(Kind::io, given.string(),
              "expected models/full_body.json or full_body.json in this folder, found neither");
}

/// A number for the page: three or four significant digits, so that it reads the same on every machine.
std::string number(double value) {
  if (!std::isfinite(value)) return "–";
  if (value == 0.0) return "0";
  const double size = std::abs(value);
  const std::string text = fixed_text(value, size >= 100.0 ? 0 : size >= 10.0 ? 1 : size >= 1.0 ? 2 : 3);
  return text.find_first_not_of("-0.") == std::string::npos && text[0] == '-' ? text.substr(1) : text;
}

std::string range(const ValidationRow& row) {
  if (row.low == -inf && row.high == inf) return "–";
  if (row.low == -inf) return "≤ " + number(row.high);
  if (row.high == inf) return "≥ " + number(row.low);
  if (row.low == 0.0 && row.high < 5e-4) return "0";
  return number(row.low) + " … " + number(row.high);
}

std::string unit_text(const std::string& unit) {
  std::string out;
  for (std::size_t i = 0; i < unit.size(); ++i)
    out += unit[i] == ' ' && unit.compare(0, 3, "N m") == 0 ? std::string("·") : std::string(1, unit[i]);
  return out == "um" ? "µm" : out == "deg" ? "°" : out;
}

/// Text that does not end a cell of a table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

const char* verdict(const ValidationRow& row) {
  if (!row.decides && row.low == -inf && row.high == inf) return "–";
  if (!row.decides) return row.inside ? "(inside)" : "(outside)";
  return row.inside ? "✓" : "✗";
}

constexpr const char* introduction =
    "# Validation\n\n"
    "Published figures against what the shipped models, examples and single muscles give. This page is written by "
    "`psoas validate "
    "--markdown`; do not edit it by hand. Nothing is tuned to it: a miss stays a ✗ with what is known about "
    "its cause.\n\n"
    "How sure a published figure is stands in brackets behind its source:\n\n"
    "- **read**: read in the publication's text or abstract;\n"
    "- **second hand**: read in a work that quotes it, or in a public transcription;\n"
    "- **derived**: computed by another program from the same recording or model, or a law;\n"
    "- **memory**: not looked up. Such a row is printed as (inside) or (outside) and decides nothing.\n\n"
    "Nor do rows decide for which nothing published says what is near enough, or whose apparatus was fitted; without a "
    "range they are printed as –.\n\n"
    "Ranges are wide because people differ. They catch a wrong model (a sign, a factor of two, a missing muscle) and "
    "cannot tune one.\n\n";

constexpr const char* opensim =
    "\n"
    "## OpenSim 4.6\n\n"
    "No measurement, but the program whose muscles these are: 330 single muscles (120 De Groote–Fregly, 120 "
    "Millard, 90 Thelen) and 80 Millard muscles of a leg model in 60 states each, computed by OpenSim 4.6 and "
    "compared in the tests. What still differs, and who is right:\n\n"
    "- **De Groote–Fregly** agrees to 1e-8 in length, velocity and force.\n"
    "- **Millard, 80 × 60 states.** 4697 of 4800 agree to 1e-6 l0, and all forces to 1e-5 F0. The other 103 are "
    "slack: OpenSim holds the fibre at its shortest active length or at 84° of pennation and lets the tendon "
    "hang, psoas lets the fibre shorten until the tendon is at slack length or the fibre reaches l0/20, and "
    "flags it. There is no force in either, so nothing tells which is right.\n"
    "- **Millard, single muscles.** All agree to 1e-7 l0 and 2e-8 F0. Two of the 30 with rigid tendons shorten so "
    "fast that the damper would push harder than the fibres pull, by 0.020 and 0.009 F0: both take 0, as a tendon "
    "would. Inverse methods leave the damper out instead, so that force stays linear in activation.\n"
    "- **Millard, controls.** OpenSim changes those of a file when it reads it: with damping or a rigid tendon "
    "least active force 0 and slopes 0 at vmax, else at least 0.1 and half the slopes near vmax. The import does "
    "the same.\n"
    "- **Thelen.** OpenSim starts from an equilibrium in which fibre and tendon share the path's speed by their "
    "stiffnesses, psoas gives all of it to the fibre. Lengths then differ by up to 1e-3 l0 and forces by up to "
    "0.01 F0; with OpenSim's fibre speed both agree to 2e-8. Both are conventions for a start, of which the "
    "states forget the difference; sharing is nearer to a movement under way.\n";

}  // namespace

std::string cite(const std::string& citation, Certainty certainty) {
  switch (certainty) {
    case Certainty::read:
      return citation + " [read]";
    case Certainty::second_hand:
      return citation + " [second hand]";
    case Certainty::derived:
      return citation + " [derived]";
    case Certainty::memory:
      break;
  }
  return citation + " [memory]";
}

ValidationRow& Rows::add(const std::string& name, const std::string& quantity, const std::string& unit, double computed,
                         double low, double high, const std::string& citation, Certainty certainty,
                         const std::string& note) {
  ValidationRow row;
  row.name = name;
  row.quantity = quantity;
  row.unit = unit;
  row.source = cite(citation, certainty);
  row.computed = computed;
  row.low = low;
  row.high = high;
  row.inside = low <= computed && computed <= high;
  row.note = note;
  row.decides = certainty != Certainty::memory;
  rows_.push_back(row);
  return rows_.back();
}

std::vector<std::string> experiment_names() {
  std::vector<std::string> out;
  for (const Experiment& experiment : experiments) out.emplace_back(experiment.name);
  return out;
}

std::vector<ValidationRow> validate(const std::string& root_folder, const std::string& filter) {
  const Root root = find_root(root_folder);
  const std::string wanted = first_part(filter), rest = filter.substr(wanted.size());
  const std::vector<std::string> names = experiment_names();
  const bool known = std::find(names.begin(), names.end(), wanted) != names.end();
  std::vector<ValidationRow> out;
  for (const Experiment& experiment : experiments) {
    const std::string name = experiment.name;
    if (known ? name != wanted : name.find(wanted) == std::string::npos) continue;
    Rows rows;
    std::error_code ignored;
    if (experiment.example && !std::filesystem::exists(root.example(experiment.example), ignored)) {
      ValidationRow& row =
          rows.add(experiment.name, experiment.title, "", std::nan(""), -inf, inf, root.example(experiment.example),
                   Certainty::derived, "not computed: the example is not there");
      row.decides = false;
    } else {
      experiment.run(root, rows);
    }
    for (ValidationRow& row : rows.all())
      if (row.name.find(rest, name.size()) != std::string::npos) out.push_back(std::move(row));
  }
  return out;
}

std::string validation_markdown(const std::vector<ValidationRow>& rows) {
  std::size_t deciding = 0, inside = 0;
  for (const ValidationRow& row : rows) {
    deciding += row.decides;
    inside += row.decides && row.inside;
  }
  std::string out = introduction;
  out += "Of " + std::to_string(rows.size()) + " rows " + std::to_string(deciding) + " decide, and " +
         std::to_string(inside) + " of these are inside.\n";
  for (const Experiment& experiment : experiments) {
    std::string table;
    for (const ValidationRow& row : rows)
      if (first_part(row.name) == experiment.name)
        table += std::string("| ") + verdict(row) + " | `" + row.name + "` | " + cell(row.quantity) + " | " +
                 unit_text(row.unit) + " | " + number(row.computed) + " | " + range(row) + " | " + cell(row.source) +
                 " | " + cell(row.note) + " |\n";
    if (table.empty()) continue;
    out += std::string("\n## ") + experiment.title + "\n\n";
    if (*experiment.text) out += std::string(experiment.text) + "\n\n";
    out += "| | row | quantity | unit | computed | accepted | source | note |\n|---|---|---|---|---:|---|---|---|\n" +
           table;
  }
  return out + opensim;
}

}  // namespace psoas
