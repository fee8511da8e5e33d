// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(
      argc, argv, "regularizer/tv",
      {{"entropic 10x128x128", {{"u", {10, 1, 128, 128}}, {"c", {10, 1}}}},
       {"entropic 10x128x128 unrolled", {{"u", {10, 1, 128, 128}}, {"c", {10, 1}}}, {}, false},
       {"rof 10x128x128", {{"u", {10, 1, 128, 128}}}, {{"model", "rof"}}},
       {"rof 10x128x128 unrolled", {{"u", {10, 1, 128, 128}}}, {{"model", "rof"}}, false},
       {"entropic 2x64x64x64", {{"u", {2, 1, 64, 64, 64}}, {"c", {2, 1}}}}});
}
