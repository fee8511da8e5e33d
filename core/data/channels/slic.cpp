// SPDX-License-Identifier: Apache-2.0
#include <itkCommand.h>
#include <itkImage.h>
#include <itkSLICImageFilter.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/data/channels/channel.hpp"
#include "core/data/itk_setup.hpp"

namespace hilum::data {
namespace {

using Size = std::array<int64_t, 3>;  // D, H, W
struct Stop {};                       // thrown by the observer below

// ITK's filter leaves labels undefined in corners that no cluster reaches, so the image is
// continued to whole grids by its border, half on each side.
Size padded(const Size& size, const Size& grid) {
  Size all;
  for (size_t i = 0; i < 3; ++i) all[i] = (size[i] + grid[i] - 1) / grid[i] * grid[i];
  return all;
}

template <unsigned kDims>
auto image_of(std::span<const float> values, const Size& size, const Size& all) {
  using Image = itk::Image<float, kDims>;
  typename Image::SizeType extent;
  for (unsigned i = 0; i < kDims; ++i) extent[i] = static_cast<size_t>(all[2 - i]);
  auto image = Image::New();
  image->SetRegions(typename Image::RegionType(extent));
  image->Allocate();
  float* out = image->GetBufferPointer();
  const auto from = [&](int64_t i, size_t axis) {
    return std::clamp<int64_t>(i - (all[axis] - size[axis]) / 2, 0, size[axis] - 1);
  };
  for (int64_t z = 0; z < all[0]; ++z)
    for (int64_t y = 0; y < all[1]; ++y)
      for (int64_t x = 0; x < all[2]; ++x)
        *out++ =
            values[static_cast<size_t>((from(z, 0) * size[1] + from(y, 1)) * size[2] + from(x, 2))];
  return image;
}

/// Labels of the padded image. A cluster that loses all its voxels has no centre any more: its
/// number is NaN in ITK 5.2, which then indexes with it. Clustering stops before that.
template <unsigned kDims>
std::vector<uint32_t> cluster(std::span<const float> values, const Size& size, const Size& grid,
                              const SlicRule& rule) {
  using Image = itk::Image<float, kDims>;
  using Filter = itk::SLICImageFilter<Image, itk::Image<uint32_t, kDims>>;
  const Size all = padded(size, grid);
  const auto image = image_of<kDims>(values, size, all);
  for (auto iterations = static_cast<unsigned>(rule.iterations); iterations > 0;) {
    auto filter = Filter::New();
    unsigned done = 0;
    const auto watch = [&](const itk::EventObject&) {
      if (std::isnan(filter->GetAverageResidual())) throw Stop{};
      ++done;
    };
    filter->AddObserver(itk::IterationEvent(), watch);
    filter->SetInput(image);
    for (unsigned i = 0; i < kDims; ++i)
      filter->SetSuperGridSize(i, static_cast<unsigned>(grid[2 - i]));
    filter->SetSpatialProximityWeight(rule.compactness);
    filter->SetMaximumNumberOfIterations(iterations);
    filter->SetNumberOfWorkUnits(1);  // with more, the order of sums depends on the threads
    try {
      filter->Update();
      const uint32_t* labels = filter->GetOutput()->GetBufferPointer();
      return {labels, labels + all[0] * all[1] * all[2]};
    } catch (const Stop&) {
      iterations = done;
    } catch (const itk::ExceptionObject& error) {
      throw Error(std::string("data.channels: 'slic': ") + error.GetDescription());
    }
  }
  throw Error(
      "data.channels: 'slic': a superpixel has no voxel after one iteration. Choose a "
      "larger data.slic.grid or data.slic.compactness.",
      Fault::data);
}

}  // namespace

std::vector<int32_t> superpixels(std::span<const float> values, const Grid& grid,
                                 const SlicRule& rule) {
  prepare_itk();
  const double mm = static_cast<double>(rule.grid) * std::sqrt(grid.spacing[1] * grid.spacing[2]);
  const int64_t depth = std::max<int64_t>(1, std::llround(mm / grid.spacing[0]));
  const bool plane = grid.size[0] == 1;
  const Size cells{plane ? 1 : depth, rule.grid, rule.grid}, all = padded(grid.size, cells);
  const auto labels = plane ? cluster<2>(values, grid.size, cells, rule)
                            : cluster<3>(values, grid.size, cells, rule);
  std::vector<int32_t> out;
  out.reserve(values.size());
  std::map<uint32_t, int32_t> numbers;
  const auto start = [&](size_t axis) { return (all[axis] - grid.size[axis]) / 2; };
  for (int64_t z = 0; z < grid.size[0]; ++z)
    for (int64_t y = 0; y < grid.size[1]; ++y)
      for (int64_t x = 0; x < grid.size[2]; ++x) {
        const int64_t at = ((z + start(0)) * all[1] + y + start(1)) * all[2] + x + start(2);
        const auto next = static_cast<int32_t>(numbers.size());
        out.push_back(numbers.emplace(labels[static_cast<size_t>(at)], next).first->second);
      }
  return out;
}

std::vector<float> means(std::span<const float> values, std::span<const int32_t> labels) {
  std::vector<double> sums;
  std::vector<int64_t> counts;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto label = static_cast<size_t>(labels[i]);
    if (label >= sums.size()) sums.resize(label + 1), counts.resize(label + 1);
    sums[label] += values[i], ++counts[label];
  }
  std::vector<float> out(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const auto label = static_cast<size_t>(labels[i]);
    out[i] = static_cast<float>(sums[label] / static_cast<double>(counts[label]));
  }
  return out;
}

}  // namespace hilum::data
