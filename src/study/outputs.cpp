// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/study/outputs.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "psoas/study/posture_watch.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// What an element of a name may be.
enum class Element {
  none,
  coordinate,
  tree_coordinate,
  muscle,
  muscles,
  level,
  side,
  sacroiliac,  ///< side of a pelvic ring
  body,
  equation,
  contact,
  residual,
  ligament,
  sphere,
  plane,
  excited,     ///< muscle of a simulation
  prescribed,  ///< coordinate that a simulation prescribes
  pushed       ///< body that planes or loads push in a simulation
};

using Reader = std::function<double(const Instant&)>;

/// A muscle or a group of them, as the elements of one output.
struct Chosen {
  int index = -1;            ///< of coordinate, level, … or of the muscle
  std::vector<int> muscles;  ///< of Element::muscles
};

struct Family {
  const char* quantity;
  Element first, second;
  const char* unit;  ///< "rad|m" and "N m|N" pick by the coordinate's motion
  bool inverse;
  const char* help;
  Reader (*make)(const Model&, const Chosen&, const Chosen&);
};

template <class F>
Reader of_level(const Chosen& a, F get) {
  return [k = a.index, get](const Instant& now) { return get(now.inverse->level(k)); };
}

double joint_moment_arm(const Instant& now, int m, int c) { return moment_arm(*now.model, *now.work, m, c); }

Reader moment_of(const Chosen& c, const Chosen& group, bool total) {
  return [c = c.index, muscles = group.muscles, total](const Instant& now) {
    double sum = 0.0;
    for (const int m : muscles)
      sum += joint_moment_arm(now, m, c) * (total ? now.tendon_force[at(m)] : now.work->force.passive[at(m)]);
    return sum;
  };
}

/// Mass of a muscle's fibres [kg]: area times optimal fibre length times 1059.7 kg/m^3, the area as the model gives it or
/// F0 over 0.6 MPa, the specific tension of the leg muscles that are given by area.
double fibre_mass(const Model& model, int m) {
  const MuscleParameters& unit = model.data().units[at(m)];
  const MuscleSpec& spec = (model.spec().muscles.begin() + m)->second;
  return 1059.7 * unit.optimal_fibre_length *
         spec.physiological_cross_section_area.value_or(unit.max_isometric_force / 6e5);
}

/// Stretch of an active rabbit triceps surae, over the unit's initial length, that changed nothing in an hour of stretches;
/// 0.20 did (Tsuang et al. 2007, J Orthop Surg Res 2:13).
constexpr double harmless_stretch = 0.12;

/// Power that active fibres take while they lengthen, 0 while they shorten [W].
double negative_power(const Instant& now, int m) {
  const double active = now.activation[at(m)] * now.work->force.active[at(m)] / now.work->fibre.cos_pennation[at(m)];
  return active * std::max(0.0, now.work->fibre.fibre_velocity[at(m)]);
}

Reader hip(const Chosen& side, int axis, bool pelvis_frame) {
  return [h = side.index, axis, pelvis_frame](const Instant& now) {
    const int femur = now.model->data().hips[at(h)].second;
    const int body = pelvis_frame ? now.model->tree().bodies[at(femur)].parent : femur;
    return (now.work->tree.X_GB[at(body)].R.transpose() * now.inverse->hip_force(h))[axis];
  };
}

template <class F>
Reader of_sacroiliac(const Chosen& side, F get) {
  return [j = side.index, get](const Instant& now) { return get(now.inverse->pelvic_ring()->sacroiliac(j)); };
}

template <class F>
Reader of_symphysis(const Model& model, F get) {
  if (!model.spec().pelvic_ring) return {};
  return [get](const Instant& now) { return get(now.inverse->pelvic_ring()->symphysis()); };
}

Reader imbalance(const Chosen& level, Eigen::Index axis) {
  return [k = level.index, axis](const Instant& now) { return now.inverse->level_imbalance(k)[axis]; };
}

/// Of a model whose root moves freely; where it does not, the ground carries what is left and nothing is a residual.
Reader residual(const Model& model, bool moment) {
  const std::array<int, 6>& root = model.data().root;
  if (std::find(root.begin(), root.end(), -1) != root.end()) return {};
  return [moment](const Instant& now) {
    const Spatial wrench = now.inverse->residual_wrench();
    return moment ? wrench.head<3>().norm() : wrench.tail<3>().norm();
  };
}

Reader sphere_force(const Chosen& sphere, int axis) {
  return [s = sphere.index, axis](const Instant& now) { return now.work->contact.sphere_force[at(s)][axis]; };
}

Reader plane_force(const Chosen& plane, int axis) {
  return [p = plane.index, axis](const Instant& now) { return now.work->contact.plane_wrench[at(p)][3 + axis]; };
}

Reader pressure(const Chosen& plane, int axis) {
  return [p = plane.index, axis](const Instant& now) { return centre_of_pressure(*now.model, *now.work, p)[axis]; };
}

