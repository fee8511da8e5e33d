// SPDX-License-Identifier: Apache-2.0
#include "core/data/dicom.hpp"

#include <itkGDCMImageIO.h>
#include <itkImageFileWriter.h>
#include <itkMetaDataObject.h>

#include <cstring>

#include "core/data/itk_setup.hpp"
#include "core/util/files.hpp"
#include "tests/unit/data/dicom_bytes.hpp"

namespace hilum::data {
namespace {
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(Dicom, OrdersByPositionAndRescales) {
  const Scan scan = read({at(5, 1), at(0, 3), at(2.5, 2)});
  EXPECT_EQ(scan.series, "1.2.3");
  EXPECT_EQ(scan.patient, "P1");
  const Geometry& g = scan.volume.geometry;
  EXPECT_THAT(g.size, ElementsAre(3, 2, 3));
  EXPECT_THAT(g.spacing, ElementsAre(2.5, 0.5, 0.75));
  EXPECT_THAT(g.origin, ElementsAre(-5, 7, 0));
  EXPECT_THAT(g.direction, ElementsAre(1, 0, 0, 0, 1, 0, 0, 0, 1));
  const auto& v = scan.volume.voxels;
  EXPECT_THAT((std::vector{v[0], v[6], v[12]}),
              ElementsAre(-994, -996, -998));  // 2 * stored - 1000
  ASSERT_THAT(scan.slices, SizeIs(3));
  EXPECT_EQ(scan.slices[0].sop_uid, "1.5.3");
  EXPECT_EQ(scan.slices[2].z, 5);
  EXPECT_THAT(scan.notes, IsEmpty());
}

// Along the normal, which here points down: the first slice is the highest one.
TEST_F(Dicom, TheFrameIsRightHanded) {
  std::vector<Bytes> slices{at(0, 1), at(2, 2)};
  for (Bytes& bytes : slices) bytes.orientation = "-1\\0\\0\\0\\1\\0";
  const Scan scan = read(slices);
  EXPECT_THAT(scan.volume.geometry.direction, ElementsAre(-1, 0, 0, 0, 1, 0, 0, 0, -1));
  EXPECT_EQ(scan.volume.geometry.origin[2], 2);
  EXPECT_EQ(scan.slices[0].z, 2);
  EXPECT_EQ(scan.volume.geometry.spacing[0], 2);
}

TEST_F(Dicom, MissingSlicesAndDoublesAreNoted) {
  Scan scan = read({at(0, 1), at(1, 2), at(4, 5), at(5, 6), at(6, 7)});
  EXPECT_EQ(scan.volume.geometry.spacing[0], 1);
  EXPECT_THAT(scan.notes, ElementsAre(HasSubstr("2 slices are missing between z 1 and 4 mm")));
  for (const bool turned : {false, true}) {
    std::vector<Bytes> slices{at(0, 1), at(1, 9), at(1, 2), at(2, 3)};
    if (turned) std::reverse(slices.begin(), slices.end());
    scan = read(slices);
    EXPECT_EQ(scan.volume.geometry.size[0], 3);
    EXPECT_EQ(scan.slices[1].sop_uid, "1.5.2");
    EXPECT_EQ(scan.volume.voxels[6], -996);
    EXPECT_THAT(scan.notes, ElementsAre(HasSubstr("two slices at z 1 mm")));
  }
  EXPECT_THAT(read({at(0, 1), at(1, 2), at(2.2, 3), at(3.2, 4)}).notes,
              ElementsAre(HasSubstr("not evenly spaced")));
  std::vector<Bytes> tilted{at(0, 1), at(1, 2)};
  tilted[1].position = "-5\\8\\1";
  EXPECT_THAT(read(tilted).notes, ElementsAre(HasSubstr("in their plane by up to 1 mm")));
  scan = read({at(0)});
  EXPECT_EQ(scan.volume.geometry.spacing[0], 2.5);
  EXPECT_THAT(scan.notes, ElementsAre(HasSubstr("one slice")));
}

TEST_F(Dicom, PaddingBecomesFill) {
  Bytes bytes;
  bytes.padding = little(63536, 2);  // -2000
  bytes.pixels = {-2000, -600, -12, 0, 12, 2000};
  const Scan scan = read({bytes});
  EXPECT_THAT(scan.volume.voxels, ElementsAre(-1024, -1024, -1024, -1000, -976, 3000));
  EXPECT_THAT(scan.notes,
              testing::Contains("1 voxels of padding (PixelPaddingValue) became -1024 HU"));
  EXPECT_THAT(scan.notes, testing::Contains("1 voxels below -1024 HU became -1024 HU"));
  EXPECT_THAT(read_scan(series({bytes}), -3000).volume.voxels,
              ElementsAre(-3000, -2200, -1024, -1000, -976, 3000));
}

TEST_F(Dicom, UnderstandsEncodings) {
  Bytes bytes;
  bytes.stored = 12, bytes.is_signed = 0;
  bytes.pixels = {0, 1, 2, 3, 4, 0x7fff};  // 4 bits above the stored ones are not the pixel's
  EXPECT_EQ(read({bytes}).volume.voxels[5], 2 * 4095 - 1000);
  bytes.is_signed = 1;
  EXPECT_EQ(read_scan(series({bytes}), -2000).volume.voxels[5], -1002);
  bytes = {};
  Series one{"1.2.3", "P1", "CT", {folder_.write("i.dcm", bytes.text(kImplicit))}};
  EXPECT_EQ(read_scan(one).volume.voxels[5], -990);
  // A sequence of undefined length with an item of undefined length, and one inside.
  const std::string mark = "\xfe\xff";
  const auto open_ended = [](uint32_t tag) {  // a sequence without a length
    return little(tag >> 16, 2) + little(tag & 0xffff, 2) + "SQ" + std::string(2, '\0') +
           little(0xffffffff, 4);
  };
  const auto delimiter = [&](uint16_t which, uint32_t length) {
    return mark + little(which, 2) + little(length, 4);
  };
  bytes.sequence = open_ended(0x00081140) + delimiter(0xe000, 0xffffffff) +
                   element(0x00080060, "CS", "MR") + open_ended(0x00081150) + delimiter(0xe0dd, 0) +
                   delimiter(0xe00d, 0) + delimiter(0xe0dd, 0);
  EXPECT_EQ(read({bytes}).volume.voxels[5], -990);
  bytes = {};
  bytes.intercept = "";
  const Scan plain = read({bytes});
  EXPECT_EQ(plain.volume.voxels[5], 5);
  EXPECT_THAT(plain.notes, testing::Contains(HasSubstr("without rescale")));
}

TEST_F(Dicom, RefusesWhatIsNoScanWithTheFilesName) {
  const auto changed = [&](auto change) {
    std::vector<Bytes> slices{at(0, 1), at(1, 2)};
    change(slices[1]);
    const Error error = refused(slices);
    EXPECT_EQ(error.fault, Fault::data);
    EXPECT_THAT(error.what(), HasSubstr("1.dcm: "));
    return std::string(error.what());
  };
  EXPECT_THAT(changed([](Bytes& b) { b.modality = "MR"; }), HasSubstr("is no CT: modality 'MR'"));
  EXPECT_THAT(changed([](Bytes& b) { b.rows = 1; }), HasSubstr("has 1 x 3 pixels (H x W), unlike"));
  EXPECT_THAT(changed([](Bytes& b) { b.orientation = "0\\1\\0\\0\\0\\1"; }),
              HasSubstr("has another orientation"));
  EXPECT_THAT(changed([](Bytes& b) { b.orientation = "1\\0\\0\\1\\0\\0"; }),
              HasSubstr("right angles"));
  EXPECT_THAT(changed([](Bytes& b) { b.series = "1.2.4"; }), HasSubstr("series '1.2.4'"));
  EXPECT_THAT(changed([](Bytes& b) { b.position = "1\\2"; }),
              HasSubstr("2 numbers as its position"));
  EXPECT_THAT(changed([](Bytes& b) { b.position = "1\\2\\x"; }), HasSubstr("numbers are needed"));
  EXPECT_THAT(changed([](Bytes& b) { b.slope = "0"; }), HasSubstr("slope of 0"));
  EXPECT_THAT(changed([](Bytes& b) { b.stored = 20; }), HasSubstr("20 bits in 16"));
  EXPECT_THAT(changed([](Bytes& b) { b.pixels.resize(5); }),
              HasSubstr("10 bytes of pixels, 12 are needed"));
  EXPECT_THAT(changed([](Bytes& b) { b.syntax = "1.2.840.10008.1.2.2"; }), HasSubstr("big endian"));
  EXPECT_EQ(error_of([] { read_scan({"1.2", "P", "CT", {}}); }).fault, Fault::data);
}

TEST_F(Dicom, DamagedFilesAreRefusedOrRead) {
  Bytes bytes;
  bytes.padding = little(1, 2);
  const std::string whole = bytes.text();
  Series one{"1.2.3", "P1", "CT", {folder_.path / "a.dcm"}};
  size_t refused = 0;
  const auto attempt = [&](const std::string& text) {
    folder_.write("a.dcm", text);
    Strings notes;
    find_series(folder_.path, notes);
    try {
      read_scan(one);
    } catch (const Error& error) {
      ++refused;
      ASSERT_EQ(error.fault, Fault::data) << error.what();
      ASSERT_THAT(error.what(), HasSubstr("a.dcm"));
    }
  };
  size_t cuts = 0;
  for (size_t cut = 128; cut < whole.size(); cut += 2, ++cuts) attempt(whole.substr(0, cut));
  EXPECT_EQ(refused, cuts);  // every cut is seen
  for (size_t i = 128; i < whole.size(); ++i) {
    std::string text = whole;
    text[i] = static_cast<char>(text[i] ^ (1 << i % 8));
    attempt(text);
  }
}

TEST_F(Dicom, FindsSeriesInFolders) {
  fs::create_directories(folder_.path / "b" / "c");
  folder_.write("b/c/one", at(0, 1).text());  // a name says nothing
  folder_.write("two.IMA", at(1, 2).text());
  Bytes other;
  other.series = "1.2.2", other.modality = "SEG";
  folder_.write("b/other", other.text());
  folder_.write("notes.txt", "no DICOM");
  folder_.write("empty.DCM", "");
  folder_.write("cut", at(2, 3).text().substr(0, 200));
  Strings notes;
  const auto all = find_series(folder_.path, notes);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].uid, "1.2.2");
  EXPECT_EQ(all[0].modality, "SEG");
  EXPECT_EQ(all[1].patient, "P1");
  EXPECT_THAT(all[1].files, SizeIs(2));
  EXPECT_EQ(read_scan(all[1]).volume.geometry.size[0], 2);
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("cut: is cut short"), HasSubstr("empty.DCM: is no DICOM")));
  const Error error = error_of([&] { find_series(folder_.path / "none", notes); });
  EXPECT_EQ(error.fault, Fault::data);
  EXPECT_THAT(error.what(), HasSubstr("does not exist"));
}

