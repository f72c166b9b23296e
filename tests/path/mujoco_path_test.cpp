// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Paths over spheres and cylinders against MuJoCo's tendons: lengths and every moment arm. Where MuJoCo says otherwise:
//  - It passes a surface on the side of a site, we on that of a direction or turning one way. Both lead the string round
//    where the line cuts the surface or passes on the wrong side; the site is put where our way leads.
//  - It lets a string that turns one way do so through more than half a turn; we let go of it. Such postures are left out,
//    as are those that evaluate_path() flags.
#if PSOAS_HAVE_MUJOCO

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "psoas/model/model.hpp"
#include "support/mujoco_paths.hpp"

namespace psoas::test {
namespace {

struct Worst {
  double length = 0.0, arm = 0.0;
  int compared = 0, touching = 0, flagged = 0;
};

/// Whether a string that turns would have to do so through more than half a turn on the surface: we let go of it.
bool turns_too_far(const Path& path, const std::vector<Pose>& X_GB) {
  for (const PathWrap& wrap : path.wraps)
    for (int k = wrap.first; k < wrap.last; ++k) {
      const auto* cylinder = std::get_if<Cylinder>(&wrap.shape);
      if (!cylinder || wrap.side.rule == Side::shortest || wrap.side.rule == Side::directed) continue;
      const Pose X_SG = (X_GB[at(wrap.body)] * wrap.X_BS).inverse();
      const PathPoint &from = path.points[at(k)], &to = path.points[at(k + 1)];
      const Vec3 p = X_SG * (X_GB[at(from.body)] * from.location), q = X_SG * (X_GB[at(to.body)] * to.location);
      const auto tangent = [&](const Vec3& x) {
        return std::acos(std::min(1.0, cylinder->radius / x.head<2>().norm()));
      };
      if (std::abs(*turn_about_z(p, q, wrap.side)) - tangent(p) - tangent(q) > pi) return true;
    }
  return false;
}

/// Compares all paths of a tree at coordinates q of it.
void compare(const Tree& tree, const std::vector<Path>& all, const MujocoPaths& paths, MujocoOracle& oracle,
             const std::vector<double>& q, Worst& worst) {
  TreeWork<double> work(tree);
  positions<double>(tree, q, work);
  paths.prescribe(work.X_GB, oracle.model());
  oracle.set(Eigen::Map<const VecX>(q.data(), tree.coordinates()), VecX::Zero(tree.coordinates()));
  mj_tendon(oracle.model(), oracle.data());
  for (std::size_t i = 0; i < paths.path.size(); ++i) {
    const Path& path = all[at(paths.path[i])];
    std::vector<Spatial> wrench(path.bodies.size());
    const PathValue<double> value = evaluate_path<double>(path, work.X_GB, q, wrench);
    if (value.inside || turns_too_far(path, work.X_GB)) {
      ++worst.flagged;
      continue;
    }
    ++worst.compared;
    worst.touching += value.touching > 0;
    const double length_error = std::abs(value.length - oracle.data()->ten_length[i]);
    EXPECT_LT(length_error, 1e-9) << "path " << paths.path[i] << ", touching " << value.touching;
    worst.length = std::max(worst.length, length_error);
    const VecX arms = oracle.moment_arms(static_cast<int>(i));
    for (int c = 0; c < tree.coordinates(); ++c) {
      const int first = tree.coordinate_body[at(c)], end = tree.bodies[at(first)].subtree_end;
      double arm = 0.0;
      for (std::size_t k = 0; k < path.bodies.size(); ++k)
        if (path.bodies[k] >= first && path.bodies[k] < end) arm += power<double>(wrench[k], work.motion[at(c)]);
      EXPECT_NEAR(arm, arms[c], 1e-7) << "path " << paths.path[i] << " over " << c;
      worst.arm = std::max(worst.arm, std::abs(arm - arms[c]));
    }
  }
}

/// The paths; those with several surfaces, which MuJoCo cannot have on one span, once over each of them alone.
std::vector<Path> over_one_surface(const std::vector<Path>& all) {
  std::vector<Path> out;
  for (const Path& path : all) {
    for (const PathWrap& wrap : path.wraps) {
      Path one = path;
      one.wraps = {wrap};
      one.finish();
      out.push_back(one);
    }
    if (path.wraps.empty()) out.push_back(path);
  }
  return out;
}

class PathMujoco : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(models, PathMujoco,
                         ::testing::Values("full_body", "iliopsoas", "tools/sources/lai_uhlrich_2022"),
                         [](const auto& model) { return model.param.substr(model.param.rfind('/') + 1); });

TEST_P(PathMujoco, LengthsAndMomentArmsOfAModel) {
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/" + GetParam() + ".json");
  const Tree tree = with_mass_everywhere(model.tree());
  const std::vector<Path> all = over_one_surface(model.data().paths);
  const MujocoPaths paths(tree, all);
  EXPECT_TRUE(paths.left_out.empty());
  MujocoOracle oracle(tree, model.spec().gravity, paths.more);
  Random random(21);
  Workspace work(model);
  Worst worst;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> q;
    for (int c = 0; c < model.coordinates(); ++c) {
      const auto range = model.spec().coordinates.find(model.data().coordinate_names[at(c)])->range;
      q.push_back(random.uniform(std::max(range[0], -2.1), std::min(range[1], 2.4)));
    }
    couple(model, q, q, work);
    compare(tree, all, paths, oracle, work.q, worst);
  }
  EXPECT_LT(worst.flagged, worst.compared / 5);
  EXPECT_GT(worst.touching, worst.compared / 20);
  RecordProperty("worst_length", std::to_string(worst.length * 1e12) + "e-12");
  RecordProperty("worst_arm", std::to_string(worst.arm * 1e12) + "e-12");
  RecordProperty("touching", worst.touching);
  RecordProperty("flagged", worst.flagged);
}

/// A path over spheres and cylinders of every side on random trees.
TEST(PathMujoco, RandomSpheresAndCylinders) {
  Random random(22);
  Worst worst;
  for (int trial = 0; trial < 70; ++trial) {
    const Tree tree = with_mass_everywhere(random_tree(random, 6, Functions::identity));
    const int bodies = static_cast<int>(tree.bodies.size());
    std::vector<Path> all;
    for (int i = 0; i < 20; ++i) {
      Path path;
      const int points = 2 + random.integer(3);
      for (int k = 0; k < points; ++k) path.points.push_back({random.integer(bodies), random.vec3(0.4)});
      const int first = random.integer(points - 1);
      PathWrap wrap{random.integer(bodies), random.pose(0.2), Sphere{random.uniform(0.05, 0.25)}, first, first + 1};
      // a sphere holds no string on a long way round: none but the shortest
      if (random.integer(2)) {
        wrap.shape = Cylinder{random.uniform(0.05, 0.25)};
        const int rule = random.integer(7);
        wrap.side = rule < 3 ? Side(static_cast<Side::Rule>(rule)) : Side::toward(random.vec3(1.0));
      }
      path.wraps.push_back(wrap);
      path.finish();
      all.push_back(path);
    }
    const MujocoPaths paths(tree, all);
    MujocoOracle oracle(tree, Vec3(0, -9.81, 0), paths.more);
    for (int pose = 0; pose < 10; ++pose) {
      const VecX q = random.vector(tree.coordinates(), 1.5);
      compare(tree, all, paths, oracle, {q.begin(), q.end()}, worst);
    }
  }
  EXPECT_GT(worst.touching, 2000);
  RecordProperty("worst_length", std::to_string(worst.length * 1e12) + "e-12");
  RecordProperty("worst_arm", std::to_string(worst.arm * 1e12) + "e-12");
  RecordProperty("compared", worst.compared);
  RecordProperty("touching", worst.touching);
}

}  // namespace
}  // namespace psoas::test

#endif
