// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The file of a sweep: what was asked, and one row a case. An SQLite database, described in docs/sweep_file.md.
//   Store store = Store::resume("results/grid.db", header);
//   for (const CaseRange& range : store.missing()) …  store.add(row);  store.commit();
//   export_csv(store, "grid.csv");
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace psoas {

/// Most scalars that a sweep records, and most factors and scalars together (a table of SQLite has 2,000 columns).
inline constexpr std::size_t most_sweep_scalars = 1900, most_sweep_columns = 1990;

/// Cases from `begin` up to and without `end`; the first case of a sweep is 0.
struct CaseRange {
  std::uint64_t begin = 0, end = 0;
  bool operator==(const CaseRange&) const = default;
};

/// Part `index` (from 1) of a sweep that is cut into `count` parts of consecutive cases, as equal as they can be.
struct Shard {
  std::uint32_t index = 1, count = 1;
  bool operator==(const Shard&) const = default;

  CaseRange range(std::uint64_t cases) const {
    const std::uint64_t each = cases / count, rest = cases % count;
    const auto start = [&](std::uint64_t i) { return each * i + (i < rest ? i : rest); };
    return {start(index - 1), start(index)};
  }
};

/// Name and SI unit ("" for none) of a factor, a scalar or a series.
struct Quantity {
  std::string name, unit;
  bool operator==(const Quantity&) const = default;
};

/// What a file of a sweep is about.
struct StoreHeader {
  std::string spec;         ///< JSON text of the resolved sweep with all that its numbers depend on
  std::string fingerprint;  ///< of the same; files of equal fingerprints may be resumed and merged
  std::string machine;      ///< CPU type and C library, on which the last bits of numbers depend
  std::string provenance;   ///< JSON text: version, host, date, …; may differ from session to session
  std::vector<Quantity> factors, scalars, series;
  std::uint64_t cases = 0;  ///< of the whole sweep
  Shard shard{};            ///< the part of it that this file holds
};

enum class CaseStatus : std::uint8_t {
  ok,
  dropped,        ///< by a constraint, before any work
  failed,         ///< `message` says why
  not_converged,  ///< numbers may be there, but are not to be trusted
};
inline constexpr std::array<const char*, 4> case_status_words{"ok", "dropped", "failed", "not_converged"};

/// One finished case. Zero keeps no sign, and one nan is like another.
struct CaseRow {
  std::uint64_t index = 0;
  CaseStatus status = CaseStatus::ok;
  std::string message;
  std::vector<double> factors, scalars;     ///< as in the header; nan where there is no value
  double seconds = 0.0;                     ///< of computing, kept to the microsecond
  std::vector<std::vector<double>> series;  ///< none, or as many as in the header
};

/// How far a sweep has come.
struct StoreStatus {
  std::uint64_t cases = 0;                  ///< that the file is to hold
  std::array<std::uint64_t, 4> finished{};  ///< by status
  std::uint64_t missing = 0;
  double seconds = 0.0;     ///< of computing, all finished cases together
  std::uint64_t bytes = 0;  ///< of the file
};

/// How a file is opened for writing.
struct StoreWriting {
  bool mixed = false;  ///< accept cases of another CPU type or C library in one file
  double wait = 10.0;  ///< for another program that holds the file [s]
};

/// How files are merged.
struct StoreMerging {
  bool allow_missing = false;  ///< cases that no shard has stay missing; the file can be resumed
  bool mixed = false;          ///< accept shards of several CPU types or C libraries
};

/// A file of a sweep. There is one writer at a time; others may read meanwhile. What was committed outlives a killed
/// program and a full disk. A store is used by one thread at a time.
///
/// All members throw Error(Kind::io) where the file cannot be read or written or is damaged, and Error(Kind::input) for
/// a file that is something else, and for headers and rows that do not fit.
class Store {
 public:
  /// Begins a file, and the folders above it that are missing. Refuses a file that is there and not empty.
  static Store create(const std::string& path, const StoreHeader& header, const StoreWriting& writing = {});

  /// Goes on with a file after a check of its integrity, or begins it where there is none. Refuses one of another sweep,
  /// shard or machine, and says what differs.
  static Store resume(const std::string& path, const StoreHeader& header, const StoreWriting& writing = {});

  /// Opens a file to read it, after a check of its integrity, which reads all of it.
  static Store open(const std::string& path);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();  ///< commits and closes as far as that goes; `close` tells of errors

  const std::string& path() const;
  /// Its machine and provenance are those of the first session.
  const StoreHeader& header() const;

  bool finished(std::uint64_t index) const;
  /// Cases of the shard that are not there, in order.
  std::vector<CaseRange> missing() const;
  StoreStatus status() const;

  /// Shows each finished case in order, all as of one moment, without its series. The row is the same object each time.
  void read(const std::function<void(const CaseRow&)>& see) const;
  /// Runs something that sees the file as of one moment, whatever another program adds to it.
  void at_one_moment(const std::function<void()>& work) const;
  /// Series of a case as in the header, or none.
  std::vector<std::vector<double>> series(std::uint64_t index) const;

  /// Adds a finished case; it is safe after the next commit. Refuses a case that is there already.
  void add(const CaseRow& row);
  /// Makes safe what was added, each second or 1,000 cases say. False where another program has read for longer than
  /// the wait: nothing is lost, and the next commit takes it along.
  bool commit();
  /// Commits and leaves one file, which can be read further.
  void close();

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;

  friend void merge_stores(const std::vector<std::string>&, const std::string&, const StoreMerging&);
};

/// Writes the finished cases as .csv: case, status, factors, scalars, message; numbers in the shortest form that reads
/// back the same, `nan` for no value. The same cases give the same bytes, in whatever order they were computed.
/// Throws Error(Kind::io).
void export_csv(const Store& store, const std::string& path);

/// The same as netCDF (classic format with 64-bit offsets), one variable a column along the dimension `case`; a name
/// becomes letters, digits and `_`, with the name itself as `long_name`. Throws Error(Kind::io), and
/// Error(Kind::input) for more cases than the format holds (2^29).
void export_netcdf(const Store& store, const std::string& path);

/// Joins shards of one sweep into a new file, whose bytes do not depend on the order of `shards`. An old file of the
/// name is replaced when all went well. Throws as Store, and Error(Kind::input) where shards are of different sweeps,
/// where a case is in two of them, or in none.
void merge_stores(const std::vector<std::string>& shards, const std::string& path, const StoreMerging& merging = {});

}  // namespace psoas
