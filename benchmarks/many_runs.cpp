// SPDX-License-Identifier: Apache-2.0
// Makes a store of many runs, to time the commands that ask it: benchmarks/runs_list.sh.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tests/unit/runs/many_runs.hpp"

int main(int argc, char** argv) try {
  const long runs = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 100000;
  const long kinds = argc > 3 ? std::strtol(argv[3], nullptr, 10) : 1;
  if (argc < 2 || runs < 1 || kinds < 1 || kinds > 2) {
    std::fputs(
        "many_runs FOLDER [RUNS [1|2]]: a store of 100000 runs with 20 metrics each, in a new\n"
        "folder; 2: the heads of every other run have other names, and some runs no figures\n",
        stderr);
    return 2;
  }
  if (std::filesystem::exists(std::filesystem::path(argv[1]) / "hilum.db")) {
    std::fprintf(stderr, "%s: there is a store already\n", argv[1]);
    return 2;
  }
  hilum::runs::ManyRuns(argv[1]).add(runs, static_cast<int>(kinds));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
