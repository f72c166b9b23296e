// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Torque, moment arms, capsule and fibre lengths at the right hip of the unscaled full-body model.
#include <algorithm>
#include <array>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/model/model.hpp"
#include "study/answer.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// The right hip at an angle and knee angle, everything else as in the file, rigid tendons.
class Hip {
 public:
  explicit Hip(const Root& root) : Hip(Model::load(root.model("full_body.json"))) {}
  explicit Hip(const Model& model)
      : model_(model),
        work_(model_),
        state_(model_.default_state()),
        hip_(model_.coordinate("hip_flexion_r")),
        iliopsoas_(model_.select("group:iliopsoas_r")),
        rectus_femoris_(model_.select("recfem_r")) {}

  void pose(double hip_deg, double knee_deg) {
    model_.set(state_, "hip_flexion_r", degrees(hip_deg));
    model_.set(state_, "knee_angle_r", degrees(knee_deg));
    evaluate(model_, state_, work_, Depth::velocity);
    rigid_tendon_forces(model_, work_);
  }

  const Model& model() const { return model_; }
  const Workspace& work() const { return work_; }
  double arm(int muscle) const { return moment_arm(model_, work_, muscle, hip_); }

  /// A sum over muscles, split: iliopsoas, rectus femoris, others, all.
  template <class Moment>
  std::array<double, 4> split(Moment&& moment) const {
    std::array<double, 4> sum{};
    for (int m = 0; m < model_.muscles(); ++m) {
      const double value = moment(m);
      const std::size_t part = contains(iliopsoas_, m) ? 0 : contains(rectus_femoris_, m) ? 1 : 2;
      sum[part] += value;
      sum[3] += value;
    }
    return sum;
  }

  /// Passive torque of elements that are no muscle about hip flexion [N m].
  double capsule() const { return work_.passive_torque[at(model_.data().tree_coordinate[at(hip_)])]; }

 private:
  static bool contains(const std::vector<int>& list, int item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  }

  Model model_;
  Workspace work_;
  State state_;
  int hip_;
  std::vector<int> iliopsoas_, rectus_femoris_;
};

std::string angle_name(double angle) { return fixed_text(angle, 0); }

/// Mean over muscles weighted by greatest isometric force.
template <class Value>
double by_force(const Model& model, const std::vector<int>& muscles, Value&& value) {
  double sum = 0.0, force = 0.0;
  for (const int m : muscles) {
    sum += model.data().units[at(m)].max_isometric_force * value(m);
    force += model.data().units[at(m)].max_isometric_force;
  }
  return sum / force;
}

/// Silder et al. 2007, 20 adults: net passive moment of the hip, ankle at 0, read off at whole degrees by others.
void hip_passive_silder(Hip& hip, Rows& rows) {
  struct Measured {
    double knee, angle, moment;  ///< [deg, deg, N m]
  };
  const Measured table[] = {{15, -15, 28.4}, {15, -10, 18.4}, {15, 0, 7.29},   {15, 10, 2.74},
                            {15, 20, 0.545}, {15, 30, -0.80}, {15, 40, -2.06}, {15, 60, -7.52},
                            {60, -15, 35.0}, {60, -10, 23.8}, {60, 0, 10.3},   {60, 10, 4.69},
                            {60, 20, 1.96},  {60, 30, 0.335}, {60, 40, -0.80}, {60, 60, -3.47}};
  for (const Measured& one : table) {
    hip.pose(one.angle, one.knee);
    const auto muscles = hip.split([&](int m) { return hip.arm(m) * hip.work().force.passive[at(m)]; });
    const double margin = std::max(5.0, 0.4 * std::abs(one.moment));
    rows.add("hip_passive/silder/knee_" + angle_name(one.knee) + "/hip_" + angle_name(one.angle),
             "total passive moment, flexion +", "N m", muscles[3] + hip.capsule(), one.moment - margin,
             one.moment + margin,
             "Silder et al. 2007, J Biomech 40:2628, its figure as digitised in a public table (Davis, it-band-model)",
             Certainty::second_hand,
             "iliopsoas " + fixed_text(muscles[0], 1) + ", rectus femoris " + fixed_text(muscles[1], 1) +
                 ", other muscles " + fixed_text(muscles[2], 1) + ", capsule " + fixed_text(hip.capsule(), 1) +
                 "; published " + short_text(one.moment));
  }
}

}  // namespace

