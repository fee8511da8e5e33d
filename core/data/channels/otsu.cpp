// SPDX-License-Identifier: Apache-2.0
#include <itkHistogram.h>
#include <itkOtsuMultipleThresholdsCalculator.h>

#include <algorithm>

#include "core/data/channels/channel.hpp"
#include "core/data/itk_setup.hpp"

namespace hilum::data {
namespace {

using Histogram = itk::Statistics::Histogram<double>;
constexpr size_t kBins = 256;

Histogram::Pointer histogram_of(std::span<const float> values, double low, double high) {
  auto histogram = Histogram::New();
  histogram->SetMeasurementVectorSize(1);
  Histogram::SizeType size(1);
  Histogram::MeasurementVectorType from(1), to(1), value(1);
  size.Fill(kBins), from.Fill(low), to.Fill(high);
  histogram->Initialize(size, from, to);
  histogram->SetClipBinsAtEnds(false);  // the largest value is in the last bin
  Histogram::IndexType index(1);
  for (const float v : values) {
    value[0] = v;
    if (histogram->GetIndex(value, index)) histogram->IncreaseFrequencyOfIndex(index, 1);
  }
  return histogram;
}

}  // namespace

std::vector<float> otsu(std::span<const float> values, int64_t classes) {
  std::vector<float> out(values.size(), 0);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (values.empty() || *low == *high) return out;
  prepare_itk();
  auto calculator = itk::OtsuMultipleThresholdsCalculator<Histogram>::New();
  calculator->SetInputHistogram(histogram_of(values, *low, *high));
  calculator->SetNumberOfThresholds(static_cast<size_t>(classes - 1));
  try {
    calculator->Compute();
  } catch (const itk::ExceptionObject& error) {
    throw Error(std::string("data.channels: 'otsu': ") + error.GetDescription());
  }
  const auto& thresholds = calculator->GetOutput();  // a bin's upper end each, in order
  for (size_t i = 0; i < out.size(); ++i) {
    const auto above = std::count_if(thresholds.begin(), thresholds.end(),
                                     [v = values[i]](double threshold) { return v > threshold; });
    out[i] = static_cast<float>(above) / static_cast<float>(classes - 1);
  }
  return out;
}

}  // namespace hilum::data