/// Of what planes and external loads exert on a body, about ground's origin.
Reader body_wrench(const Chosen& body, int axis) {
  return [b = body.index, axis](const Instant& now) {
    return now.forward ? now.forward->external()[at(b)][axis] : std::nan("");
  };
}

Reader origin(const Chosen& body, int axis) {
  // names leave ground out, indices of bodies do not
  return [b = body.index + 1, axis](const Instant& now) { return now.work->tree.X_GB[at(b)].p[axis]; };
}

/// Angle of a frame's x axis above the horizontal, beyond a right angle where its y axis points down.
double pitch(const Mat3& R) { return std::atan2(R(1, 0), std::copysign(std::hypot(R(0, 0), R(2, 0)), R(1, 1))); }

/// That of level k's lower body's superior endplate.
double endplate_pitch(const Instant& now, int k) {
  const Level& level = now.model->data().levels[at(k)];
  return pitch(now.work->tree.X_GB[at(level.inferior)].R * rotation_about(Vec3::UnitZ(), level.endplate_angle));
}

Reader center_of_mass(int axis) {
  return [axis](const Instant& now) { return mass_center<double>(now.model->tree(), now.work->tree)[axis]; };
}

const Family families[] = {
    {"coordinate", Element::coordinate, Element::none, "rad|m", false, "independent coordinate",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [c = a.index](const Instant& now) { return now.q[at(c)]; };
     }},
    {"speed", Element::coordinate, Element::none, "rad/s|m/s", false, "its rate",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [c = a.index](const Instant& now) { return now.u[at(c)]; };
     }},
    {"acceleration", Element::coordinate, Element::none, "rad/s^2|m/s^2", true, "the rate of its rate",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [c = a.index](const Instant& now) { return now.udot[at(c)]; };
     }},
    {"joint_coordinate", Element::tree_coordinate, Element::none, "rad|m", false,
     "coordinate of a joint, coupled ones too",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [c = a.index](const Instant& now) { return now.work->q[at(c)]; };
     }},
    {"joint_moment", Element::coordinate, Element::none, "N m|N", true,
     "net generalised force from inverse dynamics, couplers respected",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [c = a.index](const Instant& now) { return now.inverse->joint_moment(c); };
     }},
    {"joint_moment_partial", Element::tree_coordinate, Element::none, "N m|N", true,
     "the same of a joint's coordinate as if it were coupled to no other",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [t = a.index](const Instant& now) { return now.inverse->joint_moment_partial(t); };
     }},
    {"muscle_moment", Element::coordinate, Element::muscles, "N m|N", true, "of a muscle or group, active + passive",
     [](const Model&, const Chosen& a, const Chosen& b) { return moment_of(a, b, true); }},
    {"passive_moment", Element::coordinate, Element::muscles, "N m|N", false, "of a muscle or group, passive part",
     [](const Model&, const Chosen& a, const Chosen& b) { return moment_of(a, b, false); }},
    {"tone_moment", Element::coordinate, Element::muscles, "N m|N", false,
     "of a muscle or group at its least activation, active part: never part of passive_moment",
     [](const Model&, const Chosen& a, const Chosen& b) -> Reader {
       return [c = a.index, muscles = b.muscles](const Instant& now) {
         double sum = 0.0;
         for (const int m : muscles)
           sum += joint_moment_arm(now, m, c) * now.work->force.active[at(m)] *
                  now.model->data().units[at(m)].minimum_activation;
         return sum;
       };
     }},
    {"passive_tissue_moment", Element::tree_coordinate, Element::none, "N m|N", false,
     "of discs, ligaments and capsules on a joint's coordinate",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [t = a.index](const Instant& now) { return now.work->passive_torque[at(t)]; };
     }},
    {"ligament_force", Element::ligament, Element::none, "N", false, "tension of a ligament along its path",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [l = a.index](const Instant& now) { return now.work->passive.ligament_tension[at(l)]; };
     }},
    {"ligament_strain", Element::ligament, Element::none, "1", false, "its length over its slack length, less 1",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [l = a.index](const Instant& now) {
         return now.work->passive.ligament_length[at(l)] / now.model->data().ligaments[at(l)].law.slack_length - 1.0;
       };
     }},
    {"torque_capacity", Element::coordinate, Element::none, "N m|N", false,
     "greatest active + passive torque in the positive direction",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [c = a.index](const Instant& now) { return torque_capacity(*now.model, *now.work, c); };
     }},
    {"length", Element::muscle, Element::none, "m", false, "of the muscle's path",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) { return now.work->length[at(m)]; };
     }},
    {"lengthening_speed", Element::muscle, Element::none, "m/s", false, "of the muscle's path",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) { return now.work->speed[at(m)]; };
     }},
    {"moment_arm", Element::muscle, Element::coordinate, "m|1", false, "-dl/dc, couplers respected",
     [](const Model&, const Chosen& a, const Chosen& b) -> Reader {
       return [m = a.index, c = b.index](const Instant& now) { return joint_moment_arm(now, m, c); };
     }},
    {"moment_arm_partial", Element::muscle, Element::tree_coordinate, "m|1", false,
     "-dl/dc of a joint's coordinate as if it were coupled to no other",
     [](const Model&, const Chosen& a, const Chosen& b) -> Reader {
       return [m = a.index, t = b.index](const Instant& now) {
         const ModelData& data = now.model->data();
         // a forward simulation with fitted paths leaves those of the tree to the inverse solver
         const Workspace& work = now.inverse ? now.inverse->work() : *now.work;
         for (int i = data.arm_start[at(m)]; i < data.arm_start[at(m) + 1]; ++i)
           if (data.arm_slots[at(i)].coordinate == t) return work.arm[at(i)];
         return 0.0;
       };
     }},
    {"fibre_length", Element::muscle, Element::none, "m", false, "of the muscle's fibres",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) { return now.work->fibre.fibre_length[at(m)]; };
     }},
    {"normalised_fibre_length", Element::muscle, Element::none, "1", false, "fibre length over optimal fibre length",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) {
         return now.work->fibre.fibre_length[at(m)] / now.model->data().units[at(m)].optimal_fibre_length;
       };
     }},
    {"fibre_velocity", Element::muscle, Element::none, "m/s", false, "lengthening of the fibres",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) { return now.work->fibre.fibre_velocity[at(m)]; };
     }},
    {"active_fibre_strain", Element::muscle, Element::none, "1", true,
     "fibre length over optimal fibre length, less 1, while the muscle's activation is above 0.05; else no number",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) {
         if (!(now.activation[at(m)] > 0.05)) return std::nan("");
         return now.work->fibre.fibre_length[at(m)] / now.model->data().units[at(m)].optimal_fibre_length - 1.0;
       };
     }},
    {"active_stretch_margin", Element::muscle, Element::none, "1", true,
     "0.12 less the stretch of the whole unit over its length with fibres at optimum and tendon slack, while the "
     "muscle's activation is above 0.05; else no number",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) {
         if (!(now.activation[at(m)] > 0.05)) return std::nan("");
         const MuscleParameters& unit = now.model->data().units[at(m)];
         const double rest = unit.tendon_slack_length + unit.optimal_fibre_length * std::cos(unit.pennation);
         return harmless_stretch - (now.work->length[at(m)] / rest - 1.0);
       };
     }},
    {"fibre_strain_rate", Element::muscle, Element::none, "1/s", false,
     "lengthening of the fibres over optimal fibre length",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) {
         return now.work->fibre.fibre_velocity[at(m)] / now.model->data().units[at(m)].optimal_fibre_length;
       };
     }},
    {"negative_power", Element::muscles, Element::none, "W", true,
     "that active force takes in fibres that lengthen, of a muscle or group; its impulse is the negative work",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [muscles = a.muscles](const Instant& now) {
         double sum = 0.0;
         for (const int m : muscles) sum += negative_power(now, m);
         return sum;
       };
     }},
    {"negative_power_per_mass", Element::muscles, Element::none, "W/kg", true, "the same over the mass of their fibres",
     [](const Model& model, const Chosen& a, const Chosen&) -> Reader {
       double mass = 0.0;
       for (const int m : a.muscles) mass += fibre_mass(model, m);
       return [muscles = a.muscles, mass](const Instant& now) {
         double sum = 0.0;
         for (const int m : muscles) sum += negative_power(now, m);
         return sum / mass;
       };
     }},
    {"pennation", Element::muscle, Element::none, "rad", false, "pennation angle",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) {
         return std::acos(std::clamp(now.work->fibre.cos_pennation[at(m)], -1.0, 1.0));
       };
     }},
    {"activation", Element::muscle, Element::none, "1", true, "of a muscle",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) { return now.activation[at(m)]; };
     }},
    {"tendon_force", Element::muscle, Element::none, "N", true, "of a muscle",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [m = a.index](const Instant& now) { return now.tendon_force[at(m)]; };
     }},
    {"muscle_force", Element::muscles, Element::none, "N", true, "sum of the tendon forces of a muscle or group",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [muscles = a.muscles](const Instant& now) {
         double sum = 0.0;
         for (const int m : muscles) sum += now.tendon_force[at(m)];
         return sum;
       };
     }},
    {"passive_force", Element::muscles, Element::none, "N", false,
     "passive part of a muscle's or group's tendon forces",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [muscles = a.muscles](const Instant& now) {
         double sum = 0.0;
         for (const int m : muscles) sum += now.work->force.passive[at(m)];
         return sum;
       };
     }},
    {"flagged", Element::muscles, Element::none, "1", false,
     "1 where a muscle is not to be trusted (path flagged or outside its declared domain, fibres outside theirs); of a "
     "group the number of such muscles",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [muscles = a.muscles](const Instant& now) {
         return static_cast<double>(std::count_if(muscles.begin(), muscles.end(),
                                                  [&](int m) { return is_flagged(*now.model, now.q, *now.work, m); }));
       };
     }},
    {"compression", Element::level, Element::none, "N", true,
     "superior on inferior body along the endplate's inward normal",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_level(a, [](const LevelLoad& l) { return l.compression; });
     }},
    {"anterior_shear", Element::level, Element::none, "N", true,
     "superior on inferior body, forward in the endplate's plane",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_level(a, [](const LevelLoad& l) { return l.anterior_shear; });
     }},
    {"lateral_shear", Element::level, Element::none, "N", true, "superior on inferior body, to the right",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_level(a, [](const LevelLoad& l) { return l.lateral_shear; });
     }},
    {"net_compression", Element::level, Element::none, "N", true, "compression without muscles",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_level(a, [](const LevelLoad& l) { return l.net_compression; });
     }},
    {"net_anterior_shear", Element::level, Element::none, "N", true, "anterior shear without muscles",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_level(a, [](const LevelLoad& l) { return l.net_anterior_shear; });
     }},
    {"net_moment", Element::level, Element::none, "N m", true,
     "inferior on superior body about z without muscles, extension +",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_level(a, [](const LevelLoad& l) { return l.net_moment; });
     }},
    {"net_moment_bending", Element::level, Element::none, "N m", true, "about x, right bending +",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_level(a, [](const LevelLoad& l) { return l.net_moment_bending; });
     }},
    {"net_moment_axial", Element::level, Element::none, "N m", true, "about y, left rotation +",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_level(a, [](const LevelLoad& l) { return l.net_moment_axial; });
     }},
    {"rhythm_moment", Element::level, Element::none, "N m", true,
     "extension couple that muscles and passive tissue leave to the lumbar rhythm's constraint, as no tissue supplies "
     "it",
     [](const Model&, const Chosen& a, const Chosen&) { return imbalance(a, 0); }},
    {"rhythm_moment_bending", Element::level, Element::none, "N m", true, "the same, right bending +",
     [](const Model&, const Chosen& a, const Chosen&) { return imbalance(a, 1); }},
    {"rhythm_moment_axial", Element::level, Element::none, "N m", true, "the same, left rotation +",
     [](const Model&, const Chosen& a, const Chosen&) { return imbalance(a, 2); }},
    {"hip_contact_force", Element::side, Element::none, "N", true, "pelvis on femur, magnitude",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [h = a.index](const Instant& now) { return now.inverse->hip_force(h).norm(); };
     }},
    {"hip_contact_force_bw", Element::side, Element::none, "body weights", true, "the same over body weight",
     [](const Model& model, const Chosen& a, const Chosen&) -> Reader {
       return [h = a.index, w = model.data().mass * model.spec().gravity.norm()](const Instant& now) {
         return now.inverse->hip_force(h).norm() / w;
       };
     }},
    {"hip_contact_force_x", Element::side, Element::none, "N", true, "forward, femur frame",
     [](const Model&, const Chosen& a, const Chosen&) { return hip(a, 0, false); }},
    {"hip_contact_force_y", Element::side, Element::none, "N", true, "up, femur frame",
     [](const Model&, const Chosen& a, const Chosen&) { return hip(a, 1, false); }},
    {"hip_contact_force_z", Element::side, Element::none, "N", true, "right, femur frame",
     [](const Model&, const Chosen& a, const Chosen&) { return hip(a, 2, false); }},
    {"hip_contact_force_pelvis_x", Element::side, Element::none, "N", true, "forward, pelvis frame",
     [](const Model&, const Chosen& a, const Chosen&) { return hip(a, 0, true); }},
    {"hip_contact_force_pelvis_y", Element::side, Element::none, "N", true, "up, pelvis frame",
     [](const Model&, const Chosen& a, const Chosen&) { return hip(a, 1, true); }},
    {"hip_contact_force_pelvis_z", Element::side, Element::none, "N", true, "right, pelvis frame",
     [](const Model&, const Chosen& a, const Chosen&) { return hip(a, 2, true); }},
    {"sacroiliac_normal_force", Element::sacroiliac, Element::none, "N", true,
     "presses sacrum and hip bone together, along the joint's normal",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_sacroiliac(a, [](const RingJointLoad& l) { return l.normal; });
     }},
    {"sacroiliac_shear", Element::sacroiliac, Element::none, "N", true, "size of the force in the joint's surface",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_sacroiliac(a, [](const RingJointLoad& l) { return l.shear; });
     }},
    {"sacroiliac_superior_shear", Element::sacroiliac, Element::none, "N", true,
     "of the hip bone on the sacrum, up along the surface",
     [](const Model&, const Chosen& a,
        const Chosen&) { return of_sacroiliac(a, [](const RingJointLoad& l) { return l.superior_shear; }); }},
    {"sacroiliac_anterior_shear", Element::sacroiliac, Element::none, "N", true, "the same, forward",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_sacroiliac(a, [](const RingJointLoad& l) { return l.anterior_shear; });
     }},
    {"sacroiliac_rotation_deg", Element::sacroiliac, Element::none, "deg", true,
     "size of the rotation of the sacrum in the hip bone",
     [](const Model&, const Chosen& a,
        const Chosen&) { return of_sacroiliac(a, [](const RingJointLoad& l) { return to_degrees(l.rotation.norm()); }); }},
    {"nutation_deg", Element::sacroiliac, Element::none, "deg", true,
     "its part about the pelvis's z axis, the sacrum's base forward +",
     [](const Model&, const Chosen& a, const Chosen&) {
       return of_sacroiliac(a, [](const RingJointLoad& l) { return to_degrees(l.nutation()); });
     }},
    {"sacroiliac_translation_mm", Element::sacroiliac, Element::none, "mm", true,
     "size of the displacement at the joint's centre",
     [](const Model&, const Chosen& a,
        const Chosen&) { return of_sacroiliac(a, [](const RingJointLoad& l) { return 1e3 * l.translation.norm(); }); }},
    {"symphysis_compression", Element::none, Element::none, "N", true, "presses the pubic bones together",
     [](const Model& model, const Chosen&, const Chosen&) {
       return of_symphysis(model, [](const RingJointLoad& l) { return l.normal; });
     }},
    {"symphysis_shear", Element::none, Element::none, "N", true, "size of the force in its surface",
     [](const Model& model, const Chosen&, const Chosen&) {
       return of_symphysis(model, [](const RingJointLoad& l) { return l.shear; });
     }},
    {"symphysis_superior_shear", Element::none, Element::none, "N", true, "of the left on the right pubis, up",
     [](const Model& model, const Chosen&, const Chosen&) {
       return of_symphysis(model, [](const RingJointLoad& l) { return l.superior_shear; });
     }},
    {"symphysis_translation_mm", Element::none, Element::none, "mm", true,
     "size of the displacement of one pubis past the other",
     [](const Model& model, const Chosen&,
        const Chosen&) { return of_symphysis(model, [](const RingJointLoad& l) { return 1e3 * l.translation.norm(); }); }},
    {"symphysis_rotation_deg", Element::none, Element::none, "deg", true, "size of its rotation",
     [](const Model& model, const Chosen&, const Chosen&) {
       return of_symphysis(model, [](const RingJointLoad& l) { return to_degrees(l.rotation.norm()); });
     }},
    {"reserve", Element::equation, Element::none, "N m|N", true, "what muscles and contacts leave unexplained",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [r = a.index](const Instant& now) { return now.inverse->reserve()[at(r)]; };
     }},
    {"residual", Element::residual, Element::none, "N m|N", true,
     "magnitude of the force, or moment about the root body's origin, that neither measured nor contact forces supply",
     [](const Model& model, const Chosen& a, const Chosen&) { return residual(model, a.index == 1); }},
    {"contact_force_x", Element::contact, Element::none, "N", true, "of the environment on a contact point, ground x",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [k = a.index](const Instant& now) { return now.inverse->contact_force()[3 * at(k)]; };
     }},
    {"contact_force_y", Element::contact, Element::none, "N", true, "ground y (up)",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [k = a.index](const Instant& now) { return now.inverse->contact_force()[3 * at(k) + 1]; };
     }},
    {"contact_force_z", Element::contact, Element::none, "N", true, "ground z",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [k = a.index](const Instant& now) { return now.inverse->contact_force()[3 * at(k) + 2]; };
     }},
    {"sphere_force_x", Element::sphere, Element::none, "N", true, "of planes on a sphere in a simulation, ground x",
     [](const Model&, const Chosen& a, const Chosen&) { return sphere_force(a, 0); }},
    {"sphere_force_y", Element::sphere, Element::none, "N", true, "ground y (up)",
     [](const Model&, const Chosen& a, const Chosen&) { return sphere_force(a, 1); }},
    {"sphere_force_z", Element::sphere, Element::none, "N", true, "ground z",
     [](const Model&, const Chosen& a, const Chosen&) { return sphere_force(a, 2); }},
    {"plane_force_x", Element::plane, Element::none, "N", true, "of a plane on all spheres in a simulation, ground x",
     [](const Model&, const Chosen& a, const Chosen&) { return plane_force(a, 0); }},
    {"plane_force_y", Element::plane, Element::none, "N", true, "ground y (up)",
     [](const Model&, const Chosen& a, const Chosen&) { return plane_force(a, 1); }},
    {"plane_force_z", Element::plane, Element::none, "N", true, "ground z",
     [](const Model&, const Chosen& a, const Chosen&) { return plane_force(a, 2); }},
    {"centre_of_pressure_x", Element::plane, Element::none, "m", true,
     "of a plane in a simulation, ground x; no number while nothing presses it",
     [](const Model&, const Chosen& a, const Chosen&) { return pressure(a, 0); }},
    {"centre_of_pressure_y", Element::plane, Element::none, "m", true, "ground y (up)",
     [](const Model&, const Chosen& a, const Chosen&) { return pressure(a, 1); }},
    {"centre_of_pressure_z", Element::plane, Element::none, "m", true, "ground z",
     [](const Model&, const Chosen& a, const Chosen&) { return pressure(a, 2); }},
    {"excitation", Element::excited, Element::none, "1", true, "of a muscle in a simulation",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return
           [m = a.index](const Instant& now) { return now.forward ? now.forward->excitation()[at(m)] : std::nan(""); };
     }},
    {"prescribed_force", Element::prescribed, Element::none, "N m|N", true,
     "generalised force that makes a prescribed coordinate of a simulation follow",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return
           [c = a.index](const Instant& now) { return now.forward ? now.forward->prescribed_force(c) : std::nan(""); };
     }},
    {"body_force_x", Element::pushed, Element::none, "N", true,
     "of planes and external loads on a body in a simulation, ground x",
     [](const Model&, const Chosen& a, const Chosen&) { return body_wrench(a, 3); }},
    {"body_force_y", Element::pushed, Element::none, "N", true, "ground y (up)",
     [](const Model&, const Chosen& a, const Chosen&) { return body_wrench(a, 4); }},
    {"body_force_z", Element::pushed, Element::none, "N", true, "ground z",
     [](const Model&, const Chosen& a, const Chosen&) { return body_wrench(a, 5); }},
    {"body_moment_x", Element::pushed, Element::none, "N m", true, "the same about ground's origin, ground x",
     [](const Model&, const Chosen& a, const Chosen&) { return body_wrench(a, 0); }},
    {"body_moment_y", Element::pushed, Element::none, "N m", true, "ground y (up)",
     [](const Model&, const Chosen& a, const Chosen&) { return body_wrench(a, 1); }},
    {"body_moment_z", Element::pushed, Element::none, "N m", true, "ground z",
     [](const Model&, const Chosen& a, const Chosen&) { return body_wrench(a, 2); }},
    {"external_force_x", Element::none, Element::none, "N", true,
     "force that the environment must supply in all, ground x",
     [](const Model&, const Chosen&, const Chosen&) -> Reader {
       return [](const Instant& now) { return now.inverse->required_wrench()[3]; };
     }},
    {"external_force_y", Element::none, Element::none, "N", true, "ground y (up)",
     [](const Model&, const Chosen&, const Chosen&) -> Reader {
       return [](const Instant& now) { return now.inverse->required_wrench()[4]; };
     }},
    {"external_force_z", Element::none, Element::none, "N", true, "ground z",
     [](const Model&, const Chosen&, const Chosen&) -> Reader {
       return [](const Instant& now) { return now.inverse->required_wrench()[5]; };
     }},
    {"thomas_angle_deg", Element::side, Element::none, "deg", false,
     "thigh (y axis of the femur, downward) above the horizontal: for a body that lies on its back",
     [](const Model&, const Chosen& a, const Chosen&) -> Reader {
       return [h = a.index](const Instant& now) {
         const Vec3 thigh = -now.work->tree.X_GB[at(now.model->data().hips[at(h)].second)].R.col(1);
         return to_degrees(std::atan2(thigh.y(), std::hypot(thigh.x(), thigh.z())));
       };
     }},
    {"lordosis_deg", Element::none, Element::none, "deg", false,
     "angle from L1's superior to S1's superior endplate, lordosis +",
     [](const Model& model, const Chosen&, const Chosen&) -> Reader {
       if (model.data().levels.size() < 2) return {};
       return [top = static_cast<int>(model.data().levels.size()) - 1](const Instant& now) {
         return to_degrees(std::remainder(endplate_pitch(now, top) - endplate_pitch(now, 0), 2.0 * pi));
       };
     }},
    {"sacral_slope_deg", Element::none, Element::none, "deg", false, "S1's superior endplate below the horizontal",
     [](const Model& model, const Chosen&, const Chosen&) -> Reader {
       if (model.data().levels.empty()) return {};
       return [](const Instant& now) { return -to_degrees(endplate_pitch(now, 0)); };
     }},
    {"anterior_pelvic_tilt_deg", Element::none, Element::none, "deg", false,
     "forward rotation of the pelvis from its angle in the neutral model",
     [](const Model& model, const Chosen&, const Chosen&) -> Reader {
       if (model.data().levels.empty()) return {};
       return [pelvis = model.data().levels.front().inferior](const Instant& now) {
         return -to_degrees(pitch(now.work->tree.X_GB[at(pelvis)].R));
       };
     }},
    {"body_origin_x", Element::body, Element::none, "m", false, "in ground",
     [](const Model&, const Chosen& a, const Chosen&) { return origin(a, 0); }},
    {"body_origin_y", Element::body, Element::none, "m", false, "in ground",
     [](const Model&, const Chosen& a, const Chosen&) { return origin(a, 1); }},
    {"body_origin_z", Element::body, Element::none, "m", false, "in ground",
     [](const Model&, const Chosen& a, const Chosen&) { return origin(a, 2); }},
    {"com_x", Element::none, Element::none, "m", false, "whole-body mass centre in ground",
     [](const Model&, const Chosen&, const Chosen&) { return center_of_mass(0); }},
    {"com_y", Element::none, Element::none, "m", false, "whole-body mass centre in ground",
     [](const Model&, const Chosen&, const Chosen&) { return center_of_mass(1); }},
    {"com_z", Element::none, Element::none, "m", false, "whole-body mass centre in ground",
     [](const Model&, const Chosen&, const Chosen&) { return center_of_mass(2); }},
};

