// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Files whole: read into memory, or written so that a reader never sees half of one.
//   write_files({{"results/a/series.csv", csv}, {"results/a/series.sto", sto}});   // both or none
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace psoas {

/// Largest file that psoas reads [bytes].
inline constexpr std::size_t largest_file = 256u * 1024u * 1024u;

/// All bytes of a file. Throws Error(Kind::io) when it is missing, a folder, not readable or above `limit` bytes.
std::string read_file(const std::string& path, std::size_t limit = largest_file);

/// A file to write: its path and all of its bytes.
struct FileToWrite {
  std::string path, bytes;
};

/// Writes all files or none: each under a temporary name in its own folder, every write and close checked, then
/// renamed. Folders are made where they are missing. Whatever was there before is replaced; after an error it is still
/// there and nothing new is left behind. A device or pipe (`/dev/stdout`) is written directly, before any renaming.
/// Throws Error(Kind::io).
void write_files(const std::vector<FileToWrite>& files);

/// One file of `write_files`.
void write_file_atomically(const std::string& path, std::string_view bytes);

/// The same for a file that is too large for memory: `fill` is handed a function that writes the next bytes.
void write_file_in_pieces(const std::string& path,
                          const std::function<void(const std::function<void(std::string_view)>& write)>& fill);

/// The same for a file that another library writes: `make` is handed the path of an empty file to replace. A device or
/// pipe is refused.
void make_file(const std::string& path, const std::function<void(const std::string& temporary)>& make);

/// Type of the processor as the system names it, or "unknown".
std::string cpu_name();

}  // namespace psoas