/// A phantom as ITK writes it: one file a slice, a turned frame, names that say nothing.
std::vector<float> write_by_itk(const fs::path& folder, bool compressed) {
  using Image = itk::Image<int16_t, 3>;
  prepare_itk();
  std::vector<float> expected(size_t{4} * 8 * 8);
  for (int64_t k = 0; k < 4; ++k) {
    auto image = Image::New();
    image->SetRegions(Image::SizeType{8, 8, 1});
    image->Allocate();
    for (size_t i = 0; i < 64; ++i) {
      const auto hu = static_cast<int16_t>(-900 + 37 * int(i) - 5 * int(k) * int(i % 3));
      image->GetBufferPointer()[i] = hu;
      expected[size_t(k) * 64 + i] = hu;
    }
    const double spacing[] = {0.75, 0.5, 2};
    image->SetSpacing(spacing);
    // x and y turned by 180 degrees: the normal stays.
    Image::DirectionType direction;
    direction.SetIdentity();
    direction(0, 0) = direction(1, 1) = -1;
    image->SetDirection(direction);
    const double origin[] = {10, 20, -30 + 2.0 * double(k)};
    image->SetOrigin(origin);
    auto io = itk::GDCMImageIO::New();
    io->KeepOriginalUIDOn();
    io->SetUseCompression(compressed);
    auto& header = image->GetMetaDataDictionary();
    const auto set = [&](const char* tag, const std::string& value) {
      itk::EncapsulateMetaData<std::string>(header, tag, value);
    };
    set("0008|0016", "1.2.840.10008.5.1.4.1.1.2");
    set("0008|0018", "1.9." + std::to_string(k));
    set("0008|0060", "CT");
    set("0010|0020", "Phantom");
    set("0020|000d", "1.8");
    set("0020|000e", "1.7");
    set("0020|0013", std::to_string(9 - k));
    auto writer = itk::ImageFileWriter<Image>::New();
    writer->SetInput(image);
    writer->SetImageIO(io);
    writer->SetUseCompression(compressed);
    writer->SetFileName((folder / (std::to_string((k * 3) % 4) + ".dcm")).string());
    writer->Update();
  }
  return expected;
}