void hip_passive(const Root& root, Rows& rows) {
  Hip hip(root);
  const std::string citation = "Riener & Edrich 1999, J Biomech 32:539, coefficients from a public transcription";
  for (const double knee : {0.0, 45.0, 90.0})
    for (double angle = -20.0; angle <= 90.0; angle += 10.0) {
      hip.pose(angle, knee);
      const auto muscles = hip.split([&](int m) { return hip.arm(m) * hip.work().force.passive[at(m)]; });
      const double capsule = hip.capsule();
      const double published =
          std::exp(1.4655 - 0.0034 * knee - 0.0750 * angle) - std::exp(1.3403 - 0.0226 * knee + 0.0305 * angle) + 8.072;
      const double margin = std::max(5.0, 0.4 * std::abs(published));
      const std::string budget = "iliopsoas " + fixed_text(muscles[0], 1) + ", rectus femoris " +
                                 fixed_text(muscles[1], 1) + ", other muscles " + fixed_text(muscles[2], 1) +
                                 ", capsule " + fixed_text(capsule, 1) + "; published " + fixed_text(published, 1);
      const bool compared = angle >= -15.0 && angle <= 60.0;
      ValidationRow& row = rows.add("hip_passive/knee_" + angle_name(knee) + "/hip_" + angle_name(angle),
                                    "total passive moment, flexion +", "N m", muscles[3] + capsule, published - margin,
                                    published + margin, citation, Certainty::second_hand,
                                    budget + (compared ? "" : "; outside −15…60°, not compared"));
      row.decides = compared;
    }
  hip_passive_silder(hip, rows);
}

void hip_active(const Root& root, Rows& rows) {
  // Anderson et al. 2007, table 3: T = C1 * body weight * height * cos(C2 (angle - C3)), men of 18 to 25 years.
  struct Published {
    const char* name;
    double sign, c1, c2, c3;
  };
  const std::array<Published, 2> curves = {
      {{"flexion", 1.0, 0.113, 0.738, -0.214}, {"extension", -1.0, 0.161, 0.958, 0.932}}};
  const std::string citation =
      "Anderson, Madigan & Nussbaum 2007, J Biomech 40:3105, table 3 from a public transcription";
  Hip hip(root);
  const double weight = hip.model().data().mass * standard_gravity, height = 1.75;
  for (const Published& curve : curves)
    for (const double knee : {0.0, 90.0})
      for (const double angle : {-20.0, 0.0, 30.0, 60.0, 90.0}) {
        hip.pose(angle, knee);
        // agonists fully active, antagonists silent, passive moments left out
        const auto muscles =
            hip.split([&](int m) { return std::max(0.0, curve.sign * hip.arm(m)) * hip.work().force.active[at(m)]; });
        const double published = curve.c1 * weight * height * std::cos(curve.c2 * (degrees(angle) - curve.c3));
        std::string note = "iliopsoas " + fixed_text(muscles[0], 0) + ", rectus femoris " + fixed_text(muscles[1], 0) +
                           ", others " + fixed_text(muscles[2], 0) + "; published " + fixed_text(published, 0);
        rows.add("hip_active/" + std::string(curve.name) + "/knee_" + angle_name(knee) + "/hip_" + angle_name(angle),
                 "greatest active " + std::string(curve.name) + " moment", "N m", muscles[3], 0.6 * published,
                 1.4 * published, citation, Certainty::second_hand, note);
      }
}

void hip_capsule(const Root& root, Rows& rows) {
  Hip hip(root);
  double low = -60.0, high = 60.0;  // the torque falls with flexion
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    hip.pose(middle, 0.0);
    (hip.capsule() > 5.0 ? low : high) = middle;
  }
  rows.add("hip_capsule/extension_at_5_Nm", "hip flexion at which the capsule's flexion moment is 5 N·m", "deg",
           0.5 * (low + high), -19.0, -5.0, "van Arkel et al. 2015, J Biomech 48:3803: 12 ± 7° of extension",
           Certainty::second_hand, "built in: it shows that the model holds the figure, no more");
}

