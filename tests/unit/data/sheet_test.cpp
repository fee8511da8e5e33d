// SPDX-License-Identifier: Apache-2.0
#include "core/data/sheet.hpp"

#include <itkPNGImageIO.h>

#include "core/data/phantom.hpp"
#include "core/data/sheet_font.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::HasSubstr;
using testing::SizeIs;

constexpr Rgb grey(uint8_t value) { return {value, value, value}; }

/// Two slices of 4 x 5 voxels; the second has a square of 2 x 2 voxels at (1, 2) for a nodule.
Region small() {
  auto r = region("R-1", "p", grid(2, 4, 5), {3, 20 + 7, 20 + 8, 20 + 12, 20 + 13});
  r.image.assign(40, -1000);
  r.image[20] = 400, r.image[21] = -300, r.image[22] = 3000;
  return r;
}

Sheet draw(const Region& region, SheetRules rules) {
  const SheetRegion item{&region};
  return draw_sheet(std::span(&item, 1), rules);
}

TEST(Sheet, WindowIsGreyAndTheContourRunsInsideTheMasksEdge) {
  const auto r = small();
  SheetRules rules;
  rules.scale = 3;
  const auto sheet = draw(r, rules);
  ASSERT_THAT(sheet.tiles, SizeIs(1));
  EXPECT_EQ(sheet.tiles[0].slice, 1) << "the larger area";
  const auto at = [&](int64_t y, int64_t x) {  // pixels from the image's first
    return sheet.picture.at(sheet.tiles[0].y + y, sheet.tiles[0].x + x);
  };
  EXPECT_EQ(at(0, 0), grey(255));
  EXPECT_EQ(at(2, 2), grey(255)) << "a voxel is 3 x 3 pixels";
  EXPECT_EQ(at(1, 4), grey(128)) << "the window's middle";
  EXPECT_EQ(at(1, 7), grey(255)) << "above the window";
  EXPECT_EQ(at(11, 14), grey(0));
  // The mask is voxels (1..2, 2..3): pixels 3..8 by 6..11, an outline one pixel wide.
  for (int64_t y = 0; y < 12; ++y)
    for (int64_t x = 0; x < 15; ++x) {
      const bool inside = y >= 3 && y <= 8 && x >= 6 && x <= 11;
      const bool edge = inside && (y == 3 || y == 8 || x == 6 || x == 11);
      EXPECT_EQ(at(y, x) == kMaskColour, edge) << y << " " << x;
    }
}

TEST(Sheet, ReadersHaveColoursOfTheirOwn) {
  const auto r = small();
  SheetRegion item{&r};
  item.readers.assign(40, 0);
  item.readers[20 + 7] = 1, item.readers[20 + 8] = 2, item.readers[20 + 12] = 1,
                    item.readers[20 + 13] = 4;
  SheetRules rules;
  rules.scale = 4;
  const auto sheet = draw_sheet(std::span(&item, 1), rules);
  const auto at = [&](int64_t y, int64_t x) {
    return sheet.picture.at(sheet.tiles[0].y + 4 * y, sheet.tiles[0].x + 4 * x + 1);
  };
  EXPECT_EQ(at(1, 2), kMaskColour);
  EXPECT_EQ(at(1, 3), kLevelColours[0]);
  EXPECT_EQ(at(2, 3), kLevelColours[2]);
  EXPECT_EQ(at(0, 2), grey(255));
}

