// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/cli/commands.hpp"
#include "core/data/channels/channel.hpp"
#include "core/data/csv.hpp"
#include "core/data/image.hpp"
#include "core/data/sheet.hpp"
#include "core/data/turn.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;
using data::Region;
using data::RegionSet;

struct ShowOptions {
  config::DataOptions data;
  data::SheetRules rules;
  Strings ids;
  int64_t count = 24;
  std::vector<double> window = {-1000, 400};
  std::string slices = "largest", out;
};

/// Those asked for, or `count` from the whole length of the set.
std::vector<data::SheetRegion> choose(const RegionSet& set, const ShowOptions& o) {
  std::vector<data::SheetRegion> chosen;
  Strings known;
  for (const auto& region : set.regions) known.push_back(region.id);
  for (const auto& id : o.ids) {
    const auto at = std::find(known.begin(), known.end(), id);
    if (at == known.end())
      throw Error("--ids: value '" + id + "': no region of '" + set.name + "' has this id." +
                      suggestion(id, known),
                  Fault::request);
    chosen.push_back({&set.regions[static_cast<size_t>(at - known.begin())]});
  }
  if (!o.ids.empty()) return chosen;
  const size_t all = set.regions.size(), count = std::min(static_cast<size_t>(o.count), all);
  for (size_t i = 0; i < count; ++i) chosen.push_back({&set.regions[i * all / count]});
  return chosen;
}

/// Reads the masks again where they count the readers: a region keeps 0 and 1 alone. Returns the
/// highest count.
float read_readers(const fs::path& folder, const data::Turn& view,
                   std::vector<data::SheetRegion>& chosen) {
  const auto csv = data::Csv::read(folder / "index.csv");
  const size_t id = csv.need("id"), mask = csv.need("mask");
  std::map<std::string, fs::path> file_of;
  for (const auto& row : csv.rows) file_of[row.cells[id]] = folder / row.cells[mask];
  float highest = 0;
  for (auto& item : chosen) {
    const auto [stored, voxels] = data::read_image(file_of.at(item.region->id));
    const float most = *std::max_element(voxels.begin(), voxels.end());
    // A label that is written as 255 is no count.
    if (most < 2 || most > 20) continue;
    highest = std::max(highest, most);
    item.readers = data::turned<float>(voxels, stored.size, view);
  }
  return highest;
}

/// Makes the channels that are neither the image itself nor one of its columns, as for 2D samples.
void make_channels(const RegionSet& set, ShowOptions& o, std::vector<data::SheetRegion>& chosen) {
  o.data.channels.clear();
  for (const auto& name : o.rules.channels)
    if (name != "ct" && !set.regions[0].more_images.contains(name)) o.data.channels.push_back(name);
  o.data.window = o.window;
  const auto rules = data::channel_rules(o.data);
  for (auto& item : chosen)
    for (size_t i = 0; i < rules.size(); ++i)
      item.channels[o.data.channels[i]] =
          data::make_channel(item.region->image, data::native_grid(item.region->geometry), rules[i],
                             /*cache=*/nullptr);
}

void show(ShowOptions& o) {
  if (!o.out.ends_with(".png"))
    throw Error("-o: value '" + o.out + "': the sheet is a PNG picture; its name ends in .png.",
                Fault::request);
  if (!(o.window[0] < o.window[1]))
    throw Error(fmt::format("--window: value {:g},{:g}: the first is the darkest HU, the second "
                            "the brightest, and larger.",
                            o.window[0], o.window[1]),
                Fault::request);
  o.rules.window = {o.window[0], o.window[1]};
  o.rules.all_slices = o.slices == "all";
  const auto set = data::read_regions(o.data);
  auto chosen = choose(set, o);
  const float readers = o.data.source == "phantom"
                            ? 0
                            : read_readers(o.data.source, data::view_turn(o.data.view), chosen);
  make_channels(set, o, chosen);
  const auto sheet = data::draw_sheet(chosen, o.rules);
  data::write_png(o.out, sheet.picture);
  std::vector<Strings> rows = {{"row", "column", "id", "slice", "channel"}};
  for (const auto& t : sheet.tiles)
    rows.push_back({std::to_string(t.row + 1), std::to_string(t.column + 1), t.id,
                    std::to_string(t.slice), t.channel});
  fmt::print("{}\ngreen: the mask\n", util::table(rows));
  const char* colours[] = {"yellow", "orange", "red", "magenta"};
  for (int level = 2; level <= std::min(5, static_cast<int>(readers)); ++level)
    fmt::print("{}: at least {} readers\n", colours[level - 2], level);
  fmt::print("{}: {} of {} regions, {} x {} pixels, {} a voxel, HU {:g} to {:g}\n", o.out,
             chosen.size(), set.regions.size(), sheet.picture.width, sheet.picture.height,
             sheet.scale, o.window[0], o.window[1]);
}

}  // namespace

void add_data_show(CLI::App& data) {
  auto* app = data.add_subcommand("show", "Draw regions with their masks' contours as one picture");
  auto o = std::make_shared<ShowOptions>();
  o->data.malignancy = "raw";
  app->add_option("DIR", o->data.source, "the set's folder (or 'phantom')")->required();
  app->add_option("-o,--out", o->out, "the picture, a .png file")->required();
  auto* ids = app->add_option("--ids", o->ids, "these regions, in this order")->delimiter(',');
  app->add_option("--count", o->count, "so many regions, from the whole length of the set")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str()
      ->excludes(ids);
  app->add_option("--slices", o->slices, "largest: the slice with the largest mask area; all")
      ->check(CLI::IsMember({"largest", "all"}))
      ->capture_default_str();
  app->add_option("--window", o->window, "HU that are black and white")
      ->delimiter(',')
      ->expected(2)
      ->capture_default_str();
  app->add_option("--channels", o->rules.channels,
                  "a tile for each: what data.channels takes, or <name> of a column image_<name>")
      ->delimiter(',')
      ->capture_default_str();
  app->add_option("--consensus", o->data.consensus, "share of readers that makes foreground")
      ->check(CLI::Range(0.0, 1.0));
  app->add_option("--view", o->data.view, "planes of the slices")
      ->check(CLI::IsMember({"axial", "coronal", "sagittal"}))
      ->capture_default_str();
  app->add_option("--scale", o->rules.scale, "pixels a voxel; default: by the largest region")
      ->check(CLI::Range(1, 64));
  app->add_option("--columns", o->rules.columns, "tiles in a row")->check(CLI::Range(1, 1000));
  app->callback([o] { show(*o); });
}

}  // namespace hilum::cli