const char* placeholder(Element element) {
  switch (element) {
    case Element::coordinate:
      return "<coordinate>";
    case Element::tree_coordinate:
      return "<joint coordinate>";
    case Element::muscle:
      return "<muscle>";
    case Element::muscles:
      return "<muscle or group:…>";
    case Element::level:
      return "<level>";
    case Element::side:
      return "<side>";
    case Element::sacroiliac:
      return "<side>";
    case Element::body:
      return "<body>";
    case Element::equation:
      return "<coordinate>";
    case Element::contact:
      return "<contact>";
    case Element::residual:
      return "<force or moment>";
    case Element::ligament:
      return "<ligament>";
    case Element::sphere:
      return "<sphere>";
    case Element::plane:
      return "<plane>";
    case Element::excited:
      return "<muscle>";
    case Element::prescribed:
      return "<coordinate>";
    case Element::pushed:
      return "<body>";
    case Element::none:
      break;
  }
  return "";
}

/// Whether planes or external loads may push a body in a simulation.
bool is_pushed(const ModelData& data, int body, const SimulationStudy& simulation) {
  const auto here = [&](const auto& item) { return item.body == body; };
  if (std::any_of(data.spheres.begin(), data.spheres.end(), here)) return true;
  if (!data.spheres.empty() && std::any_of(data.planes.begin(), data.planes.end(), here)) return true;
  return simulation.forces &&
         std::any_of(simulation.forces->loads.begin(), simulation.forces->loads.end(),
                     [&](const auto& load) { return load.second.body == data.body_names[at(body)]; });
}

