// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(argc, argv, "backbone/unet",
                           {{"64x64", {{"x", {16, 1, 64, 64}}}, {{"width", "32"}}},
                            {"128x128", {{"x", {10, 1, 128, 128}}}}});
}
