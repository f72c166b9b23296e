// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The questions that psoas answers, as psoas-study/1 files write them. Add a kind: its struct here with a word in the
// variant, and its `answer()` in a .cpp of this folder.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "psoas/core/kind.hpp"
#include "psoas/muscle/adaptation.hpp"
#include "psoas/skeleton/hip_shape.hpp"

namespace psoas {

/// A part of a recording that is evaluated alone.
struct Window {
  double from = required, to = required;
  static void each(auto& self, auto&& see) {
    see("from", self.from, Info{"s", "first instant", -1e6, 1e6});
    see("to", self.to, Info{"s", "last instant", -1e6, 1e6});
  }
  std::string fault() const { return from < to ? "" : "expected \"from\" below \"to\""; }
};

/// A measured external force on one body: which columns of a table hold it.
struct MeasuredForce {
  std::string body = required_text, force = required_text, point, torque, expressed_in = "ground", point_expressed_in;
  static void each(auto& self, auto&& see) {
    see("body", self.body, Info{"", "body that the force acts on"});
    see("force", self.force, Info{"", "what the names of the force's columns [N] start with; x, y and z follow"});
    see("point", self.point,
        Info{"",
             "the same for the point of application [m]; absent: the origin of the frame in which it is expressed"});
    see("torque", self.torque, Info{"", "the same for the free moment at that point [N m]; absent: none"});
    see("expressed_in", self.expressed_in, Info{"", "frame of force, point and torque: ground or a body"});
    see("point_expressed_in", self.point_expressed_in, Info{"", "frame of the point; absent: the same"});
  }
};

/// Measured external forces, as force plates give them: a table and what its columns are, or a file of OpenSim that says
/// both.
struct MeasuredForces {
  std::string table, external_loads;
  std::optional<double> lowpass_hz;
  Named<MeasuredForce> loads;
  static void each(auto& self, auto&& see) {
    see("table", self.table,
        Info{"", "table of forces over time (.mot, .sto, .csv), path relative to the study, sampled at any even rate"});
    see("external_loads", self.external_loads,
        Info{
            "",
            "in place of table and loads: OpenSim's ExternalLoads (.xml), path relative to the study; its data file is "
            "relative to it"});
    see("lowpass_hz", self.lowpass_hz,
        Info{"Hz",
             "cut-off of the filter, as that of the coordinates; absent: the same as theirs, and in a simulation none",
             0, 1000});
    see("loads", self.loads,
        Info{"",
             "the forces by name; absent: those on bodies in a table that a simulation wrote (body_force_x/<body>)"});
  }
  std::string fault() const {
    if (!external_loads.empty())
      return table.empty() && loads.empty() ? "" : "expected either \"external_loads\" or \"table\" with \"loads\"";
    return table.empty() ? "missing \"table\" (or \"external_loads\", OpenSim's file)" : "";
  }
};

/// A recorded motion and how it is smoothed.
struct MotionData {
  std::string coordinates = required_text;
  double lowpass_hz = 6.0;
  std::string trunk = "orientation";
  Named<double> hold;
  Named<Window> windows;
  std::optional<MeasuredForces> forces;
  static void each(auto& self, auto&& see) {
    see("coordinates", self.coordinates,
        Info{"",
             "table of coordinates over time (.mot, .sto, .csv), path relative to the study; columns are called as "
             "coordinates, or coordinate/<name> as in a simulation's result"});
    see("lowpass_hz", self.lowpass_hz,
        Info{"Hz",
             "cut-off of the zero-phase second-order Butterworth filter, -3 dB after both passes; 0: none, for motions "
             "without noise",
             0, 1000});
    see("trunk", self.trunk,
        Info{"",
             "what the recorded trunk coordinates are: orientation of the thorax on the pelvis, or the model's own "
             "coordinates",
             -inf, inf, "orientation coordinates"});
    see("hold", self.hold,
        Info{"rad or m", "independent coordinates that the recording lacks, with the value at which they are held",
             -1e3, 1e3});
    see("windows", self.windows, Info{"", "parts of the recording by name; absent: all of it, called \"all\""});
    see("forces", self.forces,
        Info{"", "measured external forces; absent: contact forces are derived from the motion"});
  }
};

/// How muscles share what the motion needs.
struct RedundancySpec {
  double power = 2.0, reserve = 1.0, reserve_force = 10.0, lumbar_reserve = 0.5;
  std::string weight = "one", lumbar = "levels";
  static void each(auto& self, auto&& see) {
    see("power", self.power, Info{"1", "exponent of the cost sum of w a^p", 1.5, 20});
    see("weight", self.weight, Info{"", "w: one, fibre volume or area of each muscle", -inf, inf, "one volume area"});
    see("reserve", self.reserve, Info{"N m", "scale of reserves at rotations", 1e-3, 1e3});
    see("reserve_force", self.reserve_force, Info{"N", "scale of reserves at translations", 1e-3, 1e4});
    see("lumbar_reserve", self.lumbar_reserve, Info{"N m", "scale of reserves at lumbar levels", 1e-3, 1e3});
    see("lumbar", self.lumbar,
        Info{"", "equilibrium at every lumbar level, or only of the three trunk coordinates", -inf, inf,
             "levels rhythm"});
  }
};

/// How contacts with the environment are found that no plate measured.
struct SupportSpec {
  std::string seat = "auto";
  double seat_release_duration = 0.15, seat_release_end = 0.02;
  double contact_scale = 0.3, tangential_scale = 0.03;
  static void each(auto& self, auto&& see) {
    see("seat", self.seat,
        Info{"",
             "whether a seat may push until seat-off; auto: unless forces were measured (which is where a seat that no "
             "plate measures is named)",
             -inf, inf, "auto until_seat_off none"});
    see("seat_release_duration", self.seat_release_duration,
        Info{"s", "time over which the seat's greatest force falls to zero", 0, 10});
    see("seat_release_end", self.seat_release_end, Info{"s", "when it is zero, after seat-off", -10, 10});
    see("contact_scale", self.contact_scale,
        Info{"body weights", "scale of normal contact forces in the cost, which shares them out", 1e-3, 1000});
    see("tangential_scale", self.tangential_scale,
        Info{"body weights", "the same of tangential forces: small keeps feet from pushing against each other", 1e-3,
             1000});
  }
};

/// Forward integration of activation and fibre length of every muscle along the motion.
struct IntegrationSpec {
  double tolerance = 1e-6;
  std::vector<std::string> windows;
  static void each(auto& self, auto&& see) {
    see("tolerance", self.tolerance,
        Info{"1", "error allowed a step, of activation and of optimal fibre length", 1e-12, 1e-2});
    see("windows", self.windows, Info{"", "windows to integrate; absent: all"});
  }
};

inline constexpr Info repetitions_info{
    "1", "of the whole motion, by which negative work is multiplied: scalars \"exposure ...\"; 1: none are given", 1,
    1e9};

/// A recorded motion: inverse dynamics, muscle redundancy, joint loads, and variants side by side.
struct MotionStudy {
  static constexpr std::string_view name = "motion";
  static constexpr std::string_view help = "recorded coordinates -> inverse dynamics -> muscles -> joint loads";
  MotionData motion;
  RedundancySpec redundancy;
  SupportSpec support;
  std::optional<IntegrationSpec> integration;
  std::vector<std::string> trusted;
  double repetitions = 1.0;
  static void each(auto& self, auto&& see) {
    see("motion", self.motion, Info{"", "the recording"});
    see("redundancy", self.redundancy, Info{"", "how muscles share what the motion needs"});
    see("support", self.support, Info{"", "contacts with feet and seat"});
    see("integration", self.integration, Info{"", "integrate muscle states along the motion; absent: do not"});
    see("trusted", self.trusted,
        Info{"", "muscles: frames in which one's fibres or path leave their domain enter no scalar; absent: all do"});
    see("repetitions", self.repetitions, repetitions_info);
  }
};

/// Maximum active, passive and total torque of a coordinate over its range, muscle by muscle.
struct TorqueCurveStudy {
  static constexpr std::string_view name = "torque_curve";
  static constexpr std::string_view help = "greatest active, passive and total torque of a coordinate over its range";
  static constexpr bool gives_own_outputs = true;
  std::string coordinate = required_text, direction = "positive";
  std::vector<std::string> muscles;
  double from_deg = required, to_deg = required, step_deg = 5.0;
  Named<double> posture;
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "rotation whose torque is asked for"});
    see("direction", self.direction, Info{"", "of the torque about the coordinate", -inf, inf, "positive negative"});
    see("muscles", self.muscles, Info{"", "names, globs or groups; absent: all muscles that cross the coordinate"});
    see("from_deg", self.from_deg, Info{"deg", "first value", -360, 360});
    see("to_deg", self.to_deg, Info{"deg", "last value", -360, 360});
    see("step_deg", self.step_deg, Info{"deg", "step", 0.01, 90});
    see("posture", self.posture, Info{"rad or m", "other coordinates, where not at the model's values", -1e3, 1e3});
  }
  std::string fault() const { return from_deg <= to_deg ? "" : "expected \"from_deg\" not above \"to_deg\""; }
};

