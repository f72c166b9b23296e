// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "psoas/core/error.hpp"

namespace psoas {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, const std::string& what, int error) {
  throw Error(Kind::io, path, what + ": " + std::generic_category().message(error));
}

void check_name(const std::string& path) {
  if (path.empty()) throw Error(Kind::io, "", "expected a file name, found an empty one");
  if (path.find('\0') != std::string::npos)
    throw Error(Kind::io, path.substr(0, path.find('\0')), "expected a file name, found one with a zero byte");
}

/// An open file that is closed on the way out.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

  /// Closes and gives the error number, as some file systems tell of a failed write only here.
  int close() {
    const int result = ::close(number_);
    number_ = -1;
    return result == 0 || errno == EINTR ? 0 : errno;
  }

 private:
  int number_;
};

/// Writes everything; `path` is what messages name.
void write_some(const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path, "cannot be written", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Writes everything and closes.
void write_all(Descriptor& file, std::string_view bytes, const std::string& path) {
  write_some(file, bytes, path);
  if (const int error = file.close()) fail(path, "cannot be written", error);
}

/// What was made and has to go again unless all went well.
struct Unfinished {
  std::vector<fs::path> files, folders;

  /// The file has got another name, and this one may already belong to somebody else.
  void forget(const fs::path& file) { std::erase(files, file); }

  ~Unfinished() {
    std::error_code ignored;
    for (const fs::path& file : files) fs::remove(file, ignored);
    for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) fs::remove(*folder, ignored);
  }
};

/// Makes the folder and those above it that are missing.
void make_folder(const fs::path& folder, const std::string& path, Unfinished& unfinished) {
  std::error_code error;
  if (folder.empty() || fs::is_directory(folder, error)) return;
  make_folder(folder.parent_path(), path, unfinished);
  unfinished.folders.reserve(unfinished.folders.size() + 1);
  if (fs::create_directory(folder, error))
    unfinished.folders.push_back(folder);
  else if (!fs::is_directory(folder))
    fail(path, "cannot make the folder " + folder.string(), error ? error.value() : ENOTDIR);
}

/// A name in the folder that no file has; short, so that it fits wherever the file's own name fits.
fs::path unused_name(const fs::path& folder, int attempt) {
  return folder / (".psoas-" + std::to_string(::getpid()) + "-" + std::to_string(attempt) + ".tmp");
}

/// Opens a new file beside the target.
int open_temporary(const fs::path& folder, const std::string& path, Unfinished& unfinished) {
  for (int attempt = 0;; ++attempt) {
    const fs::path name = unused_name(folder, attempt);
    unfinished.files.reserve(unfinished.files.size() + 1);
    const int number = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (number >= 0) {
      unfinished.files.push_back(name);
      return number;
    }
    if ((errno != EEXIST && errno != EINTR) || attempt > 100000) fail(path, "cannot be written", errno);
  }
}

/// A second name for the file that is about to be replaced, or an empty path where the file system has no such thing.
fs::path keep(const fs::path& target, Unfinished& unfinished) {
  for (int attempt = 0; attempt <= 100000; ++attempt) {
    const fs::path name = unused_name(target.parent_path(), attempt);
    std::error_code error;
    unfinished.files.reserve(unfinished.files.size() + 1);
    fs::create_hard_link(target, name, error);
    if (!error) {
      unfinished.files.push_back(name);
      return name;
    }
    if (error != std::errc::file_exists) break;
  }
  return {};
}

/// Where a file goes.
struct Place {
  fs::path target, temporary{};  // no temporary: a device or pipe, written directly
  fs::path old{};
  bool existed = false, renamed = false;
};

struct Prepared {
  Place place;
  Descriptor temporary;
};

/// Checks that a file can be written, and opens a temporary one beside it.
Prepared prepare(const std::string& path, Unfinished& unfinished) {
  check_name(path);
  Place place{path};
  std::error_code error;
  const fs::file_status status = fs::status(place.target, error);
  if (status.type() == fs::file_type::directory || place.target.filename().empty())
    throw Error(Kind::io, path, "expected a file to write, found a folder");
  if (error && status.type() == fs::file_type::none) fail(path, "cannot be written", error.value());
  place.existed = status.type() == fs::file_type::regular;
  if (!place.existed && status.type() != fs::file_type::not_found) return {place, Descriptor(-1)};
  if (place.existed) {
    if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) fail(path, "cannot be written", errno);
    place.target = fs::canonical(place.target, error);  // a link stays a link, what it points to is replaced
    if (error) fail(path, "cannot be written", error.value());
  }
  make_folder(place.target.parent_path(), path, unfinished);
  const int temporary = open_temporary(place.target.parent_path(), path, unfinished);
  place.temporary = unfinished.files.back();
  if (place.existed) fs::permissions(place.temporary, status.permissions(), error);
  return {place, Descriptor(temporary)};
}

