// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/dual.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace psoas {
namespace {

using D = Dual<4>;

struct Operation {
  std::string name;
  std::function<D(D, D)> dual;
  double x, y;
};

std::vector<Operation> operations() {
  return {{"sum", [](D x, D y) { return x + y; }, 0.7, -1.3},
          {"difference", [](D x, D y) { return x - y; }, 0.7, -1.3},
          {"product", [](D x, D y) { return x * y; }, 0.7, -1.3},
          {"quotient", [](D x, D y) { return x / y; }, 0.7, -1.3},
          {"minus", [](D x, D) { return -x; }, 0.7, 0.0},
          {"plus", [](D x, D) { return +x; }, 0.7, 0.0},
          {"with numbers", [](D x, D y) { return 2.0 * x - y / 3.0 + 1.0 / x; }, 0.7, -1.3},
          {"in place",
           [](D x, D y) {
             D z = x;
             z += y, z *= x, z -= 2.0, z /= y;
             return z;
           },
           0.7, -1.3},
          {"sqrt", [](D x, D) { return sqrt(x); }, 0.7, 0.0},
          {"exp", [](D x, D) { return exp(x); }, 0.7, 0.0},
          {"log", [](D x, D) { return log(x); }, 0.7, 0.0},
          {"sin", [](D x, D) { return sin(x); }, 0.7, 0.0},
          {"cos", [](D x, D) { return cos(x); }, 0.7, 0.0},
          {"tan", [](D x, D) { return tan(x); }, 0.7, 0.0},
          {"asin", [](D x, D) { return asin(x); }, 0.7, 0.0},
          {"acos", [](D x, D) { return acos(x); }, 0.7, 0.0},
          {"atan", [](D x, D) { return atan(x); }, 0.7, 0.0},
          {"atan2 first quadrant", [](D x, D y) { return atan2(y, x); }, 0.7, 0.4},
          {"atan2 third quadrant", [](D x, D y) { return atan2(y, x); }, -0.7, -0.4},
          {"tanh", [](D x, D) { return tanh(x); }, 0.7, 0.0},
          {"abs below zero", [](D x, D) { return abs(x); }, -0.7, 0.0},
          {"abs above zero", [](D x, D) { return abs(x); }, 0.7, 0.0},
          {"pow", [](D x, D) { return pow(x, 2.5); }, 0.7, 0.0}};
}

TEST(Dual, DerivativesAreCentralDifferences) {
  const double h = 1e-6;  // truncation h^2 f'''/6 and rounding 1e-16/h are both about 1e-10
  for (const Operation& op : operations()) {
    const D exact = op.dual(D(op.x, 0), D(op.y, 2));
    const auto f = [&](double x, double y) { return op.dual(x, y).a; };
    EXPECT_EQ(exact.a, f(op.x, op.y)) << op.name;
    EXPECT_NEAR(exact.v[0], (f(op.x + h, op.y) - f(op.x - h, op.y)) / (2 * h), 2e-9) << op.name;
    EXPECT_NEAR(exact.v[2], (f(op.x, op.y + h) - f(op.x, op.y - h)) / (2 * h), 2e-9) << op.name;
    EXPECT_EQ(exact.v[1], 0.0) << op.name;
    EXPECT_EQ(exact.v[3], 0.0) << op.name;
  }
}

TEST(Dual, IdentitiesHoldInValueAndDerivative) {
  for (const double at : {-2.1, -0.4, 0.3, 1.9}) {
    const D x(at, 1);
    const D one = sin(x) * sin(x) + cos(x) * cos(x), same = log(exp(x)), ratio = tan(x) - sin(x) / cos(x);
    EXPECT_NEAR(one.a, 1.0, 1e-15);
    EXPECT_NEAR(one.v[1], 0.0, 1e-15);
    EXPECT_NEAR(same.v[1], 1.0, 1e-15);
    EXPECT_NEAR(ratio.v[1], 0.0, 1e-13);
  }
}

TEST(Dual, ComparesByValueAlone) {
  const D a(1.0, 0), b(1.0, 3);
  EXPECT_TRUE(a == b && a <= b && a >= b && !(a < b) && !(a > b) && !(a != b));
  EXPECT_TRUE(D(0.5) < a && a > 0.5 && 0.5 < a);
  EXPECT_EQ(value_of(a), 1.0);
  EXPECT_EQ(value_of(3.5), 3.5);
}

TEST(Dual, PowerZeroIsOneAndLevelEvenAtZero) {
  const D one = pow(D(0.0, 0), 0.0);
  EXPECT_EQ(one.a, 1.0);
  EXPECT_EQ(one.v[0], 0.0);
  EXPECT_EQ(pow(D(0.0, 0), 1.0).v[0], 1.0);
}

TEST(Dual, TravelsThroughMatrices) {
  Mat3T<D> R = Mat3T<D>::Identity();
  R(0, 1) = D(0.3, 0);
  const Vec3T<D> p(D(1.0), D(2.0, 1), D(3.0));
  const Vec3T<D> q = R * p;
  EXPECT_DOUBLE_EQ(q[0].a, 1.6);
  EXPECT_DOUBLE_EQ(q[0].v[0], 2.0);
  EXPECT_DOUBLE_EQ(q[0].v[1], 0.3);
  const D length = p.norm();
  EXPECT_DOUBLE_EQ(length.v[1], 2.0 / std::sqrt(14.0));
  EXPECT_DOUBLE_EQ((Vec3(1, 0, 0).cast<D>().cross(p))[2].v[1], 1.0);
  EXPECT_DOUBLE_EQ((2.0 * q)[0].v[0], 4.0);
}

}  // namespace
}  // namespace psoas
