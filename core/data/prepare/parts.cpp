// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/parts.hpp"

#include <fmt/format.h>
#include <itkConnectedComponentImageFilter.h>
#include <itkImage.h>

#include <algorithm>

#include "core/data/itk_setup.hpp"

namespace hilum::data::prepare {
namespace {

using Labels = std::vector<uint32_t>;

Labels label(const Volume& mask) {
  using In = itk::Image<uint8_t, 3>;
  using Out = itk::Image<uint32_t, 3>;
  prepare_itk();
  auto image = In::New();
  In::SizeType size;
  for (unsigned i = 0; i < 3; ++i) size[i] = static_cast<size_t>(mask.geometry.size[2 - i]);
  image->SetRegions(In::RegionType(size));
  image->Allocate();
  std::transform(mask.voxels.begin(), mask.voxels.end(), image->GetBufferPointer(),
                 [](float value) { return static_cast<uint8_t>(value != 0); });
  auto filter = itk::ConnectedComponentImageFilter<In, Out>::New();
  filter->SetInput(image);
  filter->FullyConnectedOn();
  filter->SetNumberOfWorkUnits(1);  // so that labels come in the same order everywhere
  filter->Update();
  const uint32_t* from = filter->GetOutput()->GetBufferPointer();
  return {from, from + mask.voxels.size()};
}

struct Extent {
  std::array<int64_t, 3> low{}, high{};
  int64_t count = 0;
};

// One a label from 1 on, in the order of labels, which is that of first voxels.
std::vector<Extent> extents(const Geometry& g, const Labels& labels) {
  std::vector<Extent> all;
  const uint32_t* label = labels.data();
  for (int64_t z = 0; z < g.size[0]; ++z)
    for (int64_t y = 0; y < g.size[1]; ++y)
      for (int64_t x = 0; x < g.size[2]; ++x, ++label) {
        if (*label == 0) continue;
        if (*label > all.size()) all.resize(*label);
        Extent& e = all[*label - 1];
        const std::array<int64_t, 3> at{z, y, x};
        if (e.count++ == 0) e.low = e.high = at;
        for (size_t i = 0; i < 3; ++i)
          e.low[i] = std::min(e.low[i], at[i]), e.high[i] = std::max(e.high[i], at[i]);
      }
  return all;
}

int64_t count(const Volume& mask) {
  return std::count_if(mask.voxels.begin(), mask.voxels.end(), [](float v) { return v != 0; });
}

/// The row's crop around one part.
Row cropped(const Row& row, const Part& part, const CropRules& rules) {
  Row out{row.id, row.patient, row.series, row.nodule, row.readers, {}, {}, row.targets, {}};
  const Box local = crop_box(part.mask, rules);
  Box box = local;
  for (size_t i = 0; i < 3; ++i) box.from[i] += part.box.from[i];
  out.image = crop(row.image, box, rules.fill);
  out.mask = crop(part.mask, local, 0);
  out.mask.geometry = out.image.geometry;  // the same to the last bit
  for (const auto& [name, volume] : row.more) out.more[name] = crop(volume, box, 0);
  return out;
}

}  // namespace

std::vector<Part> parts_of(const Volume& mask, bool components) {
  Labels labels;
  if (components) {
    labels = label(mask);
  } else {
    labels.resize(mask.voxels.size());
    std::transform(mask.voxels.begin(), mask.voxels.end(), labels.begin(),
                   [](float value) { return static_cast<uint32_t>(value != 0); });
  }
  std::vector<Part> parts;
  const auto all = extents(mask.geometry, labels);
  for (uint32_t i = 0; i < all.size(); ++i) {
    Part part;
    part.box.from = all[i].low, part.size = all[i].count;
    for (size_t k = 0; k < 3; ++k) part.box.size[k] = all[i].high[k] - all[i].low[k] + 1;
    part.mask = crop(mask, part.box, 0);
    const auto& g = mask.geometry;
    float* value = part.mask.voxels.data();
    for (int64_t z = all[i].low[0]; z <= all[i].high[0]; ++z)
      for (int64_t y = all[i].low[1]; y <= all[i].high[1]; ++y)
        for (int64_t x = all[i].low[2]; x <= all[i].high[2]; ++x, ++value)
          if (labels[static_cast<size_t>((z * g.size[1] + y) * g.size[2] + x)] != i + 1) *value = 0;
    parts.push_back(std::move(part));
  }
  return parts;
}

std::map<std::string, std::string> to_rules(const PairRules& rules) {
  auto out = to_rules(rules.crop);
  if (rules.whole)
    for (const auto* name : {"size", "margin", "empty_slices", "fill"}) out.erase(name);
  out["region"] = rules.whole ? "whole image" : rules.components ? "component" : "mask";
  out["least_voxels"] = std::to_string(rules.least);
  return out;
}

Strings add_pair(Writer& writer, Row row, const PairRules& rules, Report& report) {
  if (rules.whole) {
    CropRules crop = rules.crop;
    crop.size = {0, 0};  // the image's own extent
    bring_to_spacing(row, crop);
    writer.add(row);
    ++report.kept["regions"];
    return {row.id};
  }
  auto parts = parts_of(row.mask, rules.components);
  if (parts.empty()) report.dropped.emplace_back(row.id, "the mask is empty");
  Strings ids;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string number = parts.size() > 1 ? "_" + std::to_string(i + 1) : "";
    if (parts[i].size < rules.least) {
      report.dropped.emplace_back(row.id + number,
                                  fmt::format("fewer than {} voxels", rules.least));
      continue;
    }
    Row region = cropped(row, parts[i], rules.crop);
    region.id += number;
    if (!number.empty()) region.nodule += region.nodule.empty() ? number.substr(1) : number;
    if (const auto left = count(region.mask); left < parts[i].size)
      report.notes.push_back(fmt::format("'{}': {} of {} mask voxels lie outside the crop",
                                         region.id, parts[i].size - left, parts[i].size));
    bring_to_spacing(region, rules.crop);
    writer.add(region);
    ++report.kept["regions"];
    ids.push_back(region.id);
  }
  return ids;
}

}  // namespace hilum::data::prepare
