// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas sweep export: the cases of a sweep as a table for other programs.
#include <memory>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "store_words.hpp"

namespace psoas::app {
namespace {

struct Options {
  std::string file, out;
  bool csv = false, netcdf = false;
};

int perform(const Options& options) {
  if (options.csv && options.netcdf)
    throw Error(Kind::input, "psoas sweep export", "expected --csv or --netcdf, found both");
  const bool netcdf = options.netcdf || (!options.csv && ending_of(options.out) == ".nc");
  const std::string out = made_from(options.file, options.out, netcdf ? ".nc" : ".csv");
  const Store store = Store::open(options.file);
  {
    const FinishFirst guard;
    if (netcdf)
      export_netcdf(store, out);
    else
      export_csv(store, out);
  }
  say(out + " · " + counts_text(store.status()) + " · " + counted(store.header().factors.size(), "factor", "factors") +
      ", " + counted(store.header().scalars.size(), "scalar", "scalars"));
  return was_interrupted() ? interrupted : done;
}

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.required("FILE", options->file, "the file of a sweep (.db)");
  parser.option("-o,--output", options->out, "the table; default: beside FILE, ending in .csv or .nc");
  parser.flag("--csv", options->csv, "comma-separated values (default)");
  parser.flag("--netcdf", options->netcdf, "netCDF, with units and statuses as attributes (default for -o ….nc)");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb sweep_export_verb = {"sweep export", "the cases of a sweep as .csv or netCDF",
                                "  psoas sweep export results/tightness_grid.db\n"
                                "  psoas sweep export results/tightness_grid.db --netcdf -o tightness.nc",
                                options_of};

}  // namespace psoas::app
