// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Root may read and write everything; a test of missing rights gives them up for a while.
//   const NoRights nobody;   ::chmod(path, 0);   EXPECT_EQ(error_of([&] { read_file(path); }), …);
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

namespace psoas::test {

/// While this lives, the process acts as the user nobody if it was started as root.
class NoRights {
 public:
  NoRights() : before_(::geteuid()) {
    if (before_ == 0 && ::seteuid(65534) != 0) ADD_FAILURE() << "cannot give up root's rights";
  }
  ~NoRights() {
    if (before_ == 0 && ::seteuid(0) != 0) ADD_FAILURE() << "cannot take root's rights back";
  }
  NoRights(const NoRights&) = delete;
  NoRights& operator=(const NoRights&) = delete;

 private:
  uid_t before_;
};

}  // namespace psoas::test
