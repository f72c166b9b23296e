// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What every kind of joint, function, surface, curve and passive element owes: a new one is tested by being listed.
#include "support/kinds.hpp"

#include <gtest/gtest.h>

#include "model/json_walk.hpp"
#include "model/tiny.hpp"

namespace psoas {
namespace {

using test::contents;

template <class... Variants>
struct All;
template <class... A, class... B, class... Rest>
struct All<std::variant<A...>, std::variant<B...>, Rest...> : All<std::variant<A..., B...>, Rest...> {};
template <class... A>
struct All<std::variant<A...>> {
  using type = std::variant<A...>;
};
using EveryKind = All<Joint, Function, Surface, Curve, Passive>::type;

/// Gives a field that must be given a value inside its range.
template <class T>
void fill(T& field, const Info& info) {
  if constexpr (std::is_same_v<T, double>) {
    if (is_missing(field))
      field = info.low > -inf && info.high < inf ? 0.25 * info.low + 0.75 * info.high : std::max(info.low, 1.0);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (is_missing(field)) field = info.choices.empty() ? "some_name" : split_words(info.choices).front();
  } else if constexpr (std::is_same_v<T, Vec3>) {
    for (Eigen::Index i = 0; i < 3; ++i) fill(field[i], info);
  } else if constexpr (std::is_same_v<T, std::vector<double>>) {
    field = {-1.0, 0.5, 2.0};
  } else if constexpr (std::is_same_v<T, std::vector<Function>>) {
    field = {Linear{2.0, 0.1}, Constant{0.3}, Polynomial{{0.0, 1.0, 0.5}}};
  } else if constexpr (std::is_same_v<T, std::vector<PointSpec>>) {
    field.resize(2);
    for (PointSpec& point : field) point.body = "some_body", point.location = Vec3(0.1, 0.2, 0.3);
  } else if constexpr (std::is_same_v<T, std::vector<WrapSpec>>) {
    field.resize(1);
    field.front().surface = "some_surface";
  } else if constexpr (std::is_same_v<T, std::vector<AxisSpec>>) {
    field = {{Vec3(1, 0, 0), "some_name", Linear{2.0, 0.1}}, {Vec3(0, 0, 1), {}, Constant{0.3}}};
  }
}

template <class K>
K example() {
  K kind;
  K::each(kind, [](const char* key, auto& field, const Info& info) {
    fill(field, info);
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, std::string>)
      if (field == "some_name") field = std::string("some_") + key;  // coordinates of a joint must differ
  });
  if constexpr (std::is_same_v<K, Torus>) kind.tube_radius = 0.5 * kind.radius;  // a ring with a hole
  if constexpr (std::is_same_v<K, FrameBushing>) {                               // a matrix that may be one
    kind.matrix.assign(36, 0.0);
    for (std::size_t i = 0; i < 6; ++i) kind.matrix[7 * i] = 3.0;
  }
  return kind;
}

/// What reading a kind's value finds wrong, as lines "pointer: text".
template <class K>
std::string problems_of(const json& value, K& kind) {
  Walk walk;
  std::variant<K> holder;
  walk.into(holder, json{{std::string(K::name), value}}, "", {});
  kind = std::get<K>(holder);
  std::string text;
  for (const Problem& problem : walk.problems)
    text += (text.empty() ? "" : "\n") + problem.pointer + ": " + problem.text;
  return text;
}
template <class K>
std::string problems_of(const json& value) {
  K kind;
  return problems_of(value, kind);
}

template <class K>
class KindLaws : public ::testing::Test {
 public:
  const std::string at = "/" + std::string(K::name);
  const K kind = example<K>();
  const json written = to_json_value(kind);
};
TYPED_TEST_SUITE(KindLaws, test::Kinds<EveryKind>::types, test::Kinds<EveryKind>::Name);

TYPED_TEST(KindLaws, ReadsBackTheSame) {
  TypeParam again;
  EXPECT_EQ(problems_of(this->written, again), "");
  EXPECT_EQ(contents(again), contents(this->kind));
}

TYPED_TEST(KindLaws, TakesItsDefaults) {
  // what has a default may be left out
  json bare = json::object();
  const TypeParam plain;
  TypeParam expected = this->kind;
  TypeParam::each(expected, [&](const char* key, auto& field, const Info&) {
    TypeParam::each(plain, [&](const char* other, const auto& value, const Info&) {
      using F = std::decay_t<decltype(field)>;
      if constexpr (std::is_same_v<F, std::decay_t<decltype(value)>>)
        if (std::string_view(key) == other) {
          if (is_missing(value) || VectorOf<F>::value)
            bare[key] = this->written[key];
          else
            field = value;
        }
    });
  });
  TypeParam read;
  EXPECT_EQ(problems_of(bare, read), "");
  EXPECT_EQ(contents(read), contents(expected));
}

TYPED_TEST(KindLaws, SaysWhatIsMissing) {
  const TypeParam plain;
  TypeParam::each(plain, [&](const char* key, const auto& field, const Info&) {
    if (!is_missing(field)) return;
    json without = this->written;
    without.erase(key);
    EXPECT_EQ(problems_of<TypeParam>(without).find(this->at + ": missing \"" + key + "\""), 0u)
        << problems_of<TypeParam>(without);
  });
}

TYPED_TEST(KindLaws, HoldsNumbersToTheirRanges) {
  TypeParam::each(this->kind, [&](const char* key, const auto& field, const Info& info) {
    using F = std::decay_t<decltype(field)>;
    for (const double bad : {info.low - 1.0, info.high + 1.0}) {
      if (!std::isfinite(bad)) continue;
      json spoilt = this->written;
      std::string place = this->at + "/" + key;
      if constexpr (std::is_same_v<F, double>)
        spoilt[key] = bad;
      else if constexpr (std::is_same_v<F, Vec3>)
        spoilt[key][2] = bad, place += "/2";
      else
        continue;
      const std::string text = problems_of<TypeParam>(spoilt);
      EXPECT_EQ(text.find(place + ": expected a number [" + std::string(info.unit) + "] from "), 0u) << text;
      EXPECT_NE(text.find(", found " + shortest_text(bad)), std::string::npos) << text;
      EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    }
  });
}

TYPED_TEST(KindLaws, SuggestsTheNearestKey) {
  TypeParam::each(this->kind, [&](const char* key, const auto&, const Info&) {
    const std::string typo = std::string(key) + "q";  // with an x, "ty" would be as near to "tx"
    json spoilt = this->written;
    spoilt[typo] = 1;
    const std::string text = problems_of<TypeParam>(spoilt);
    EXPECT_EQ(text.find(this->at + "/" + typo + ": unknown key"), 0u) << text;
    if (std::string_view(key).size() > 1) {
      EXPECT_NE(text.find("did you mean \"" + std::string(key) + "\"?"), std::string::npos) << text;
    }
  });
}

TYPED_TEST(KindLaws, RefusesOtherTypes) {
  TypeParam::each(this->kind, [&](const char* key, const auto& field, const Info&) {
    for (const json& bad : {json(), json(true), json::object({{"no", 1}}), json("\x02")}) {
      if (Fields<std::decay_t<decltype(field)>> && bad.is_object()) continue;  // the right type
      json spoilt = this->written;
      const bool text_for_text = bad.is_string() && spoilt[key].is_string();
      spoilt[key] = bad;
      if (text_for_text) continue;
      const std::string text = problems_of<TypeParam>(spoilt);
      EXPECT_EQ(text.find(this->at + "/" + key + ": expected "), 0u) << bad << " " << text;
    }
  });
  EXPECT_EQ(problems_of<TypeParam>(json()).find(this->at + ": expected an object"), 0u);
  EXPECT_EQ(problems_of<TypeParam>(json(3)).find(this->at + ": expected an object"), 0u);
}

TYPED_TEST(KindLaws, SchemaTellsTheSame) {
  const json schema = schema_of(this->kind);
  TypeParam::each(this->kind, [&](const char* key, const auto& field, const Info& info) {
    ASSERT_TRUE(schema["properties"].contains(key));
    const json& one = schema["properties"][key];
    EXPECT_EQ(one["description"], info.help);
    if (std::is_same_v<std::decay_t<decltype(field)>, double> && info.low > -inf) {
      EXPECT_EQ(one["minimum"], info.low);
    }
  });
  const TypeParam plain;
  const json bare = schema_of(plain);
  TypeParam::each(plain, [&](const char* key, const auto& field, const Info&) {
    const bool listed = bare.contains("required") &&
                        std::find(bare["required"].begin(), bare["required"].end(), key) != bare["required"].end();
    EXPECT_EQ(listed, is_missing(field)) << key;
  });
}

TYPED_TEST(KindLaws, HasNameAndHelp) {
  EXPECT_FALSE(TypeParam::name.empty());
  EXPECT_FALSE(TypeParam::help.empty());
  EXPECT_EQ(TypeParam::name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"), std::string_view::npos);
}

// ---- the object that names a kind ----

std::string read_shape(const std::string& text) {
  Walk walk;
  Surface shape = Cylinder{0.1};
  walk.into(shape, json::parse(text), "/shape", {});
  std::string out;
  for (const Problem& problem : walk.problems) out += problem.pointer + ": " + problem.text + "\n";
  return out;
}

TEST(KindObject, NamesOneKind) {
  EXPECT_EQ(read_shape(R"({"sphere": {"radius": 1}})"), "");
  EXPECT_EQ(read_shape(R"({"note": "a ball", "sphere": {"radius": 1}})"), "");
  EXPECT_EQ(
      read_shape(R"({"spere": {"radius": 1}})"),
      "/shape/spere: expected one of cylinder, sphere, ellipsoid, torus, found \"spere\", did you mean \"sphere\"?\n");
  const std::string expected =
      "/shape: expected an object with one member that names the kind (cylinder, sphere, ellipsoid, torus), found ";
  EXPECT_EQ(read_shape("{}"), expected + "an object\n");
  EXPECT_EQ(read_shape("\"sphere\""), expected + "\"sphere\"\n");
  EXPECT_EQ(read_shape("null"), expected + "null\n");
  EXPECT_EQ(read_shape(R"({"sphere": {"radius": 1}, "cylinder": {"radius": 1}})"),
            "/shape: expected one member that names the kind (cylinder, sphere, ellipsoid, torus), found an object\n");
}

TEST(KindObject, RulesAcrossFields) {
  const auto fault = [](auto kind) { return kind.fault(); };
  for (const Vec3& axis : {Vec3(0, 0, 0), Vec3(1e200, 0, 1e200), Vec3(0, 1e-9, 0), Vec3(inf, 0, 0)}) {
    EXPECT_EQ(fault(Pin{"a", axis}), direction_rule);
    EXPECT_EQ(fault(Slide{"a", axis}), direction_rule);
    EXPECT_EQ((AxisSpec{axis, "a", Linear{}}.fault()), direction_rule);
  }
  EXPECT_EQ(fault(AxisSpec{Vec3(0, 0, 1), {}, Linear{}}), "expected a \"coordinate\" for this function");
  EXPECT_EQ(fault(AxisSpec{Vec3(0, 0, 1), {}, Constant{1}}), "");
  Custom custom;
  custom.rotations.resize(4, {Vec3(0, 0, 1), {}, Constant{0}});
  EXPECT_EQ(fault(custom), "expected at most three translations and three rotations");
  EXPECT_NE(fault(Spline{{0, 1}, {0}}), "");
  EXPECT_NE(fault(Spline{{0, 0}, {0, 1}}), "");
  EXPECT_NE(fault(Spline{{0}, {0}}), "");
}

TEST(AngleThatLooksLikeDegrees, IsPointedOut) {
  const std::string text = test::replaced(test::tiny_text, "\"pennation\": 0.1", "\"pennation\": 12");
  try {
    parse_model("a.json", text);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "a.json:41: /muscles/psoas_r/pennation: expected a number [rad] from 0 to 1.4 (pennation angle at "
                 "optimal fibre length), "
                 "found 12; angles are in radians here");
  }
}

}  // namespace
}  // namespace psoas
