// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(
      argc, argv, "head/segmentation",
      {{"128x128", {{"x", {10, 64, 128, 128}}}},
       {"32x32_to_128x128", {{"x", {10, 256, 32, 32}}, {"image", {10, 1, 128, 128}}}},
       {"32x64x64", {{"x", {2, 32, 32, 64, 64}}}}});
}
