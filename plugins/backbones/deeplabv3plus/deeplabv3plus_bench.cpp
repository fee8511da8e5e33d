// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(argc, argv, "backbone/deeplabv3plus",
                           {{"128x128", {{"x", {10, 1, 128, 128}}}},
                            {"32x64x64 width 16", {{"x", {2, 1, 32, 64, 64}}}, {{"width", "16"}}}});
}