/// Index in the model of a name that an element has.
int index_of(const ModelData& data, Element element, const std::vector<std::string>& names, int i) {
  const auto among = [&](const std::vector<std::string>& all) {
    return static_cast<int>(std::find(all.begin(), all.end(), names[at(i)]) - all.begin());
  };
  if (i < 0) return i;
  return element == Element::prescribed ? among(data.coordinate_names)
         : element == Element::pushed   ? among(data.body_names)
                                        : i;
}

/// Whether only simulations have such elements.
bool of_simulation(Element element) {
  return element == Element::excited || element == Element::prescribed || element == Element::pushed;
}

/// Names that an element of this model can have.
std::vector<std::string> element_names(const Model& model, Element element, std::span<const Equation> equations,
                                       const SimulationStudy* simulation) {
  std::vector<std::string> names;
  const ModelData& data = model.data();
  switch (element) {
    case Element::coordinate:
      return data.coordinate_names;
    case Element::tree_coordinate:
      return data.tree_coordinate_names;
    case Element::muscle:
      return data.muscle_names;
    case Element::muscles:
      names = data.muscle_names;
      for (const auto& [group, patterns] : data.spec.groups)
        for (const char* side : {"", "_r", "_l"}) names.push_back("group:" + group + side);
      return names;
    case Element::level:
      for (const Level& level : data.levels) names.push_back(level.name);
      return names;
    case Element::side:
      for (const auto& [side, joint] : data.hips) names.push_back(side);
      return names;
    case Element::sacroiliac:
      return data.spec.pelvic_ring ? std::vector<std::string>{"r", "l"} : names;
    case Element::body:
      return {data.body_names.begin() + 1, data.body_names.end()};
    case Element::equation:
      for (const Equation& equation : equations) names.push_back(equation.name);
      return names;
    case Element::contact:
      for (const auto& [name, contact] : data.spec.contacts) names.push_back(name);
      return names;
    case Element::residual:
      return {"force", "moment"};
    case Element::ligament:
      return data.ligament_names;
    case Element::sphere:  // where redundancy is solved, the environment's forces are sought and no plane pushes
      return equations.empty() || simulation ? data.sphere_names : names;
    case Element::plane:
      return equations.empty() || simulation ? data.plane_names : names;
    case Element::excited:
      return simulation ? data.muscle_names : names;
    case Element::prescribed:
      for (std::size_t c = 0; simulation && c < data.coordinate_names.size(); ++c)
        if (simulation->prescribed.find(data.coordinate_names[c])) names.push_back(data.coordinate_names[c]);
      return names;
    case Element::pushed:
      for (std::size_t b = 1; simulation && b < data.body_names.size(); ++b)
        if (is_pushed(data, static_cast<int>(b), *simulation)) names.push_back(data.body_names[b]);
      return names;
    case Element::none:
      break;
  }
  return names;
}

