// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Messages: rank 0 greets everybody with the sweep's fingerprint and its machine, or with nothing when there is no work.
// A rank sends the rows that it has, none at first, and is sent the next range; an empty one is the last. On the way
// through a long range it sends rows that nobody answers.
#include "ranks.hpp"

#include <mpi.h>
#include <unistd.h>

#include <cstring>
#include <type_traits>

#include "psoas/core/error.hpp"

namespace psoas::app {
namespace {

enum Tag { rows_tag = 1, some_rows_tag = 2, range_tag = 3, fault_tag = 4 };

constexpr double seconds_a_range = 1.0, seconds_between_rows = 0.5;
constexpr useconds_t moment = 200;  // [us]
constexpr double seconds_between_looks = 0.05;
constexpr std::size_t most_bytes = 1u << 30;  // MPI counts with int

/// Bytes on their way to another rank of the same program.
class Packet {
 public:
  std::vector<char> bytes;

  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& value) { put(&value, sizeof value); }
  template <class T>
  void put_all(const T& items) {
    put<std::uint64_t>(items.size());
    put(items.data(), items.size() * sizeof(items[0]));
  }

  template <class T>
  T take() {
    T value{};
    take(&value, sizeof value);
    return value;
  }
  template <class T>
  T take_all() {
    T items;
    items.resize(take<std::uint64_t>());
    take(items.data(), items.size() * sizeof(items[0]));
    return items;
  }

  bool at_end() const { return next_ == bytes.size(); }

 private:
  void put(const void* from, std::size_t size) {
    const auto* begin = static_cast<const char*>(from);
    bytes.insert(bytes.end(), begin, begin + size);
  }
  void take(void* to, std::size_t size) {
    if (size > 0) std::memcpy(to, bytes.data() + next_, size);
    next_ += size;
  }
  std::size_t next_ = 0;
};

void pack(const CaseRow& row, Packet& packet) {
  packet.put(row.index);
  packet.put(row.status);
  packet.put(row.seconds);
  packet.put_all(row.message);
  packet.put_all(row.factors);
  packet.put_all(row.scalars);
  packet.put<std::uint64_t>(row.series.size());
  for (const std::vector<double>& one : row.series) packet.put_all(one);
}

CaseRow unpack(Packet& packet) {
  CaseRow row;
  row.index = packet.take<std::uint64_t>();
  row.status = packet.take<CaseStatus>();
  row.seconds = packet.take<double>();
  row.message = packet.take_all<std::string>();
  row.factors = packet.take_all<std::vector<double>>();
  row.scalars = packet.take_all<std::vector<double>>();
  row.series.resize(packet.take<std::uint64_t>());
  for (std::vector<double>& one : row.series) one = packet.take_all<std::vector<double>>();
  return row;
}

void send(int rank, Tag tag, const Packet& packet) {
  MPI_Send(packet.bytes.data(), static_cast<int>(packet.bytes.size()), MPI_CHAR, rank, tag, MPI_COMM_WORLD);
}

/// A message from somebody, if there is one.
bool receive(Packet& packet, MPI_Status& status) {
  int there = 0, size = 0;
  MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &status);
  if (!there) return false;
  MPI_Get_count(&status, MPI_CHAR, &size);
  packet = {};
  packet.bytes.resize(static_cast<std::size_t>(size));
  MPI_Recv(packet.bytes.data(), size, MPI_CHAR, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD, &status);
  return true;
}

/// Rank 0's words at the start; empty: no work.
std::string greeting(std::string text) {
  auto size = static_cast<std::uint64_t>(text.size());
  MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
  text.resize(size);
  MPI_Bcast(text.data(), static_cast<int>(size), MPI_CHAR, 0, MPI_COMM_WORLD);
  return text;
}

std::string fingerprint_of(const SweepPlan& plan) { return plan.header({}).fingerprint; }

/// Whether all ranks have come to their end.
bool hand_out(const SweepPlan& plan, Dispatcher& dispatcher) {
  greeting(fingerprint_of(plan) + "\n" + machine_name());
  int working = ranks() - 1;
  double looked = MPI_Wtime();
  while (working > 0) {
    Packet packet;
    MPI_Status status;
    if (receive(packet, status)) {
      if (status.MPI_TAG == fault_tag)
        throw Error(Kind::input, "rank " + std::to_string(status.MPI_SOURCE), packet.take_all<std::string>());
      std::vector<CaseRow> rows;
      while (!packet.at_end()) rows.push_back(unpack(packet));
      dispatcher.finished(rows);
      if (status.MPI_TAG == some_rows_tag) continue;
      const std::optional<CaseRange> range = dispatcher.next(seconds_a_range);
      Packet answer;
      answer.put(range.value_or(CaseRange{}));
      send(status.MPI_SOURCE, range_tag, answer);
      working -= range ? 0 : 1;
    } else {
      ::usleep(moment);
    }
    if (MPI_Wtime() - looked < seconds_between_looks) continue;
    looked = MPI_Wtime();
    if (!dispatcher.go_on()) return false;  // who still works ends with this rank
  }
  dispatcher.go_on();
  return true;
}

}  // namespace

int ranks() {
  int count = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  return count;
}

Executor on_ranks(bool& all_done) {
  return [&all_done](const SweepPlan& plan, Dispatcher& dispatcher) { all_done = hand_out(plan, dispatcher); };
}

void dismiss_ranks() { greeting(""); }

void serve_ranks(const std::string& path, bool mixed) {
  const std::string words = greeting("");
  if (words.empty()) return;
  const auto fail = [](const std::string& text) {
    Packet packet;
    packet.put_all(text);
    send(0, fault_tag, packet);
  };
  try {
    const SweepPlan plan(read_sweep(path));
    const std::size_t end = words.find('\n');
    if (words.substr(0, end) != fingerprint_of(plan))
      return fail("expected the same sweep, study, model and tables as rank 0 reads, found others");
    if (!mixed && words.substr(end + 1) != machine_name())
      return fail("expected a machine of rank 0's type (" + words.substr(end + 1) + "), found " + machine_name() +
                  "; --mixed accepts it");
    const std::atomic<bool> stop{false};
    CaseRunner runner(plan);
    Packet packet;
    while (true) {
      send(0, rows_tag, packet);
      CaseRange range;
      MPI_Recv(&range, sizeof range, MPI_CHAR, 0, range_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      if (range == CaseRange{}) return;
      packet = {};
      double sent = MPI_Wtime();
      for (std::uint64_t k = range.begin; k < range.end; ++k) {
        pack(*runner(k, stop), packet);
        if (MPI_Wtime() - sent > seconds_between_rows) {
          send(0, some_rows_tag, packet);
          packet = {};
          sent = MPI_Wtime();
        }
        if (packet.bytes.size() > most_bytes)
          return fail("expected rows of one range within 1 GB, found more: keep the series of fewer cases");
      }
    }
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

}  // namespace psoas::app
