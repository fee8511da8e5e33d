// SPDX-License-Identifier: Apache-2.0
// `hilum data prepare` as a person types it: what it prints, and what it leaves when data are bad.
#include <chrono>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

const fs::path kData = fs::path(HILUM_SOURCE_DIR) / ".." / "shared" / "data";

class Prepare : public Program {
 protected:
  void SetUp() override {
    const auto made = hilum({"data", "phantom", "--out", "in", "--count", "4", "--patients", "2",
                             "--size", "8", "32", "32"});
    ASSERT_EQ(made.code, 0) << made.all();
  }
  /// Exit 3 with the words, nothing under the name, and nothing hidden beside it.
  void refused(const Strings& words, const std::string& says) {
    const auto outcome = hilum(Strings{"data", "prepare"} + words + Strings{"--out", "bad"});
    EXPECT_EQ(outcome.code, 3) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(says));
    for (const auto& entry : fs::directory_iterator(root))
      EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("bad")));
  }
};

TEST_F(Prepare, PairsOfImagesAndMasksBecomeASetThatChecksOut) {
  const auto made = hilum({"data", "prepare", "rois", "in/index.csv", "--out", "set", "--size",
                           "24", "24", "--spacing", "0.8", "0.8"});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out, HasSubstr("24 24"));
  EXPECT_THAT(made.out, HasSubstr("fingerprint"));
  const auto about = nlohmann::json::parse(text_of(root / "set" / "fingerprint.json"));
  EXPECT_EQ(about.at("rules").at("spacing"), "0.8 0.8");
  EXPECT_EQ(about.at("regions"), 4);
  const auto checked = json({"data", "check", "set"});
  EXPECT_EQ(checked.at("regions"), 4);
  EXPECT_EQ(checked.at("patients"), 2);
  EXPECT_EQ(checked.at("size").at(1).at("max"), 24);
  EXPECT_NEAR(checked.at("spacing_mm").at(2).at("max").get<double>(), 0.8, 1e-6);
  const auto again = hilum({"data", "prepare", "rois", "in/index.csv", "--out", "set"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("holds a ROI set already"));
  EXPECT_EQ(
      hilum({"data", "prepare", "rois", "in/index.csv", "--out", "b", "--whole", "--components"})
          .code,
      2);
}

TEST_F(Prepare, BadInputIsExitCode3AndLeavesNoSet) {
  refused({"rois", "none.csv"}, "none.csv");
  write(root / "t.csv", "image,mask\n../x.nii.gz,in/mask/P001_1.nii.gz\n");
  refused({"rois", "t.csv"}, "lies outside");
  write(root / "t.csv", "");
  refused({"rois", "t.csv"}, "is empty");
  const auto index = text_of(root / "in" / "index.csv");
  const auto line = lines_of(index).back();
  const auto image =
      line.substr(line.find("image/"), line.find(".nii.gz") + 7 - line.find("image/"));
  const auto whole = text_of(root / "in" / image);
  write(root / "in" / image, whole.substr(0, whole.size() * 2 / 3));
  refused({"rois", "in/index.csv"}, "index.csv:5: ");
  refused({"nnunet", "in"}, "dataset.json");
  refused({"luna16", "--scans", "in", "--annotations", "in/index.csv", "--mask", "sphere"},
          "no column 'seriesuid'");
  EXPECT_EQ(hilum({"data", "prepare", "luna16", "--scans", "in", "--annotations", "in/index.csv",
                   "--out", "b"})
                .code,
            2)
      << "no masks";
}

TEST_F(Prepare, RealFilesThatAreNoScans) {
  if (!fs::exists(kData / "robustness")) GTEST_SKIP() << "no real data at " << kData;
  int tried = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kData / "robustness")) {
    if (!entry.is_regular_file()) continue;
    const auto name = entry.path().filename().string();
    fs::remove_all(root / "t");
    fs::create_directories(root / "t");
    for (const auto& beside : fs::directory_iterator(entry.path().parent_path()))
      if (beside.path().stem() == entry.path().stem() || beside.path().extension() == ".raw")
        fs::copy_file(beside.path(), root / "t" / beside.path().filename());
    write(root / "t" / "t.csv", "image,mask\n" + name + "," + name + "\n");
    const auto outcome = hilum({"data", "prepare", "rois", "t/t.csv", "--out", "set", "--whole"});
    ++tried;
    if (outcome.code == 0) {
      EXPECT_EQ(hilum({"data", "check", "set"}).code, 0) << name;
      fs::remove_all(root / "set");
      continue;
    }
    EXPECT_EQ(outcome.code, 3) << name << "\n" << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr("t.csv:2: ")) << name;
    EXPECT_FALSE(fs::exists(root / "set")) << name;
  }
  EXPECT_GT(tried, 40);
}

TEST_F(Prepare, ASlabOfLuna16) {
  if (!fs::exists(kData / "luna_mini")) GTEST_SKIP() << "no real data at " << kData;
  const auto luna = (kData / "luna_mini").string();
  const Strings words = {
      "data",   "prepare", "luna16", "--scans", luna, "--annotations", luna + "/annotations.csv",
      "--mask", "sphere"};
  const auto made = hilum(words + Strings{"--out", "set"});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out, HasSubstr("sphere of the annotated diameter"));
  EXPECT_THAT(made.out, HasSubstr("note: masks are spheres"));
  const auto checked = json({"data", "check", "set"});
  EXPECT_EQ(checked.at("regions"), 1);
  EXPECT_NEAR(checked.at("targets").at("diameter_mm").at("max").get<double>(), 23.35, 0.01);
  const auto about = nlohmann::json::parse(text_of(root / "set" / "fingerprint.json"));
  EXPECT_EQ(about.at("rules").at("mask"), "sphere of the annotated diameter");

  const auto series = fs::directory_iterator(kData / "luna_mini" / "subset0")->path().stem();
  for (const auto* ending : {".mhd", ".raw"}) {
    const auto name = series.string() + ending;
    const auto text = text_of(kData / "luna_mini" / "subset0" / name);
    write(root / "torn" / name,
          text.substr(0, ending == std::string(".raw") ? 100000 : text.size()));
  }
  refused(
      {"luna16", "--scans", "torn", "--annotations", luna + "/annotations.csv", "--mask", "sphere"},
      series.string());
}

}  // namespace
}  // namespace hilum::testing