TEST_F(Dicom, ReadsWhatItkWrites) {
  for (const bool compressed : {false, true}) {
    const auto expected = write_by_itk(folder_.path, compressed);
    Strings notes;
    const auto all = find_series(folder_.path, notes);
    ASSERT_THAT(all, SizeIs(1));
    const Scan scan = read_scan(all[0]);
    EXPECT_EQ(scan.patient, "Phantom");
    EXPECT_EQ(scan.volume.voxels, expected) << compressed;
    const Geometry& g = scan.volume.geometry;
    EXPECT_THAT(g.size, ElementsAre(4, 8, 8));
    EXPECT_THAT(g.spacing, ElementsAre(2, 0.5, 0.75));
    EXPECT_THAT(g.origin, ElementsAre(10, 20, -30));
    EXPECT_THAT(g.direction, ElementsAre(-1, 0, 0, 0, -1, 0, 0, 0, 1));
    EXPECT_EQ(scan.slices[3].sop_uid, "1.9.3");
  }
  const std::string whole = util::read_file(folder_.path / "0.dcm");
  ASSERT_THAT(whole, HasSubstr("1.2.840.10008.1.2.4"));  // the last ones are compressed
  for (const size_t less : {1, 9, 40}) {
    folder_.write("0.dcm", whole.substr(0, whole.size() - less));
    Strings notes;
    const auto all = find_series(folder_.path, notes);
    EXPECT_THAT(error_of([&] { read_scan(all.at(0)); }).what(), HasSubstr("0.dcm: is cut short"));
  }
}

