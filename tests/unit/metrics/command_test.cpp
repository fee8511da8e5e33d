// SPDX-License-Identifier: Apache-2.0
// hilum metrics, as the program calls it, on files of every format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/data/image.hpp"
#include "hilum/error.hpp"

namespace hilum::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

class MetricsCommand : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// A volume with foreground at the given voxels (z, y, x); returns the file's path.
  std::string write(const std::string& name, const std::vector<std::array<int64_t, 3>>& foreground,
                    float value = 1) {
    std::vector<float> voxels(data::voxels(grid_), 0);
    for (const auto& [z, y, x] : foreground)
      voxels[(z * grid_.size[1] + y) * grid_.size[2] + x] = value;
    const auto file = folder_ / name;
    data::write_image(file, grid_, voxels);
    return file.string();
  }
  std::string run(std::vector<std::string> arguments) {
    CLI::App app("hilum");
    add_metrics(app);
    arguments.insert(arguments.begin(), "metrics");
    std::ranges::reverse(arguments);
    CaptureStdout();
    try {
      app.parse(arguments);
    } catch (...) {
      GetCapturedStdout();
      throw;
    }
    return GetCapturedStdout();
  }
  nlohmann::json run_json(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    return nlohmann::json::parse(run(std::move(arguments)));
  }
  void expect_error(const std::vector<std::string>& arguments, Fault fault,
                    const std::string& part) {
    try {
      run(arguments);
      FAIL() << "accepted; expected: " << part;
    } catch (const Error& e) {
      EXPECT_EQ(e.fault, fault);
      EXPECT_THAT(e.what(), HasSubstr(part));
    }
  }

  std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) / ("hilum_metrics_" + std::to_string(getpid()));
  data::Geometry grid_{{4, 6, 8}, {2.5, 0.5, 0.7}, {-10, 20, 5}};
};

TEST_F(MetricsCommand, EveryFormatGivesTheSameFiguresInMillimetres) {
  const auto truth = write("truth.nrrd", {{1, 2, 3}});
  for (const char* name : {"pred.nii.gz", "pred.nii", "pred.nrrd", "pred.mha"}) {
    const auto scores = run_json({write(name, {{2, 4, 6}}, 7), truth});
    EXPECT_NEAR(scores["hd"], std::sqrt(2.5 * 2.5 + 1 + 2.1 * 2.1), 1e-6) << name;
    EXPECT_EQ(scores["dice"], 0) << name;
    EXPECT_EQ(scores["empty"], "none") << name;
    EXPECT_EQ(scores.size(), 8U);
  }
}

TEST_F(MetricsCommand, EmptyMasksAreNamed) {
  const auto none = write("none.nrrd", {}), some = write("some.nrrd", {{1, 2, 3}});
  EXPECT_EQ(run_json({none, some})["empty"], "pred");
  EXPECT_EQ(run_json({some, none})["empty"], "truth");
  EXPECT_EQ(run_json({none, none})["empty"], "both");
  EXPECT_NEAR(run_json({none, some})["assd"], std::sqrt(100 + 9 + 5.6 * 5.6), 1e-6);
  EXPECT_THAT(run({none, some}), HasSubstr("The prediction is empty: overlap 0"));
}

TEST_F(MetricsCommand, OneSliceIsA2DMask) {
  grid_.size = {1, 5, 5};
  std::vector<std::array<int64_t, 3>> all;
  for (int64_t i = 0; i < 25; ++i) all.push_back({0, i / 5, i % 5});
  const auto square = write("square.nrrd", all), centre = write("centre.nrrd", {{0, 2, 2}});
  const auto text = run({centre, square});
  EXPECT_THAT(text, HasSubstr("prediction 1 voxels, truth 25 voxels, of 5 x 5 (H x W)"));
  // 16 of the square's 25 voxels are its outline, none of them at distance 0 from the centre
  EXPECT_GT(run_json({centre, square})["assd"].get<double>(), 1.0);
}

TEST_F(MetricsCommand, TheTableHasUnits) {
  const auto file = write("a.nrrd", {{1, 2, 3}});
  const auto text = run({file, file});
  EXPECT_THAT(text, HasSubstr("dice         1.0000\n"));
  EXPECT_THAT(text, HasSubstr("hd95         0.0000  mm\n"));
  EXPECT_THAT(text, HasSubstr("4 x 6 x 8 (D x H x W), spacing 2.5 x 0.5 x 0.7 mm"));
}

TEST_F(MetricsCommand, SpacingCanBeGivenInTheOrderXYZ) {
  const auto a = write("a.nrrd", {{1, 2, 3}}), b = write("b.nrrd", {{1, 2, 5}});
  EXPECT_NEAR(run_json({a, b})["hd"], 1.4, 1e-6);
  EXPECT_NEAR(run_json({a, b, "--spacing", "3,1,1"})["hd"], 6, 1e-6);
  expect_error({a, b, "--spacing", "3,0,1"}, Fault::request, "value '3,0,1', allowed two or three");
  expect_error({a, b, "--spacing", "3"}, Fault::request, "allowed two or three");
}

TEST_F(MetricsCommand, AnotherGridIsADataErrorWithBothValues) {
  const auto truth = write("truth.nrrd", {{1, 2, 3}});
  const auto original = grid_;
  grid_.size = {4, 6, 9};
  expect_error({write("size.nrrd", {}), truth}, Fault::data, "size 4x6x9, not 4x6x8");
  grid_ = original, grid_.spacing[0] = 2;
  expect_error({write("spacing.nrrd", {}), truth}, Fault::data,
               "spacing (2, 0.5, 0.7) mm, not (2.5, 0.5, 0.7)");
  grid_ = original, grid_.origin[0] = 0;
  expect_error({write("origin.nrrd", {}), truth}, Fault::data,
               "origin (0, 20, 5) mm, not (-10, 20, 5)");
  grid_ = original, grid_.direction = {-1, 0, 0, 0, -1, 0, 0, 0, 1};
  expect_error({write("direction.nrrd", {}), truth}, Fault::data,
               "direction [-1, 0, 0, 0, -1, 0, 0, 0, 1], not [1, 0, 0, 0, 1, 0, 0, 0, 1]");
  expect_error({(folder_ / "no.nrrd").string(), truth}, Fault::data, "no.nrrd");
}

TEST_F(MetricsCommand, AProbabilityMapIsRemarkedOn) {
  const auto truth = write("truth.nrrd", {{1, 2, 3}});
  const auto map = write("map.nrrd", {{1, 2, 3}}, 0.25F);
  CaptureStderr();
  EXPECT_EQ(run_json({map, truth})["dice"], 1);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("map.nrrd: holds fractions such as 0.25"));
}

}  // namespace
}  // namespace hilum::cli
