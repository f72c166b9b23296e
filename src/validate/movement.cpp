// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The shipped recordings through the whole pipeline: first variant only, no integration.
#include <algorithm>
#include <cmath>
#include <functional>

#include "psoas/core/units.hpp"
#include "psoas/study/study.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

/// A motion study that was run, read by window.
class Movement {
 public:
  Movement(const std::string& path, const std::vector<std::string>& outputs) : study_(read_study(path)) {
    MotionStudy& question = std::get<MotionStudy>(study_.question);
    question.integration.reset();
    if (study_.variants.size() > 1) study_.variants.resize(1);
    study_.outputs = outputs;
    result_ = psoas::run(study_);
    windows_ = question.motion.windows;
  }

  const Block& block() const { return result_.blocks.begin()->second; }
  const Named<Window>& windows() const { return windows_; }
  double mass() const { return study_.subject.mass.value_or(75.337); }

  /// A scalar of a window, e.g. "at_end compression/L5_S1".
  double scalar(const std::string& window, const std::string& name) const {
    return block().scalars.find(window + "/" + name)->value;
  }
  double mean(const std::string& name) const {
    double sum = 0.0;
    for (const auto& [window, span] : windows_) sum += scalar(window, name);
    return sum / static_cast<double>(windows_.size());
  }

  /// Mean over windows of the greatest value that `value(frame)` has from an instant on.
  template <class Value, class From>
  double mean_peak(Value&& value, From&& from) const {
    double sum = 0.0;
    for (const auto& [window, span] : windows_) {
      double best = -inf;
      const double start = from(window, span);
      for (std::size_t f = 0; f < block().axis_values.size(); ++f) {
        const double t = block().axis_values[f];
        if (t >= start - 1e-9 && t >= span.from - 1e-9 && t <= span.to + 1e-9) best = std::max(best, value(f));
      }
      sum += best;
    }
    return sum / static_cast<double>(windows_.size());
  }

  const std::vector<double>& series(const std::string& name) const { return block().series.find(name)->values; }

  /// The value of the credibility line whose name starts like this; nan without one.
  double credibility(const std::string& start) const {
    for (const Credibility& line : block().credibility)
      if (line.name.rfind(start, 0) == 0) return line.value;
    return std::nan("");
  }

  /// Mean over windows of a source's share of a load, from the ledgers.
  double ledger(const std::string& level, const std::string& event, const std::string& source,
                std::size_t column) const {
    double sum = 0.0;
    for (const auto& [window, span] : windows_) {
      const ResultTable& table = *block().tables.find("ledger/" + level + "/" + window + "/" + event);
      for (std::size_t i = 0; i < table.labels.size(); ++i)
        if (table.labels[i] == source) sum += table.rows[i][column];
    }
    return sum / static_cast<double>(windows_.size());
  }

 private:
  Study study_;
  Result result_;
  Named<Window> windows_;
};

const std::vector<std::string> leg_outputs = {"external_force_y",           "joint_moment/hip_flexion_r",
                                              "joint_moment/hip_flexion_l", "joint_moment/knee_angle_r",
                                              "joint_moment/knee_angle_l",  "joint_moment/ankle_angle_r",
                                              "joint_moment/ankle_angle_l", "compression/*",
                                              "anterior_shear/*",           "net_moment/*",
                                              "hip_contact_force_bw/*"};

/// Moment per leg and body mass, mean of both legs, with its sign turned: extension and plantarflexion +.
std::function<double(std::size_t)> leg_moment(const Movement& motion, const std::string& coordinate) {
  const std::vector<double>&right = motion.series("joint_moment/" + coordinate + "_r"),
        &left = motion.series("joint_moment/" + coordinate + "_l");
  return [&right, &left, mass = motion.mass()](std::size_t f) { return -0.5 * (right[f] + left[f]) / mass; };
}

/// Our own limits of credibility, as rows.
void credible(const Movement& motion, const std::string& name, Rows& rows, const std::string& contact_note,
              const std::string& reserve_note = "") {
  const std::string limit = "limit of docs/science.md section 7";
  rows.add(name + "contact_shortfall/force", "force that the contacts cannot supply, greatest", "body weights",
           motion.credibility("contact shortfall, force"), 0.0, 0.05, limit, Certainty::derived);
  rows.add(name + "contact_shortfall/moment", "moment that the contacts cannot supply, greatest",
           "body weight x height of mass centre", motion.credibility("contact shortfall, moment"), 0.0, 0.01, limit,
           Certainty::derived, contact_note);
  rows.add(name + "reserve", "reserve over the joint's peak moment, worst equation", "1",
           motion.credibility("reserve over"), 0.0, 0.05, "Hicks et al. 2015, J Biomech Eng 137:020905",
           Certainty::second_hand, reserve_note);
}

}  // namespace

