// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "store_words.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/report/text.hpp"
#include "psoas/sweep/spec.hpp"

namespace psoas::app {

std::string counts_text(const StoreStatus& status) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < status.finished.size(); ++i)
    if (i == 0 || status.finished[i] > 0)
      words.push_back(with_separators(status.finished[i]) + " " + readable_name(case_status_words[i]));
  if (status.missing > 0) words.push_back(with_separators(status.missing) + " missing");
  return join(words, " · ");
}

std::string bytes_text(std::uint64_t bytes) {
  const auto amount = static_cast<double>(bytes);
  if (amount < 1e4) return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  if (amount < 1e6) return fixed_text(amount / 1e3, 0) + " kB";
  return fixed_text(amount / (amount < 1e9 ? 1e6 : 1e9), 1) + (amount < 1e9 ? " MB" : " GB");
}

std::string title_of(const Store& store) {
  std::string title;
  try {
    title = recorded_sweep(store.header().spec, store.path()).title;
  } catch (const Error&) {  // of a program that knows more than this one; the cases can be counted all the same
  }
  return title.empty() ? store.path() : title;
}

json store_json(const Store& store) {
  const StoreHeader& header = store.header();
  const StoreStatus status = store.status();
  const CaseRange range = header.shard.range(header.cases);
  json root = {{"file", store.path()}, {"title", title_of(store)}, {"fingerprint", header.fingerprint}};
  root["cases_of_sweep"] = header.cases;
  root["shard"] = {{"index", header.shard.index}, {"count", header.shard.count}, {"first_case", range.begin}};
  root["cases"] = status.cases;
  for (std::size_t i = 0; i < status.finished.size(); ++i) root[case_status_words[i]] = status.finished[i];
  root["missing"] = status.missing;
  root["seconds"] = status.seconds;
  root["bytes"] = status.bytes;
  root["machine"] = header.machine;
  const auto names = [](const std::vector<Quantity>& quantities) {
    json out = json::array();
    for (const auto& [name, unit] : quantities) out.push_back({{"name", name}, {"unit", unit}});
    return out;
  };
  root["factors"] = names(header.factors);
  root["scalars"] = names(header.scalars);
  root["series"] = names(header.series);
  return root;
}

std::string made_from(const std::string& file, const std::string& given, const std::string& ending) {
  namespace fs = std::filesystem;
  const fs::path path(file);
  const std::string out = given.empty() ? (path.parent_path() / (path.stem().string() + ending)).string() : given;
  std::error_code ignored;
  if (out == file || fs::equivalent(out, file, ignored))
    throw Error(Kind::input, out, "is the file of the sweep: expected another name for what is made from it");
  return out;
}

}  // namespace psoas::app
