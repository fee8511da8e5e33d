// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <cmath>
#include <set>

#include "core/report/html/overlays.hpp"
#include "core/report/html/page.hpp"
#include "core/report/html/picture.hpp"
#include "core/report/html/write.hpp"
#include "tests/unit/data/fixture.hpp"

namespace hilum::report {
namespace {
using data::error_of;
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string id_of(int i) { return "n" + std::to_string(10 + i); }

/// Two runs, tested on the same nodules: squares of 4 x 4 voxels in slice 1 of 3.
class Page : public ::testing::Test {
 protected:
  static constexpr int kNodules = 16;

  void SetUp() override {
    set.name = "squares", set.fingerprint = "abc";
    for (int i = 0; i < kNodules; ++i) {
      data::Region region;
      region.id = id_of(i), region.patient = "p" + std::to_string(i / 2);
      region.geometry.size = {3, 8, 8}, region.geometry.spacing = {2, 0.5, 0.5};
      region.image.assign(192, -800), region.mask.assign(192, 0);
      for (size_t y = 2; y < 6; ++y)
        for (size_t x = 2; x < 6; ++x) region.mask[64 + 8 * y + x] = 1;
      set.regions.push_back(std::move(region));
    }
    base = add_run("base", 0, {0.6, 0.2, 0.7, 0.4});
    ours = add_run("ours", 1, {0.9, 0.1, 0.4, 0.2});
  }

  /// The nodule i has Dice i / 20 + better / 100 and, for the first four, these probabilities.
  std::string add_run(const std::string& name, int better, std::array<double, 4> probability) {
    runs::Store store(folder.path);
    runs::NewRun run{.name = name};
    run.params = {{"data.source", source, "string"},
                  {"train.lr", name == "base" ? "0.001" : "0.002", "float"},
                  {"train.epochs", "2", "integer"},
                  {"resolved.fingerprint", "abc", "string"}};
    const std::string id = store.begin(run);
    std::vector<runs::CaseMetric> cases;
    for (int i = 0; i < kNodules; ++i)
      cases.push_back(
          {"p" + std::to_string(i / 2), id_of(i), {}, "mask.dice", i / 20.0 + better / 100.0});
    cases.push_back({"p0", id_of(0), 1, "mask.dice", 0.125});
    const std::array truth{1.0, 0.0, 1.0, 0.0};
    for (int i = 0; i < 4; ++i) {
      cases.push_back(
          {"p" + std::to_string(i / 2), id_of(i), {}, "nodule.predicted", probability[size_t(i)]});
      cases.push_back(
          {"p" + std::to_string(i / 2), id_of(i), {}, "nodule.truth", truth[size_t(i)]});
      cases.push_back(
          {"p" + std::to_string(i / 2), id_of(i), {}, "texture.predicted", 2.4 + i + level});
      cases.push_back({"p" + std::to_string(i / 2), id_of(i), {}, "texture.truth", 3});
    }
    store.log_cases(id, "test", cases);
    store.log(id, std::vector<runs::Metric>{{1, 1, "train", "loss", 0.9},
                                            {2, 2, "train", "loss", 0.5},
                                            {1, 1, "val", "mask.dice", 0.3},
                                            {2, 2, "val", "mask.dice", NAN},
                                            {2, 2, "test", "mask.dice", 0.4321},
                                            {2, 2, "test", "nodule.positives", 2},
                                            {2, 2, "test", "texture.within_one", 1}});
    store.finish(id, "done");
    return id;
  }

  /// A prediction one voxel wider than the truth.
  void keep_prediction(const std::string& run, int nodule, data::Geometry geometry) const {
    std::vector<uint8_t> mask(static_cast<size_t>(data::voxels(geometry)));
    for (size_t y = 2; y < 6; ++y)
      for (size_t x = 2; x < 7; ++x) mask[64 + 8 * y + x] = 1;
    const auto place = folder.path / run / "predictions" / "test";
    fs::create_directories(place);
    data::write_image(place / (id_of(nodule) + ".mask.nii.gz"), geometry, mask);
  }

  std::string page(PageOptions options = {}, bool pictures = true) const {
    const runs::Reader reader(folder.path);
    const PageData data{pictures ? &set : nullptr, "the folder is gone"};
    return html_page({{"", base}, {label, ours}}, reader, data, options);
  }

