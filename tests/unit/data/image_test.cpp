// SPDX-License-Identifier: Apache-2.0
#include "core/data/image.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/util/files.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::AnyOf;
using testing::HasSubstr;

// Anisotropic, off the origin, x and y flipped and turned about z: what a careless writer loses.
Geometry oblique() {
  const double c = std::cos(0.3), s = std::sin(0.3);
  return {{3, 5, 7}, {2.5, 0.7, 0.6}, {-12.5, 40, 7.25}, {-c, s, 0, -s, -c, 0, 0, 0, 1}};
}

void expect_same(const Geometry& is, const Geometry& expected) {
  EXPECT_EQ(is.size, expected.size);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(is.spacing[i], expected.spacing[i], 1e-5);
    EXPECT_NEAR(is.origin[i], expected.origin[i], 1e-4);
  }
  for (size_t i = 0; i < 9; ++i) EXPECT_NEAR(is.direction[i], expected.direction[i], 1e-5) << i;
}

class Format : public testing::TestWithParam<const char*> {};

TEST_P(Format, KeepsVoxelsAndGeometry) {
  const Folder folder;
  const auto file = folder.path / "new" / (std::string("image") + GetParam());
  std::vector<float> values(105);
  std::iota(values.begin(), values.end(), -50.25f);
  write_image(file, oblique(), values);
  const auto back = read_image(file);
  EXPECT_EQ(back.voxels, values);
  expect_same(back.geometry, oblique());

  std::vector<uint8_t> mask(105);
  mask[17] = 1, mask[104] = 255;
  write_image(file, oblique(), mask);
  const auto labels = read_image(file);
  EXPECT_EQ(labels.voxels, std::vector<float>(mask.begin(), mask.end()));
  expect_same(labels.geometry, oblique());

  std::vector<int16_t> hu(105, -1024);
  hu[3] = 3071;
  write_image(file, oblique(), hu);
  EXPECT_EQ(read_image(file).voxels, std::vector<float>(hu.begin(), hu.end()));
  for (const auto& entry : fs::directory_iterator(file.parent_path()))
    EXPECT_EQ(entry.path().string().find(".part"), std::string::npos);
}

TEST_P(Format, TruncatedIsAnErrorThatNamesTheFile) {
  const std::string extension = GetParam();
  if (extension == ".mhd" || extension == ".nhdr") return;  // the voxels are in a second file
  const Folder folder;
  const auto file = folder.path / ("cut" + extension);
  std::vector<float> values(105);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * i % 97);
  write_image(file, oblique(), values);
  const auto whole = util::read_file(file);
  // Inside the voxels, inside the header, and nothing at all.
  for (const size_t size : {whole.size() - 20, whole.size() / 2, size_t{10}, size_t{0}}) {
    folder.write("cut" + extension, whole.substr(0, size));
    const auto error = error_of([&] { read_image(file); });
    EXPECT_THAT(error.what(), HasSubstr(file.string())) << size;
    EXPECT_EQ(error.fault, Fault::data) << size << " of " << whole.size() << ": " << error.what();
  }
}

