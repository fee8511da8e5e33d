// SPDX-License-Identifier: Apache-2.0
#include "sample.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

namespace hilum::testing {
namespace fs = std::filesystem;

const char* const kSample = R"([experiment]
name = "proposed"
seed = 7

[data]
source = "phantom"
fold = 1
val = 0.2
dims = 2
roi = [64, 64]
window = [-1000, 400]
consensus = 0.5
workers = 2

[data.augment]
flip = true
shift = 0.1

[data.phantom]
count = 40
noise = 10

[backbone.cls]
plugin = "resnet50"
width = 16

[backbone.seg]
plugin = "unet"
width = 32
depth = 5

[fusion.combine]
plugin = "conv1x1"
connect = [["cls.C1", "seg.S2"], ["cls.C2", "seg.S3"]]
ratio = 0.5

[head.nodule]
plugin = "binary_nodule"
on = "cls.C5"
weight = 0.5

[head.mask]
plugin = "segmentation"
on = "seg.S9"

[head.mask.regularizer]
plugin = "std"
guide = "nodule"
iterations = 10

[train]
epochs = 12
batch = 10
optimizer = "adam"
lr = 1e-3
schedule = "cosine"
precision = "float32"
freeze = ["seg.S1"]
)";

namespace {

struct BackboneOptions {
  int64_t in_channels = 1, width = 64, depth = 5;
};
struct RatioOptions {
  double ratio = 1;
  std::string mode = "plain";
};
struct NoOptions {};
struct StdOptions {
  int64_t iterations = 10, half_size = 4;
  double sigma = 1;
  std::string label;
};
struct HeadOptions {
  double smooth = 1;
};

Schema<BackboneOptions> backbone_schema() {
  using O = BackboneOptions;
  return Schema<O>{}
      .add("in_channels", &O::in_channels, "channels of the image")
      .range(1, 64)
      .add("width", &O::width, "channels of the first stage")
      .range(1, 1024)
      .add("depth", &O::depth, "levels")
      .range(2, 7);
}

Schema<RatioOptions> ratio_schema() {
  return Schema<RatioOptions>{}
      .add("ratio", &RatioOptions::ratio, "share of the giver")
      .range(0, 1)
      .add("mode", &RatioOptions::mode, "how");
}

Schema<StdOptions> std_schema() {
  using O = StdOptions;
  return Schema<O>{}
      .add("iterations", &O::iterations, "iterations")
      .range(1, 1000)
      .add("half_size", &O::half_size, "half the kernel", "voxels")
      .range(1, 64)
      .add("sigma", &O::sigma, "width of the kernel", "voxels")
      .add("label", &O::label, "a text");
}

template <class O>
Declaration declare(const std::string& kind, const std::string& name, const Schema<O>& schema) {
  Declaration d{kind, name, "1.0", "", "", schema.parameters, {}};
  d.validate = [schema](const Values& values, const std::string& what, const std::string& where,
                        Problems& problems, const Strings& known) {
    schema.parse(values, what, where, problems, known);
  };
  return d;
}

std::vector<Declaration> declarations() {
  const auto head = Schema<HeadOptions>{}.add("smooth", &HeadOptions::smooth, "of the Dice loss");
  return {declare("backbone", "unet", backbone_schema()),
          declare("backbone", "resnet50", backbone_schema()),
          declare("fusion", "conv1x1", ratio_schema()),
          declare("fusion", "concat", Schema<NoOptions>{}),
          declare("regularizer", "std", std_schema()),
          declare("head", "segmentation", head),
          declare("head", "binary_nodule", head)};
}

}  // namespace

config::Lookup fake_lookup(const config::PluginOptions&) {
  return [](const std::string& kind, const std::string& name) -> Declaration {
    if (name == "broken") throw Error("backbone_broken.so: built for another SDK", Fault::plugin);
    Strings names;
    for (const auto& declaration : declarations()) {
      if (declaration.kind == kind && declaration.name == name) return declaration;
      if (declaration.kind == kind) names.push_back(declaration.name);
    }
    throw Error("no " + kind + " named '" + name + "'." + suggestion(name, names), Fault::request);
  };
}

Folder::Folder() : before_(fs::current_path()) {
  static std::atomic<int> number = 0;
  path_ = fs::canonical(fs::temp_directory_path()) /
          ("hilum_config_" + std::to_string(getpid()) + "_" + std::to_string(number++));
  fs::create_directories(path_);
  fs::current_path(path_);
}

Folder::~Folder() {
  fs::current_path(before_);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path Folder::write(const std::string& name, const std::string& text) const {
  fs::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name) << text;  // no fsync: thousands of these are written
  return name;
}

config::Experiment read_text(const std::string& text, const Strings& overrides) {
  const Folder folder;
  return config::read(config::Document::load(folder.write("exp.toml", text), overrides),
                      fake_lookup);
}

std::string problems_of(const std::string& text, const Strings& overrides) {
  try {
    read_text(text, overrides);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault, Fault::request) << error.what();
    return error.what();
  }
}

std::string sample_with(const std::string& line, const std::string& instead) {
  std::string text = kSample;
  const auto at = text.find(line + "\n");
  EXPECT_NE(at, std::string::npos) << "the sample has no line " << line;
  return text.replace(at, line.size(), instead);
}

std::string parameter(const config::Experiment& experiment, const std::string& key) {
  for (const auto& [name, value] : experiment.parameters)
    if (name == key) return to_text(value);
  return "(no parameter " + key + ")";
}

}  // namespace hilum::testing
