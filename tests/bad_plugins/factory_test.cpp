// SPDX-License-Identifier: Apache-2.0
// Plugins that register well and whose factories give nothing, or something else: an error that
// names the plugin, alone and in a model, where a null pointer would have been called.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/plugins/loader.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::model {
namespace {
using kit::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

const Plugin& bad(const std::string& kind, const std::string& name) {
  kit::use_parts();
  static auto* const loader = [] {
    auto search = plugins::Search::standard();
    search.path = {HILUM_BAD_PARTS_DIR};
    return new plugins::Loader(plugins::Catalog(std::move(search)));
  }();
  return loader->load(kind, name);
}

std::string alone(const std::string& kind, const std::string& name) {
  const Error error = error_of([&] {
    const Alone made(bad(kind, name), {}, {{"x", torch::zeros({1, 2, 8, 8})}});
  });
  EXPECT_EQ(error.fault, Fault::plugin) << error.what();
  return error.what();
}

std::string in_a_model(const std::string& backbone, const std::string& head) {
  const Error error = error_of([&] {
    kit::assemble("[plugins]\nregistries = [\"" HILUM_BAD_PARTS_DIR
                  "\"]\n[backbone.b]\nplugin = \"" +
                  backbone + "\"\n[head.h]\nplugin = \"" + head + "\"\non = \"b.S1\"\n");
  });
  EXPECT_EQ(error.fault, Fault::plugin) << error.what();
  return error.what();
}

TEST(BadFactories, AFactoryThatReturnsNothing) {
  EXPECT_EQ(alone("head", "null_part"), "head 'null_part': its factory returned nothing");
  EXPECT_THAT(in_a_model("test_pyramid", "null_part"),
              AllOf(HasSubstr("exp.toml:"), HasSubstr("head 'h' (null_part)"),
                    HasSubstr("its factory returned nothing")));
}

TEST(BadFactories, AFactoryThatReturnsAPartOfAnotherKind) {
  EXPECT_EQ(alone("head", "other_part"),
            "head 'other_part': its factory returned a part of another kind");
  EXPECT_THAT(in_a_model("test_pyramid", "other_part"), HasSubstr("a part of another kind"));
}

TEST(BadFactories, AStageWithoutAModule) {
  EXPECT_EQ(alone("backbone", "null_module"),
            "backbone 'null_module': the function of stage 'S1' returned no module");
  EXPECT_THAT(in_a_model("null_module", "test_mask"),
              AllOf(HasSubstr("backbone 'b' (null_module)"), HasSubstr("returned no module")));
}

}  // namespace
}  // namespace hilum::model
