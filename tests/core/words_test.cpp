// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/words.hpp"

#include <gtest/gtest.h>

namespace psoas {
namespace {

TEST(Utf8, FaultIsTheFirstByteThatIsNone) {
  EXPECT_EQ(utf8_fault(""), std::string::npos);
  EXPECT_EQ(utf8_fault("Körper \xe2\x82\xac \xf0\x9f\xa6\xb5"), std::string::npos);
  EXPECT_EQ(utf8_fault("ab\xff"), 2u);
  EXPECT_EQ(utf8_fault("a\xc0\xaf"), 1u) << "overlong";
  EXPECT_EQ(utf8_fault("\xe0\x80\xaf"), 0u) << "overlong";
  EXPECT_EQ(utf8_fault("\xed\xa0\x80"), 0u) << "a surrogate";
  EXPECT_EQ(utf8_fault("\xf4\x90\x80\x80"), 0u) << "above U+10FFFF";
  EXPECT_EQ(utf8_fault("a\xe2\x82"), 1u) << "cut short";
}

TEST(Excerpt, ShowsTheStartOfAnything) {
  EXPECT_EQ(excerpt("psoas"), "psoas");
  EXPECT_EQ(in_quotes("a\tb\x7f"), "\"a\\x09b\\x7f\"");
  EXPECT_EQ(excerpt("K\xf6rper"), "K\\xf6rper");
  EXPECT_EQ(excerpt("Körper"), "Körper");
  EXPECT_EQ(excerpt(std::string(60, 'a')), std::string(60, 'a'));
  EXPECT_EQ(excerpt(std::string(61, 'a')), std::string(60, 'a') + "…");
  EXPECT_EQ(excerpt(std::string(59, 'a') + "öö"), std::string(59, 'a') + "ö…") << "no half character";
  EXPECT_LT(excerpt(std::string(1000, '\n')).size(), 70u);
}

TEST(Names, ArePartsOfSelectionsAndOutputs) {
  for (const char* good : {"psoas_L2_TP_r", "Größe", "a b", "a.b:c", "group", "1"}) EXPECT_EQ(name_fault(good), "");
  EXPECT_EQ(name_fault(""), "expected a name, found an empty one");
  EXPECT_EQ(name_fault("a/b"), "expected a name without / * ?, found \"a/b\"");
  EXPECT_EQ(name_fault("a*"), "expected a name without / * ?, found \"a*\"");
  EXPECT_EQ(name_fault("a?"), "expected a name without / * ?, found \"a?\"");
  EXPECT_EQ(name_fault(" a"), "expected a name without spaces at its ends, found \" a\"");
  EXPECT_EQ(name_fault("a "), "expected a name without spaces at its ends, found \"a \"");
  EXPECT_EQ(name_fault("a\nb"), "expected a name without control characters, found \"a\\x0ab\"");
  EXPECT_EQ(name_fault("group:a"), "expected a name that does not start with group:, found \"group:a\"");
}

TEST(Pointer, EscapesItsKeys) {
  EXPECT_EQ(below("", "muscles"), "/muscles");
  EXPECT_EQ(below("/a", "b/c~d"), "/a/b~1c~0d");
}

TEST(NearestWord, IsNamedWhereOneIsNear) {
  EXPECT_EQ(did_you_mean("psoas_l", {"iliacus_r", "psoas_r"}), ", did you mean \"psoas_r\"?");
  EXPECT_EQ(did_you_mean("knee", {"iliacus_r", "psoas_r"}), "");
}

}  // namespace
}  // namespace psoas
