// SPDX-License-Identifier: Apache-2.0
// The registry against the libraries, and plugins of one kind against each other: with default
// options, at one address, one line of TOML changes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <set>

#include "contract.hpp"
#include "core/plugins/catalog.hpp"
#include "core/util/files.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::contract {
namespace {
namespace fs = std::filesystem;

// Loading compares what a library registers with what is promised of it; both must be the same set.
TEST(Registry, PromisesWhatTheLibrariesRegister) {
  for (const auto& entry : loader().catalog().entries()) {
    EXPECT_NO_THROW(plugin(entry.address())) << entry.listed;
    EXPECT_EQ(plugin(entry.address()).kind + "/" + plugin(entry.address()).name, entry.address());
  }
}

fs::path without(const fs::path& file, const std::string& prefix) {
  const std::string name = file.filename().string();
  return name.starts_with(prefix) ? file.parent_path() / name.substr(prefix.size()) : fs::path();
}

TEST(Registry, NamesEveryLibraryOfTheProgram) {
  std::set<fs::path> listed, there;
  fs::path folder;
  for (const auto& entry : loader().catalog().entries())
    if (entry.own) listed.insert(entry.library), folder = entry.library.parent_path();
  if (listed.empty()) GTEST_SKIP() << "built without plugins/";
  for (const auto& file : fs::directory_iterator(folder))
    if (file.path().extension() == ".so") there.insert(file.path());
  for (const auto& file : there)  // cuda_regularizer_std.so is regularizer_std.so's, and no plugin
    EXPECT_TRUE(listed.count(file) || listed.count(without(file, "cuda_")))
        << file
        << " is in no registry: add it to registry.toml, or remove what an earlier build left";
  for (const auto& file : listed)
    EXPECT_TRUE(there.count(file)) << file << " is in registry.toml and was not built";
  EXPECT_EQ(util::read_file(folder / "registry.toml"),
            util::read_file(fs::path(HILUM_SOURCE_DIR) / "registry.toml"));
}

// Every plugin in the same place of the same file is every pair exchanged.
void expect_assembles(const std::string& toml, const model::InputShapes& inputs,
                      const Named& sample) {
  auto m = kit::assemble(toml, inputs);
  m->eval();
  const torch::NoGradGuard no_grad;
  const auto outputs = m->forward(sample);
  for (const auto& [name, t] : outputs.at("main"))
    if (t.is_floating_point()) {
      EXPECT_TRUE(t.isfinite().all().item<bool>()) << name;
    }
}

void expect_interchangeable(const std::string& kind, const std::string& before,
                            const std::string& after) {
  ASSERT_FALSE(of_kind(kind).empty());
  for (const int64_t dims : {2, 3}) {
    const author::Size size(static_cast<size_t>(dims), 32);
    Shape shape{1, 1};
    shape.insert(shape.end(), size.begin(), size.end());
    const auto image = torch::rand(c10::IntArrayRef(shape));
    for (const auto& address : of_kind(kind)) {
      const std::string name = address.substr(kind.size() + 1);
      SCOPED_TRACE(name + " in " + std::to_string(dims) + "D");
      // A 3D network at its default width takes gigabytes; its width is tested in 2D.
      const bool wide =
          dims == 3 && kind == "backbone" && author::small(plugin(address)).count("width");
      EXPECT_NO_THROW(expect_assembles(
          before + "plugin = \"" + name + "\"\n" + (wide ? "width = 4\n" : "") + after,
          {{"image", shape}, {"other", shape}}, {{"image", image}, {"other", image}}));
    }
  }
}

TEST(Interchangeable, Backbones) {
  expect_interchangeable("backbone", "[backbone.a]\n",
                         "[head.main]\nplugin = \"test_mask\"\non = \"a/4\"\n");
}

const std::string kTwo =
    "[backbone.a]\nplugin = \"test_pyramid\"\n[backbone.b]\nplugin = \"test_pyramid\"\n";

TEST(Interchangeable, Fusions) {
  const std::string head = "[head.main]\nplugin = \"test_mask\"\non = \"a.S3\"\n";
  expect_interchangeable("fusion", kTwo + "[fusion.f]\n",
                         "connect = [[\"b/2\", \"a/2\"]]\n" + head);
  expect_interchangeable("fusion", kTwo + "[fusion.f]\n",
                         "between = [[\"b/2\", \"a/2\"]]\n" + head +
                             "[head.other]\nplugin = \"test_mask\"\non = \"b.S3\"\n");
}

TEST(Interchangeable, Regularizers) {
  const std::string heads =
      kTwo +
      "[head.nodule]\nplugin = \"test_nodule\"\non = \"b/4\"\n"
      "[head.main]\nplugin = \"test_mask\"\non = \"a/1\"\n[head.main.regularizer]\n";
  expect_interchangeable("regularizer", heads, "");
  expect_interchangeable("regularizer", heads, "guide = \"nodule\"\n");
}

TEST(Interchangeable, Heads) {
  expect_interchangeable("head", kTwo + "[head.main]\n", "on = \"a/4\"\n");
}
}  // namespace
}  // namespace hilum::contract
