// SPDX-License-Identifier: Apache-2.0
#include "core/data/resample.hpp"

#include <itkImage.h>
#include <itkLinearInterpolateImageFunction.h>
#include <itkNearestNeighborExtrapolateImageFunction.h>
#include <itkResampleImageFilter.h>

#include <algorithm>
#include <cmath>

#include "core/data/itk_setup.hpp"

namespace hilum::data {
namespace {

using Image = itk::Image<float, 3>;

// Axis-aligned and centred on the origin: a region's place in the patient does not matter here.
template <class Target>
void place(Target& target, const Grid& grid) {
  Image::SpacingType spacing;
  Image::PointType origin;
  for (unsigned i = 0; i < 3; ++i) {
    spacing[i] = grid.spacing[2 - i];
    origin[i] = -0.5 * spacing[i] * static_cast<double>(grid.size[2 - i] - 1);
  }
  target.SetOutputSpacing(spacing);
  target.SetOutputOrigin(origin);
}

Image::SizeType itk_size(const Grid& grid) {
  Image::SizeType size;
  for (unsigned i = 0; i < 3; ++i) size[i] = static_cast<size_t>(grid.size[2 - i]);
  return size;
}

Image::Pointer to_itk(std::span<const float> voxels, const Grid& grid) {
  struct Placer {
    Image& image;
    void SetOutputSpacing(const Image::SpacingType& spacing) { image.SetSpacing(spacing); }
    void SetOutputOrigin(const Image::PointType& origin) { image.SetOrigin(origin); }
  };
  auto image = Image::New();
  image->SetRegions(Image::RegionType(itk_size(grid)));
  Placer placer{*image};
  place(placer, grid);
  image->Allocate();
  std::copy(voxels.begin(), voxels.end(), image->GetBufferPointer());
  return image;
}

}  // namespace

Grid native_grid(const Geometry& geometry) { return {geometry.size, geometry.spacing}; }

Grid work_grid(const Geometry& geometry, const std::vector<double>& spacing) {
  Grid grid = native_grid(geometry);
  const size_t first = 3 - spacing.size();  // [H,W] leaves D alone
  for (size_t i = 0; i < spacing.size(); ++i) {
    const double extent = static_cast<double>(grid.size[first + i]) * grid.spacing[first + i];
    grid.size[first + i] = std::max<int64_t>(1, std::llround(extent / spacing[i]));
    grid.spacing[first + i] = spacing[i];
  }
  return grid;
}

std::vector<float> resample(std::span<const float> voxels, const Grid& from, const Grid& to) {
  if (from == to) return {voxels.begin(), voxels.end()};
  prepare_itk();
  auto filter = itk::ResampleImageFilter<Image, Image>::New();
  filter->SetInput(to_itk(voxels, from));
  filter->SetInterpolator(itk::LinearInterpolateImageFunction<Image>::New());
  // Back from a coarse grid: its rounded extent can be smaller than that of the native one.
  filter->SetExtrapolator(itk::NearestNeighborExtrapolateImageFunction<Image, double>::New());
  filter->SetSize(itk_size(to));
  place(*filter, to);
  filter->SetNumberOfWorkUnits(1);  // regions are small: threads cost more than they bring
  filter->Update();
  const float* result = filter->GetOutput()->GetBufferPointer();
  return {result, result + to.size[0] * to.size[1] * to.size[2]};
}

Blocks block_means(std::span<const float> voxels, const Grid& from, int64_t factor, int64_t axes,
                   const std::array<int64_t, 3>& roi, double fill) {
  std::array<int64_t, 3> by{1, 1, 1}, before{};  // fine voxels that the first block lacks
  Blocks to{from, {}};
  for (size_t a = 3 - static_cast<size_t>(axes); a < 3; ++a) {
    by[a] = factor;
    auto& blocks = to.grid.size[a];
    blocks = (from.size[a] + factor - 1) / factor;
    blocks += (blocks - roi[a]) & 1;
    to.grid.spacing[a] = from.spacing[a] * static_cast<double>(factor);
    before[a] = (blocks * factor - from.size[a]) / 2;
  }
  const auto& size = to.grid.size;
  std::vector<double> sum(static_cast<size_t>(size[0] * size[1] * size[2]));
  std::vector<int32_t> count(sum.size());
  size_t at = 0;
  for (int64_t z = 0; z < from.size[0]; ++z)
    for (int64_t y = 0; y < from.size[1]; ++y)
      for (int64_t x = 0; x < from.size[2]; ++x, ++at) {
        const int64_t row = (z + before[0]) / by[0] * size[1] + (y + before[1]) / by[1];
        const auto block = static_cast<size_t>(row * size[2] + (x + before[2]) / by[2]);
        sum[block] += voxels[at], ++count[block];
      }
  to.voxels.resize(sum.size());
  for (size_t i = 0; i < sum.size(); ++i)
    to.voxels[i] = static_cast<float>(count[i] > 0 ? sum[i] / count[i] : fill);
  return to;
}

}  // namespace hilum::data
