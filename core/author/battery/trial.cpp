// SPDX-License-Identifier: Apache-2.0
#include "core/author/battery/trial.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hilum::author {

Size Trial::usual(int64_t dims) const {
  int64_t least = smallest(part, small(part), dims);
  if (least > 32) least = 8;  // it computes at no side: the checks say why, and soon
  return Size(static_cast<size_t>(dims), 2 * std::max<int64_t>(2, least));
}

Tensors evaluated(Subject& subject, const Tensors& inputs) {
  const torch::NoGradGuard no_grad;
  subject.module->eval();
  return subject.run(inputs);
}

std::string sizes(c10::IntArrayRef shape) {
  std::string text;
  for (const auto n : shape) text += (text.empty() ? "" : ",") + std::to_string(n);
  return "[" + text + "]";
}

double difference(const Tensor& found, const Tensor& wanted) {
  if (wanted.numel() == 0) return 0;
  const double most = wanted.abs().max().item<double>();
  return (found - wanted).abs().max().item<double>() / std::max(most, 1e-12);
}

void expect_same(const Tensors& found, const Tensors& wanted, double tolerance,
                 const std::string& what, const std::string& look) {
  if (found.size() != wanted.size())
    throw Wrong{fmt::format("{}: {} outputs, and {} before", what, found.size(), wanted.size()),
                look};
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].sizes() != wanted[i].sizes())
      throw Wrong{fmt::format("{}: output {} is {}, and was {}", what, i, sizes(found[i].sizes()),
                              sizes(wanted[i].sizes())),
                  look};
    const bool same = tolerance == 0 ? found[i].equal(wanted[i])
                                     : torch::allclose(found[i], wanted[i], tolerance, tolerance);
    if (!same)
      throw Wrong{fmt::format("{}: output {} differs by {:.2g} of its largest value", what, i,
                              difference(found[i], wanted[i])),
                  look};
  }
}

}  // namespace hilum::author
