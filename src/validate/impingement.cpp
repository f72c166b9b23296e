// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Ranges to bony contact of the parametric hip, by the joint of the full-body model.
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/model/model.hpp"
#include "psoas/skeleton/hip_shape.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

/// The right hip of a model, moved to contact.
class BonyHip {
 public:
  explicit BonyHip(const Model& model)
      : model_(model),
        work_(model_),
        state_(model_.default_state()),
        pelvis_(model_.body("pelvis")),
        femur_(model_.body("femur_r")) {}

  /// Degrees of flexion to contact.
  double flexion(const HipShape& shape) { return contact(shape, "hip_flexion_r", 0.0, 180.0); }
  /// Degrees of internal rotation to contact at a flexion.
  double rotation(const HipShape& shape, double flexion_deg = 90.0) {
    return contact(shape, "hip_rotation_r", flexion_deg, 120.0);
  }

 private:
  double contact(const HipShape& shape, const char* coordinate, double flexion_deg, double most_deg) {
    model_.set(state_, "hip_rotation_r", 0.0);
    model_.set(state_, "hip_flexion_r", degrees(flexion_deg));
    const auto pose = [&](double x) {
      model_.set(state_, coordinate, x);
      evaluate(model_, state_.q(), state_.u(), work_, std::span<const int>());
      return Mat3(work_.tree.X_GB[index(pelvis_)].R.transpose() * work_.tree.X_GB[index(femur_)].R);
    };
    return to_degrees(first_contact(HipBones(shape, HipSide::right), pose, 0.0, degrees(most_deg)).value);
  }
  static std::size_t index(int body) { return static_cast<std::size_t>(body); }

  Model model_;
  Workspace work_;
  State state_;
  int pelvis_, femur_;
};

HipShape with_alpha(double alpha_deg, double clock_hours) {
  HipShape shape;
  shape.femur.alpha_deg = alpha_deg;
  shape.femur.alpha_clock_hours = clock_hours;
  return shape;
}

}  // namespace

void hip_impingement(const Root& root, Rows& rows) {
  BonyHip hip(Model::load(root.model("full_body.json")));
  const HipShape normal;
  HipShape labrum = normal, borderline = normal, cam_labrum = with_alpha(68.0, 3.0);
  labrum.acetabulum.labrum_width = cam_labrum.acetabulum.labrum_width = 0.0053;
  borderline.acetabulum.center_edge_deg = 22.5;
  const double flexion = hip.flexion(normal), rotation = hip.rotation(normal);
  const std::string soft = "measured on people, whose soft tissue stops them too";

  const std::string czuppon = "Czuppon et al. 2017, PM R 9:660, ";
  rows.add("hip_impingement/flexion/athletes", "flexion to bony contact, default shape", "deg", flexion, 104.6, 132.5,
           czuppon + "men 115.8 ± 11.2, women 122.0 ± 10.5°", Certainty::read, soft + ", and whose pelvis gives way");
  rows.add("hip_impingement/flexion/ultrasound", "the same against contact seen by ultrasound", "deg", flexion, 90.0,
           112.0, "Impingement-free hip flexion in asymptomatic young adult women, abstract: 101 ± 11°",
           Certainty::read, "pelvis held; the labrum was met at 72 ± 8°");
  rows.add("hip_impingement/flexion/scans", "the same against scanned hips without impingement", "deg", flexion, 107.0,
           137.0, "Kubiak-Langer et al. 2007, Clin Orthop Relat Res 458:117: 122°", Certainty::memory);
  rows.add("hip_impingement/rotation/athletes", "internal rotation at 90° of flexion to bony contact, default shape",
           "deg", rotation, 17.1, 45.4, czuppon + "men 26.9 ± 9.8, women 34.7 ± 10.7°", Certainty::read, soft);
  rows.add("hip_impingement/rotation/scans", "the same against scanned hips without impingement", "deg", rotation, 20.0,
           50.0, "Kubiak-Langer et al. 2007, Clin Orthop Relat Res 458:117: 35°", Certainty::memory);
  const auto shown = [&](const std::string& name, const std::string& quantity, double value, const std::string& source,
                         const std::string& note) {
    rows.add("hip_impingement/" + name, quantity, "deg", value, -inf, inf, source, Certainty::read, note).decides =
        false;
  };
  const std::string audenaert = "Audenaert et al. 2012, Am J Sports Med 40:1329, abstract: ";
  shown("rotation/controls", "the same against scanned healthy controls", rotation, audenaert + "27.9°",
        "no spread in what could be read");
  const std::string quantity = "internal rotation at 90° of flexion, alpha angle 68°";
  const std::string low = "without change of offset or rim, which patients also have";
  for (const double clock : {1.5, 3.0}) {
    const std::string where = clock == 1.5 ? "1:30" : "3:00";
    const double cam = hip.rotation(with_alpha(68.0, clock));
    shown("rotation/cam_patients/" + where, quantity + " at " + where, cam, audenaert + "12.3° in patients", low);
    rows.add("hip_impingement/rotation/before_surgery/" + where, quantity + " at " + where, "deg", cam, 3.3, 16.5,
             "Kelly et al. 2012, Am J Sports Med, abstract: 9.9 ± 6.6° with alpha 68.0 ± 10.0°", Certainty::read,
             soft + "; 51 of 56 had a pincer, too");
  }
  rows.add("hip_impingement/rotation/after_surgery", "internal rotation at 90° of flexion, alpha angle 43° all round",
           "deg", hip.rotation(with_alpha(43.0, 1.5)), 21.2, 34.0,
           "Kelly et al. 2012, Am J Sports Med, abstract: 27.6 ± 6.4° with alpha 43.4 ± 4.0°", Certainty::read, soft);
  const std::string virtual_labrum =
      "Use of a 3D virtually reconstructed patient-specific model to examine the effect of acetabular labral "
      "interference, abstract: ";
  shown("rotation/cam_scans", "internal rotation at 90° of flexion, alpha angle 68° at 3:00",
        hip.rotation(with_alpha(68.0, 3.0)), virtual_labrum + "30.3° of bone in 20 cam hips", "no spread given");
  shown("rotation/cam_scans/labrum", "the same with a labrum of 5.3 mm", hip.rotation(cam_labrum),
        virtual_labrum + "18.7°", "no spread given");
  shown("rotation/borderline_scans", "internal rotation at 90° of flexion, centre-edge angle 22.5°",
        hip.rotation(borderline), virtual_labrum + "48.0° of bone in 20 borderline dysplastic hips", "no spread given");
  rows.add("hip_impingement/labrum", "internal rotation at 90° of flexion that a labrum of 5.3 mm takes", "deg",
           rotation - hip.rotation(labrum), 15.0, 25.0,
           "labrum in simulated impingement tests, 2020, PMC7754612, abstract: 18° [15, 25]", Certainty::read,
           "quartiles over 70 to 110° of flexion and 0 to 20° of adduction; width from Tan et al. 2001");
  rows.add("hip_impingement/pelvic_tilt", "internal rotation at 90° that 10° of forward pelvic tilt take", "deg",
           rotation - hip.rotation(normal, 100.0), 3.0, 12.0, "Ross et al. 2014, Am J Sports Med 42:2402: 6 to 8.5°",
           Certainty::memory, "the thigh stays where it is");
}

}  // namespace psoas
