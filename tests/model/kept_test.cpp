// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Models and paths that are taken over from ones before: no bit is other than if they were made anew.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/compile.hpp"
#include "model/parts.hpp"
#include "model/tiny.hpp"
#include "psoas/model/edit.hpp"
#include "psoas/model/fit_paths.hpp"
#include "psoas/model/kept_paths.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

const std::string full_body = PSOAS_SOURCE_DIR "/models/full_body.json";

/// Forces of all muscles in the default posture, moving.
std::vector<double> forces(const Model& model) {
  Workspace work(model);
  const std::vector<double>& q = model.data().default_coordinates;
  evaluate(model, q, std::vector<double>(q.size(), 0.3), work, Depth::velocity);
  rigid_tendon_forces(model, work);
  std::vector<double> out = work.force.active;
  out.insert(out.end(), work.force.passive.begin(), work.force.passive.end());
  out.insert(out.end(), work.length.begin(), work.length.end());
  for (const MuscleParameters& unit : model.data().units) out.push_back(unit.minimum_activation);
  return out;
}

ModelSpec edited(ModelSpec spec, const std::vector<Edit>& edits) {
  std::vector<Problem> problems;
  apply(edits, "", spec, problems);
  EXPECT_TRUE(problems.empty());
  return spec;
}

TEST(ModelMemory, gives_the_models_that_compiling_gives) {
  const ModelSpec first = tiny_model();
  std::vector<ModelSpec> specs = {first, edited(first, {scale("psoas_r", "optimal_fibre_length", 0.9)}),
                                  edited(first, {scale("*", "max_isometric_force", 1.3)}), first};
  specs.push_back(first);
  specs.back().specific_tension["legs"] = 5e5;
  specs.push_back(first);
  specs.back().muscles.find("psoas_r")->curve = Millard{};
  specs.back().muscles.find("psoas_r")->tendon = "rigid";
  specs.push_back(first);
  specs.back().muscles.find("psoas_r")->path[0].location.x() += 0.001;
  specs.push_back(first);
  specs.back().bodies.find("thigh")->mass = 9.0;
  ModelMemory memory;
  for (int round = 0; round < 2; ++round)
    for (const ModelSpec& spec : specs) {
      const Model kept = memory.compile(spec), fresh(spec);
      EXPECT_EQ(forces(kept), forces(fresh));
      EXPECT_EQ(contents(kept.spec()), contents(spec));
      EXPECT_EQ(kept.data().mass, fresh.data().mass);
    }
}

TEST(ModelMemory, leaves_models_alone_that_somebody_holds) {
  const ModelSpec first = tiny_model(), second = edited(first, {scale("psoas_r", "optimal_fibre_length", 0.9)});
  ModelMemory memory;
  const Model held = memory.compile(first);
  const std::vector<double> before = forces(held);
  const ModelData* taken = nullptr;
  {
    const Model other = memory.compile(second);
    EXPECT_NE(&other.data(), &held.data());
    EXPECT_NE(forces(other), before);
    EXPECT_EQ(forces(held), before);
    EXPECT_EQ(memory.structure_of(other), memory.structure_of(held));
    EXPECT_GT(memory.structure_of(held), 0u);
    taken = &other.data();
  }
  // the same again is the same model, and one that nobody holds is made into the next
  EXPECT_EQ(&memory.compile(first).data(), &held.data());
  const Model third = memory.compile(edited(first, {scale("psoas_r", "optimal_fibre_length", 0.8)}));
  EXPECT_EQ(&third.data(), taken);
  ModelSpec wider = first;
  wider.surfaces.find("brim")->translation.x() += 1e-3;
  EXPECT_NE(memory.structure_of(memory.compile(wider)), memory.structure_of(held));
  EXPECT_EQ(memory.structure_of(Model(first)), 0u);
}

