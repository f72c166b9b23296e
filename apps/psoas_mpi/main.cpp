// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The program psoas-mpi: `psoas sweep` on the ranks of an MPI job. psoas itself needs no MPI.
//   mpirun -n 64 psoas-mpi sweep examples/sweep/virtual_subjects.json --resume
#include <fcntl.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "program.hpp"
#include "ranks.hpp"
#include "sweep.hpp"

namespace psoas::app {
namespace {

int rank() {
  int own = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &own);
  return own;
}

/// Of all ranks only rank 0 talks about the command line, which is the same for all.
class Silence {
 public:
  explicit Silence(bool silent) {
    if (!silent) return;
    const int nowhere = ::open("/dev/null", O_WRONLY);
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
      kept_.push_back(::dup(stream));
      ::dup2(nowhere, stream);
    }
    ::close(nowhere);
  }
  void end() {
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      ::dup2(kept_[i], i == 0 ? STDOUT_FILENO : STDERR_FILENO);
      ::close(kept_[i]);
    }
    kept_.clear();
  }

 private:
  std::vector<int> kept_;
};

Silence& silence() {
  static Silence silence(rank() != 0);
  return silence;
}

bool ranks_are_done = false;

std::function<int()> options_of(Parser& parser) {
  const auto arguments = std::make_shared<SweepArguments>(parser, false);
  return [arguments]() -> int {
    if (rank() != 0) {
      ranks_are_done = false;
      silence().end();
      serve_ranks(arguments->sweep, arguments->mixed);
      ranks_are_done = true;
      return done;
    }
    ranks_are_done = false;
    SweepCommand command = arguments->command();
    command.threads = std::max(1, ranks() - 1);
    if (ranks() == 1 || command.dry_run) {
      const int code = perform_sweep(arguments->sweep, command, on_threads(1));
      dismiss_ranks();
      ranks_are_done = true;
      return code;
    }
    return perform_sweep(arguments->sweep, command, on_ranks(ranks_are_done));
  };
}

const Verb verb = {"sweep", "run many cases of one study on the ranks of an MPI job",
                   "  mpirun -n 64 psoas-mpi sweep examples/sweep/virtual_subjects.json --resume\n"
                   "  mpirun -n 3 psoas-mpi sweep examples/sweep/tightness_grid.json -o /tmp/grid.db",
                   options_of};

int start(const std::vector<std::string>& arguments) {
  silence();
  ranks_are_done = true;  // unless the verb says otherwise
  if (!arguments.empty() && arguments.front() == "--version") {
    print("psoas-mpi " PSOAS_VERSION "\n");
    return done;
  }
  if (arguments.empty() || arguments.front() != "sweep") {
    say("usage: mpirun -n RANKS psoas-mpi sweep SWEEP …   (psoas-mpi sweep --help)");
    return bad_input;
  }
  return perform(verb, {arguments.begin() + 1, arguments.end()});
}

}  // namespace
}  // namespace psoas::app

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int code = 0;
  try {
    psoas::app::prepare(argc, argv);
    const auto& all = psoas::app::command_line();
    code = psoas::app::start({all.begin() + (all.empty() ? 0 : 1), all.end()});
  } catch (...) {
    code = psoas::app::report_error();
  }
  // ranks that wait for a word of this one, or still compute what nobody will ask for, end with it
  if (!psoas::app::ranks_are_done) MPI_Abort(MPI_COMM_WORLD, code);
  MPI_Finalize();
  return code;
}
