// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(argc, argv, "backbone/resunetpp",
                           {{"128x128", {{"x", {2, 1, 128, 128}}}, {{"width", "16"}}},
                            {"32x32x32", {{"x", {1, 1, 32, 32, 32}}}, {{"width", "8"}}}});
}
