// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The executor of one machine: oneTBB's threads take ranges of cases from a short queue, the calling thread fills it and
// hands what is finished to the dispatcher.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>

#include "psoas/sweep/engine.hpp"

namespace psoas {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double seconds_a_range = 0.05;
constexpr auto patience = std::chrono::milliseconds(20), hold = std::chrono::milliseconds(100);

/// Ranges on their way to workers and rows on their way back.
struct Exchange {
  std::mutex mutex;
  std::condition_variable ranges_came, rows_came;
  std::deque<CaseRange> ranges;
  std::vector<CaseRow> rows;
  std::exception_ptr fault;
  bool no_more = false;
  int working = 0;  ///< workers that still may give rows
};

/// Hands finished rows to the calling thread.
void give(std::vector<CaseRow>& rows, Exchange& exchange) {
  const std::lock_guard lock(exchange.mutex);
  exchange.rows.insert(exchange.rows.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  exchange.rows_came.notify_one();
  rows.clear();
}

void work(const SweepPlan& plan, Exchange& exchange, const std::atomic<bool>& stop) {
  try {
    CaseRunner runner(plan);
    while (true) {
      CaseRange range;
      {
        std::unique_lock lock(exchange.mutex);
        exchange.ranges_came.wait(lock, [&] { return !exchange.ranges.empty() || exchange.no_more || stop; });
        if (stop || exchange.ranges.empty()) break;
        range = exchange.ranges.front();
        exchange.ranges.pop_front();
      }
      std::vector<CaseRow> rows;
      auto since = Clock::now();
      for (std::uint64_t k = range.begin; k < range.end && !stop; ++k) {
        if (std::optional<CaseRow> row = runner(k, stop)) rows.push_back(std::move(*row));
        if (Clock::now() - since < hold) continue;
        give(rows, exchange);
        since = Clock::now();
      }
      give(rows, exchange);
    }
  } catch (...) {
    const std::lock_guard lock(exchange.mutex);
    if (!exchange.fault) exchange.fault = std::current_exception();
  }
  const std::lock_guard lock(exchange.mutex);
  --exchange.working;
  exchange.rows_came.notify_one();
}

void run_on_threads(int threads, const SweepPlan& plan, Dispatcher& dispatcher) {
  Exchange exchange;
  std::atomic<bool> stop{false};
  // one more than the workers: this thread is none of them
  const tbb::global_control most(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads) + 1);
  tbb::task_arena arena(threads, 0);
  tbb::task_group group;
  exchange.working = threads;
  for (int i = 0; i < threads; ++i) arena.enqueue(group.defer([&] { work(plan, exchange, stop); }));

  const auto end_work = [&] {
    {
      const std::lock_guard lock(exchange.mutex);
      exchange.no_more = true;
    }
    exchange.ranges_came.notify_all();
  };
  try {
    bool going = true;
    while (true) {
      std::vector<CaseRow> rows;
      {
        std::unique_lock lock(exchange.mutex);
        if (exchange.fault) {
          stop = exchange.no_more = true;
          exchange.ranges_came.notify_all();
        }
        while (!exchange.no_more && exchange.ranges.size() < static_cast<std::size_t>(threads) + 1) {
          const std::optional<CaseRange> range = dispatcher.next(seconds_a_range);
          if (!range) {
            exchange.no_more = true;
            exchange.ranges_came.notify_all();
            break;
          }
          exchange.ranges.push_back(*range);
          exchange.ranges_came.notify_one();
        }
        exchange.rows_came.wait_for(lock, patience, [&] { return !exchange.rows.empty() || exchange.working == 0; });
        rows.swap(exchange.rows);
        if (rows.empty() && exchange.working == 0) break;
      }
      dispatcher.finished(rows);
      if (going && !dispatcher.go_on()) {
        going = false;
        stop = true;
        end_work();
      }
    }
  } catch (...) {
    stop = true;
    end_work();
    arena.execute([&] { group.wait(); });
    throw;
  }
  arena.execute([&] { group.wait(); });
  if (exchange.fault) std::rethrow_exception(exchange.fault);
}

}  // namespace

int default_threads() { return tbb::info::default_concurrency(); }

Executor on_threads(int threads) {
  if (threads < 1) throw Error(Kind::input, "threads", "expected at least one, found " + std::to_string(threads));
  return [threads](const SweepPlan& plan, Dispatcher& dispatcher) { run_on_threads(threads, plan, dispatcher); };
}

}  // namespace psoas
