// SPDX-License-Identifier: Apache-2.0
#include "core/train/tensor_digest.hpp"

#include <fmt/core.h>
#include <torch/torch.h>

#include <algorithm>

#include "core/util/xxh3.hpp"

namespace hilum::train {
namespace {

constexpr int64_t kPart = 4 << 20;  // bytes: well under a millisecond

// Memory is read in its own order. Where that is not the shape's (channels last), it is told too.
std::string heading_of(const std::string& name, const torch::Tensor& t) {
  std::string text = name + ' ' + c10::toString(t.scalar_type());
  for (const auto size : t.sizes()) text += ' ' + std::to_string(size);
  if (!t.is_contiguous() && t.is_non_overlapping_and_dense())
    for (const auto stride : t.strides()) text += '/' + std::to_string(stride);
  return text + '\n';
}

// Its bytes on the CPU without gaps.
torch::Tensor dense(const torch::Tensor& tensor) {
  const torch::NoGradGuard no_grad;
  const auto t = tensor.cpu();
  return t.is_non_overlapping_and_dense() ? t : t.contiguous();
}

}  // namespace

TensorDigest::TensorDigest(std::map<std::string, torch::Tensor> tensors)
    : tensors_(std::move(tensors)) {
  util::Xxh3 sum;
  for (const auto& [name, tensor] : tensors_) {
    sum.add(heading_of(name, tensor));
    bytes_ += static_cast<int64_t>(tensor.nbytes());
  }
  heading_ = sum.hex();
}

std::string TensorDigest::whole() const { return range(0, bytes_, ""); }

std::string TensorDigest::turn(int64_t step) const {
  const int64_t parts = (bytes_ + kPart - 1) / kPart;
  if (parts <= 1) return whole();
  const int64_t part = step % parts;
  return range(bytes_ * part / parts, bytes_ * (part + 1) / parts,
               fmt::format("{}/{}:", part + 1, parts));
}

// Bytes of all tensors one behind the other.
std::string TensorDigest::range(int64_t begin, int64_t end, const std::string& part) const {
  util::Xxh3 sum;
  sum.add(heading_).add(part);
  int64_t place = 0;
  for (const auto& [name, tensor] : tensors_) {
    const int64_t first = std::max(begin, place);
    const int64_t past = std::min(end, place + static_cast<int64_t>(tensor.nbytes()));
    if (first < past) {
      const auto t = dense(tensor);
      const auto* bytes = static_cast<const char*>(t.const_data_ptr());
      const uint64_t digest =
          util::xxh3(bytes + (first - place), static_cast<size_t>(past - first));
      sum.add(&digest, sizeof digest);
    }
    place += static_cast<int64_t>(tensor.nbytes());
  }
  return part + sum.hex();
}

}  // namespace hilum::train
