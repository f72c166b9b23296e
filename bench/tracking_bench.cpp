// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What following a motion by muscles costs, on the sit-to-stand of examples/sit_to_stand/forward.json.
//   controller_instant, simulation_row   one instant of the controller, one row of joint loads, at states of the motion
//   sit_to_stand                         the whole run at tolerances of 1e-4 and, coarse, 1e-3, and where its time goes: shares of the whole in per cent (parts
//                                        of the right side by its time at the controller's instants, times how often
//                                        it was asked for), `real_time` (simulated over taken), right sides a second
// The motion is made consistent first, once, which takes some seconds and is in none of these times. Processor time.
#include <benchmark/benchmark.h>

#include <ctime>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "psoas/core/words.hpp"
#include "psoas/model/fit_paths.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "psoas/study/study.hpp"
#include "solve/steppers.hpp"
#include "study/consistent_motion.hpp"

namespace {

using namespace psoas;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Processor time of this thread [s]: other programs may run beside.
double now_s() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The example's first variant, ready to be followed.
struct Rise {
  explicit Rise(bool fitted) {
    const Study study = read_study(PSOAS_SOURCE_DIR "/examples/sit_to_stand/forward.json", {});
    const SimulationStudy& question = std::get<SimulationStudy>(study.question);
    StudyMemory memory;
    const Model recorded = compile_variants(study, memory).front().model;
    options.duration = question.duration;
    options.step = question.step;
    options.tolerance = question.tolerance;
    options.locked.assign(at(recorded.coordinates()), 0);
    for (int c = 0; c < recorded.coordinates(); ++c)
      for (const std::string& pattern : question.locked)
        if (glob_match(pattern, recorded.data().coordinate_names[at(c)])) options.locked[at(c)] = 1;
    const State state = recorded.default_state();
    const ConsistentMotion reference(study, question, recorded, state, options);
    model = std::make_unique<Model>(recorded.with(reference.edits()));
    if (fitted) model = std::make_unique<Model>(fit_paths(model->spec()));
    tracker = add_controls(study, question, *model, state, options, &reference.coordinates());
    options.events = contact_events(*model);
    for (Event& event : range_events(*model, options.locked)) options.events.push_back(std::move(event));
  }