/// A quantity over time, point by point.
struct HistorySpec {
  std::vector<double> time, value;
  std::string shape = "linear";
  static void each(auto& self, auto&& see) {
    see("time", self.time, Info{"s", "increasing instants", -1e6, 1e6});
    see("value", self.value, Info{"", "as many values, held before the first and after the last"});
    see("shape", self.shape,
        Info{"", "between instants: straight lines, or each value until the next instant", -inf, inf, "linear steps"});
  }
  std::string fault() const {
    if (time.empty() || time.size() != value.size()) return "expected as many values as instants, and at least one";
    for (std::size_t i = 1; i < time.size(); ++i)
      if (!(time[i] - time[i - 1] >= 1e-6)) return "expected instants that increase by at least 1e-6 s";
    return "";
  }
};

/// Excitations from a table.
struct TableController {
  static constexpr std::string_view name = "table", help = "excitations from a table, one column a muscle or group";
  std::string file = required_text, shape = "linear";
  static void each(auto& self, auto&& see) {
    see("file", self.file,
        Info{"",
             "table over time (.sto, .mot, .csv), path relative to the study; columns are called as muscles, globs or "
             "groups"});
    see("shape", self.shape,
        Info{"", "between rows: straight lines, each row until the next, or a quintic spline", -inf, inf,
             "linear steps spline"});
  }
};

/// An excitation as a smooth curve through points.
struct SplineController {
  static constexpr std::string_view name = "spline", help = "excitation as a quintic spline through points";
  std::vector<std::string> muscles;
  std::vector<double> time, value;
  static void each(auto& self, auto&& see) {
    see("muscles", self.muscles, Info{"", "names, globs or groups"});
    see("time", self.time, Info{"s", "increasing instants, three or more", -1e6, 1e6});
    see("value", self.value, Info{"1", "as many excitations, held before the first and after the last", 0, 1});
  }
  std::string fault() const;
};

/// An excitation that jumps between two values.
struct BangBangController {
  static constexpr std::string_view name = "bang_bang", help = "excitation that jumps between two values";
  std::vector<std::string> muscles;
  std::vector<double> switch_times;
  double low = 0.0, high = 1.0;
  std::string first = "low";
  static void each(auto& self, auto&& see) {
    see("muscles", self.muscles, Info{"", "names, globs or groups"});
    see("switch_times", self.switch_times, Info{"s", "increasing instants at which it changes", -1e6, 1e6});
    see("low", self.low, Info{"1", "the lower value", 0, 1});
    see("high", self.high, Info{"1", "the upper value", 0, 1});
    see("first", self.first, Info{"", "before the first instant", -inf, inf, "low high"});
  }
  std::string fault() const;
};