class DicomReal : public Dicom {
 protected:
  void SetUp() override {
    if (!fs::exists(kLidc)) GTEST_SKIP() << kLidc << " is not there";
    Strings notes;
    all_ = find_series(kLidc, notes);
    ASSERT_THAT(all_, SizeIs(1));
    EXPECT_THAT(notes, IsEmpty());
    ASSERT_THAT(all_[0].files, SizeIs(16));
  }
  const fs::path kLidc = kShared / "lidc_dicom_xml" / "LIDC-IDRI-0001";
  std::vector<Series> all_;
};

TEST_F(DicomReal, EqualsTheMetaImageOfTheSameScan) {
  const Scan scan = read_scan(all_[0]);
  EXPECT_EQ(scan.patient, "LIDC-IDRI-0001");
  const fs::path same = kShared / "luna_mini" / "subset0" / (scan.series + ".mhd");
  if (!fs::exists(same)) GTEST_SKIP() << same << " is not there";
  Volume expected = read_image(same);
  EXPECT_EQ(difference(scan.volume.geometry, expected.geometry), "");
  for (float& voxel : expected.voxels) voxel = std::max(voxel, -1024.f);
  EXPECT_TRUE(scan.volume.voxels == expected.voxels);
  EXPECT_EQ(scan.slices.front().z, -132.5);
  EXPECT_EQ(scan.slices.back().z, -95);
}

TEST_F(DicomReal, NamesMeanNothingAndDamageIsNamed) {
  const Scan expected = read_scan(all_[0]);
  for (size_t i = 0; i < 16; ++i)
    fs::copy_file(all_[0].files[i], folder_.path / ("s" + std::to_string(i * 7 % 16)));
  Strings notes;
  auto shuffled = find_series(folder_.path, notes);
  ASSERT_THAT(shuffled, SizeIs(1));
  EXPECT_NE(shuffled[0].files.front().filename(), all_[0].files.front().filename());
  Scan scan = read_scan(shuffled[0]);
  EXPECT_TRUE(scan.volume.voxels == expected.volume.voxels);
  EXPECT_EQ(difference(scan.volume.geometry, expected.volume.geometry), "");

  Series gap = all_[0];
  std::erase_if(gap.files, [](const fs::path& f) { return f.stem() == "-110.000000"; });
  ASSERT_THAT(gap.files, SizeIs(15));
  scan = read_scan(gap);
  EXPECT_EQ(scan.volume.geometry.spacing[0], 2.5);
  EXPECT_THAT(scan.notes,
              testing::Contains(HasSubstr("1 slice is missing between z -112.5 and -107.5 mm")));

  const std::string whole = util::read_file(folder_.path / "s3");
  for (const size_t size : {size_t{300}, size_t{2000}, whole.size() / 2, whole.size() - 1}) {
    folder_.write("s3", whole.substr(0, size));
    const Error error = error_of([&] { read_scan(shuffled[0]); });
    EXPECT_EQ(error.fault, Fault::data);
    EXPECT_THAT(error.what(), HasSubstr("s3: is cut short"));
  }
}

TEST(DicomRobustness, OddFilesAreReadOrNamed) {
  const fs::path folder = kShared / "robustness";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there";
  Strings notes;
  const auto all = find_series(folder, notes);
  size_t read = 0;
  for (const Series& series : all) {
    for (const fs::path& file : series.files) {
      try {
        const Scan scan = read_scan({series.uid, series.patient, series.modality, {file}});
        ++read;
        EXPECT_EQ(std::ssize(scan.volume.voxels), voxels(scan.volume.geometry)) << file;
      } catch (const Error& error) {
        EXPECT_EQ(error.fault, Fault::data) << error.what();
        EXPECT_THAT(error.what(), HasSubstr(file.filename().string()));
      }
    }
  }
  EXPECT_EQ(read, 3u);  // CT_small and two in JPEG 2000
  EXPECT_THAT(notes, Each(HasSubstr(".dcm: ")));
  EXPECT_THAT(notes, testing::Contains(HasSubstr("no_meta.dcm: is no DICOM file")));
  EXPECT_THAT(notes, testing::Contains(HasSubstr("MR_small_bigendian.dcm: is stored big endian")));
}

}  // namespace
}  // namespace hilum::data