  std::unique_ptr<Model> model;
  SimulationOptions options;
  std::unique_ptr<MotionTracker> tracker;
};

Rise& rise(bool fitted) {
  static std::map<bool, std::unique_ptr<Rise>> made;
  std::unique_ptr<Rise>& one = made[fitted];
  if (!one) one = std::make_unique<Rise>(fitted);
  return *one;
}

/// Goes through the first part of the motion; calls at each of the controller's instants and at each row.
template <class Instant, class Row>
SimulationReport follow(Rise& rise, double duration, Instant instant, Row row, double tolerance = 1e-4) {
  SimulationOptions options = rise.options;
  options.duration = duration;
  options.tolerance = tolerance;
  options.sampled->act = instant;
  return simulate(*rise.model, rise.tracker->start(0.0), options, row);
}

/// A part of a run, its calls timed one by one.
struct Stopwatch {
  template <class Call>
  void time(Call call) {
    const double start = now_s();
    call();
    seconds += now_s() - start;
    ++calls;
  }
  double seconds = 0.0;
  int calls = 0;
};

void controller_instant(benchmark::State& state, bool fitted) {
  Rise& all = rise(fitted);
  for (auto _ : state) {
    Stopwatch watch;
    follow(
        all, 0.6,
        [&](const ForwardDynamics& now, std::span<double> excitation, std::span<double> force) {
          watch.time([&] { all.tracker->act(now, excitation, force); });
        },
        [](const State&, const ForwardDynamics&) {});
    state.SetIterationTime(watch.seconds / watch.calls);
  }
}

void simulation_row(benchmark::State& state, bool fitted) {
  Rise& all = rise(fitted);
  InverseSolver loads(*all.model, {});
  const std::vector<double> no_contact(3 * all.model->data().contacts.size(), 0.0);
  for (auto _ : state) {
    Stopwatch watch;
    follow(
        all, 0.6,
        [&](const ForwardDynamics& now, std::span<double> excitation, std::span<double> force) {
          all.tracker->act(now, excitation, force);
        },
        [&](const State&, const ForwardDynamics& now) {
          watch.time([&] {
            loads.net(now);
            loads.loads_with(no_contact, now.work().tendon_force);
          });
        });
    state.SetIterationTime(watch.seconds / watch.calls);
  }
}

void sit_to_stand(benchmark::State& state, bool fitted, double tolerance) {
  Rise& all = rise(fitted);
  const Model& model = *all.model;
  InverseSolver loads(model, {});
  const std::vector<double> no_contact(3 * model.data().contacts.size(), 0.0);
  Workspace work(model);
  const std::size_t tree = at(model.tree().coordinates()), muscles = at(model.muscles());
  std::vector<double> a(tree, 0.1), tau(tree), mass(tree * tree), rate(muscles), out;
  for (auto _ : state) {
    Stopwatch controller, rows, right_sides;
    Stopwatch skeleton, paths, fibres, contact;  // of one right side, at the instants of the controller
    Stopwatch implicit;                          // of one step: all of ark4 that is no right side
    ForwardDynamics alone(model, all.options);
    LinearPart part(alone);
    out.resize(at(alone.size()));
    double aside = 0.0;
    const double start = now_s();
    const SimulationReport report = follow(
        all, all.options.duration,
        [&](const ForwardDynamics& now, std::span<double> excitation, std::span<double> force) {
          controller.time([&] { all.tracker->act(now, excitation, force); });
          const double from = now_s();
          // once more each, so that a part is as warm as where it is evaluated step after step; each time another pose,
          // so that no path is known
          State here = now.state();
          const auto time = [&](Stopwatch& watch, auto call) {
            here.q()[0] += 1e-9;
            call();
            here.q()[0] += 1e-9;
            watch.time(call);
          };
          const auto kinematics = [&] {
            couple(model, here.q(), here.u(), work);
            positions<double>(model.tree(), work.q, work.tree);
            velocities<double>(model.tree(), work.u, work.tree);
          };
          Stopwatch poses, velocity;
          time(right_sides, [&] { alone.rates(here.time, here.vector, out); });
          time(implicit, [&] {
            part.take();
            part.factorise(2.5e-4);
            for (int stage = 0; stage < 5; ++stage) part.solve(out);
            part.factorise(AdditiveStepper::memory);
            part.solve(out);
          });
          time(velocity, [&] { evaluate(model, here.q(), here.u(), work, Depth::velocity); });
          time(poses, kinematics);
          paths.seconds += velocity.seconds - poses.seconds;
          time(skeleton, [&] {
            kinematics();
            inverse_dynamics<double>(model.tree(), a, model.spec().gravity, {}, work.tree, tau);
            mass_matrix<double>(model.tree(), work.tree, mass);
          });
          time(fibres, [&] {
            model.data().batch.fibre_velocity(work.length, here.fibre_length(), here.activation(), work.fibre,
                                              work.force, work.tendon_force);
            model.data().batch.activation_rate(here.activation(), here.activation(), rate);
          });
          time(contact, [&] { contact_forces<double>(model, work.tree, work.contact); });
          aside += now_s() - from;
        },
        [&](const State&, const ForwardDynamics& now) {
          rows.time([&] {
            loads.net(now);
            loads.loads_with(no_contact, now.work().tendon_force);
          });
        },
        tolerance);
    const double whole = now_s() - start - aside;
    state.SetIterationTime(whole);
    const double share = 100.0 / whole, each = static_cast<double>(report.rates) / controller.calls * share;
    state.counters["controller_%"] = controller.seconds * share;
    state.counters["rows_%"] = rows.seconds * share;
    state.counters["skeleton_%"] = skeleton.seconds * each;
    state.counters["paths_%"] = paths.seconds * each;
    state.counters["muscles_%"] = fibres.seconds * each;
    state.counters["contact_%"] = contact.seconds * each;
    state.counters["implicit_%"] = implicit.seconds / implicit.calls * report.steps * share;
    state.counters["right_sides_%"] = right_sides.seconds * each;
    state.counters["real_time"] = all.options.duration / whole;
    state.counters["steps_per_s"] = report.steps / all.options.duration;
    state.counters["rates_per_s"] = static_cast<double>(report.rates) / all.options.duration;
  }
}

BENCHMARK_CAPTURE(controller_instant, exact, false)->UseManualTime()->Iterations(2)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(controller_instant, fitted, true)->UseManualTime()->Iterations(2)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(simulation_row, exact, false)->UseManualTime()->Iterations(2)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sit_to_stand, exact, false, 1e-4)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sit_to_stand, exact_coarse, false, 1e-3)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sit_to_stand, fitted, true, 1e-4)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sit_to_stand, fitted_coarse, true, 1e-3)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