/// A stretch reflex.
struct StretchReflexController {
  static constexpr std::string_view name = "stretch_reflex",
                                    help = "excitation added in answer to the stretch of the muscle's fibres";
  std::vector<std::string> muscles;
  double delay = 0.03, length_gain = 0.0, length_threshold = 1.0, velocity_gain = 0.0, velocity_threshold = 0.0;
  static void each(auto& self, auto&& see) {
    see("muscles", self.muscles, Info{"", "names, globs or groups, each with its own reflex"});
    see("delay", self.delay, Info{"s", "from stretch to excitation", 0.001, 1});
    see("length_gain", self.length_gain, Info{"1", "excitation per optimal fibre length above the threshold", 0, 1e3});
    see("length_threshold", self.length_threshold, Info{"1", "fibre length over optimal fibre length", 0, 3});
    see("velocity_gain", self.velocity_gain,
        Info{"s", "excitation per optimal fibre length a second above the threshold", 0, 1e3});
    see("velocity_threshold", self.velocity_threshold, Info{"1/s", "optimal fibre lengths a second", 0, 1e3});
  }
  std::string fault() const;
};

/// A generalised force at a coordinate, as a motor or a helping hand exerts it.
struct CoordinateForceController {
  static constexpr std::string_view name = "coordinate_force",
                                    help = "moment or force at an independent coordinate over time";
  std::string coordinate = required_text;
  HistorySpec force;
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "independent coordinate"});
    see("force", self.force, Info{"N m or N", "generalised force over time"});
  }
  std::string fault() const { return force.time.empty() ? "missing \"force\" (generalised force over time)" : ""; }
};

/// Muscles that follow a recorded motion.
struct TrackingController {
  static constexpr std::string_view name = "tracking",
                                    help = "computed muscle control: all muscles follow a motion, through redundancy";
  std::string coordinates = required_text, trunk = "orientation";
  std::optional<double> lowpass_hz;
  Named<double> hold;
  double interval = 0.01, lead = 0.02, frequency = 15.0, horizon = 0.03, stiffness = 0.3;
  RedundancySpec redundancy;
  static void each(auto& self, auto&& see) {
    see("coordinates", self.coordinates,
        Info{"",
             "table of coordinates over time from 0 (.mot, .sto, .csv), path relative to the study; held after its "
             "end; the simulation starts from its pose and speeds"});
    see("trunk", self.trunk,
        Info{"",
             "what the table's trunk coordinates are: orientation of the thorax on the pelvis, as recorded, or the "
             "model's own coordinates",
             -inf, inf, "orientation coordinates"});
    see("lowpass_hz", self.lowpass_hz,
        Info{"Hz", "cut-off of a smoothing spline through the table's values; absent: through every value", 0.1, 1000});
    see("hold", self.hold,
        Info{"rad or m", "independent coordinates that the table lacks, with the value at which they are held", -1e3,
             1e3});
    see("interval", self.interval, Info{"s", "between the controller's instants", 0.001, 0.1});
    see("frequency", self.frequency,
        Info{"rad/s", "omega: errors obey e'' + 2 omega e' + omega^2 e = 0 where muscles can make them", 0.1, 1000});
    see("lead", self.lead,
        Info{"s", "time in which muscles are led to their forces; with one interval alone excitations ring", 1e-3,
             0.2});
    see("horizon", self.horizon,
        Info{"s", "how far ahead contacts are seen to give way; at least one interval", 0.001, 1});
    see("stiffness", self.stiffness,
        Info{"1", "cost of accelerations that are not as wished, of 1 (rad/s^2)^2 at an inertia of 1 kg m^2", 1e-6,
             1e6});
    see("redundancy", self.redundancy, Info{"", "how muscles share what the motion needs"});
  }
  std::string fault() const {
    if (frequency * interval > 1.0) return "expected \"frequency\" of at most 1 rad an \"interval\"";
    if (lead < interval) return "expected \"lead\" of at least \"interval\"";
    return horizon < interval ? "expected \"horizon\" of at least \"interval\"" : "";
  }
};

/// What drives a simulation beside constant excitations: the table that reader, writer, schema and help walk.
using Controller = std::variant<TableController, SplineController, BangBangController, StretchReflexController,
                                CoordinateForceController, TrackingController>;

/// A coordinate over time: points, or a column of a table.
struct PrescribedSpec {
  std::vector<double> time, value;
  std::optional<std::string> table, column;
  std::optional<double> lowpass_hz;
  static void each(auto& self, auto&& see) {
    see("time", self.time, Info{"s", "increasing instants that cover the simulation, three or more", -1e6, 1e6});
    see("value", self.value, Info{"rad or m", "as many values of the coordinate, joined by a quintic spline"});
    see("table", self.table,
        Info{"", "in place of these: table over time (.mot, .sto, .csv), path relative to the study"});
    see("column", self.column, Info{"", "its column; absent: the one called as the coordinate"});
    see("lowpass_hz", self.lowpass_hz,
        Info{"Hz", "cut-off of a smoothing spline through the table's values; absent: through every value", 0.1, 1000});
  }
  std::string fault() const;
};

/// A motion near the recorded one that feet on the ground can carry, made before a simulation follows it.
struct ReferenceSpec {
  std::optional<double> until;
  double settle = 0.4, margin = 0.01, friction = 0.5;
  std::optional<std::string> trunk;
  double mass_center = 0.05, mass = 0.05, plane_height = 0.05;
  std::vector<std::string> planes;
  double angle_scale_deg = 3.0, length_scale = 0.02;
  static void each(auto& self, auto&& see) {
    see("until", self.until,
        Info{"s", "the recording is followed up to here, then brought to rest and held; absent: to its end", 0.01,
             1e5});
    see("settle", self.settle, Info{"s", "time in which it is brought to rest", 0.05, 100});
    see("margin", self.margin,
        Info{"m", "the feet's centre of pressure stays so far inside their contacts' outline", 0, 0.2});
    see("friction", self.friction, Info{"1", "greatest horizontal over vertical force of the feet", 0.01, 10});
    see("trunk", self.trunk,
        Info{"", "body whose mass centre may shift; absent: the one above the highest lumbar level, if there is one"});
    see("mass_center", self.mass_center, Info{"m", "farthest shift of its mass centre", 1e-6, 1});
    see("mass", self.mass,
        Info{"1", "greatest change of a body's mass, over its mass; all masses keep their sum; 0: none changes", 0,
             0.9});
    see("planes", self.planes, Info{"", "planes whose heights are found as well: a seat"});
    see("plane_height", self.plane_height, Info{"m", "greatest change of these heights", 1e-6, 1});
    see("angle_scale_deg", self.angle_scale_deg, Info{"deg", "change of an angle that costs as much as", 0.01, 90});
    see("length_scale", self.length_scale, Info{"m", "this change of a translation", 1e-5, 1});
  }
};

