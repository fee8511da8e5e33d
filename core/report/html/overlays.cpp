// SPDX-License-Identifier: Apache-2.0
#include "core/report/html/overlays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/data/image.hpp"
#include "core/data/sheet.hpp"
#include "core/report/html/picture.hpp"
#include "core/report/html/sections.hpp"
#include "core/report/html/write.hpp"

namespace hilum::report::html {
namespace {
namespace fs = std::filesystem;

constexpr double kShownWidth = 200;  // pixels that a picture is enlarged to, by whole numbers

/// Worst first, then the middle, then the best; all where there are not more than `count`.
Strings spread(const Strings& sorted, size_t count) {
  if (sorted.size() <= count) return sorted;
  const size_t best = count / 4, middle = count / 4, worst = count - best - middle;
  const auto at = [&](size_t i) { return sorted.begin() + static_cast<std::ptrdiff_t>(i); };
  Strings chosen(at(0), at(worst));
  // Never one of the worst or of the best again.
  const size_t first =
      std::clamp(sorted.size() / 2 - middle / 2, worst, sorted.size() - best - middle);
  chosen.insert(chosen.end(), at(first), at(first + middle));
  chosen.insert(chosen.end(), at(sorted.size() - best), sorted.end());
  return chosen;
}

class Painter {
 public:
  Painter(const Gathered& all, const std::string& output, const PageOptions& options,
          Strings& notes)
      : all_(all), output_(output), options_(options), notes_(notes) {}

  std::string figure(const data::Region& region, size_t number) {
    const auto [depth, height, width] = region.geometry.size;
    at_ = data::largest_slice(region);
    height_ = height, width_ = width, number_ = number;
    first_ = static_cast<size_t>(at_ * height * width);
    const double scale = std::clamp(std::round(kShownWidth / static_cast<double>(width)), 1.0, 4.0);
    shown_width_ = scale * static_cast<double>(width);
    // Voxels of a coronal slice are not square.
    shown_height_ = scale * static_cast<double>(height) * region.geometry.spacing[1] /
                    region.geometry.spacing[2];
    std::string panels;
    const std::string truth = outline(slice<uint8_t>(region.mask));
    std::vector<std::string> paths;
    for (const auto& run : all_.runs) paths.push_back(predicted(run, region));
    if (all_.compares())
      panels +=
          panel("ours and baseline", region, truth,
                drawn(all_.baseline(), paths[all_.base]) + drawn(all_.our(), paths[all_.ours]),
                "<b>ours, baseline, truth</b>");
    for (size_t i = 0; i < all_.runs.size(); ++i)
      panels += panel(all_.runs[i].label, region, truth, drawn(all_.runs[i], paths[i]),
                      caption(all_.runs[i], region.id));
    return fmt::format(
        "<figure class=case><figcaption><b>{}</b> patient {}, slice {} of {}</figcaption>"
        "{}<div class=panels>{}</div></figure>\n",
        escaped(region.id), escaped(region.patient), at_ + 1, depth, picture(region), panels);
  }

 private:
  template <class T>
  Slice<T> slice(const std::vector<T>& values) const {
    return {std::span(values).subspan(first_, static_cast<size_t>(height_ * width_)), height_,
            width_};
  }

  /// Once a case; the panels refer to it.
  std::string picture(const data::Region& region) const {
    return fmt::format(
        "<svg width=0 height=0 aria-hidden=true class=store><defs><image id=ct{} width={} "
        "height={} preserveAspectRatio=none href='data:image/png;base64,{}'/></defs></svg>",
        number_, width_, height_, base64(grey_png(slice<float>(region.image), options_.window)));
  }

  std::string panel(const std::string& who, const data::Region& region, const std::string& truth,
                    const std::string& contours, const std::string& text) const {
    return fmt::format(
        "<div class=panel><svg width={:.0f} height={:.0f} viewBox='0 0 {} {}' "
        "preserveAspectRatio=none role=img aria-label=\"{}\"><use href='#ct{}'/>"
        "<path class='o truth' d='{}'/>{}</svg><p>{}</p></div>",
        shown_width_, shown_height_, width_, height_,
        escaped("CT slice of nodule " + region.id + " with the contour of the truth" +
                (contours.empty() ? "" : " and of " + who)),
        number_, truth, contours, text);
  }

