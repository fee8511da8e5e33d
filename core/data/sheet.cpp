// SPDX-License-Identifier: Apache-2.0
#include "core/data/sheet.hpp"

#include <itkPNGImageIO.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <system_error>

#include "core/data/itk_setup.hpp"
#include "core/data/sheet_font.hpp"

namespace hilum::data {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kGap = 6, kLine = kGlyphHeight + 2;  // pixels between tiles; a line of text
constexpr int64_t kTileWidth = 128;  // the least, so that an id of 21 letters can be read
constexpr int64_t kLongest = 16384;  // pixels of a picture's side; viewers refuse more
constexpr Rgb kBackground{24, 24, 28}, kText{200, 200, 200};

/// One tile before it is drawn.
struct Job {
  const SheetRegion* item;
  int64_t slice;
  std::string channel;
};

/// A channel's voxels and the values that are black and white.
struct Shown {
  const std::vector<float>& voxels;
  double low, high;
};

Shown shown(const SheetRegion& item, const std::string& channel, const SheetRules& rules) {
  const Region& region = *item.region;
  if (channel == "ct") return {region.image, rules.window[0], rules.window[1]};
  if (const auto made = item.channels.find(channel); made != item.channels.end())
    return {made->second, 0, 1};
  if (const auto more = region.more_images.find(channel); more != region.more_images.end()) {
    const auto [least, greatest] = std::minmax_element(more->second.begin(), more->second.end());
    return {more->second, *least, *greatest > *least ? *greatest : *least + 1};
  }
  Strings known = {"ct"};
  for (const auto& [name, voxels] : item.channels) known.push_back(name);
  for (const auto& [name, voxels] : region.more_images) known.push_back(name);
  throw Error("--channels: value '" + channel + "': region '" + region.id + "' has no such image." +
                  suggestion(channel, known),
              Fault::request);
}

std::vector<Job> jobs_of(std::span<const SheetRegion> regions, const SheetRules& rules) {
  std::vector<Job> jobs;
  for (const auto& item : regions) {
    const int64_t one = largest_slice(*item.region);
    const int64_t first = rules.all_slices ? 0 : one;
    const int64_t end = rules.all_slices ? item.region->geometry.size[0] : one + 1;
    for (int64_t slice = first; slice < end; ++slice)
      for (const auto& channel : rules.channels) jobs.push_back({&item, slice, channel});
  }
  return jobs;
}

/// Pixels of a tile with its text, and tiles.
struct Layout {
  int64_t scale, wide, high, rows, columns;
};

Layout layout_of(const std::vector<Job>& jobs, const SheetRules& rules) {
  int64_t height = 1, width = 1;  // of the largest region, voxels
  for (const auto& job : jobs) {
    height = std::max(height, job.item->region->geometry.size[1]);
    width = std::max(width, job.item->region->geometry.size[2]);
  }
  Layout l{};
  l.scale =
      rules.scale > 0 ? rules.scale : std::max<int64_t>(1, kTileWidth / std::max(height, width));
  l.wide = std::max(width * l.scale, kTileWidth), l.high = height * l.scale + 2 * kLine;
  const auto count = static_cast<int64_t>(jobs.size());
  const double ratio = static_cast<double>(l.high) / static_cast<double>(l.wide);
  // Half as wide again as high, as screens are.
  const auto fitting = std::llround(std::ceil(std::sqrt(1.5 * static_cast<double>(count) * ratio)));
  l.columns = std::min<int64_t>(rules.columns > 0 ? rules.columns : fitting, count);
  l.rows = (count + l.columns - 1) / l.columns;
  const int64_t full_width = kGap + l.columns * (l.wide + kGap),
                full_height = kGap + l.rows * (l.high + kGap);
  if (full_width > kLongest || full_height > kLongest)
    throw Error("The sheet would have " + std::to_string(full_width) + " x " +
                    std::to_string(full_height) + " pixels; a side has at most " +
                    std::to_string(kLongest) + ". Show fewer regions, or a smaller scale.",
                Fault::request);
  return l;
}

void draw_text(Picture& picture, int64_t y, int64_t x, const std::string& text) {
  for (const char c : text) {
    const Glyph rows = glyph(c);
    for (int64_t i = 0; i < kGlyphHeight; ++i)
      for (int64_t j = 0; j < kGlyphWidth; ++j)
        if (rows[static_cast<size_t>(i)] >> (kGlyphWidth - 1 - j) & 1)
          picture.at(y + i, x + j) = kText;
    x += kGlyphWidth + 1;
  }
}

/// The end of a text that is too long: ids of one set begin alike.
std::string fitting(const std::string& text, int64_t width) {
  const auto most = static_cast<size_t>((width + 1) / (kGlyphWidth + 1));
  return text.size() <= most ? text : ".." + text.substr(text.size() - (most - 2));
}

/// A slice of a region at a place of the picture.
class TilePainter {
 public:
  TilePainter(Picture& picture, const Region& region, const Sheet::Tile& tile, int64_t scale)
      : picture_(picture),
        tile_(tile),
        height_(region.geometry.size[1]),
        width_(region.geometry.size[2]),
        scale_(scale),
        first_(static_cast<size_t>(tile.slice * height_ * width_)) {}