/// Forward simulation of the whole model from a released state with given excitations.
struct SimulationStudy {
  static constexpr std::string_view name = "simulation";
  static constexpr std::string_view help = "forward dynamics from a released state, with controllers";
  double duration = required, step = 0.01, tolerance = 1e-4;
  std::string integrator = "automatic", lumbar = "rhythm";
  Named<double> initial, speeds;
  std::vector<std::string> locked;
  Named<PrescribedSpec> prescribed;
  Named<double> excitation;
  Named<Controller> controllers;
  std::optional<ReferenceSpec> reference;
  std::optional<MeasuredForces> forces;
  double repetitions = 1.0;
  static void each(auto& self, auto&& see) {
    see("duration", self.duration, Info{"s", "simulated time", 1e-6, 1e5});
    see("repetitions", self.repetitions, repetitions_info);
    see("step", self.step, Info{"s", "time between rows of the result", 1e-6, 1e3});
    see("tolerance", self.tolerance,
        Info{"1",
             "absolute and relative error allowed a second of simulated time, of coordinates and speeds, activations, "
             "fibre lengths over l0, and works",
             1e-12, 1e-2});
    see("integrator", self.integrator,
        Info{"",
             "dopri5 (explicit), rosenbrock4 (implicit, for stiff tendons and up to 100 states), ark4 (implicit in "
             "fibres, "
             "tendons and contacts), or automatic: of more than 100 states ark4 where there are such, of fewer "
             "rosenbrock4 "
             "where it would save dopri5 from very short steps",
             -inf, inf, "automatic dopri5 rosenbrock4 ark4"});
    see("lumbar", self.lumbar,
        Info{"",
             "levels turn together by the rhythm of the model's trunk coordinates, or are free: each held by its disc, "
             "ligaments and muscles, and trunk coordinates in \"initial\" and \"speeds\" are shared out by the rhythm",
             -inf, inf, "rhythm free"});
    see("initial", self.initial,
        Info{"rad or m", "coordinates at the start, where not at the model's values", -1e3, 1e3});
    see("speeds", self.speeds, Info{"rad/s or m/s", "speeds at the start, where not zero", -1e4, 1e4});
    see("locked", self.locked, Info{"", "independent coordinates (names or globs) that do not move"});
    see("prescribed", self.prescribed,
        Info{"", "independent coordinates that follow a curve, by name; what that takes is an output"});
    see("excitation", self.excitation,
        Info{"1", "constant excitation by muscle, glob or group; others at their least", 0, 1});
    see("controllers", self.controllers, Info{"", "what else drives the model, by name"});
    see("reference", self.reference,
        Info{"",
             "what a tracking controller follows is first changed, and masses with it, as little as makes it a motion "
             "that feet and planes can carry; absent: it follows the recording"});
    see("forces", self.forces, Info{"", "external forces over time, from time 0 to the end; absent: none"});
  }
  std::string fault() const {
    return duration <= 1e7 * step ? "" : "expected at most 1e7 rows, found a duration of more than that many steps";
  }
};

/// What metabolic models ask of the muscle.
struct MetabolicSpec {
  double slow_twitch_ratio = 0.5, specific_tension = 2.5e5, density = 1059.7;
  static void each(auto& self, auto&& see) {
    see("slow_twitch_ratio", self.slow_twitch_ratio, Info{"1", "slow fibres' share of the mass", 0, 1});
    see("specific_tension", self.specific_tension,
        Info{"Pa", "that turns F0 into an area for the mass; 0.25 MPa keeps the published ratio of heat to force", 1e4,
             1e7});
    see("density", self.density, Info{"kg/m^3", "of muscle", 100, 10000});
  }
};

/// One muscle in an apparatus: path length and excitation over time are given.
struct MuscleExperimentStudy {
  static constexpr std::string_view name = "muscle_experiment";
  static constexpr std::string_view help = "one muscle under a given length and excitation: forces, work, heat";
  std::string muscle = required_text, length_is = "path", method = "dopri5";
  HistorySpec length, excitation;
  double duration = required, step = 0.001, tolerance = 1e-10;
  MetabolicSpec metabolic;
  static void each(auto& self, auto&& see) {
    see("muscle", self.muscle, Info{"", "muscle of the model"});
    see("length", self.length, Info{"", "length over time"});
    see("length_is", self.length_is,
        Info{"",
             "what the length's values are: the path's length [m], or the fibres' over optimal fibre length [-] with "
             "the tendon at slack length",
             -inf, inf, "path fibres"});
    see("excitation", self.excitation, Info{"", "excitation over time, 0 to 1"});
    see("duration", self.duration, Info{"s", "from time 0", 1e-6, 1e4});
    see("step", self.step, Info{"s", "time between rows of the result", 1e-7, 1e3});
    see("tolerance", self.tolerance, Info{"1", "absolute and relative error allowed a step", 1e-13, 1e-2});
    see("method", self.method,
        Info{"", "Dormand-Prince, or Rosenbrock for stiff tendons", -inf, inf, "dopri5 rosenbrock4"});
    see("metabolic", self.metabolic, Info{"", "what metabolic models ask of the muscle"});
  }
  std::string fault() const {
    if (length.time.empty()) return "missing \"length\" (length over time)";
    return excitation.time.empty() ? "missing \"excitation\" (excitation over time, 0 to 1)" : "";
  }
};

/// Angles in steps.
struct AngleGrid {
  double from_deg = 0.0, to_deg = 120.0, step_deg = 10.0;
  static void each(auto& self, auto&& see) {
    see("from_deg", self.from_deg, Info{"deg", "first angle", -180, 180});
    see("to_deg", self.to_deg, Info{"deg", "last angle", -180, 180});
    see("step_deg", self.step_deg, Info{"deg", "step", 0.1, 90});
  }
  std::string fault() const { return from_deg <= to_deg ? "" : "expected \"from_deg\" not above \"to_deg\""; }
  std::vector<double> angles_deg() const;
};

