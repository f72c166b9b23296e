// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/io/file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "support/errors.hpp"
#include "support/no_rights.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::NoRights;
using test::TempFolder;
using Names = std::set<std::string>;

/// Files may not grow above this size while it lives, and the signal for it is ignored as programs that write to full
/// disks do.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(ReadFile, GivesAllBytes) {
  TempFolder folder;
  const std::string bytes("a\0b\r\n\xff", 6);
  EXPECT_EQ(read_file(folder.write("x", bytes)), bytes);
  EXPECT_EQ(read_file(folder.write("empty", "")), "");
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(read_file(folder.write("large", large)), large);
}

TEST(ReadFile, NamesWhatItCannotRead) {
  TempFolder folder;
  EXPECT_EQ(error_of([&] { read_file(folder / "none.mot"); }),
            folder / "none.mot" + ": expected a file, found none of this name");
  EXPECT_EQ(error_of([&] { read_file(folder.path().string()); }),
            folder.path().string() + ": expected a file, found a folder");
  EXPECT_EQ(error_of([&] { read_file(""); }), "expected a file name, found an empty one");
  EXPECT_EQ(error_of([&] { read_file(std::string("a\0b", 3)); }),
            "a: expected a file name, found one with a zero byte");
  const std::string under_file = folder.write("x", "") + "/y";
  EXPECT_EQ(error_of([&] { read_file(under_file); }), under_file + ": cannot be read: Not a directory");
  EXPECT_EQ(test::place_of([&] { read_file(folder / "none"); }).first, "io");
}

TEST(ReadFile, NamesAFileWithoutPermission) {
  const NoRights nobody;
  TempFolder folder;
  const std::string path = folder.write("secret", "x");
  ::chmod(path.c_str(), 0);
  EXPECT_EQ(error_of([&] { read_file(path); }), path + ": cannot be read: Permission denied");
}

TEST(ReadFile, StopsAtTheLimit) {
  TempFolder folder;
  const std::string ten = folder.write("ten", "0123456789");
  EXPECT_EQ(read_file(ten, 10).size(), 10u);
  EXPECT_EQ(error_of([&] { read_file(ten, 9); }), ten + ": expected at most 9 bytes, found more");
  EXPECT_EQ(error_of([&] { read_file("/dev/zero", 100000); }), "/dev/zero: expected at most 100000 bytes, found more");
  fs::resize_file(ten, largest_file + 1);  // sparse: takes no space
  EXPECT_EQ(error_of([&] { read_file(ten); }), ten + ": expected at most 268435456 bytes, found more");
}