  data::Folder folder;
  data::RegionSet set;
  std::string base, ours, label, source = "phantom";
  double level = 0;  // added to each predicted level
};

TEST_F(Page, NeedsNothingBesideItAndLetsNothingIn) {
  label = "<script>alert('x')</script>\"&";
  const auto html = page();
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  for (const char* outside : {"http:", "https:", "src=", "<link", "@import", "url("})
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
}

TEST_F(Page, SaysWhatItIsOf) {
  const auto html = page({.title = "A & B", .version = "9.9", .date = "2026-11-22 01:13"});
  for (const char* part :
       {"<h1>A &amp; B</h1>", "9.9", "2026-11-22 01:13", "squares (phantom), fingerprint abc",
        "<b>Phantoms.</b>", "0.432", "<code>train.lr</code>", "Loss. Last values:"})
    EXPECT_THAT(html, HasSubstr(part));
  EXPECT_THAT(html, Not(HasSubstr("<code>train.epochs</code>"))) << "both runs have it";
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST_F(Page, RealDataAreNotCalledPhantoms) {
  source = "lidc";
  base = add_run("real", 0, {1, 0, 1, 0}), ours = add_run("real", 0, {1, 0, 1, 0});
  EXPECT_THAT(page(), Not(HasSubstr("<b>Phantoms.")));
}

TEST_F(Page, ListsEachNodulesFigures) {
  const auto html = page();
  // 16 voxels of 2 x 0.5 x 0.5 mm are 8 mm3; 0.05 became 0.06.
  EXPECT_THAT(html, HasSubstr("<tr><th scope=row>n11</th><td>p0</td><td data-k=\"8\">8</td><td "
                              "data-k=\"0.05\">0.050</td><td data-k=\"0.06\">0.060</td><td "
                              "data-k=\"0.01\">+0.010</td>"));
  // Probability 0.4 of a 1 is wrong; level 4.4 is called 4 and the truth is 3.
  EXPECT_THAT(html, HasSubstr("<td class=\"wrong\" data-k=\"0.4\">0/1</td><td class=\"wrong\" "
                              "data-k=\"4.4\">4/3</td>"));
  EXPECT_THAT(html, HasSubstr("<li><b>n10</b> patient p0: Dice 0.010, baseline 0.000"));
}

TEST_F(Page, BinaryOutputsHaveRocConfusionAndFlips) {
  const auto html = page();
  EXPECT_THAT(html, HasSubstr("base, AUC 1.000"));
  EXPECT_THAT(html, HasSubstr("ours: 4 nodules, called 1 above 0.5; Brier score 0.105"));
  EXPECT_THAT(html, HasSubstr("<th scope=row>true 0</th><td class=right>2</td><td>0</td></tr>"
                              "<tr><th scope=row>true 1</th><td>1</td><td class=right>1</td>"));
  EXPECT_THAT(html, HasSubstr("From base to ours: 0 wrong → right, 1 right → wrong."));
  EXPECT_THAT(html, HasSubstr("<tr><th scope=row>n12</th><td>p1</td><td data-k=\"1\">1</td><td "
                              "data-k=\"0.7\">0.700</td><td data-k=\"0.4\">0.400</td>"));
}

// Levels 2.4, 3.4, 4.4 and 5.4, all truly 3; the other run is a level lower.
TEST_F(Page, OrdinalOutputsHaveConfusionAndFlips) {
  level = -1;
  base = add_run("low", 0, {0.6, 0.2, 0.7, 0.4});
  const auto html = page();
  EXPECT_THAT(html, HasSubstr("<h3>texture</h3>"));
  EXPECT_THAT(html, HasSubstr("ours: 4 nodules</caption><thead><tr><td></td><th scope=col>called "
                              "2</th><th scope=col>called 3</th>"));
  EXPECT_THAT(html, HasSubstr("<th scope=row>true 3</th><td>1</td><td class=right>1</td><td>1</td>"
                              "<td>1</td></tr>"));
  EXPECT_THAT(html, Not(HasSubstr("texture: nodules that low and ours call differently at 0.5")));
  EXPECT_THAT(html, HasSubstr("texture: nodules that low and ours call differently"));
  EXPECT_THAT(html, HasSubstr("From low to ours: 1 wrong → right, 1 right → wrong, 2 wrong → wrong "
                              "otherwise."));
}

TEST_F(Page, DrawsTheSliceAndTheContoursOfBothRuns) {
  for (const auto& run : {base, ours}) keep_prediction(run, 0, set.regions[0].geometry);
  const auto html = page({.ids = {"n10"}});
  EXPECT_THAT(html, HasSubstr("slice 2 of 3"));
  EXPECT_THAT(html, HasSubstr("<path class='o truth' d='M2 2h4M2 6h4M2 2v4M6 2v4'/>"));
  EXPECT_THAT(html, HasSubstr("<path class='o ours' d='M2 2h5M2 6h5M2 2v4M7 2v4'/>"));
  EXPECT_THAT(html, HasSubstr("Dice <b>0.010</b>, slice 0.125"));
  EXPECT_THAT(html, Not(HasSubstr("kept no predictions")));
}

TEST_F(Page, ARunWithoutPredictionsOrOnAnotherGridIsNamed) {
  auto geometry = set.regions[0].geometry;
  geometry.size = {3, 8, 9};
  keep_prediction(ours, 0, geometry);
  const auto html = page({.ids = {"n10"}});
  EXPECT_THAT(html, HasSubstr("base kept no predictions"));
  EXPECT_THAT(html, HasSubstr("is not on the region&#39;s grid: size"));
  EXPECT_THAT(page({}, false), HasSubstr("There are no pictures: the folder is gone"));
}

TEST_F(Page, ALimitLeavesCasesOutAndSaysSo) {
  const auto whole = page(), without = page({.cases = 0});
  const size_t limit = without.size() + (whole.size() - without.size()) / 2;
  const auto less = page({.limit = limit});
  EXPECT_LE(less.size(), limit);
  EXPECT_THAT(less, HasSubstr("of 12 cases are drawn"));
  EXPECT_THAT(less, HasSubstr("<figcaption><b>n10</b>"));
  const auto error = error_of([&] { page({.limit = 1000}); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), HasSubstr("the limit is 0.0 MB. Name fewer runs"));
}

TEST_F(Page, WrongNamesAreRequestsWithTheNearest) {
  const auto id = error_of([&] { page({.ids = {"n100"}}); });
  EXPECT_EQ(id.fault, Fault::request);
  EXPECT_THAT(id.what(), HasSubstr("Did you mean 'n10'?"));
  EXPECT_THAT(error_of([&] { page({.output = "mast"}); }).what(),
              HasSubstr("Did you mean 'mask'?"));
  ours = base;
  EXPECT_THAT(error_of([&] { page(); }).what(), HasSubstr("is named twice"));
}

TEST_F(Page, CasesAreTheWorstTheMiddleAndTheBest) {
  const runs::Reader reader(folder.path);
  const auto all = html::gather({{"", base}, {"", ours}}, reader, {});
  const auto chosen = [&](int64_t cases) {
    return html::choose_cases(all, "mask", {.cases = cases});
  };
  EXPECT_THAT(chosen(12), ElementsAre("n10", "n11", "n12", "n13", "n14", "n15", "n17", "n18", "n19",
                                      "n23", "n24", "n25"));
  for (int64_t n = 0; n <= kNodules; ++n) {
    const auto ids = chosen(n);
    EXPECT_EQ(ids.size(), static_cast<size_t>(n));
    EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size()) << "none twice";
  }
  EXPECT_EQ(chosen(100).size(), 16U);
}

TEST(Picture, IsAPngWithThePixelsOfTheWindow) {
  const std::vector<float> values{-2000, -1000, -300, 400, 900, -300};
  const auto png = html::grey_png({values, 2, 3}, {-1000, 400});
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(png.substr(16, 8), std::string("\0\0\0\3\0\0\0\2", 8));
  const size_t at = png.find("IDAT"), length = static_cast<uint8_t>(png[at - 1]);
  const auto* data = reinterpret_cast<const Bytef*>(png.data()) + at;
  const auto check = crc32(crc32(0, nullptr, 0), data, static_cast<uInt>(length + 4));
  EXPECT_EQ(check & 255, static_cast<uint8_t>(png[at + 4 + length + 3]));
  std::array<uint8_t, 8> raw{};
  uLongf size = raw.size();
  ASSERT_EQ(uncompress(raw.data(), &size, data + 4, static_cast<uLong>(length)), Z_OK);
  EXPECT_THAT(raw, ElementsAre(1, 0, 0, 128, 1, 255, 0, 129)) << "128 - 255 is 129 of 256";
}

TEST(Picture, OutlinesGoAlongTheEdgesOfVoxels) {
  const std::vector<uint8_t> ring{1, 1, 1, 1, 0, 1, 1, 1, 1}, none(9, 0);
  EXPECT_EQ(html::outline({ring, 3, 3}), "M0 0h3M1 1h1M1 2h1M0 3h3M0 0v3M1 1v1M2 1v1M3 0v3");
  EXPECT_EQ(html::outline({none, 3, 3}), "");
}

TEST(Base64, IsThatOfRfc4648) {
  EXPECT_EQ(html::base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(html::base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(html::base64("foob"), "Zm9vYg==");
  EXPECT_EQ(html::base64(std::string("\xff\0", 2)), "/wA=");
}

}  // namespace
}  // namespace hilum::report
