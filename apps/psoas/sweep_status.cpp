// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas sweep status: how far the file of a sweep has come.
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/report/text.hpp"
#include "store_words.hpp"

namespace psoas::app {
namespace {

struct Options {
  std::string file;
  bool json_out = false;
};

constexpr std::size_t ranges_shown = 6, messages_shown = 5, messages_kept = 1000;

std::string ranges_text(const std::vector<CaseRange>& ranges) {
  std::vector<std::string> words;
  for (const CaseRange& range : ranges) {
    if (words.size() == ranges_shown) {
      words.push_back(counted(ranges.size() - ranges_shown, "more stretch", "more stretches"));
      break;
    }
    words.push_back(range.end - range.begin == 1
                        ? with_separators(range.begin)
                        : with_separators(range.begin) + " to " + with_separators(range.end - 1));
  }
  return join(words, ", ");
}

/// What cases that failed or did not converge say, the most frequent first.
std::string messages_text(const Store& store, const StoreStatus& status) {
  const auto count = [&](CaseStatus word) { return status.finished[static_cast<std::size_t>(word)]; };
  if (count(CaseStatus::failed) + count(CaseStatus::not_converged) == 0) return "";
  struct Said {
    std::uint64_t times = 0, first = 0;
    std::string text;
  };
  std::map<std::string, std::size_t> places;
  std::vector<Said> said;
  bool all = true;
  store.read([&](const CaseRow& row) {
    if (row.message.empty()) return;
    const auto place = places.find(row.message);
    if (place != places.end()) {
      ++said[place->second].times;
    } else if (said.size() < messages_kept) {
      places[row.message] = said.size();
      said.push_back({1, row.index, row.message});
    } else {
      all = false;
    }
  });
  std::stable_sort(said.begin(), said.end(), [](const Said& a, const Said& b) { return a.times > b.times; });
  std::string text = said.empty() ? "" : "\n  messages\n";
  for (std::size_t i = 0; i < std::min(said.size(), messages_shown); ++i)
    text += wrapped((said[i].times > 1 ? with_separators(said[i].times) + " times, first in case " : "case ") +
                        with_separators(said[i].first) + ": " + excerpt(said[i].text, 400),
                    "  ");
  if (said.size() > messages_shown || !all)
    text += "  and others, all of them in the table of: psoas sweep export " + store.path() + "\n";
  return text;
}

int perform(const Options& options) {
  const Store store = Store::open(options.file);
  if (options.json_out) {
    json root = store_json(store);
    root["missing_ranges"] = json::array();
    for (const CaseRange& range : store.missing()) root["missing_ranges"].push_back({range.begin, range.end - 1});
    print_json(root);
    return done;
  }
  const StoreHeader& header = store.header();
  const StoreStatus status = store.status();
  std::string text = title_of(store) + "\n\n";
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& what, std::uint64_t count, const std::string& detail) {
    rows.push_back({"  " + what, with_separators(count), detail});
  };
  std::string part;
  if (header.shard.count > 1) {
    const CaseRange range = header.shard.range(header.cases);
    part = "shard " + std::to_string(header.shard.index) + "/" + std::to_string(header.shard.count) + ": " +
           ranges_text({range}) + " of " + with_separators(header.cases);
  }
  add("cases", status.cases, part);
  for (std::size_t i = 0; i < status.finished.size(); ++i)
    add(readable_name(case_status_words[i]), status.finished[i], "");
  add("missing", status.missing, status.missing > 0 ? ranges_text(store.missing()) : "");
  text += aligned(rows, "lrl");

  const std::uint64_t finished = status.cases - status.missing;
  const auto each = [&](const std::string& amount) { return finished > 0 ? " (" + amount + " a case)" : ""; };
  const double cases = static_cast<double>(std::max<std::uint64_t>(finished, 1));
  rows = {{"\n  computing", time_text(status.seconds) + each(time_text(status.seconds / cases))},
          {"  file", bytes_text(status.bytes) +
                         each(bytes_text(static_cast<std::uint64_t>(static_cast<double>(status.bytes) / cases)))},
          {"  columns", counted(header.factors.size(), "factor", "factors") + ", " +
                            counted(header.scalars.size(), "scalar", "scalars") +
                            (header.series.empty() ? "" : ", " + counted(header.series.size(), "curve", "curves"))},
          {"  computed by", header.machine}};
  text += aligned(rows, "ll");

  text += messages_text(store, status);
  print(text);
  return done;
}

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.required("FILE", options->file, "the file of a sweep (.db)");
  parser.flag("--json", options->json_out, "print JSON instead of the table");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb sweep_status_verb = {"sweep status", "how far the file of a sweep has come, after a check of the file",
                                "  psoas sweep status results/tightness_grid.db\n"
                                "  psoas sweep status results/virtual_subjects.1of4.db --json",
                                options_of};

}  // namespace psoas::app
