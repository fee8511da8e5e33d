// SPDX-License-Identifier: Apache-2.0
// The experiments that these tests assemble.
#pragma once
#include <torch/torch.h>

#include "core/model/weights.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::model {

inline const std::string kData = "[data]\nroi = [16, 16]\n";
// Two pyramids with a mask head on each: a.S1 .. a.S3, b.S1 .. b.S3.
inline const std::string kTwo = kData + R"(
[backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
[head.mask]
plugin = "test_mask"
on = "a.S3"
[head.other]
plugin = "test_mask"
on = "b.S3"
)";
inline const std::string kHourglass = kData + R"(
[backbone.h]
plugin = "test_hourglass"
[backbone.b]
plugin = "test_pyramid"
[head.mask]
plugin = "test_mask"
on = "h.D1"
)";

inline std::string fusion(const std::string& name, const std::string& plugin,
                          const std::string& rest) {
  return "[fusion." + name + "]\nplugin = \"" + plugin + "\"\n" + rest + "\n";
}

inline const std::string kPair = kData + R"(
[backbone.p]
plugin = "test_pair"
[head.mask]
plugin = "test_mask"
on = "p.S1"
)";

inline const std::string kBase = R"(
[data]
roi = [16, 16]
[backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
[head.nodule]
plugin = "test_nodule"
on = "a.S3"
weight = 0.5
[head.mask]
plugin = "test_mask"
on = "b.S1"
weight = 2
)";
inline const std::string kGuided = kBase + R"(
[head.mask.regularizer]
plugin = "test_smooth"
guide = "nodule"
)";

inline Named batch(int64_t n = 2) {
  torch::manual_seed(1);
  return {{"image", torch::rand({n, 1, 16, 16})},
          {"mask", torch::rand({n, 1, 16, 16}).gt(0.7).to(torch::kFloat)},
          {"nodule_present", torch::ones({n, 1})}};
}

inline std::map<std::string, Tensor> copy_of_state(const Model& model) {
  auto all = state(model);
  for (auto& [name, t] : all) t = t.detach().clone();
  return all;
}

}  // namespace hilum::model