  void grey(const std::vector<float>& voxels, double low, double high) {
    for (int64_t y = 0; y < height_; ++y)
      for (int64_t x = 0; x < width_; ++x) {
        const double share = (voxels[index(y, x)] - low) / (high - low);
        const auto value = static_cast<uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
        for (int64_t i = 0; i < scale_ * scale_; ++i)
          pixel(y, x, i / scale_, i % scale_) = {value, value, value};
      }
  }
  /// Colours each voxel where `inside` along the edges that it has in common with one where not.
  template <class Inside>
  void contour(Inside inside, Rgb colour) {
    const auto is = [&](int64_t y, int64_t x) {
      return y >= 0 && x >= 0 && y < height_ && x < width_ && inside(index(y, x));
    };
    const int64_t last = scale_ - 1;
    for (int64_t y = 0; y < height_; ++y)
      for (int64_t x = 0; x < width_; ++x) {
        if (!is(y, x)) continue;
        const bool up = !is(y - 1, x), down = !is(y + 1, x), left = !is(y, x - 1),
                   right = !is(y, x + 1);
        for (int64_t i = 0; i < scale_; ++i) {
          if (up) pixel(y, x, 0, i) = colour;
          if (down) pixel(y, x, last, i) = colour;
          if (left) pixel(y, x, i, 0) = colour;
          if (right) pixel(y, x, i, last) = colour;
        }
      }
  }

 private:
  size_t index(int64_t y, int64_t x) const { return first_ + static_cast<size_t>(y * width_ + x); }
  Rgb& pixel(int64_t y, int64_t x, int64_t dy, int64_t dx) {
    return picture_.at(tile_.y + y * scale_ + dy, tile_.x + x * scale_ + dx);
  }
  Picture& picture_;
  const Sheet::Tile& tile_;
  int64_t height_, width_, scale_;
  size_t first_;
};

void draw_tile(Sheet& sheet, const Sheet::Tile& tile, const Job& job, const SheetRules& rules,
               int64_t text_y, int64_t cell_width) {
  const Region& region = *job.item->region;
  TilePainter painter(sheet.picture, region, tile, sheet.scale);
  const auto [voxels, low, high] = shown(*job.item, job.channel, rules);
  painter.grey(voxels, low, high);
  painter.contour([&](size_t i) { return region.mask[i] != 0; }, kMaskColour);
  if (const auto& readers = job.item->readers; !readers.empty())
    for (size_t level = 0; level < kLevelColours.size(); ++level)
      painter.contour([&](size_t i) { return readers[i] >= static_cast<float>(level + 2); },
                      kLevelColours[level]);
  const auto& size = region.geometry.size;
  std::string below = std::to_string(size[0]) + "x" + std::to_string(size[1]) + "x" +
                      std::to_string(size[2]) + " s" + std::to_string(job.slice);
  if (rules.channels.size() > 1) below += " " + job.channel;
  draw_text(sheet.picture, text_y, tile.x, fitting(region.id, cell_width));
  draw_text(sheet.picture, text_y + kLine, tile.x, fitting(below, cell_width));
}

}  // namespace

Picture::Picture(int64_t height, int64_t width, Rgb background)
    : height(height), width(width), pixels(static_cast<size_t>(height * width), background) {}

int64_t largest_slice(const Region& region) {
  const auto [depth, height, width] = region.geometry.size;
  int64_t best = depth / 2, most = 0;
  for (int64_t slice = 0; slice < depth; ++slice) {
    const auto begin = region.mask.begin() + slice * height * width;
    const int64_t area = std::count(begin, begin + height * width, 1);
    if (area > most) most = area, best = slice;
  }
  return best;
}

Sheet draw_sheet(std::span<const SheetRegion> regions, const SheetRules& rules) {
  const auto jobs = jobs_of(regions, rules);
  if (jobs.empty()) throw Error("No region is left to show.", Fault::request);
  const Layout l = layout_of(jobs, rules);
  Sheet sheet{
      Picture(kGap + l.rows * (l.high + kGap), kGap + l.columns * (l.wide + kGap), kBackground),
      l.scale,
      {}};
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Job& job = jobs[i];
    const int64_t row = static_cast<int64_t>(i) / l.columns,
                  column = static_cast<int64_t>(i) % l.columns;
    const int64_t y = kGap + row * (l.high + kGap), x = kGap + column * (l.wide + kGap);
    sheet.tiles.push_back({row, column, y, x, job.item->region->id, job.channel, job.slice});
    draw_tile(sheet, sheet.tiles.back(), job, rules, y + l.high - 2 * kLine + 2, l.wide);
  }
  return sheet;
}

void write_png(const fs::path& file, const Picture& picture) try {
  prepare_itk();
  if (file.has_parent_path()) fs::create_directories(file.parent_path());
  const fs::path beside =
      file.parent_path() / ("." + std::to_string(getpid()) + "." + file.filename().string());
  const auto io = itk::PNGImageIO::New();
  io->SetFileName(beside.string());
  io->SetNumberOfDimensions(2);
  io->SetDimensions(0, static_cast<unsigned>(picture.width));
  io->SetDimensions(1, static_cast<unsigned>(picture.height));
  io->SetPixelType(itk::IOPixelEnum::RGB);
  io->SetComponentType(itk::IOComponentEnum::UCHAR);
  io->SetNumberOfComponents(3);
  itk::ImageIORegion whole(2);
  whole.SetSize(0, static_cast<size_t>(picture.width));
  whole.SetSize(1, static_cast<size_t>(picture.height));
  io->SetIORegion(whole);
  io->SetUseCompression(true);
  io->SetCompressionLevel(9);
  try {
    io->Write(picture.pixels.data());
    fs::rename(beside, file);
  } catch (...) {
    std::error_code ignored;
    fs::remove(beside, ignored);
    throw;
  }
} catch (const itk::ExceptionObject&) {
  throw Error(file.string() + ": cannot be written. Is the folder writable and the disk not full?");
} catch (const fs::filesystem_error& error) {
  throw Error(file.string() + ": cannot be written: " + error.code().message() + ".");
}

}  // namespace hilum::data