/// The muscles of a name of Element::muscles: names of muscles come first, then groups, some of which are of no side.
std::vector<int> members(const Model& model, const std::vector<std::string>& names, int i) {
  if (i < model.muscles()) return {i};
  return select_muscles(model.spec(), names[at(i)]).empty() ? std::vector<int>() : model.select(names[at(i)]);
}

/// The unit of a family for what the name's elements are.
std::string unit_of(const Family& family, const Model& model, int first, int second,
                    std::span<const Equation> equations) {
  const std::string unit = family.unit;
  const std::size_t bar = unit.find('|');
  if (bar == std::string::npos) return unit;
  bool rotation = true;
  const ModelData& data = model.data();
  if (family.first == Element::coordinate) rotation = data.is_rotation[at(first)];
  if (family.second == Element::coordinate) rotation = data.is_rotation[at(second)];
  if (family.first == Element::tree_coordinate) rotation = data.tree_is_rotation[at(first)];
  if (family.second == Element::tree_coordinate) rotation = data.tree_is_rotation[at(second)];
  if (family.first == Element::prescribed) rotation = data.is_rotation[at(first)];
  if (family.first == Element::equation) rotation = equations[at(first)].rotation;
  if (family.first == Element::residual) rotation = first == 1;
  return rotation ? unit.substr(0, bar) : unit.substr(bar + 1);
}

}  // namespace