/// What the iliopsoas presses on in front of the hip.
struct IliopsoasContact {
  std::vector<std::string> muscles, surfaces;
  double activation = 1.0, width = 0.0142;
  static void each(auto& self, auto&& see) {
    see("muscles", self.muscles, Info{"", "names, globs or groups; absent: group:iliopsoas of the side"});
    see("surfaces", self.surfaces,
        Info{"", "names or globs of the model's surfaces whose forces are summed; absent: all that the muscles touch"});
    see("activation", self.activation, Info{"1", "of all of them; 0: passive force alone", 0, 1});
    see("width", self.width,
        Info{"m",
             "of the band that presses, for the pressure: half of the tendon's circumference of 28.4 +- 2.8 mm at the "
             "labrum (Alpert 2009); half of that of tendon and muscle there is 32 mm",
             1e-3, 0.1});
  }
};

/// A recorded motion of one hip.
struct HipRecording {
  std::string coordinates = required_text;
  static void each(auto& self, auto&& see) {
    see("coordinates", self.coordinates,
        Info{"",
             "table over time (.mot, .sto, .csv) with the three coordinates of the hip, path relative to the study; "
             "taken as it is"});
  }
};

/// How far the bones of a hip are from each other over its postures, and at which they touch.
struct ImpingementStudy {
  static constexpr std::string_view name = "impingement";
  static constexpr std::string_view help =
      "clearance between acetabular rim and femoral head and neck; ranges to contact; what the iliopsoas presses there";
  static constexpr bool gives_own_outputs = true;
  std::string side = "r";
  Named<HipShape> shapes;
  AngleGrid flexion{0.0, 130.0, 10.0}, rotation{-30.0, 40.0, 10.0};
  Named<double> posture;
  std::vector<double> pelvic_tilt_deg{-10.0, 0.0, 10.0};
  std::optional<HipRecording> recording;
  std::optional<IliopsoasContact> iliopsoas;
  static void each(auto& self, auto&& see) {
    see("side", self.side, Info{"", "which hip", -inf, inf, "r l"});
    see("shapes", self.shapes,
        Info{"", "shapes of the hip by name, side by side; absent: the default shape, \"normal\""});
    see("flexion", self.flexion, Info{"", "hip flexion of the map and the curves"});
    see("rotation", self.rotation, Info{"", "internal rotation of the map"});
    see("posture", self.posture,
        Info{"rad or m", "coordinates, where not at the model's values: adduction, rotation of the curves", -1e3, 1e3});
    see("pelvic_tilt_deg", self.pelvic_tilt_deg,
        Info{"deg", "forward tilts of the pelvis at which a thigh that stays in space is looked at", -60, 60});
    see("recording", self.recording, Info{"", "a recorded motion: its clearance over time; absent: none"});
    see("iliopsoas", self.iliopsoas,
        Info{"", "force and pressure of the iliopsoas on the surfaces in front of the hip; absent: none"});
  }
  std::string fault() const;
};

/// A value that a posture is drawn to.
struct PreferredSpec {
  double value = required, scale = required;
  static void each(auto& self, auto&& see) {
    see("value", self.value, Info{"rad or m", "of the coordinate", -100, 100});
    see("scale", self.scale, Info{"rad or m", "departure that costs kappa, such as a standard deviation", 1e-4, 100});
  }
};

/// Between which values a coordinate may come to rest.
struct CoordinateRange {
  double low = required, high = required;
  static void each(auto& self, auto&& see) {
    see("low", self.low, Info{"rad or m", "least value", -1e3, 1e3});
    see("high", self.high, Info{"rad or m", "greatest value", -1e3, 1e3});
  }
  std::string fault() const { return low < high ? "" : "expected \"low\" below \"high\""; }
};

/// A coordinate along which a posture is moved, all else free.
struct LandscapeSpec {
  std::string coordinate = "pelvis_tilt";
  double from_deg = -15.0, to_deg = 15.0, step_deg = 2.5;
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "one of the free coordinates, a rotation"});
    see("from_deg", self.from_deg, Info{"deg", "first value", -360, 360});
    see("to_deg", self.to_deg, Info{"deg", "last value", -360, 360});
    see("step_deg", self.step_deg, Info{"deg", "step", 0.01, 90});
  }
  std::string fault() const { return from_deg <= to_deg ? "" : "expected \"from_deg\" not above \"to_deg\""; }
};

/// How stiff active muscle is where a posture's lumbar levels are pushed.
struct StabilitySpec {
  double muscle_stiffness_gain = 10.0;
  std::vector<double> other_gains{5.0, 20.0, 40.0};
  static void each(auto& self, auto&& see) {
    see("muscle_stiffness_gain", self.muscle_stiffness_gain,
        Info{"1", "q: stiffness of active fibres is q times their force over the length of the muscle's path", 0,
             1000});
    see("other_gains", self.other_gains, Info{"1", "values of q beside it in the table", 0, 1000});
  }
};

/// A backrest that goes with a seat: a plane against which the thorax lies flat.
struct BackrestSpec {
  double angle_deg = 110.0, low = 0.3, high = 0.5, friction = 0.6, thorax_depth = 0.116;
  std::optional<double> pelvis_depth;
  static void each(auto& self, auto&& see) {
    see("angle_deg", self.angle_deg, Info{"deg", "between the seat, which is level, and the backrest", 80, 150});
    see("low", self.low,
        Info{"m", "lowest place where it pushes on the thorax: above the seat, along the back of the upright body", 0.1,
             1});
    see("high", self.high, Info{"m", "highest place, likewise", 0.1, 1});
    see("friction", self.friction, Info{"1", "coefficient of friction between back and backrest", 0, 10});
    see("thorax_depth", self.thorax_depth,
        Info{"m", "how far the skin of the back is behind the thorax's origin; the default is the full body's", 0,
             0.5});
    see("pelvis_depth", self.pelvis_depth,
        Info{
            "m",
            "how far the backrest's plane is behind the pelvis' origin at the sacrum: 0.2 where the full body sits all "
            "the way back, more further forward; it does not push there; absent: wherever least effort has it",
            0, 0.8});
  }
  std::string fault() const { return low < high ? "" : "expected \"low\" below \"high\""; }
};