TEST(ReadFile, ReadsAPipeToItsEnd) {
  TempFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string bytes(300'000, 'p');
  std::thread writer([&] { std::ofstream(pipe) << bytes; });
  EXPECT_EQ(read_file(pipe), bytes);
  writer.join();
}

TEST(WriteFiles, WritesAndReplaces) {
  TempFolder folder;
  write_file_atomically(folder / "a.csv", "one");
  write_file_atomically(folder / "a.csv", "two");
  EXPECT_EQ(folder.read("a.csv"), "two");
  write_files({{folder / "a.csv", "three"}, {folder / "b.csv", ""}, {folder / "new/deep/c.csv", "four"}});
  EXPECT_EQ(folder.read("a.csv"), "three");
  EXPECT_EQ(folder.read("new/deep/c.csv"), "four");
  EXPECT_EQ(folder.names(), (Names{"a.csv", "b.csv", "new", "new/deep", "new/deep/c.csv"}));
  write_files({});
}

TEST(WriteFiles, KeepsLinksAndPermissions) {
  TempFolder folder;
  const std::string target = folder.write("target", "old");
  ::chmod(target.c_str(), 0640);
  fs::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_EQ(folder.read("target"), "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(fs::status(target).permissions(), fs::perms(0640));
}

TEST(WriteFiles, WritesInTheCurrentFolderAndNamesOfFullLength) {
  TempFolder folder;
  const std::string longest(255, 'n');
  write_file_atomically(folder / longest, "x");
  EXPECT_EQ(folder.read(longest), "x");
  const std::string too_long(256, 'n');
  EXPECT_EQ(error_of([&] { write_file_atomically(folder / too_long, "x"); }),
            folder / too_long + ": cannot be written: File name too long");
  EXPECT_EQ(folder.names(), Names{longest});
}

TEST(WriteFiles, AllOrNone) {
  TempFolder folder;
  folder.write("a", "old");
  fs::create_directory(folder / "folder");
  const std::string bad = folder / "folder";
  EXPECT_EQ(error_of([&] {
              write_files({{folder / "a", "new"}, {folder / "x/y/z", "new"}, {bad, "new"}});
            }),
            bad + ": expected a file to write, found a folder");
  EXPECT_EQ(error_of([&] {
              write_files({{folder / "a", "new"}, {folder / "a/b", "new"}});
            }),
            folder / "a/b" + ": cannot make the folder " + (folder / "a") + ": File exists");
  EXPECT_EQ(error_of([&] {
              write_files({{folder / "a", "new"}, {folder / "folder/", "new"}});
            }),
            folder / "folder/" + ": expected a file to write, found a folder");
  EXPECT_EQ(folder.read("a"), "old");
  EXPECT_EQ(folder.names(), (Names{"a", "folder"}));
  EXPECT_EQ(error_of([] { write_file_atomically("", "x"); }), "expected a file name, found an empty one");
  EXPECT_EQ(test::place_of([&] { write_file_atomically(bad, "x"); }), std::pair(std::string("io"), bad));
}

TEST(WriteFiles, ALateFailureTakesEarlierFilesBack) {
  // q is free when it is looked at, but the folder of the third file takes the name before the renaming.
  TempFolder folder;
  folder.write("a", "old");
  EXPECT_EQ(
      error_of([&] {
        write_files({{folder / "a", "new"}, {folder / "n", "new"}, {folder / "q", "new"}, {folder / "q/b", "new"}});
      }),
      folder / "q" + ": cannot be written: Is a directory");
  EXPECT_EQ(folder.read("a"), "old");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(WriteFiles, AFullDiskLeavesEverythingAsItWas) {
  TempFolder folder;
  folder.write("small", "old");
  const std::string large(100'000, 'x');
  {
    const FileSizeLimit limit(50'000);
    EXPECT_EQ(error_of([&] {
                write_files({{folder / "small", "new"}, {folder / "sub/large", large}});
              }),
              folder / "sub/large" + ": cannot be written: File too large");
  }
  EXPECT_EQ(folder.read("small"), "old");
  EXPECT_EQ(folder.names(), Names{"small"});
}

TEST(WriteFiles, ADeviceIsWrittenDirectly) {
  TempFolder folder;
  folder.write("a", "old");
  EXPECT_EQ(error_of([&] { write_file_atomically("/dev/full", "x"); }),
            "/dev/full: cannot be written: No space left on device");
  EXPECT_EQ(error_of([&] {
              write_files({{folder / "a", "new"}, {folder / "b", "new"}, {"/dev/full", "x"}});
            }),
            "/dev/full: cannot be written: No space left on device");
  EXPECT_EQ(folder.read("a"), "old");
  EXPECT_EQ(folder.names(), Names{"a"});
  write_files({{folder / "a", "new"}, {"/dev/null", "x"}});
  EXPECT_EQ(folder.read("a"), "new");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(WriteFiles, AFolderOrFileWithoutPermissionIsNamed) {
  const NoRights nobody;
  TempFolder folder;
  fs::create_directory(folder / "closed");
  const std::string fixed = folder.write("fixed", "old");
  ::chmod((folder / "closed").c_str(), 0500);
  ::chmod(fixed.c_str(), 0400);
  EXPECT_EQ(error_of([&] { write_file_atomically(folder / "closed/a", "x"); }),
            folder / "closed/a" + ": cannot be written: Permission denied");
  EXPECT_EQ(error_of([&] { write_file_atomically(fixed, "x"); }), fixed + ": cannot be written: Permission denied");
  ::chmod((folder / "closed").c_str(), 0700);
}

TEST(WriteFiles, ManyThreadsInOneFolder) {
  TempFolder folder;
  std::vector<std::thread> threads;
  for (int k = 0; k < 8; ++k)
    threads.emplace_back([&, k] {
      for (int i = 0; i < 20; ++i)
        write_file_atomically(folder / ("f" + std::to_string(k % 4)), std::string(1000, 'a'));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(folder.names(), (Names{"f0", "f1", "f2", "f3"}));
  EXPECT_EQ(folder.read("f3"), std::string(1000, 'a'));
}

}  // namespace
}  // namespace psoas
