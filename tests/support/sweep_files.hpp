// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Files of sweeps whose scalars are known functions of the factors.
//   write_sweep_file(folder / "a.db", sweep_text("{\"x\": …}", "{\"random\": …}"), {{{"y", "N"}, [](auto x) { return x[0]; }}});
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "psoas/core/hash.hpp"
#include "psoas/sweep/spec.hpp"
#include "psoas/sweep/store.hpp"

namespace psoas::test {

/// A psoas-sweep/1 text of no study; `more`: members beside "vary" and "sampler".
inline std::string sweep_text(const std::string& vary, const std::string& sampler, const std::string& more = "") {
  return R"({"format": "psoas-sweep/1", "base": "study.json", "record": ["*"], "vary": )" + vary + R"(, "sampler": )" +
         sampler + (more.empty() ? "" : ", " + more) + "}";
}

/// What the file of a sweep says about it.
inline std::string recorded_text(const std::string& sweep, const std::string& tables = "{}") {
  return R"({"sweep": )" + sweep + R"(, "base": {}, "tables": )" + tables + "}";
}

struct MadeScalar {
  Quantity quantity;
  std::function<double(std::span<const double> factors)> of;
};

/// Writes the cases of a sweep, or of a shard. `change` may change a row; where it gives false the case stays missing.
inline void write_sweep_file(
    const std::string& path, const std::string& sweep, const std::vector<MadeScalar>& scalars,
    const std::function<bool(CaseRow&)>& change = [](CaseRow&) { return true; }, const Shard& shard = {}) {
  StoreHeader header;
  header.spec = recorded_text(sweep);
  header.fingerprint = hash_of(header.spec);
  header.machine = "a CPU, a C library";
  header.provenance = "{}";
  const SweepSpec spec = recorded_sweep(header.spec, path);
  const Cases cases(spec);
  for (const Factor& factor : spec.factors) header.factors.push_back({factor.name, ""});
  for (const MadeScalar& scalar : scalars) header.scalars.push_back(scalar.quantity);
  header.cases = cases.count();
  header.shard = shard;
  Store store = Store::create(path, header);
  CaseRow row;
  row.factors.resize(spec.factors.size());
  row.scalars.resize(scalars.size());
  const CaseRange range = shard.range(header.cases);
  for (row.index = range.begin; row.index < range.end; ++row.index) {
    row.status = cases.at(row.index, row.factors) == Verdict::run ? CaseStatus::ok : CaseStatus::dropped;
    row.message.clear();
    row.seconds = 0.002;
    for (std::size_t i = 0; i < scalars.size(); ++i) row.scalars[i] = scalars[i].of(row.factors);
    if (change(row)) store.add(row);
  }
  store.close();
}

}  // namespace psoas::test