/// Where a body comes to rest by itself, or in which posture muscles hold it with least effort.
struct PostureStudy {
  static constexpr std::string_view name = "posture";
  static constexpr std::string_view help = "where a body rests by itself, or holds itself with least effort";
  static constexpr bool gives_own_outputs = true;
  std::string problem = "balanced", support = "both_feet", gaze = "level", lumbar = "rhythm";
  std::vector<std::string> free;
  Named<double> posture;
  Named<PreferredSpec> preferred;
  Named<CoordinateRange> ranges;
  double kappa = 0.01, seat_height = 0.45, floor_slope_deg = 0.0;
  std::optional<BackrestSpec> backrest;
  int starts = 20;
  std::optional<LandscapeSpec> landscape;
  std::optional<StabilitySpec> stability;
  std::vector<std::string> sensitivity;
  static void each(auto& self, auto&& see) {
    see("problem", self.problem,
        Info{"",
             "passive: a minimum of the energy of weight, passive tissue and muscles at their least activation; "
             "balanced: least effort of muscles on the support; held: the same in the posture that is given",
             -inf, inf, "passive balanced held"});
    see("support", self.support,
        Info{"", "of a balanced posture: where the model's contacts may push", -inf, inf,
             "both_feet right_foot left_foot seat"});
    see("seat_height", self.seat_height, Info{"m", "of the seat above the floor", 0.1, 1.5});
    see("backrest", self.backrest,
        Info{"", "of the seat; the thorax then leans against it, whatever the gaze; absent: none"});
    see("floor_slope_deg", self.floor_slope_deg,
        Info{"deg", "rise of the floor under the feet towards the toes", -30, 30});
    see("gaze", self.gaze,
        Info{"",
             "of a balanced posture: the thorax keeps the pitch that it has in the model's default state, as the model "
             "has no neck to level the eyes with, or is free",
             -inf, inf, "level free"});
    see("lumbar", self.lumbar,
        Info{"", "of a passive posture: levels turn by the rhythm of the trunk coordinates, or each by itself", -inf,
             inf, "rhythm free"});
    see("free", self.free,
        Info{"",
             "independent coordinates that move (names or globs); absent: those of the support, for balanced ones"});
    see("posture", self.posture,
        Info{"rad or m", "values of coordinates that are held, and where free ones start; absent: the model's", -1e3,
             1e3});
    see("preferred", self.preferred,
        Info{"", "of a balanced posture: coordinates with a preferred value; absent: norms of standing or sitting"});
    see("ranges", self.ranges, Info{"", "of free coordinates, where not the model's; knees of who stands: 0 to 5 deg"});
    see("kappa", self.kappa, Info{"1", "weight of preferences against effort", 0, 1e6});
    see("starts", self.starts,
        Info{"1", "of a passive posture: starts all over the ranges beside the given one", 0, 10000});
    see("landscape", self.landscape, Info{"", "curves over one coordinate, the others following; absent: none"});
    see("stability", self.stability,
        Info{"",
             "of a balanced or held posture: whether its lumbar levels, each turning by itself, resist a small push; "
             "absent: not asked"});
    see("sensitivity", self.sensitivity,
        Info{"",
             "muscles (names, globs or groups): how every output changes a unit of a factor on their optimal fibre "
             "length; absent: none"});
  }
};

/// A position of daily life.
struct DailyPosture {
  double hip_flexion_deg = required;
  Named<double> posture, activation;
  static void each(auto& self, auto&& see) {
    see("hip_flexion_deg", self.hip_flexion_deg, Info{"deg", "mean flexion of both hips", -60, 150});
    see("posture", self.posture, Info{"rad or m", "other coordinates, where not at the model's values", -1e3, 1e3});
    see("activation", self.activation, Info{"1", "mean activation of groups; others rest at 0.01", 0, 1});
  }
};

/// Breaks of an activity.
struct BreakSpec {
  double every_minutes = required, minutes = required;
  std::string posture = "walking";
  static void each(auto& self, auto&& see) {
    see("every_minutes", self.every_minutes, Info{"min", "time of the activity between two breaks", 1, 1440});
    see("minutes", self.minutes, Info{"min", "length of a break, which counts to the activity's hours", 0.1, 240});
    see("posture", self.posture, Info{"", "what is done meanwhile: one of the study's postures"});
  }
};

/// A part of a day.
struct ActivitySpec {
  std::string posture = required_text;
  std::optional<double> hours, from_hours, to_hours;
  std::optional<BreakSpec> breaks;
  static void each(auto& self, auto&& see) {
    see("posture", self.posture, Info{"", "one of the study's postures"});
    see("hours", self.hours, Info{"h", "how long in all", 0, 24});
    see("from_hours", self.from_hours, Info{"h", "or from this time of the day", 0, 24});
    see("to_hours", self.to_hours, Info{"h", "to this one", 0, 24});
    see("breaks", self.breaks, Info{"", "breaks in it; absent: none"});
  }
  /// Hours of the day, breaks included.
  double duration() const { return hours ? *hours : *to_hours - *from_hours; }
  std::string fault() const;
};

/// A day of some days of the week.
struct DaySpec {
  int days = 7;
  Named<ActivitySpec> activities;
  static void each(auto& self, auto&& see) {
    see("days", self.days, Info{"1", "so many of the week's days are like this", 1, 7});
    see("activities", self.activities, Info{"", "what fills the 24 hours, by name"});
  }
  std::string fault() const;
};

/// Stretches of a muscle group.
struct StretchSpec {
  std::string group = "iliopsoas", constant = "angle";
  double hip_flexion_deg = -15.0, hold = 30.0, repetitions = 3.0, rest = 30.0, intensity = 1.0;
  double sessions_per_day = 1.0, days_per_week = required;
  static void each(auto& self, auto&& see) {
    see("group", self.group, Info{"", "muscle group"});
    see("constant", self.constant,
        Info{"", "what is held: the joint's angle or the torque", -inf, inf, "angle torque"});
    see("hip_flexion_deg", self.hip_flexion_deg, Info{"deg", "hip flexion in the stretch", -60, 150});
    see("hold", self.hold, Info{"s", "of each stretch", 1, 7200});
    see("repetitions", self.repetitions, Info{"1", "in a session; rounded", 1, 100});
    see("rest", self.rest, Info{"s", "between them", 0, 3600});
    see("intensity", self.intensity, Info{"1", "moment over the one that is just borne", 0.05, 1.5});
    see("sessions_per_day", self.sessions_per_day, Info{"1", "sessions a day", 0, 20});
    see("days_per_week", self.days_per_week, Info{"1", "days a week", 0, 7});
  }
  double minutes_per_week() const;
};

