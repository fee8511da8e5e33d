// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/util/files.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::HasSubstr;

/// Runs `hilum <line>`; what it prints.
std::string hilum(const std::string& line) {
  CLI::App app;
  cli::add_data(app);
  testing::internal::CaptureStdout();
  try {
    app.parse(line);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  return testing::internal::GetCapturedStdout();
}

TEST(DataCommand, PhantomsAreASetThatChecksOut) {
  const Folder folder;
  const std::string set = (folder.path / "set").string();
  EXPECT_THAT(hilum("data phantom --out " + set +
                    " --count 12 --patients 6 --seed 4 --size 4 16 16 --spacing 3 1 1"),
              HasSubstr("12 phantoms of 6 patients"));
  const auto text = hilum("data check " + set);
  EXPECT_THAT(text, HasSubstr("set: 12 regions of 6 patients"));
  EXPECT_THAT(text, HasSubstr("malignancy"));
  EXPECT_THAT(text, HasSubstr("0 empty masks"));
  const auto json = nlohmann::json::parse(hilum("data check " + set + " --json"));
  EXPECT_EQ(json["regions"], 12);
  EXPECT_EQ(json["spacing_mm"][0]["max"], 3);
  EXPECT_EQ(json["targets"]["margin"]["known"], 12);
  EXPECT_EQ(json["folds"]["0"]["patients"], 2);
  EXPECT_EQ(error_of([&] { hilum("data phantom --out " + set); }).fault, Fault::request);
}

TEST(DataCommand, CheckFailsOnLeakingFoldsAndDuplicates) {
  const Folder folder;
  const std::string set = folder.path.string();
  hilum("data phantom --out " + set + " --count 6 --patients 3 --size 2 16 16");
  const auto index = util::read_file(folder.path / "index.csv");
  const auto id = [&](const std::string& start) {
    const auto at = index.find("\n" + start) + 1;
    return index.substr(at, index.find(',', at) - at);
  };
  std::string folds = "id,fold\n" + id("P001_1") + ",0\n" + id("P001_2") + ",1\n";
  for (const auto* other : {"P002_1", "P002_2", "P003_1", "P003_2"}) folds += id(other) + ",1\n";
  folder.write("folds.csv", folds);
  const auto error = error_of([&] { hilum("data check " + set); });
  EXPECT_EQ(error.fault, Fault::data);
  EXPECT_THAT(error.what(),
              HasSubstr("1 patient stands on two sides of the split, for example 'P001'"));

  fs::remove(folder.path / "folds.csv");
  EXPECT_NO_THROW(hilum("data check " + set));
  fs::copy_file(folder.path / "image" / (id("P001_1") + ".nii.gz"),
                folder.path / "image" / (id("P001_2") + ".nii.gz"),
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(hilum("data check " + set),
              HasSubstr("have the same pixels"));  // one patient: no leak
  fs::copy_file(folder.path / "image" / (id("P001_1") + ".nii.gz"),
                folder.path / "image" / (id("P003_2") + ".nii.gz"),
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(error_of([&] { hilum("data check " + set); }).what(),
              HasSubstr("1 image stands on two sides"));
}

}  // namespace
}  // namespace hilum::data