void sit_to_stand(const Root& root, Rows& rows) {
  std::vector<std::string> outputs = leg_outputs;
  for (const char* group : {"gluteus_maximus", "hamstrings", "quadriceps"})
    for (const char* side : {"_r", "_l"}) outputs.push_back(std::string("muscle_force/group:") + group + side);
  outputs.push_back("reserve/*");
  const Movement motion(root.example("sit_to_stand"), outputs);
  const double weight = motion.mass() * standard_gravity;
  const std::string same = "the same recording through another program (no plates)", name = "sit_to_stand/";
  const auto start = [](const std::string&, const Window& span) { return span.from; };
  const auto seat_off = [&](const std::string& window, const Window&) {
    return motion.scalar(window, "seat_off_time");
  };

  // Whole body.
  const std::vector<double>& vertical = motion.series("external_force_y");
  rows.add(name + "vertical_force/peak", "total vertical force, mean of three rises", "body weights",
           motion.mean_peak([&](std::size_t f) { return vertical[f] / weight; }, start), 1.29, 1.39, same,
           Certainty::derived, "needs no mass; depends on the filter: 4 Hz 1.31, 10 Hz 1.40");
  rows.add(name + "vertical_force/least", "total vertical force, least after seat-off", "body weights",
           -motion.mean_peak([&](std::size_t f) { return -vertical[f] / weight; }, seat_off), 0.68, 0.80, same,
           Certainty::derived);
  const std::vector<std::pair<std::string, double>> events = {{"rep_1", 0.48}, {"rep_2", 3.05}, {"rep_3", 5.73}};
  for (const auto& [window, published] : events)
    rows.add(name + "seat_off/" + window, "instant of seat-off", "s", motion.scalar(window, "seat_off_time"),
             published - 0.05, published + 0.05, same, Certainty::derived);

  credible(motion, name, rows,
           "for some frames the recorded motion, with generic masses, needs the centre of pressure up to 20 mm outside "
           "the feet");
  double reserve = 0.0;
  std::string worst;
  for (const auto& [output, one] : motion.block().series)
    if (output.rfind("reserve/", 0) == 0 && output.rfind("reserve/pelvis_", 0) != 0)
      for (const double value : one.values)
        if (std::abs(value) > reserve) reserve = std::abs(value), worst = output.substr(8);
  rows.add(name + "reserve/greatest", "greatest reserve of any frame", "N m", reserve, 0.0, 1.0,
           "an earlier prototype of this job stayed under 1 N·m", Certainty::memory,
           "of " + worst +
               ": LTpL_L5, the extensors that act on L5–S1 alone, are fully active in most frames, and whatever "
               "reaches further loads L4–L5 too; with twice their strength the greatest reserve is 0.5 N·m");

  // Net moments per leg, on the feet alone.
  const auto hip = leg_moment(motion, "hip_flexion"), knee = leg_moment(motion, "knee_angle"),
             ankle = leg_moment(motion, "ankle_angle");
  const double hip_peak = motion.mean_peak(hip, seat_off), knee_peak = motion.mean_peak(knee, seat_off),
               ankle_peak = motion.mean_peak(ankle, seat_off);
  const std::string yoshioka = "Yoshioka et al. 2007, Biomed Eng Online 6:26, abstract: all feasible rises from 0.4 m";
  rows.add(name + "hip_moment", "net hip extension moment per leg, peak after seat-off", "N m/kg", hip_peak, 0.94, 1.34,
           same, Certainty::derived);
  rows.add(name + "hip_moment/feasible", "the same", "N m/kg", hip_peak, 0.24, 1.92, yoshioka, Certainty::read);
  rows.add(name + "knee_moment", "net knee extension moment per leg, peak after seat-off", "N m/kg", knee_peak, 0.92,
           1.52, same, Certainty::derived);
  rows.add(name + "knee_moment/feasible", "the same", "N m/kg", knee_peak, 0.51, 1.97, yoshioka, Certainty::read);
  rows.add(name + "ankle_moment", "net plantarflexion moment per leg, peak after seat-off", "N m/kg", ankle_peak, 0.30,
           0.90, same, Certainty::derived,
           "sensitive to the centre of pressure, which generic masses move by centimetres");
  rows.add(name + "ankle_moment/feasible", "the same", "N m/kg", ankle_peak, -0.11, 1.32, yoshioka, Certainty::read);
  rows.add(name + "hip_and_knee_moment", "sum of the two peaks", "N m/kg", hip_peak + knee_peak, 1.4, inf,
           yoshioka + ": no rise needs less than about 1.5", Certainty::read);
  rows.add(name + "hip_moment/least", "net hip extension moment per leg, peak", "N m/kg", hip_peak, 0.7, inf,
           "Kotake et al. 1993, Arch Phys Med Rehabil 74:1095, abstract: least for a natural rise", Certainty::read);
  rows.add(name + "knee_moment/least", "net knee extension moment per leg, peak", "N m/kg", knee_peak, 0.9, inf,
           "Kotake et al. 1993, Arch Phys Med Rehabil 74:1095, abstract: least for a natural rise", Certainty::read);

  // Muscles and hips.
  const auto group_force = [&](const std::string& group) {
    const std::vector<double>&right = motion.series("muscle_force/group:" + group + "_r"),
          &left = motion.series("muscle_force/group:" + group + "_l");
    return motion.mean_peak([&, mass = motion.mass()](std::size_t f) { return 0.5 * (right[f] + left[f]) / mass; },
                            seat_off);
  };
  const std::vector<std::pair<std::string, double>> inai = {
      {"gluteus_maximus", 16.9}, {"hamstrings", 7.0}, {"quadriceps", 32.4}};
  for (const auto& [group, published] : inai)
    rows.add(name + "muscle_force/" + group, "peak force per leg after seat-off", "N/kg", group_force(group),
             0.5 * published, 2.0 * published,
             "a model's natural rise: Inai et al. 2018, Biomed Eng Online, s12938-018-0610-5, table 2; factor 2",
             Certainty::read,
             group == "quadriceps"
                 ? "the model's quadriceps have an arm of 20 mm at 100° of knee flexion, so the net moment alone asks "
                   "for about 50 N/kg; hamstrings that extend the hip pull against them"
                 : "");
  const std::vector<double>&contact_right = motion.series("hip_contact_force_bw/r"),
        &contact_left = motion.series("hip_contact_force_bw/l");
  rows.add(name + "hip_contact", "hip contact force, peak, mean of both hips", "body weights",
           motion.mean_peak([&](std::size_t f) { return 0.5 * (contact_right[f] + contact_left[f]); }, start), 1.5, 2.6,
           "Bergmann et al. 2001, J Biomech 34:859, instrumented implants at natural speed, through Inai et al. 2018",
           Certainty::second_hand,
           "mostly the net hip moment: 1.15 N·m/kg in this fast rise against 0.7 in natural ones, carried by extensors "
           "with arms of about 4 cm; without passive force of the hamstrings, or nearly without the rectus femoris, it "
           "changes by less than 0.3, and with cheap sideways forces of the feet on each other it is 3.7 "
           "(docs/science.md section 6); a model of natural rises gave 2.7 (Inai 2018)");

  // Spine.
  rows.add(name + "net_moment/L3_L4", "net extension moment about L3/L4, peak", "N m/kg",
           motion.mean("peak net_moment/L3_L4") / motion.mass(), 1.7, 2.3, same + ", about its back joint at L3/L4",
           Certainty::derived);
  rows.add(name + "net_moment/L5_S1", "net extension moment about L5/S1, peak", "N m/kg",
           motion.mean("peak net_moment/L5_S1") / motion.mass(), 1.95, 2.55, same + ", moved to L5/S1",
           Certainty::derived);
  const double compression = motion.mean("peak compression/L5_S1");
  rows.add(name + "compression/L5_S1", "L5–S1 compression, peak, mean of three rises", "N", compression, 2000.0, 4500.0,
           "arithmetic: net moment over an extensor arm of 5 to 6 cm, plus 0.48 body weights", Certainty::derived,
           "compression from implants and discs reads lower");
  rows.add(name + "compression/L5_S1/NIOSH", "the same against the design limit", "N", compression, -inf, 3400.0,
           "NIOSH 1981", Certainty::memory, "a threshold for work design, no statement about injury");
  const auto ratio = [&](const std::string& level) {
    return motion.mean("peak compression/" + level) / motion.mean("at_end compression/" + level);
  };
  const std::string standing =
      "the end of the recorded rise stands for standing: the trunk still leans 16° and moves, and the rise is fast";
  rows.add(name + "rise_over_stand/L4_L5", "compression, peak over end of the rise", "1", ratio("L4_L5"), 1.5, 3.0,
           "Wilke et al. 1999, Spine 24:755: disc pressure 1.1 over 0.5 MPa", Certainty::memory,
           standing + "; pressure also depends on flexion");
  for (const char* level : {"L5_S1", "L3_L4", "L1_L2"})
    rows.add(name + "rise_over_stand/" + level, "compression, peak over end of the rise", "1", ratio(level), 2.0, 4.5,
             "Rohlmann et al. 2012, Clin Biomech, abstract: implant force 3.8 times standing, arms hanging (L1 or L3)",
             Certainty::read, standing);
  const auto share = [&](const std::string& source, std::size_t column) {
    return fixed_text(motion.ledger("L5_S1", "peak", source, column), 0);
  };
  rows.add(name + "anterior_shear/L5_S1", "L5–S1 anterior shear, peak, endplate 40° forward in the pelvis", "N",
           motion.mean("peak anterior_shear/L5_S1"), -inf, 1000.0,
           "Gallagher & Marras 2012, Clin Biomech 27:973: limit for up to 100 loadings a day", Certainty::memory,
           "at the peak of compression: gravity and inertia " + share("gravity and inertia", 1) + ", erector spinae " +
               share("erector_spinae", 1) + ", multifidus " + share("multifidus", 1) + ", quadratus lumborum " +
               share("quadratus_lumborum", 1) + ", abdominals " + share("abdominals", 1) +
               " N; with the same forces an endplate of 21° gives " +
               fixed_text(motion.ledger("L5_S1", "peak", "total", 1) * std::cos(19.0 * pi / 180.0) -
                              motion.ledger("L5_S1", "peak", "total", 0) * std::sin(19.0 * pi / 180.0),
                          0) +
               " N; see docs/shear.md");
}