/// Strengthening of a muscle group.
struct StrengtheningSpec {
  std::string group = required_text;
  double load = required, sets = 3.0, repetitions = 10.0, days_per_week = required;
  static void each(auto& self, auto&& see) {
    see("group", self.group, Info{"", "muscle group"});
    see("load", self.load, Info{"1", "over the greatest that can be moved once", 0.05, 1});
    see("sets", self.sets, Info{"1", "a day", 0, 100});
    see("repetitions", self.repetitions, Info{"1", "a set", 1, 200});
    see("days_per_week", self.days_per_week, Info{"1", "days a week", 0, 7});
  }
  /// Sets a week times load, each set by how near it comes to the repetitions after which the load cannot be moved again,
  /// 30 (1 / load - 1) + 1 (Epley 1985).
  double volume_per_week() const;
  double minutes_per_week() const;
};

/// Sessions of manual therapy.
struct ManualTherapySpec {
  std::string group = "iliopsoas";
  double sessions_per_week = required, minutes = 20.0;
  static void each(auto& self, auto&& see) {
    see("group", self.group, Info{"", "muscle group"});
    see("sessions_per_week", self.sessions_per_week, Info{"1", "sessions a week, evenly apart", 0, 21});
    see("minutes", self.minutes, Info{"min", "of each session", 1, 240});
  }
};

/// Weeks that are alike.
struct PhaseSpec {
  double weeks = required, adherence = 1.0;
  Named<DaySpec> week;
  Named<StretchSpec> stretches;
  Named<StrengtheningSpec> strengthening;
  Named<ManualTherapySpec> manual_therapy;
  static void each(auto& self, auto&& see) {
    see("weeks", self.weeks, Info{"weeks", "how many", 0.1, 1040});
    see("adherence", self.adherence, Info{"1", "share of what is planned that is done", 0, 1});
    see("week", self.week, Info{"", "days of a week by name; absent: the habitual week"});
    see("stretches", self.stretches, Info{"", "stretches by name"});
    see("strengthening", self.strengthening, Info{"", "exercises by name"});
    see("manual_therapy", self.manual_therapy, Info{"", "sessions by name"});
  }
  std::string fault() const;
  double minutes_per_week() const;
};

/// Phases, one after another.
struct PlanSpec {
  Named<PhaseSpec> phases;
  static void each(auto& self, auto&& see) { see("phases", self.phases, Info{"", "phases by name, in their order"}); }
  std::string fault() const { return phases.empty() ? "missing \"phases\" (phases by name, in their order)" : ""; }
};

/// States of a group at the start, where they are not those of the habitual life.
struct GroupStart {
  double serial_sarcomeres = 1.0, passive_stiffness = 1.0, training = 0.0, atrophy = 0.0, stretch_tolerance = 1.0;
  std::optional<double> tone, resting_tone;
  static void each(auto& self, auto&& see) {
    see("serial_sarcomeres", self.serial_sarcomeres, Info{"1", "over those of the model", 0.3, 2});
    see("passive_stiffness", self.passive_stiffness, Info{"1", "factor on passive force", 0.01, 100});
    see("training", self.training, Info{"1", "strength gained, over that of the model", 0, 10});
    see("atrophy", self.atrophy, Info{"1", "strength lost, over that of the model", 0, 0.9});
    see("tone", self.tone, Info{"1", "least activation; absent: the one at rest", 0, 1});
    see("resting_tone", self.resting_tone, Info{"1", "least activation at rest; absent: that of the law", 0, 0.5});
    see("stretch_tolerance", self.stretch_tolerance, Info{"1", "factor on the moment that is borne", 1, 10});
  }
};

/// A study that another one asks for states of its model.
struct AskedStudy {
  std::string file = required_text, posture_of;
  std::vector<std::string> record;
  static void each(auto& self, auto&& see) {
    see("file", self.file,
        Info{"",
             "path of a psoas-study/1 file, relative to this one. It is asked of this study's model, or of another one "
             "that it names, at this study's subject and with its edits, its own after them; its variants are left "
             "out"});
    see("posture_of", self.posture_of,
        Info{"",
             "of a study of a held posture: an earlier one of \"studies\"; the posture that it found with the muscles "
             "unchanged is held"});
    see("record", self.record, Info{"", "scalars of its result, with globs"});
  }
  std::string fault() const { return record.empty() ? "missing \"record\" (scalars of its result, with globs)" : ""; }
};

/// The least effort that reaches a range.
struct OptimiseSpec {
  std::string plan = required_text, measure = "extension_at_5_N_m_deg";
  double at_least = required, most_hold = 120.0, most_days = 7.0;
  int evaluations = 400;
  static void each(auto& self, auto&& see) {
    see("plan", self.plan, Info{"", "which plan: holds, days and sessions of its last phase are found"});
    see("measure", self.measure,
        Info{"", "what is to be reached at its end", -inf, inf,
             "extension_at_5_N_m_deg extension_at_borne_moment_deg"});
    see("at_least", self.at_least, Info{"deg", "hip extension to be reached", -60, 60});
    see("most_hold", self.most_hold, Info{"s", "longest hold of a stretch", 5, 7200});
    see("most_days", self.most_days, Info{"1", "most days, or sessions of manual therapy, a week", 1, 7});
    see("evaluations", self.evaluations, Info{"1", "of the plan, at most", 10, 100000});
  }
};