TEST(Sheet, SlicesChannelsAndTheirPlaces) {
  auto r = small();
  r.more_images["pet"].assign(40, 2);
  r.more_images["pet"][0] = 6;
  SheetRegion item{&r};
  item.channels["otsu"].assign(40, 0.5f);
  SheetRules rules;
  rules.all_slices = true, rules.channels = {"ct", "pet", "otsu"}, rules.scale = 1,
  rules.columns = 3;
  const auto sheet = draw_sheet(std::span(&item, 1), rules);
  ASSERT_THAT(sheet.tiles, SizeIs(6));
  EXPECT_EQ(sheet.tiles[4].row, 1);
  EXPECT_EQ(sheet.tiles[4].column, 1);
  EXPECT_EQ(sheet.tiles[4].channel, "pet");
  EXPECT_EQ(sheet.tiles[4].slice, 1);
  EXPECT_EQ(sheet.picture.at(sheet.tiles[1].y, sheet.tiles[1].x), grey(255));
  EXPECT_EQ(sheet.picture.at(sheet.tiles[4].y, sheet.tiles[4].x), grey(0));
  EXPECT_EQ(sheet.picture.at(sheet.tiles[5].y, sheet.tiles[5].x), grey(128));
  EXPECT_EQ(sheet.picture.width, 6 + 3 * (128 + 6));
  EXPECT_EQ(sheet.picture.height, 6 + 2 * (4 + 18 + 6));
  rules.channels = {"pot"};
  const auto error = error_of([&] { draw_sheet(std::span(&item, 1), rules); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), HasSubstr("value 'pot': region 'R-1' has no such image."));
}

TEST(Sheet, TheIdStandsBelow) {
  const auto sheet = draw(small(), {});
  const auto& tile = sheet.tiles[0];
  const int64_t top = tile.y + 4 * sheet.scale + 2;
  const Glyph first = glyph('R');
  for (int64_t y = 0; y < kGlyphHeight; ++y)
    for (int64_t x = 0; x < kGlyphWidth; ++x)
      EXPECT_EQ(sheet.picture.at(top + y, tile.x + x) == Rgb({200, 200, 200}),
                (first[static_cast<size_t>(y)] >> (4 - x) & 1) == 1);
}

TEST(Sheet, EmptyMasksAndLongIdsAndTooManyPixels) {
  auto r = region(std::string(200, 'x'), "p", grid(5, 4, 5), {});
  const auto sheet = draw(r, {});
  EXPECT_EQ(sheet.tiles[0].slice, 2) << "the middle";
  EXPECT_LT(sheet.picture.width, 200);
  SheetRules rules;
  rules.scale = 5000;
  EXPECT_EQ(error_of([&] { draw(r, rules); }).fault, Fault::request);
  EXPECT_EQ(error_of([] { draw_sheet({}, {}); }).fault, Fault::request);
}

TEST(Sheet, PngComesBackPixelForPixel) {
  const auto set = make_phantoms({});
  std::vector<SheetRegion> items;
  for (size_t i = 0; i < 5; ++i) items.push_back({&set.regions[i]});
  const auto sheet = draw_sheet(items, {});
  const Folder folder;
  const auto file = folder.path / "new" / "sheet.png";
  write_png(file, sheet.picture);
  const auto io = itk::PNGImageIO::New();
  io->SetFileName(file.string());
  io->ReadImageInformation();
  ASSERT_EQ(io->GetNumberOfComponents(), 3U);
  ASSERT_EQ(static_cast<int64_t>(io->GetDimensions(0)), sheet.picture.width);
  ASSERT_EQ(static_cast<int64_t>(io->GetDimensions(1)), sheet.picture.height);
  std::vector<Rgb> pixels(sheet.picture.pixels.size());
  itk::ImageIORegion whole(2);
  whole.SetSize(0, io->GetDimensions(0)), whole.SetSize(1, io->GetDimensions(1));
  io->SetIORegion(whole);
  io->Read(pixels.data());
  EXPECT_EQ(pixels, sheet.picture.pixels);
  EXPECT_GT(std::count(pixels.begin(), pixels.end(), kMaskColour), 200);
  EXPECT_EQ(std::distance(fs::directory_iterator(file.parent_path()), {}), 1) << "nothing beside";
  EXPECT_THAT(error_of([&] { write_png("/proc/none/sheet.png", sheet.picture); }).what(),
              HasSubstr("cannot be written"));
}

}  // namespace
}  // namespace hilum::data