  static std::string drawn(const RunData& run, const std::string& path) {
    return path.empty() ? "" : fmt::format("<path class='o {}' d='{}'/>", run.colour, path);
  }

  std::string caption(const RunData& run, const std::string& id) const {
    const auto* mask = mask_of(run, output_);
    if (!mask || !run.cases.contains(id)) return escaped(run.label) + "<br>not tested on it";
    const auto& slices = run.cases.at(id).slice_dice;
    const auto on_slice = slices.find({mask->name, at_});
    std::string text = escaped(run.label) + "<br>Dice <b>" +
                       shown(run.value(id, mask->name + ".dice"), 3) + "</b>";
    if (on_slice != slices.end()) text += ", slice " + shown(on_slice->second, 3);
    return text;
  }

  /// The outline of the run's mask on the slice; "" where there is none to draw.
  std::string predicted(const RunData& run, const data::Region& region) {
    const auto* mask = mask_of(run, output_);
    if (!mask || !run.cases.contains(region.id)) return "";
    const fs::path folder = run.details.folder / "predictions" / "test";
    if (!fs::exists(folder)) {
      note(run.label + " kept no predictions: its contours are missing.");
      return "";
    }
    const fs::path file = folder / (region.id + "." + mask->name + ".nii.gz");
    try {
      const auto volume = data::read_image(file);
      if (volume.geometry.size != region.geometry.size)
        throw Error(file.string() + ": is not on the region's grid: " +
                    data::difference(volume.geometry, region.geometry));
      std::vector<uint8_t> voxels(volume.voxels.size());
      std::ranges::transform(volume.voxels, voxels.begin(), [](float v) { return v != 0; });
      return outline(slice<uint8_t>(voxels));
    } catch (const Error& error) {
      note(error.what());
      return "";
    }
  }

  void note(const std::string& text) {
    if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(text);
  }

  const Gathered& all_;
  const std::string& output_;
  const PageOptions& options_;
  Strings& notes_;
  int64_t at_ = 0, height_ = 0, width_ = 0;
  double shown_width_ = 0, shown_height_ = 0;
  size_t first_ = 0, number_ = 0;
};

}  // namespace

Strings choose_cases(const Gathered& all, const std::string& output, const PageOptions& options) {
  std::vector<std::pair<double, std::string>> scored;
  Strings known;
  for (const auto& [id, row] : all.our().cases) {
    known.push_back(id);
    if (const auto dice = all.our().value(id, output + ".dice")) scored.emplace_back(*dice, id);
  }
  for (const auto& id : options.ids)
    if (std::ranges::find(known, id) == known.end())
      throw Error("--ids: value '" + id + "': run " + all.our().details.id +
                      " was not tested on a nodule of this id." + suggestion(id, known),
                  Fault::request);
  if (!options.ids.empty()) return options.ids;
  std::ranges::sort(scored);
  Strings sorted;
  for (const auto& [dice, id] : scored) sorted.push_back(id);
  return spread(sorted, static_cast<size_t>(std::max<int64_t>(0, options.cases)));
}

Overlays draw_cases(const Gathered& all, const std::string& output, const data::RegionSet& set,
                    const PageOptions& options) {
  Overlays result;
  Painter painter(all, output, options, result.notes);
  for (const auto& id : choose_cases(all, output, options)) {
    const auto region = std::ranges::find(set.regions, id, &data::Region::id);
    if (region == set.regions.end()) {
      result.notes.push_back("Nodule " + id + " is no longer in the data: it is not drawn.");
      continue;
    }
    result.figures.push_back(painter.figure(*region, result.figures.size()));
    result.ids.push_back(id);
  }
  return result;
}

}  // namespace hilum::report::html