void squat(const Root& root, Rows& rows) {
  const Movement motion(root.example("squat"), leg_outputs);
  const std::string name = "squat/";
  const auto start = [](const std::string&, const Window& span) { return span.from; };
  const std::vector<double>& vertical = motion.series("external_force_y");
  const double weight = motion.mass() * standard_gravity;
  rows.add(name + "force_balance", "required force against m(a − g) body by body, greatest difference", "body weights",
           motion.credibility("required force against m(a - g)"), 0.0, 1e-9, "Newton's second law", Certainty::derived,
           "a law, no measurement");
  credible(motion, name, rows, "the recording is noisy: the required centre of pressure leaves the feet",
           "the trunk is nearly horizontal, bent to the side and turned by 18°: the extensors of both sides are fully "
           "active, and reserves take the rest");
  rows.add(name + "vertical_force/peak", "total vertical force", "body weights",
           motion.mean_peak([&](std::size_t f) { return vertical[f] / weight; }, start), 1.05, 1.7,
           "order for squats at natural to quick pace", Certainty::memory);
  const std::string order = "order for squats without load";
  rows.add(name + "hip_moment", "net hip extension moment per leg, peak", "N m/kg",
           motion.mean_peak(leg_moment(motion, "hip_flexion"), start), 0.4, 1.6, order, Certainty::memory);
  rows.add(name + "knee_moment", "net knee extension moment per leg, peak", "N m/kg",
           motion.mean_peak(leg_moment(motion, "knee_angle"), start), 0.6, 1.8, order, Certainty::memory);
  rows.add(name + "ankle_moment", "net plantarflexion moment per leg, peak", "N m/kg",
           motion.mean_peak(leg_moment(motion, "ankle_angle"), start), 0.1, 1.0, order, Certainty::memory);
  rows.add(
      name + "net_moment/L5_S1", "net extension moment about L5/S1, peak", "N m/kg",
      motion.mean("peak net_moment/L5_S1") / motion.mass(), 0.8, 3.0, order, Certainty::memory,
      "a published inverse dynamics of this squat with measured plates exists; its numbers are not in this repository. "
      "The method read 12 % higher at the back and 7 % higher at the hips when another program compared it");
}

}  // namespace psoas
