// SPDX-License-Identifier: Apache-2.0
// The peers' own figures for the same masks, where they share our definitions.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/metrics/mask.hpp"
#include "safetensors_file.hpp"

namespace hilum::metrics {
namespace {

const std::filesystem::path kReferences = HILUM_SOURCE_DIR "/../shared/ref/metrics";
constexpr size_t kHd95 = 5;

// Bits packed along the last axis, most significant first.
std::vector<uint8_t> unpack(const uint8_t* bits, int64_t n) {
  std::vector<uint8_t> voxels(n);
  for (int64_t i = 0; i < n; ++i) voxels[i] = bits[i / 8] >> (7 - i % 8) & 1;
  return voxels;
}

/// Compares every pair of the file; `axes` 2 or 3.
void expect_parity(const std::string& file, size_t axes) {
  const hilum::testing::SafetensorsFile data(kReferences / file);
  const auto shape = data.read<int64_t>("shape");
  const auto pred = data.read<uint8_t>("pred"), truth = data.read<uint8_t>("gt");
  const auto spacing = data.read<double>("spacing");
  const auto scipy = data.read<double>("v_scipy_edt_crop"), monai = data.read<double>("v_monai"),
             medpy = data.read<double>("v_medpy");
  const std::vector<int64_t> size(shape.begin() + 1, shape.end());
  int64_t voxels = 1;
  for (const int64_t n : size) voxels *= n;
  int64_t compared = 0;
  for (int64_t i = 0; i < shape[0]; ++i) {
    const auto p = unpack(&pred[i * voxels / 8], voxels),
               t = unpack(&truth[i * voxels / 8], voxels);
    const std::vector<double> mm(&spacing[i * axes], &spacing[i * axes] + axes);
    const auto ours = named(compare({p, size, mm}, {t, size, mm}));
    for (size_t m = 0; m < ours.size(); ++m) {
      const auto [name, value] = ours[m];
      EXPECT_NEAR(value, scipy[i * 7 + m], 1e-9)
          << file << " pair " << i << " " << name << " (SciPy)";
      // MONAI computes in float32; its interpolated percentile loses another digit.
      EXPECT_NEAR(value, monai[i * 7 + m], m == kHd95 ? 2e-5 : 2e-6)
          << file << " pair " << i << " " << name << " (MONAI)";
      if (m != kHd95) {  // MedPy pools both directions before it takes the percentile
        EXPECT_NEAR(value, medpy[i * 7 + m], 1e-9)
            << file << " pair " << i << " " << name << " (MedPy)";
      }
      ++compared;
    }
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(compared, 7 * shape[0]);
}

class MetricsParity : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kReferences)) GTEST_SKIP() << kReferences << " is not here";
  }
};

TEST_F(MetricsParity, Pairs2D) { expect_parity("masks2d.safetensors", 2); }
TEST_F(MetricsParity, Volumes3D) { expect_parity("vols3d.safetensors", 3); }

TEST_F(MetricsParity, EdgeCases) {
  const hilum::testing::SafetensorsFile masks(kReferences / "edge_masks.safetensors");
  std::ifstream in(kReferences / "edge.json");
  const auto peers = nlohmann::json::parse(in);
  const std::vector<int64_t> size{16, 16};
  int cases = 0;
  for (const auto& [key, wanted] : peers.items()) {
    const auto bar = key.find('|');
    if (key.substr(key.rfind('|') + 1) != "scipy_edt_crop") continue;
    const std::string name = key.substr(0, bar);
    const std::vector<double> mm = key.find("(1.0, 1.0)") != std::string::npos
                                       ? std::vector<double>{1, 1}
                                       : std::vector<double>{2, 0.5};
    const auto p = masks.read<uint8_t>(name + "_pred"), t = masks.read<uint8_t>(name + "_gt");
    const auto scores = compare({p, size, mm}, {t, size, mm});
    const auto ours = named(scores);
    for (size_t m = 0; m < ours.size(); ++m) {
      if (wanted[m].is_number()) {
        EXPECT_NEAR(ours[m].second, wanted[m].get<double>(), 1e-12) << key << " " << ours[m].first;
      } else {  // the peers have no number for empty masks; we always do
        EXPECT_TRUE(std::isfinite(ours[m].second) && scores.empty != Empty::none) << key;
      }
    }
    ++cases;
  }
  EXPECT_EQ(cases, 26);
}

}  // namespace
}  // namespace hilum::metrics