TEST(ModelMemory, refuses_what_compiling_refuses_and_goes_on) {
  const ModelSpec good = tiny_model();
  ModelSpec bad = good, lost = good;
  bad.muscles.find("psoas_r")->optimal_fibre_length = -1.0;
  MuscleSpec& muscle = *lost.muscles.find("psoas_r");
  muscle.max_isometric_force.reset();
  muscle.physiological_cross_section_area = 1e-3;
  muscle.region = "arms";
  ModelMemory memory;
  memory.compile(good);
  for (const ModelSpec& spec : {bad, lost}) {
    const std::string without = error_of([&] { Model{spec}; });
    EXPECT_NE(without, "no error");
    EXPECT_EQ(error_of([&] { memory.compile(spec); }), without);
    EXPECT_EQ(forces(memory.compile(good)), forces(Model(good)));
  }
}

TEST(ModelMemory, forgets_what_was_long_ago) {
  ModelMemory memory;
  ModelSpec spec = tiny_model();
  const Model first = memory.compile(spec);
  EXPECT_GT(memory.structure_of(first), 0u);
  for (int i = 0; i < 20; ++i) {
    spec.bodies.find("thigh")->mass += 0.1;
    EXPECT_EQ(memory.compile(spec).data().mass, Model(spec).data().mass);
  }
  EXPECT_EQ(memory.structure_of(first), 0u);
  EXPECT_EQ(forces(first), forces(Model(tiny_model())));
}

TEST(MechanicalFields, are_fields_of_muscles_and_leave_what_paths_need) {
  std::vector<std::string> kept;
  int mechanical = 0;
  const MuscleSpec muscle;
  MuscleSpec::each(muscle, [&](const char* key, const auto&, const Info&) {
    if (is_mechanical(key))
      ++mechanical;
    else
      kept.emplace_back(key);
  });
  EXPECT_EQ(kept, (std::vector<std::string>{"path", "wraps", "fitted"}));
  EXPECT_EQ(mechanical, 18);
}

// ---- paths

void expect_same_paths(const Workspace& a, const Workspace& b) {
  EXPECT_EQ(a.length, b.length);
  EXPECT_EQ(a.speed, b.speed);
  EXPECT_EQ(a.arm, b.arm);
  EXPECT_EQ(a.drive, b.drive);
  EXPECT_EQ(a.inside, b.inside);
  ASSERT_EQ(a.wrench.size(), b.wrench.size());
  for (std::size_t i = 0; i < a.wrench.size(); ++i) EXPECT_EQ(a.wrench[i], b.wrench[i]);
}

TEST(KeptPaths, are_those_of_an_evaluation) {
  ModelSpec fitted = tiny_model();
  for (const Model& model : {Model::load(full_body), Model(tiny_model()), Model(fit_paths(fitted))}) {
    const Model weaker = model.with(scale("*", "max_isometric_force", 0.5));
    std::vector<double> q = model.data().default_coordinates, u(q.size(), 0.2), kept(kept_paths_size(model.data()));
    for (double& x : q) x += 0.01;
    Workspace whole(model), taken(weaker);
    evaluate(model, q, u, whole, Depth::velocity);
    exact_paths(model, whole);
    keep_paths(whole, kept);
    // a workspace that was elsewhere before
    evaluate(weaker, model.data().default_coordinates, u, taken, Depth::velocity);
    const std::size_t before = heap_allocations();
    take_paths(kept, taken);
    evaluate(weaker, q, u, taken, Depth::velocity);
    exact_paths(weaker, taken);
    EXPECT_EQ(heap_allocations(), before);
    expect_same_paths(taken, whole);

    // what was taken serves that posture alone
    q[0] += 0.02;
    take_paths(kept, taken);
    evaluate(weaker, q, u, taken, Depth::velocity);
    exact_paths(weaker, taken);
    Workspace other(weaker);
    evaluate(weaker, q, u, other, Depth::velocity);
    exact_paths(weaker, other);
    expect_same_paths(taken, other);
  }
}

}  // namespace
}  // namespace psoas::test
