// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The muscle-tendon unit and its three curve sets against measured muscle: cat soleus that is moved, stretched and
// released, and curves point by point. Digitised points of published figures are facts; models/SOURCES.md says where
// they were found.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "psoas/core/spline.hpp"
#include "psoas/core/units.hpp"
#include "psoas/muscle/unit.hpp"
#include "psoas/solve/experiment.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

/// A curve set with the passive strain and shape that its authors give.
struct Set {
  const char* name;
  CompiledCurve curve;
  double passive_strain, passive_shape;

  /// Of any law: `law(curve)`.
  template <class Law>
  double operator()(Law&& law) const {
    return std::visit([&](const auto& c) { return static_cast<double>(law(c)); }, curve);
  }
};

std::array<Set, 3> curve_sets() {
  return {{{"de_groote_fregly", DeGrooteFregly{}, 0.6, 4.0},
           {"millard", MillardLaws{}, 0.7, 4.0},
           {"thelen", Thelen{}, 0.6, 5.0}}};
}

// Slow muscle at body temperature: Scott, Brown & Loeb 1996, figure 4.
constexpr double cat_soleus_vmax = 4.65;  // [l0/s]

struct Tendon {
  const char* name;
  bool rigid;
};
constexpr Tendon tendons[] = {{"compliant", false}, {"rigid", true}};

/// A cat soleus with the curves of a set; at rest it is silent.
MuscleParameters cat_soleus(const Set& set, double f0, double l0, double slack, double pennation_deg,
                            double tendon_strain, bool rigid) {
  MuscleParameters unit;
  unit.max_isometric_force = f0;
  unit.optimal_fibre_length = l0;
  unit.tendon_slack_length = slack;
  unit.pennation = degrees(pennation_deg);
  unit.tendon_strain = tendon_strain;
  unit.passive_strain = set.passive_strain;
  unit.passive_shape = set.passive_shape;
  unit.max_contraction_velocity = cat_soleus_vmax;
  unit.minimum_activation = 0.0;
  unit.rigid_tendon = rigid;
  unit.curve = set.curve;
  return unit;
}

/// Path length [m] at which fibres have this norm length while the tendon carries F0.
double path_at_f0(const MuscleParameters& unit, double norm_length) {
  const double l = norm_length * unit.optimal_fibre_length, h = unit.height();
  const double strain = unit.has_rigid_tendon() ? 0.0 : unit.tendon_strain;
  return std::sqrt(l * l - h * h) + (1.0 + strain) * unit.tendon_slack_length;
}

/// Tendon forces [N] at the increasing `times` of an experiment that starts at 0.
std::vector<double> forces_at(const MuscleParameters& unit, const History& length, const History& excitation,
                              const std::vector<double>& times) {
  std::vector<double> asked = {0.0}, out;
  asked.insert(asked.end(), times.begin(), times.end());
  run_experiment(unit, {}, length, excitation, {true, 1e-6}, asked,
                 [&](const ExperimentInstant& now) { out.push_back(now.muscle.tendon_force); });
  out.erase(out.begin());
  return out;
}

/// A row that shows and does not decide: nothing published says what is near enough, or the apparatus was fitted.
void show(Rows& rows, const std::string& name, const std::string& quantity, const std::string& unit, double computed,
          double low, double high, const std::string& citation, Certainty certainty, const std::string& note) {
  rows.add(name, quantity, unit, computed, low, high, citation, certainty, note).decides = false;
}