TEST_P(Format, NotANumberIsRefused) {
  const Folder folder;
  const auto file = folder.path / (std::string("nan") + GetParam());
  for (const float odd :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> values(105, 1);
    values[99] = odd;
    write_image(file, oblique(), values);
    EXPECT_THAT(error_of([&] { read_image(file); }).what(), HasSubstr("not a finite number"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Format,
                         testing::Values(".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '.');
                           return name;
                         });

// In the checksum, or what is left of it: every voxel is there, but nobody knows whether it is
// right.
TEST(Image, ADamagedGzipIsAnError) {
  const Folder folder;
  for (const int64_t size : {4, 70}) {  // within zlib's buffer, and beyond it
    const Geometry geometry = grid(size, size, size);
    std::vector<uint8_t> values(static_cast<size_t>(size * size * size));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint8_t>(i * i / 7);
    write_image(folder.path / "a.nii.gz", geometry, values);
    auto bytes = util::read_file(folder.path / "a.nii.gz");
    const auto cut = folder.write("cut.nii.gz", bytes.substr(0, bytes.size() - 4));
    EXPECT_THAT(error_of([&] { read_image(cut); }).what(), HasSubstr("cut.nii.gz: is cut short"));
    bytes[bytes.size() - 6] ^= 1;
    const auto damaged = folder.write("damaged.nii.gz", bytes);
    EXPECT_THAT(error_of([&] { read_image(damaged); }).what(),
                HasSubstr("damaged.nii.gz: is damaged"));
  }
}

TEST(Image, RefusesOtherFiles) {
  const Folder folder;
  EXPECT_THAT(error_of([&] { read_image(folder.write("a.png", "x")); }).what(),
              HasSubstr(".nii, .nii.gz"));
  EXPECT_THAT(error_of([&] { read_image(folder.path / "b.nii"); }).what(),
              HasSubstr("does not exist"));
  EXPECT_THAT(error_of([&] { read_image(folder.write("c.nrrd", "hello")); }).what(),
              HasSubstr("c.nrrd"));
  const std::vector<float> few(3);
  EXPECT_THAT(error_of([&] { write_image(folder.path / "d.nii", oblique(), few); }).what(),
              HasSubstr("3 voxels to write, the grid has 105"));
  const std::vector<float> all(105);
  EXPECT_THROW(write_image(folder.path / "e.png", oblique(), all), Error);
}

TEST(Image, AHeaderThatPromisesTooMuchAllocatesNothing) {
  const Folder folder;
  const std::vector<uint8_t> values(105);
  write_image(folder.path / "a.nii", oblique(), values);
  auto bytes = util::read_file(folder.path / "a.nii");
  const int16_t huge[3] = {1000, 1000, 1000};
  std::memcpy(bytes.data() + 42, huge, sizeof huge);
  const auto error = error_of([&] { read_image(folder.write("b.nii", bytes)); });
  EXPECT_THAT(error.what(), HasSubstr("cut short"));
}

// Whatever ITK would load from there runs in this process: the variable has to be gone before its
// first object.
TEST(ImageDeathTest, ForeignLibrariesAreNotLoaded) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a fresh process: ITK looks once
  const auto read = [] {
    setenv("ITK_AUTOLOAD_PATH", "/tmp", 1);
    error_of([] { read_image(__FILE__ ".nrrd"); });
    const Folder folder;
    write_image(folder.path / "a.nrrd", oblique(), std::vector<float>(105));
    std::exit(getenv("ITK_AUTOLOAD_PATH") == nullptr ? 0 : 1);
  };
  EXPECT_EXIT(read(), testing::ExitedWithCode(0), "");
}

TEST(Image, UncompressedCutFilesAreErrors) {
  HILUM_NEED_DATA("robustness");
  const Folder folder;
  const auto whole = util::read_file(kShared / "robustness" / "pynrrd" / "BallBinary30x30x30.nrrd");
  const auto nrrd = folder.write("cut.nrrd", whole.substr(0, whole.size() - 100));
  EXPECT_THAT(error_of([&] { read_image(nrrd); }).what(), HasSubstr("cut.nrrd"));
  const std::string header =
      "NDims = 3\nDimSize = 2 3 4\nElementType = MET_SHORT\nElementDataFile = LOCAL\n";
  EXPECT_EQ(read_image(folder.write("whole.mha", header + std::string(48, 'a'))).voxels[0], 0x6161);
  const auto mha = folder.write("cut.mha", header + std::string(47, 'a'));
  EXPECT_THAT(error_of([&] { read_image(mha); }).what(), HasSubstr("cut short"));
}

// A turn by 180 degrees about z as an sform, which ITK 5.2 refuses, and the same as a qform.
TEST(Image, BothOrientationsOfNiftiMeanTheSame) {
  HILUM_NEED_DATA("lidc_nodules");
  const auto sform = read_image(kShared / "lidc_nodules/agree/LIDC-IDRI-0335_R_3.nii.gz").geometry;
  const auto qform = read_image(kShared / "lidc_nodules/image/LIDC-IDRI-0335_R_3.nii.gz").geometry;
  EXPECT_EQ(difference(sform, qform), "");
  EXPECT_NEAR(sform.direction[0], 1, 1e-6);
  EXPECT_NEAR(sform.origin[0], -93.796875, 1e-4);
  EXPECT_NEAR(sform.origin[2], -701.9, 1e-3);
}

TEST(Image, ReadsRealOddFiles) {
  HILUM_NEED_DATA("robustness");
  const auto folder = kShared / "robustness";
  const auto ball = read_image(folder / "pynrrd" / "BallBinary30x30x30.nrrd");
  EXPECT_EQ(ball.geometry.size, (std::array<int64_t, 3>{30, 30, 30}));
  for (const auto* other :
       {"BallBinary30x30x30.nhdr", "BallBinary30x30x30_gz.nrrd", "BallBinary30x30x30.nii.gz"})
    EXPECT_EQ(read_image(folder / "pynrrd" / other).voxels, ball.voxels) << other;
  EXPECT_EQ(read_image(folder / "nibabel" / "anatomical.nii").geometry.size[0], 25);
  EXPECT_THAT(error_of([&] { read_image(folder / "nibabel" / "example4d.nii.gz"); }).what(),
              HasSubstr("has 4 dimensions; a region has 3"));
}

// Every file is read or refused with its name; none crashes.
TEST(Image, NoRealFileIsMoreThanAnError) {
  HILUM_NEED_DATA("robustness");
  for (const auto& entry : fs::recursive_directory_iterator(kShared / "robustness")) {
    if (!entry.is_regular_file()) continue;
    try {
      const auto volume = read_image(entry.path());
      EXPECT_EQ(static_cast<int64_t>(volume.voxels.size()), voxels(volume.geometry));
    } catch (const Error& error) {
      EXPECT_EQ(error.fault, Fault::data);
      EXPECT_THAT(error.what(), HasSubstr(entry.path().string()));
    }
  }
}

}  // namespace
}  // namespace hilum::data
