// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas sweep merge: shards into one file.
#include <memory>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "store_words.hpp"

namespace psoas::app {
namespace {

struct Options {
  std::vector<std::string> shards;
  std::string file;
  StoreMerging merging;
  bool json_out = false;
};

int perform(const Options& options) {
  {
    const FinishFirst guard;
    merge_stores(options.shards, options.file, options.merging);
  }
  const Store store = Store::open(options.file);
  if (options.json_out) {
    json root = store_json(store);
    root["shards"] = options.shards;
    print_json(root);
  } else {
    const StoreStatus status = store.status();
    print(title_of(store) + " · " + counted(options.shards.size(), "file", "files") + " merged\n" +
          counts_text(status) + "\n");
    say("\n" + options.file + " · " + bytes_text(status.bytes));
  }
  return was_interrupted() ? interrupted : done;
}

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.required("SHARDS", options->shards, "the files of all shards, in any order");
  parser.required("-o,--output", options->file, "the file to write; one that is there is replaced");
  parser.flag("--allow-missing", options->merging.allow_missing,
              "write it though cases are in no shard; psoas sweep --resume computes them");
  parser.flag("--mixed", options->merging.mixed,
              "merge shards of several types of processor or C library, on which last digits differ");
  parser.flag("--json", options->json_out, "print JSON instead of text");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb sweep_merge_verb = {"sweep merge", "join the shards of a sweep into one file",
                               "  psoas sweep merge results/subjects.*of4.db -o results/subjects.db\n"
                               "  psoas sweep merge results/subjects.1of4.db results/subjects.3of4.db -o half.db "
                               "--allow-missing",
                               options_of};

}  // namespace psoas::app