/// Where an increasing function is 0, or the nearer end.
template <class F>
double zero_of(F&& f, double low, double high) {
  for (int i = 0; i < 50; ++i) {
    const double middle = 0.5 * (low + high);
    (f(middle) < 0.0 ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

// --- moved at submaximal activation ---

// Perreault, Heckman & Sandercock 2003, cat soleus at 30 stimuli a second, 8 mm: every twentieth sample, rounded.
// Displacement of the end of the muscle, force while held at the start length, force while moved.
struct MovedSample {
  double time, displacement_mm, held, moved;  // [s], [mm], [N], [N]
};
constexpr MovedSample perreault[] = {
    {0.00, -8.0756, 0.000, 0.000},   {0.02, -7.7875, 0.000, 0.000},   {0.04, -7.6817, 0.000, 0.000},
    {0.06, -8.1274, 0.000, 0.000},   {0.08, -8.8695, 0.000, 0.000},   {0.10, -9.5886, 0.000, 0.000},
    {0.12, -9.9045, 0.430, 0.446},   {0.14, -9.5093, 1.293, 1.554},   {0.16, -8.2989, 3.233, 5.584},
    {0.18, -6.4877, 5.099, 12.770},  {0.20, -4.5027, 7.301, 22.204},  {0.22, -2.9277, 9.274, 26.479},
    {0.24, -2.2517, 10.937, 24.922}, {0.26, -2.7166, 12.628, 18.100}, {0.28, -4.3338, 13.816, 7.281},
    {0.30, -6.6590, 14.914, 2.454},  {0.32, -8.9691, 15.768, 1.817},  {0.34, -10.5726, 16.327, 2.208},
    {0.36, -10.9549, 16.973, 5.326}, {0.38, -9.9345, 17.334, 11.998}, {0.40, -7.7647, 17.680, 22.682},
    {0.42, -5.0591, 17.955, 27.077}, {0.44, -2.6516, 18.061, 26.213}, {0.46, -1.2915, 18.327, 26.256},
    {0.48, -1.2790, 18.421, 21.073}, {0.50, -2.6246, 18.556, 10.231}, {0.52, -4.8227, 18.679, 3.377},
    {0.54, -7.2054, 18.632, 1.546},  {0.56, -9.1724, 18.833, 1.830},  {0.58, -10.4035, 18.862, 2.761},
    {0.60, -10.8561, 18.936, 4.837}, {0.62, -10.7233, 18.993, 8.141}, {0.64, -10.2854, 18.940, 10.823},
    {0.66, -9.8499, 19.102, 12.853}, {0.68, -9.6222, 19.092, 13.340}, {0.70, -9.6277, 19.131, 13.255},
    {0.72, -9.7855, 19.208, 12.476}, {0.74, -9.8254, 19.115, 12.823}, {0.76, -9.4815, 19.287, 15.528},
    {0.78, -8.6659, 19.250, 19.706}, {0.80, -7.4510, 19.321, 23.299}, {0.82, -6.0718, 19.352, 24.452}};

/// Activation [-] at which a unit that is held at `length` pulls `force` [N], which grows by `rate` [N/s].
double activation_of_force(const MuscleParameters& unit, double length, double force, double rate) {
  if (!(force > 0.0)) return 0.0;
  const double f0 = unit.max_isometric_force;
  const auto excess = [&](double a) {
    if (!unit.has_rigid_tendon()) return tendon_force_residual(unit, force / f0, rate / f0, a, length, 0.0).value;
    const MuscleForces forces = fibre_forces(unit, rigid_tendon_fibre(unit, length, 0.0), a);
    return (a * forces.active + forces.passive - force) / f0;
  };
  return zero_of(excess, 0.0, 1.0);
}

}  // namespace

void muscle_movement(const Root&, Rows& rows) {
  const std::size_t count = std::size(perreault);
  std::vector<double> times, displacement;
  for (const MovedSample& sample : perreault) {
    times.push_back(sample.time);
    displacement.push_back(1e-3 * sample.displacement_mm);
  }
  const QuinticSpline movement(times, displacement);
  const std::string citation =
      "Millard, Uchida, Seth & Delp 2013, J Biomech Eng 135:021005, abstract; trial of Perreault, Heckman & Sandercock "
      "2003, J Biomech 36:211, data of T. G. Sandercock through Sgarzi et al.";
  for (const Set& set : curve_sets())
    for (const Tendon& tendon : tendons) {
      // F0, l0, slack length, pennation and start: those of Sgarzi et al.'s repetition of Millard's benchmark.
      const MuscleParameters unit = cat_soleus(set, 25.1, 0.030, 0.065, 7.5, 0.049, tendon.rigid);
      const double held = path_at_f0(unit, 1.0) - 0.004;
      // The trial begins 8 mm below the zero of its displacement, at the length at which it was held.
      const auto path = [&](double t) { return held + movement(t) + 0.008; };
      History activation{{}, {}, false};
      for (std::size_t i = 0; i < count; ++i) {
        const MovedSample &before = perreault[i > 0 ? i - 1 : 0], &after = perreault[std::min(i + 1, count - 1)];
        const double rate = (after.held - before.held) / (after.time - before.time);
        activation.time.push_back(times[i]);
        activation.value.push_back(activation_of_force(unit, held, perreault[i].held, rate));
      }
      std::vector<double> force;
      if (tendon.rigid) {
        for (const double t : times) {
          const double a = activation.at(t).value;
          const FibreState fibre = rigid_tendon_fibre(unit, path(t), movement.jet(t).slope);
          const MuscleForces forces = fibre_forces(unit, fibre, a);
          force.push_back(rigid_tendon_force(forces, a));
        }
      } else {
        // Activation itself is what is known: dynamics so fast that it follows the excitation.
        MuscleParameters follows = unit;
        follows.activation_time = follows.deactivation_time = 1e-4;
        History length{{}, {}, false};
        for (int i = 0; i <= 410; ++i) {
          length.time.push_back(times.back() * i / 410);
          length.value.push_back(path(length.time.back()));
        }
        force = forces_at(follows, length, activation, {times.begin() + 1, times.end()});
        force.insert(force.begin(), 0.0);
      }
      double sum = 0.0, worst = 0.0, worst_time = 0.0;
      int compared = 0;
      for (std::size_t i = 0; i < count; ++i) {
        if (times[i] < 0.1 - 1e-9) continue;
        const double error = force[i] - perreault[i].moved;
        sum += std::abs(error), ++compared;
        if (std::abs(error) > std::abs(worst)) worst = error, worst_time = times[i];
      }
      const double scale = 100.0 / unit.max_isometric_force;
      rows.add(std::string("muscle_movement/") + set.name + "/" + tendon.name,
               "mean absolute error of tendon force, 0.10…0.82 s", "% F0", scale * sum / compared, 0.0,
               tendon.rigid ? 18.5 : 16.4, citation, Certainty::second_hand,
               "greatest " + fixed_text(scale * worst, 0) + " at " + fixed_text(worst_time, 2) +
                   " s; published: less than " +
                   (tendon.rigid ? "18.5 with a rigid tendon" : "16.4 with a damped compliant one"));
    }
}

// --- stretched while fully active ---

namespace {

// Herzog & Leonard 2002, J Exp Biol 205:1275, cat soleus, 0 to 9 mm: ends of the ramp from the digitised length, forces
// at key points of figures 6 and 7.
struct Stretch {
  const char* name;
  double begin, end, late;        // [s]
  double peak, after;             // measured: at the end of the ramp, at `late` [N]
  double isometric_9mm, passive;  // of the same series: held at 9 mm, active and before stimulation [N]
};
constexpr Stretch stretches[] = {{"3_mm_s", 2.302, 5.173, 9.90, 34.578, 27.914, 24.054, 7.467},
                                 {"9_mm_s", 2.395, 3.387, 8.32, 36.591, 27.571, 23.669, 7.027},
                                 {"27_mm_s", 2.395, 2.727, 7.47, 37.396, 26.870, 23.278, 6.713}};
constexpr double isometric_0mm[] = {21.742, 22.051, 21.448};  // [N]
constexpr double isometric_scatter = 0.5 * (22.051 - 21.448);
constexpr double stretch_mm = 9.07;

/// The passive strain at which the unit at rest pulls `force` [N] at `length`.
double passive_strain_for(MuscleParameters unit, double length, double force) {
  const auto lack = [&](double strain) {
    unit.passive_strain = strain;
    return force - static_equilibrium(unit, length, 0.0).tendon_force;
  };
  return zero_of(lack, 0.05, 2.0);
}

}  // namespace

void muscle_stretch(const Root&, Rows& rows) {
  const std::string citation = "Herzog & Leonard 2002, J Exp Biol 205:1275, digitised";
  const double f0 = 21.8;
  double passive = 0.0, least = inf, greatest = -inf, enhancement = -inf;
  for (const Stretch& s : stretches) {
    passive += s.passive / static_cast<double>(std::size(stretches));
    least = std::min(least, (s.after - s.isometric_9mm) / f0);
    greatest = std::max(greatest, (s.after - s.isometric_9mm) / f0);
  }
  for (const Set& set : curve_sets()) {
    // Through Millard et al.'s code: l0 from the paper, page 1277, pennation from Sacks & Roy 1982, tendon from Scott &
    // Loeb 1995 (27 mm at fibres of 38 mm; stiffness at F0 30 F0 a slack length). Time constants and the fibre length
    // at 0 mm are its own.
    MuscleParameters unit = cat_soleus(set, f0, 0.027 / 0.63, 0.027 / 0.63 * 27.0 / 38.0, 7.0, 1.375 / 30.0, false);
    unit.activation_time = 0.113, unit.deactivation_time = 0.142;
    const double at_0mm = path_at_f0(unit, 0.9607), at_9mm = at_0mm + 1e-3 * stretch_mm;
    unit.passive_strain = passive_strain_for(unit, at_9mm, passive);
    const auto shown = [&](const std::string& name, const std::string& quantity, double force, double low, double high,
                           const std::string& note) {
      show(rows, std::string("muscle_stretch/") + set.name + "/" + name, quantity, "F0", force / f0, low / f0,
           high / f0, citation, Certainty::second_hand, note);
    };
    const double held_9mm = static_equilibrium(unit, at_9mm, 1.0).tendon_force;
    shown("isometric_0mm", "force held at 0 mm", static_equilibrium(unit, at_0mm, 1.0).tendon_force, isometric_0mm[2],
          isometric_0mm[1], "three trials, from which F0 is made");
    shown("isometric_9mm", "force held at 9 mm", held_9mm, stretches[2].isometric_9mm, stretches[0].isometric_9mm,
          "three trials; passive strain " + fixed_text(unit.passive_strain, 2) + " from the passive force there");
    for (const Stretch& s : stretches) {
      const std::vector<double> force = forces_at(unit, {{0.0, s.begin, s.end}, {at_0mm, at_0mm, at_9mm}, false},
                                                  {{0.0, 0.98}, {0.0, 1.0}, true}, {s.end, s.late});
      shown(std::string(s.name) + "/peak", "force at the end of the stretch", force[0], s.peak - isometric_scatter,
            s.peak + isometric_scatter, "measured " + fixed_text(s.peak / f0, 2));
      shown(std::string(s.name) + "/after", "force " + fixed_text(s.late - s.end, 1) + " s after the stretch", force[1],
            s.after - isometric_scatter, s.after + isometric_scatter, "measured " + fixed_text(s.after / f0, 2));
      enhancement = std::max(enhancement, (force[1] - held_9mm) / f0);
    }
  }
  rows.add("muscle_stretch/residual_enhancement", "force long after the stretch, less that held at the same length",
           "F0", enhancement, least, greatest, citation, Certainty::second_hand,
           "greatest of three speeds and three curve sets; accepted: the range over the measured speeds");
}

// --- shortened while fully active ---

namespace {

// Herzog & Leonard 1997, J Biomech 30:865, cat soleus, from 4 mm to 0, figure 1A.
struct Release {
  double begin, end;    // [s]
  double at_end, late;  // measured: at the end of the ramp, at 4.19 s [N]
};
constexpr Release releases[] = {{1.520, 3.078, 29.86, 34.64},
                                {1.516, 2.318, 26.44, 35.62},
                                {1.512, 1.940, 21.77, 35.62},
                                {1.512, 1.782, 19.29, 35.84},
                                {1.512, 1.695, 15.91, 35.84}};
constexpr double release_isometric = 37.45;  // held at 0 mm [N]

}  // namespace

void muscle_shortening(const Root&, Rows& rows) {
  const std::string citation = "Herzog & Leonard 1997, J Biomech 30:865, digitised";
  double least = inf, greatest = -inf, depressed = inf;
  for (const Release& r : releases) {
    least = std::min(least, r.late / release_isometric);
    greatest = std::max(greatest, r.late / release_isometric);
  }
  for (const Set& set : curve_sets())
    for (const Tendon& tendon : tendons) {
      // From Millard et al.'s files for this experiment.
      MuscleParameters unit = cat_soleus(set, 40.568, 0.0479621, 0.0340783, 7.0, 1.375 / 30.0, tendon.rigid);
      unit.activation_time = 0.113, unit.deactivation_time = 0.142;
      // The fibre length is the same with both tendons while the compliant one carries F0.
      const double at_0mm = 0.0717682 - (tendon.rigid ? unit.tendon_strain * unit.tendon_slack_length : 0.0);
      const double at_4mm = at_0mm + 0.004;
      std::string list;
      const auto error = [&](double vmax) {
        unit.max_contraction_velocity = vmax;
        list.clear();
        double sum = 0.0;
        for (const Release& r : releases) {
          // Just before the ramp's end, where the force of a rigid tendon jumps.
          const std::vector<double> force = forces_at(unit, {{0.0, r.begin, r.end}, {at_4mm, at_4mm, at_0mm}, false},
                                                      {{0.0, 0.3}, {0.0, 1.0}, true}, {r.end - 1e-6, 4.19});
          sum += std::abs(force[0] - r.at_end);
          list += (list.empty() ? "" : ", ") + fixed_text(force[0], 1) + " of " + fixed_text(r.at_end, 1);
          depressed = std::min(depressed, force[1] / static_equilibrium(unit, at_0mm, 1.0).tendon_force);
        }
        return 100.0 * sum / static_cast<double>(std::size(releases)) / unit.max_isometric_force;
      };
      const double fitted = error(2.81), given = error(cat_soleus_vmax);
      show(rows, std::string("muscle_shortening/") + set.name + "/" + tendon.name,
           "force at the end of shortening, mean absolute error of five speeds", "% F0", given, -inf, inf, citation,
           Certainty::second_hand,
           list + " N, slow to fast; " + fixed_text(fitted, 1) +
               " % with the 2.81 l0/s that others fitted to this muscle");
    }
  rows.add("muscle_shortening/force_depression", "force at 4.19 s over that held at the same length", "1", depressed,
           least, greatest, citation, Certainty::second_hand,
           "least of five speeds and three curve sets; accepted: the range over the measured speeds");
}

// --- curves point by point ---

namespace {

/// Points of a published figure, gathered by 0.05 l0 or by velocity.
struct Bin {
  double x, mean, deviation;  // l / l0 or [l0/s]; force over F0, and its standard deviation
  int points;
};

// Winters, Takahashi, Lieber & Ward 2011, J Biomech 44:109: whole rabbit muscles, tibialis anterior and extensor
// digitorum II.
constexpr Bin winters_ta_active[] = {
    {0.4942, 0.099, 0.000, 1}, {0.5357, 0.148, 0.103, 3},  {0.5878, 0.239, 0.084, 7},  {0.6337, 0.363, 0.154, 9},
    {0.6664, 0.444, 0.152, 8}, {0.7216, 0.628, 0.137, 13}, {0.7761, 0.763, 0.090, 10}, {0.8311, 0.831, 0.050, 13},
    {0.8661, 0.880, 0.051, 5}, {0.9209, 0.927, 0.061, 12}, {0.9877, 0.988, 0.018, 6},  {1.0172, 0.974, 0.036, 9},
    {1.0762, 0.965, 0.027, 9}, {1.1289, 0.881, 0.068, 11}, {1.1788, 0.797, 0.110, 13}, {1.2275, 0.626, 0.097, 11},
    {1.2757, 0.549, 0.116, 7}, {1.3212, 0.405, 0.128, 5},  {1.3633, 0.380, 0.098, 3},  {1.4244, 0.227, 0.077, 6},
    {1.4730, 0.148, 0.029, 3}, {1.5073, 0.090, 0.000, 1}};
constexpr Bin winters_ta_passive[] = {
    {0.8253, 0.005, 0.002, 3},  {0.8762, 0.004, 0.004, 6}, {0.9229, 0.008, 0.006, 5},  {0.9769, 0.006, 0.009, 5},
    {1.0223, 0.022, 0.014, 9},  {1.0679, 0.047, 0.022, 9}, {1.1311, 0.096, 0.040, 10}, {1.1728, 0.200, 0.078, 14},
    {1.2226, 0.406, 0.124, 11}, {1.2716, 0.595, 0.169, 8}, {1.3204, 0.711, 0.104, 9},  {1.3733, 0.919, 0.189, 3},
    {1.4226, 1.189, 0.006, 2}};
constexpr Bin winters_edii_passive[] = {
    {0.8287, 0.002, 0.002, 4},  {0.8750, 0.001, 0.002, 4},  {0.9234, 0.004, 0.004, 5},  {0.9769, 0.008, 0.003, 4},
    {1.0228, 0.007, 0.001, 4},  {1.0793, 0.010, 0.003, 5},  {1.1266, 0.024, 0.015, 5},  {1.1706, 0.043, 0.027, 9},
    {1.2289, 0.067, 0.040, 13}, {1.2759, 0.135, 0.053, 17}, {1.3230, 0.238, 0.094, 15}, {1.3775, 0.302, 0.111, 27},
    {1.4299, 0.450, 0.164, 11}, {1.4704, 0.519, 0.159, 17}, {1.5175, 0.643, 0.169, 16}, {1.5726, 0.738, 0.146, 8},
    {1.6098, 0.911, 0.147, 4}};
// Gollapudi & Lin 2009, J Biomech 42:2011: human type-I fibres, skinned; optimal length 2.725 µm a sarcomere.
constexpr double gollapudi_optimum = 2.725;  // [µm]
constexpr Bin gollapudi_active[] = {{0.8211, 0.840, 0.058, 4}, {0.8771, 0.906, 0.019, 3}, {0.9265, 0.933, 0.069, 5},
                                    {0.9735, 0.997, 0.014, 6}, {1.0324, 0.935, 0.047, 7}, {1.0603, 0.929, 0.056, 6},
                                    {1.1222, 0.817, 0.132, 3}, {1.1790, 0.763, 0.091, 6}, {1.2293, 0.705, 0.082, 4},
                                    {1.2773, 0.580, 0.088, 3}, {1.3332, 0.525, 0.000, 1}, {1.3813, 0.436, 0.144, 3},
                                    {1.4214, 0.413, 0.067, 2}};
constexpr Bin gollapudi_passive[] = {{0.7189, 0.000, 0.000, 1}, {0.8242, 0.007, 0.008, 3}, {0.8771, 0.013, 0.008, 3},
                                     {0.9256, 0.019, 0.012, 6}, {0.9728, 0.041, 0.025, 6}, {1.0184, 0.043, 0.008, 2},
                                     {1.0886, 0.054, 0.019, 3}, {1.1216, 0.075, 0.024, 9}, {1.1896, 0.126, 0.000, 1},
                                     {1.2255, 0.124, 0.030, 4}, {1.2768, 0.174, 0.038, 5}, {1.3226, 0.165, 0.031, 3},
                                     {1.3734, 0.304, 0.060, 2}, {1.4291, 0.294, 0.033, 3}, {1.4637, 0.307, 0.038, 2}};
// Scott, Brown & Loeb 1996, J Muscle Res Cell Motil 17:207: fascicles of five cats' soleus, figures 3 and 4A.
constexpr Bin scott_active[] = {{0.5351, 0.205, 0.101, 2}, {0.5792, 0.371, 0.138, 4}, {0.6207, 0.436, 0.176, 4},
                                {0.6701, 0.661, 0.083, 9}, {0.7239, 0.763, 0.065, 6}, {0.7754, 0.839, 0.044, 8},
                                {0.8226, 0.889, 0.028, 5}, {0.8757, 0.933, 0.022, 9}, {0.9277, 0.961, 0.018, 6},
                                {0.9740, 0.991, 0.012, 5}, {1.0326, 0.994, 0.022, 3}, {1.0746, 0.994, 0.011, 2},
                                {1.1212, 0.948, 0.027, 2}};
constexpr Bin scott_shortening[] = {{-4.485, 0.042, 0.069, 2}, {-3.551, 0.063, 0.029, 5}, {-2.687, 0.084, 0.050, 3},
                                    {-2.332, 0.164, 0.023, 3}, {-1.753, 0.176, 0.066, 6}, {-1.374, 0.318, 0.034, 3},
                                    {-1.114, 0.327, 0.105, 3}, {-0.799, 0.411, 0.086, 5}, {-0.566, 0.517, 0.098, 3},
                                    {-0.465, 0.574, 0.133, 2}, {-0.343, 0.676, 0.088, 4}, {-0.256, 0.797, 0.140, 2},
                                    {-0.146, 0.887, 0.107, 3}, {-0.044, 1.064, 0.038, 3}};
constexpr Bin scott_lengthening[] = {{0.030, 1.159, 0.116, 5}, {0.166, 1.258, 0.080, 5}, {0.248, 1.338, 0.034, 2},
                                     {0.400, 1.302, 0.063, 4}, {0.646, 1.390, 0.076, 6}, {1.046, 1.354, 0.101, 5},
                                     {1.529, 1.355, 0.088, 3}, {2.193, 1.387, 0.111, 5}, {3.031, 1.374, 0.133, 4}};

/// Mean distance of a law from the bins' means, against the mean deviation of the points in a bin.
template <class Law>
void compare(Rows& rows, const std::string& name, const std::string& quantity, std::span<const Bin> bins, Law&& law,
             const char* x_name, const std::string& citation) {
  double distance = 0.0, deviation = 0.0, worst = 0.0, worst_x = 0.0;
  int compared = 0, points = 0;
  for (const Bin& bin : bins) {
    if (bin.points < 2) continue;  // no scatter
    const double error = law(bin.x) - bin.mean;
    distance += std::abs(error), deviation += bin.deviation, ++compared, points += bin.points;
    if (std::abs(error) > std::abs(worst)) worst = error, worst_x = bin.x;
  }
  rows.add("muscle_curves/" + name, quantity + ", mean distance from measured means", "F0", distance / compared, 0.0,
           deviation / compared, citation, Certainty::second_hand,
           std::to_string(points) + " points; greatest " + (worst > 0.0 ? "+" : "") + fixed_text(worst, 2) + " at " +
               fixed_text(worst_x, 2) + " " + x_name);
}

}  // namespace

void muscle_curves(const Root&, Rows& rows) {
  const std::string winters = "Winters, Takahashi, Lieber & Ward 2011, J Biomech 44:109, digitised";
  const std::string scott = "Scott, Brown & Loeb 1996, J Muscle Res Cell Motil 17:207, digitised";
  const std::string gollapudi = "Gollapudi & Lin 2009, J Biomech 42:2011, digitised";
  const std::array<Set, 3> sets = curve_sets();
  struct Published {
    const char* name;
    std::span<const Bin> bins;
    const std::string& citation;
  };
  for (const Published& p : {Published{"rabbit_ta", winters_ta_active, winters},
                             {"cat_soleus", scott_active, scott},
                             {"human_fibres", gollapudi_active, gollapudi}})
    for (const Set& set : sets)
      compare(
          rows, std::string("active/") + p.name + "/" + set.name, "active force–length", p.bins,
          [&](double l) { return set([&](const auto& c) { return c.active_force_length(l); }); }, "l0", p.citation);
  for (const Set& set : sets) {
    const auto at = [&](double sarcomere) {
      return set([&](const auto& c) { return c.active_force_length(sarcomere / gollapudi_optimum); });
    };
    show(rows, std::string("muscle_curves/descending_slope/") + set.name,
         "slope of the descending limb, 2.85 to 3.85 µm a sarcomere", "F0/µm", at(3.85) - at(2.85), -0.55, -0.52,
         "Gollapudi & Lin 2009, J Biomech 42:2011, abstract", Certainty::read,
         "two evaluations of the same fibres; no scatter published");
  }
  for (const auto& [name, bins] : {std::pair<const char*, std::span<const Bin>>{"shortening", scott_shortening},
                                   {"lengthening", scott_lengthening}})
    for (const Set& set : sets)
      compare(
          rows, std::string("velocity/") + name + "/" + set.name, "force–velocity, " + std::string(name), bins,
          [&](double v) { return set([&](const auto& c) { return c.force_velocity(v / cat_soleus_vmax, 1.0); }); },
          "l0/s", scott);
  for (const Published& p : {Published{"rabbit_ta", winters_ta_passive, winters},
                             {"rabbit_edii", winters_edii_passive, winters},
                             {"human_fibres", gollapudi_passive, gollapudi}})
    for (const Set& set : sets)
      compare(
          rows, std::string("passive/") + p.name + "/" + set.name, "passive force–length", p.bins,
          [&](double l) {
            return set([&](const auto& c) {
              return std::max(c.passive_force_length(l, set.passive_strain, set.passive_shape), 0.0);
            });
          },
          "l0", p.citation);
  // 0.8 ± 0.3 % of strain at a tenth of the force that strains by 4.9 ± 1 %: relative deviations add in squares.
  const double ratio = 0.8 / 4.9, deviation = ratio * std::hypot(0.3 / 0.8, 1.0 / 4.9);
  for (const Set& set : sets) {
    const double strain = set([](const auto& c) { return c.inverse_tendon_force(0.1, 0.049); }) - 1.0;
    rows.add(std::string("muscle_curves/tendon_toe/") + set.name, "tendon strain at 0.1 F0 over that at F0", "1",
             strain / 0.049, ratio - deviation, ratio + deviation,
             "Maganaris & Paul 2002, J Biomech 35:1639, abstract: 0.8 ± 0.3 % and 4.9 ± 1 %", Certainty::read);
  }
}

}  // namespace psoas