void sarcomere_length(const Root& root, Rows& rows) {
  Hip hip(root);
  const std::vector<int> psoas = hip.model().select("group:psoas_r"), iliacus = hip.model().select("group:iliacus_r");
  const auto mean = [&](const std::vector<int>& muscles) {
    return 2.7 * by_force(hip.model(), muscles, [&](int m) {
             return hip.work().fibre.fibre_length[at(m)] / hip.model().data().units[at(m)].optimal_fibre_length;
           });
  };
  const std::string note = "fibre length over optimal fibre length × 2.7 µm";
  const std::string disagreement =
      note +
      "; with Ward's fibre length of 11.7 cm and a moment arm of 24 to 30 mm, 50° of flexion must shorten the "
      "sarcomeres by about 0.5 µm, so this figure and the one at neutral cannot both hold";
  hip.pose(0.0, 0.0);
  rows.add("sarcomere/psoas/hip_0", "psoas sarcomere length", "um", mean(psoas), 2.98, 3.38,
           "Regev et al. 2011, Spine 36:E1666: 3.18 ± 0.20 µm near hip neutral", Certainty::memory, note);
  rows.add("sarcomere/iliacus/hip_0", "iliacus sarcomere length", "um", mean(iliacus), 2.7, 3.3,
           "Ward et al. 2009, Clin Orthop Relat Res 467:1074: 3.02 µm in fixed cadavers", Certainty::memory, note);
  hip.pose(50.0, 0.0);
  rows.add("sarcomere/psoas/hip_50", "psoas sarcomere length", "um", mean(psoas), 2.81, 3.25,
           "Regev et al. 2011, Spine 36:E1666: 3.03 ± 0.22 µm with the hip flexed", Certainty::memory, disagreement);
}

void shortening(const Root& root, Rows& rows) {
  const Model model = Model::load(root.model("full_body.json"));
  const std::string orders = "orders of docs/science.md section 3, another program with the same paths, ±30 %";
  const std::array<std::pair<double, double>, 4> expected = {{{0.98, 5.0}, {0.95, 13.0}, {0.90, 25.0}, {0.85, 40.0}}};
  Model shortest = model;
  for (const auto& [s, published] : expected) {
    const Model shorter = model.with(scale("group:iliopsoas", "optimal_fibre_length", s));
    const double shift = delta_theta_deg(model, shorter);
    const std::string name = "shortening/delta_theta/s_" + fixed_text(s, 2);
    rows.add(name, "lost hip extension at 5 N·m of passive moment, serial loss s = " + fixed_text(s, 2), "deg", shift,
             0.7 * published, 1.3 * published, orders, Certainty::derived,
             s == 0.85 ? "about what a severe fixed deformity shows; smaller s is beyond observation" : "");
    if (s == 0.98)
      rows.add(name + "/long_sitting", "the same against people who sit long and move little", "deg", shift, 3.0, 9.0,
               "Boukabache et al. 2021, Musculoskelet Sci Pract 51:102282: 6.1° less passive extension",
               Certainty::read, "says that 2 % is the size of what long sitting goes with; it shows no cause");
    shortest = shorter;
  }
  struct Capacity {
    double angle, normal, shortened;
  };
  for (const Capacity& c : {Capacity{90.0, 40.0, 61.0}, Capacity{0.0, 65.0, 40.0}}) {
    const std::string angle = angle_name(c.angle);
    rows.add("shortening/capacity/hip_" + angle + "/s_1.00", "iliopsoas active + passive flexion moment, fully active",
             "N m", iliopsoas_capacity(model, degrees(c.angle)), 0.7 * c.normal, 1.3 * c.normal, orders,
             Certainty::derived);
    rows.add("shortening/capacity/hip_" + angle + "/s_0.85", "the same at s = 0.85", "N m",
             iliopsoas_capacity(shortest, degrees(c.angle)), 0.7 * c.shortened, 1.3 * c.shortened, orders,
             Certainty::derived,
             c.angle > 45.0 ? "must rise: the fibres work nearer their best length in deep flexion"
                            : "must fall: the fibres are beyond their best length");
  }
}

}  // namespace psoas
