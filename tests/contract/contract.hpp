// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "subject.hpp"

namespace hilum::contract {

/// The parameter is a plugin's address.
class Contract : public ::testing::TestWithParam<std::string> {
 protected:
  const Plugin& part() { return plugin(GetParam()); }
  Subject small_one(const Setting& setting) { return make(part(), small(part()), setting); }
  // A side at which batch norms have something to average: twice the smallest.
  Size usual(int64_t dims) {
    return Size(static_cast<size_t>(dims),
                2 * std::max<int64_t>(2, smallest(part(), small(part()), dims)));
  }
};

/// What it gives in eval mode.
inline Tensors evaluated(Subject& s, const Tensors& inputs) {
  const torch::NoGradGuard no_grad;
  s.module->eval();
  return s.run(inputs);
}

/// "backbone_unet"
inline std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (auto& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

}  // namespace hilum::contract