/// What weeks and months do to muscles: sitting, breaks, stretches, strengthening, manual therapy.
struct AdaptationStudy {
  static constexpr std::string_view name = "adaptation";
  static constexpr std::string_view help = "weeks and months: how habits and plans change muscles, and what follows";
  static constexpr bool gives_own_outputs = true;
  std::vector<std::string> groups{"iliopsoas"};
  Named<DailyPosture> postures;
  Named<DaySpec> habitual;
  Named<PlanSpec> plans;
  Named<GroupStart> start;
  AdaptationParameters law;
  Relaxation relaxation;
  double borne_moment = 15.0, measured_extension_deg = 10.0, step_weeks = 1.0, tolerance = 1e-9;
  Named<AskedStudy> studies;
  std::vector<double> weeks;
  std::optional<OptimiseSpec> optimise;
  static void each(auto& self, auto&& see) {
    see("groups", self.groups, Info{"", "muscle groups that adapt"});
    see("postures", self.postures, Info{"", "positions of daily life by name"});
    see("habitual", self.habitual, Info{"", "days of the week to which the muscles are adapted, by name"});
    see("plans", self.plans, Info{"", "what is compared, by name"});
    see("start", self.start, Info{"", "states at the start by group, where not those of the habitual life"});
    see("law", self.law, Info{"", "numbers of the slow laws"});
    see("relaxation", self.relaxation, Info{"", "how passive force falls in a stretch"});
    see("borne_moment", self.borne_moment,
        Info{"N m", "passive moment of iliopsoas and hip joint at which a stretch is ended at first", 0.1, 200});
    see("measured_extension_deg", self.measured_extension_deg,
        Info{"deg", "hip extension at which the passive moment is told", -60, 60});
    see("step_weeks", self.step_weeks, Info{"weeks", "between rows of the result", 0.01, 100});
    see("tolerance", self.tolerance, Info{"1", "absolute and relative error allowed a step", 1e-13, 1e-3});
    see("studies", self.studies, Info{"", "other studies, by name, that are asked with the muscles of chosen weeks"});
    see("weeks", self.weeks, Info{"weeks", "when; absent: at the start and at the end", 0, 10400});
    see("optimise", self.optimise, Info{"", "find the least effort for a range; absent: do not"});
  }
  std::string fault() const;
};

/// What was measured on a person, from which the shortening is estimated.
struct MeasuredTightness {
  std::string output;
  std::optional<std::string> side;
  std::optional<double> value, normal, knee_flexion_deg;
  std::vector<double> hip_flexion_deg, passive_moment;
  double standard_error = required, confidence = 0.95;
  static void each(auto& self, auto&& see) {
    see("output", self.output,
        Info{"", "what was measured, as this study's result calls it, such as prone_extension_deg/r; with \"value\""});
    see("value", self.value, Info{"", "what was found, in the unit of the output", -1e4, 1e4});
    see("normal", self.normal,
        Info{"",
             "what the same measurement finds where the muscle is not short, such as on the other side: the difference "
             "counts then, whatever the model itself has; absent: the value as it is",
             -1e4, 1e4});
    see("hip_flexion_deg", self.hip_flexion_deg,
        Info{"deg", "in place of output and value a curve: hip flexion at which passive moments were measured", -90,
             150});
    see("passive_moment", self.passive_moment,
        Info{"N m", "as many net passive moments about the hip, weight taken off, towards flexion +", -1e3, 1e3});
    see("knee_flexion_deg", self.knee_flexion_deg, Info{"deg", "knee flexion of the curve; absent: 0", -20, 160});
    see("side", self.side,
        Info{"", "which of the study's sides is short; absent: the first of them", -inf, inf, "both right left"});
    see("standard_error", self.standard_error, Info{"", "of the measurement, in its unit", 1e-9, 1e4});
    see("confidence", self.confidence, Info{"1", "of the interval", 0.5, 0.999});
  }
  std::string fault() const;
};

/// What a tight iliopsoas does, over how short it is.
struct TightnessStudy {
  static constexpr std::string_view name = "tightness";
  static constexpr std::string_view help =
      "a tight iliopsoas: torques, ranges, tests, postures and loads over how short";
  static constexpr bool gives_own_outputs = true;
  std::vector<std::string> mechanisms{"serial_sarcomere_loss"}, sides{"both", "right"};
  std::string axis = "s", pelvic_tilt_of;
  std::vector<double> values{1.0, 0.98, 0.95, 0.9, 0.85, 0.8};
  double from_deg = -30.0, to_deg = 120.0, step_deg = 5.0, borne_moment = 15.0;
  Named<AskedStudy> studies;
  std::optional<MeasuredTightness> measured;
  static void each(auto& self, auto&& see) {
    see("mechanisms", self.mechanisms,
        Info{"", "what makes it tight, each for itself", -inf, inf,
             "serial_sarcomere_loss tendon_shortening stiffer_passive_tissue raised_tone"});
    see("sides", self.sides, Info{"", "which side is tight, each for itself", -inf, inf, "both right left"});
    see("axis", self.axis,
        Info{"",
             "what \"values\" are. s: factors on optimal fibre length, and mechanisms so strong that they cost as much "
             "of it (Δθ); delta_theta_deg: degrees of Δθ that each costs; value: of the one mechanism itself, "
             "factors on optimal fibre length, metres off the tendon, factors on passive strain, least activations",
             -inf, inf, "s delta_theta_deg value"});
    see("values", self.values, Info{"", "each once", -90, 90});
    see("from_deg", self.from_deg, Info{"deg", "first hip flexion of the torque curves", -60, 150});
    see("to_deg", self.to_deg, Info{"deg", "last one", -60, 150});
    see("step_deg", self.step_deg, Info{"deg", "step", 0.01, 90});
    see("borne_moment", self.borne_moment,
        Info{"N m", "passive moment at which the hip is extended no further", 0.1, 200});
    see("studies", self.studies, Info{"", "other studies, by name, that are asked once a value"});
    see("pelvic_tilt_of", self.pelvic_tilt_of,
        Info{"",
             "one of \"studies\", of a balanced posture: its anterior pelvic tilt goes into the length of a step and "
             "into "
             "later studies of impingement; absent: 0"});
    see("measured", self.measured, Info{"", "a measurement from which the shortening is estimated; absent: none"});
  }
  std::string fault() const;
};

/// Study kinds, which may say `gives_own_outputs`: whatever outputs are asked for, theirs are among the scalars, so that a
/// sweep asks for none. The table that reader, writer, schema, help and `psoas new study` walk.
using StudyKind = std::variant<MotionStudy, TorqueCurveStudy, SimulationStudy, MuscleExperimentStudy, ImpingementStudy,
                               PostureStudy, TightnessStudy, AdaptationStudy>;

}  // namespace psoas