std::vector<OutputFamily> output_families() {
  std::vector<OutputFamily> out;
  for (const Family& family : families) {
    std::string pattern = family.quantity;
    for (const Element element : {family.first, family.second})
      if (element != Element::none) pattern += std::string("/") + placeholder(element);
    std::string unit = family.unit;
    if (const std::size_t bar = unit.find('|'); bar != std::string::npos) unit.replace(bar, 1, " or ");
    out.push_back({pattern, unit, family.help, family.inverse});
  }
  return out;
}

std::vector<Output> find_outputs(const Model& model, const std::vector<std::string>& patterns, bool inverse,
                                 std::span<const Equation> equations, const SimulationStudy* simulation) {
  std::vector<Output> out;
  std::set<std::string> taken;

  for (const std::string& pattern : patterns) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= pattern.size();) {
      const std::size_t end = std::min(pattern.find('/', start), pattern.size());
      parts.push_back(pattern.substr(start, end - start));
      start = end + 1;
    }
    bool any = false;
    std::string hint;
    for (const Family& family : families) {
      if ((family.inverse && !inverse) || !glob_match(parts[0], family.quantity)) continue;
      const std::size_t needs = 1u + (family.first != Element::none) + (family.second != Element::none);
      if (parts.size() != needs) {
        hint = std::string(", with ") +
               (needs == 1   ? "no name"
                : needs == 2 ? "one name"
                             : "two names") +
               " after the quantity";
        continue;
      }
      const std::vector<std::string> firsts = element_names(model, family.first, equations, simulation),
                                     seconds = element_names(model, family.second, equations, simulation);
      const auto choices = [&](const std::vector<std::string>& names, Element element, std::size_t part) {
        std::vector<int> found;
        if (element == Element::none) return std::vector<int>{-1};
        // a glob means plain names; groups are asked for by name
        const bool group = parts[part].rfind("group:", 0) == 0;
        for (std::size_t i = 0; i < names.size(); ++i)
          if ((names[i].rfind("group:", 0) == 0) == group && glob_match(parts[part], names[i]))
            found.push_back(static_cast<int>(i));
        if (found.empty())
          hint = element == Element::equation && names.empty()     ? ", which only a solved muscle redundancy has"
                 : of_simulation(element) && !simulation           ? ", which only a simulation has"
                 : element == Element::sacroiliac && names.empty() ? ", which only a model with a pelvic_ring has"
                                                                   : did_you_mean(parts[part], names);
        return found;
      };
      const std::vector<int> first = choices(firsts, family.first, 1);
      const std::vector<int> second =
          family.second == Element::none ? std::vector<int>{-1} : choices(seconds, family.second, 2);
      for (const int a : first)
        for (const int b : second) {
          Chosen one{index_of(model.data(), family.first, firsts, a), {}}, two{b, {}};
          std::string name = family.quantity;
          if (a >= 0) name += "/" + firsts[at(a)];
          if (b >= 0) name += "/" + seconds[at(b)];
          if (family.first == Element::muscles) one.muscles = members(model, firsts, a);
          if (family.second == Element::muscles) two.muscles = members(model, seconds, b);
          if ((family.first == Element::muscles && one.muscles.empty()) ||
              (family.second == Element::muscles && two.muscles.empty()))
            continue;
          Reader reader = family.make(model, one, two);
          if (!reader) continue;
          any = true;
          if (taken.insert(name).second)
            out.push_back({name, unit_of(family, model, one.index, b, equations), std::move(reader)});
        }
    }
    if (!any) {
      std::vector<std::string> quantities;
      for (const Family& family : families)
        if (inverse || !family.inverse) quantities.emplace_back(family.quantity);
      const bool known = std::find(quantities.begin(), quantities.end(), parts[0]) != quantities.end();
      throw Error(Kind::input, pattern,
                  "expected an output of the model" + (known ? hint : did_you_mean(parts[0], quantities)) +
                      "; `psoas info --outputs` lists them");
    }
  }
  return out;
}

}  // namespace psoas
