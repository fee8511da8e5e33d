// SPDX-License-Identifier: Apache-2.0
// A classifier's C2 into a segmentation's S3 (patches of 128x128, batch 10), and a volume.
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(
      argc, argv, "fusion/cross_stitch",
      {{"32x32", {{"a", {10, 256, 32, 32}}, {"b", {10, 256, 32, 32}}}},
       {"16x16x16", {{"a", {1, 32, 16, 16, 16}}, {"b", {1, 64, 16, 16, 16}}}}});
}