/// The one renaming of a single file.
void rename_one(const Place& place, const std::string& path, Unfinished& unfinished) {
  std::error_code error;
  fs::rename(place.temporary, place.target, error);
  if (error) fail(path, "cannot be written", error.value());
  unfinished.forget(place.temporary);
  unfinished.folders.clear();
}

}  // namespace

std::string read_file(const std::string& path, std::size_t limit) {
  check_name(path);
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) {
    if (errno == ENOENT) throw Error(Kind::io, path, "expected a file, found none of this name");
    fail(path, "cannot be read", errno);
  }
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) fail(path, "cannot be read", errno);
  if (S_ISDIR(status.st_mode)) throw Error(Kind::io, path, "expected a file, found a folder");

  const auto too_large = [&] {
    return Error(Kind::io, path, "expected at most " + std::to_string(limit) + " bytes, found more");
  };
  const auto size = static_cast<std::size_t>(S_ISREG(status.st_mode) ? status.st_size : 0);
  if (size > limit) throw too_large();

  // A pipe has no size, and a file may grow while it is read: go on until the end shows itself.
  std::string bytes(std::min(limit, std::max<std::size_t>(size, 4096)) + 1, '\0');
  for (std::size_t used = 0;;) {
    if (used == bytes.size()) bytes.resize(std::min(limit, 2 * used) + 1);
    const ssize_t got = ::read(file.number(), bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot be read", errno);
    used += static_cast<std::size_t>(got);
    if (used > limit) throw too_large();
    if (got == 0) {
      bytes.resize(used);
      return bytes;
    }
  }
}

void write_files(const std::vector<FileToWrite>& files) {
  std::vector<Place> places;
  Unfinished unfinished;

  // Everything that may fail for an ordinary reason comes before the first file is replaced.
  for (const FileToWrite& file : files) {
    auto [place, temporary] = prepare(file.path, unfinished);
    if (!place.temporary.empty()) write_all(temporary, file.bytes, file.path);
    places.push_back(place);
  }
  for (std::size_t i = 0; i < files.size(); ++i)
    if (places[i].temporary.empty()) {
      Descriptor device(::open(files[i].path.c_str(), O_WRONLY | O_CLOEXEC));
      if (device.number() < 0) fail(files[i].path, "cannot be written", errno);
      write_all(device, files[i].bytes, files[i].path);
    }

  // A single rename is all or none by itself; of several, a failed one takes those before it back.
  for (Place& place : places)
    if (place.existed && files.size() > 1) place.old = keep(place.target, unfinished);
  for (std::size_t i = 0; i < files.size(); ++i) {
    Place& place = places[i];
    if (place.temporary.empty()) continue;
    std::error_code error;
    fs::rename(place.temporary, place.target, error);
    place.renamed = !error;
    if (!error) {
      unfinished.forget(place.temporary);
      continue;
    }
    std::error_code ignored;
    for (const Place& done : places) {
      if (done.renamed && !done.old.empty()) {
        fs::rename(done.old, done.target, ignored);
        unfinished.forget(done.old);
      } else if (done.renamed && !done.existed) {
        fs::remove(done.target, ignored);
      }
    }
    fail(files[i].path, "cannot be written", error.value());
  }
  unfinished.folders.clear();
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  write_files({{path, std::string(bytes)}});
}

void write_file_in_pieces(const std::string& path,
                          const std::function<void(const std::function<void(std::string_view)>& write)>& fill) {
  Unfinished unfinished;
  auto [place, temporary] = prepare(path, unfinished);
  const bool device = place.temporary.empty();
  Descriptor opened(device ? ::open(path.c_str(), O_WRONLY | O_CLOEXEC) : -1);
  if (device && opened.number() < 0) fail(path, "cannot be written", errno);
  Descriptor& file = device ? opened : temporary;

  constexpr std::size_t full = 1u << 20;
  std::string waiting;
  fill([&](std::string_view bytes) {
    waiting += bytes;
    if (waiting.size() < full) return;
    write_some(file, waiting, path);
    waiting.clear();
  });
  write_all(file, waiting, path);
  if (!device) rename_one(place, path, unfinished);
}

void make_file(const std::string& path, const std::function<void(const std::string& temporary)>& make) {
  Unfinished unfinished;
  auto [place, temporary] = prepare(path, unfinished);
  if (place.temporary.empty()) throw Error(Kind::io, path, "expected a file to write, found a device or pipe");
  temporary.close();
  make(place.temporary.string());
  rename_one(place, path, unfinished);
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0 || line.rfind("Model", 0) == 0)
      if (const std::size_t colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return "unknown";
}

}  // namespace psoas
