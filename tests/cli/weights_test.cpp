// SPDX-License-Identifier: Apache-2.0
// Weights of a run out in our names and in torchvision's, and weights of anybody in.
#include <cstring>
#include <map>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kText = R"(
[experiment]
name = "tiny"
[data]
source = "phantom"
roi = [32, 32]
[data.phantom]
count = 12
patients = 6
size = [8, 32, 32]
[backbone.cls]
plugin = "resnet50"
width = 4
layers = [1, 1, 1, 1]
depth = 2
[head.mask]
plugin = "segmentation"
on = "cls.C2"
[train]
epochs = 1
threads = 1
)";
const Strings kBackbone = {"--to",  "backbone/resnet50", "--set", "width=4",
                           "--set", "layers=1,1,1,1",    "--set", "depth=2"};

class Weights : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench = new Bench;
    write(bench->root / "tiny.toml", kText);
    const auto run = bench->hilum({"run", "tiny.toml"});
    ASSERT_EQ(run.code, 0) << run.all();
  }
  static void TearDownTestSuite() { delete bench; }
  static Outcome hilum(const Strings& words) { return bench->hilum(Strings{"weights"} + words); }
  static std::string bytes(const std::string& name) { return text_of(bench->root / name); }
  static bool exists(const std::string& name) { return fs::exists(bench->root / name); }
  static nlohmann::json header(const std::string& name) {
    const auto all = bytes(name);
    uint64_t size = 0;
    if (all.size() < 8) return {};
    std::memcpy(&size, all.data(), 8);
    return nlohmann::json::parse(all.substr(8, size));
  }
  static Strings names(const std::string& file) {
    Strings all;
    const auto json = header(file);
    for (const auto& [name, entry] : json.items()) all.push_back(name);
    return all;
  }
  static void exported(const std::string& out, const Strings& words = {}) {
    const auto outcome = hilum(Strings{"export", "tiny", "-o", out} + words);
    EXPECT_EQ(outcome.code, 0) << outcome.all();
  }
  // A safetensors file of zeros.
  static void zeros(const std::string& file,
                    const std::map<std::string, std::vector<int64_t>>& shapes) {
    nlohmann::ordered_json json;
    size_t end = 0;
    for (const auto& [name, shape] : shapes) {
      size_t size = 4;
      for (const auto n : shape) size *= static_cast<size_t>(n);
      json[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {end, end + size}}};
      end += size;
    }
    const std::string text = json.dump();
    const uint64_t length = text.size();
    write(bench->root / file,
          std::string(reinterpret_cast<const char*>(&length), 8) + text + std::string(end, '\0'));
  }

  inline static Bench* bench = nullptr;
};

TEST_F(Weights, PublishedNamesAreTorchvisions) {
  exported("theirs.safetensors", {"--part", "cls", "--names", "published"});
  exported("ours.safetensors", {"--part", "cls"});
  const auto theirs = header("theirs.safetensors"), ours = header("ours.safetensors");
  EXPECT_EQ(theirs.size(), ours.size());
  const std::map<std::string, std::string> same{
      {"conv1.weight", "cls.C1.conv1.weight"},
      {"bn1.num_batches_tracked", "cls.C1.bn1.num_batches_tracked"},
      {"layer1.0.downsample.1.running_var", "cls.C2.0.downsample.1.running_var"}};
  for (const auto& [there, here] : same) {
    ASSERT_TRUE(theirs.contains(there) && ours.contains(here)) << there;
    EXPECT_EQ(theirs[there]["shape"], ours[here]["shape"]);
    EXPECT_EQ(theirs[there]["dtype"], ours[here]["dtype"]);
  }
  EXPECT_EQ(theirs["bn1.num_batches_tracked"]["dtype"], "I64");
  EXPECT_EQ(theirs["bn1.num_batches_tracked"]["shape"], nlohmann::json::array());
  for (const auto& name : names("ours.safetensors")) EXPECT_THAT(name, StartsWith("cls."));
}

TEST_F(Weights, WhatWasExportedComesBackTheSame) {
  exported("theirs.safetensors", {"--part", "cls", "--names", "published"});
  exported("ours.safetensors", {"--part", "cls"});
  exported("whole.safetensors");
  for (const char* file : {"theirs.safetensors", "ours.safetensors", "whole.safetensors"}) {
    const auto outcome =
        hilum({"import", file, "--to", "tiny.toml", "--part", "cls", "-o", "back.safetensors"});
    EXPECT_EQ(outcome.code, 0) << outcome.all();
    EXPECT_TRUE(bytes("back.safetensors") == bytes("ours.safetensors")) << file;
  }
  EXPECT_EQ(
      hilum(Strings{"import", "theirs.safetensors", "-o", "alone.safetensors"} + kBackbone).code,
      0);
  EXPECT_THAT(names("alone.safetensors"), Contains("C2.0.conv3.weight"));
}

TEST_F(Weights, AKeyMapNamesTheHead) {
  write(bench->root / "map.toml", "[prefix]\n\"head.mask.conv\" = \"segmentation_head.0\"\n");
  exported("mapped.safetensors", {"--map", "map.toml"});
  EXPECT_THAT(names("mapped.safetensors"), Contains("segmentation_head.0.weight"));
  const Strings back{"import", "mapped.safetensors", "--to", "tiny.toml", "-o", "back.safetensors"};
  EXPECT_EQ(hilum(back + Strings{"--map", "map.toml"}).code, 0);
  exported("whole.safetensors");
  EXPECT_TRUE(bytes("back.safetensors") == bytes("whole.safetensors"));
  EXPECT_EQ(hilum(back).code, 1) << "the head is missing without the map";

  const auto without = hilum({"export", "tiny", "-o", "none.safetensors", "--names", "published"});
  EXPECT_EQ(without.code, 2);
  EXPECT_THAT(without.err, HasSubstr("no published name for head.mask.conv.bias"));
  write(bench->root / "drop.toml", "drop = [\"head.*\"]\n");
  exported("dropped.safetensors", {"--map", "drop.toml"});
  EXPECT_THAT(names("dropped.safetensors"), Not(Contains(StartsWith("head."))));
}

TEST_F(Weights, MissingWeightsAreNamedAndNothingIsWritten) {
  zeros("few.safetensors",
        {{"conv1.weight", {4, 3, 7, 7}}, {"bn1.weight", {4}}, {"fc.bias", {9}}, {"bn1.bias", {5}}});
  const Strings words =
      Strings{"import", "few.safetensors", "-o", "few_out.safetensors"} + kBackbone;
  const auto refused = hilum(words);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("are missing or of another shape; nothing was written"));
  for (const char* part :
       {"matched              1\n", "adapted              1\n", "of another shape     1\n",
        "left over            1\n", "C1.conv1.weight: 3 input channels summed into 1",
        "C1.bn1.bias: [4] here, [5] there", "  fc.bias\n", "  C2.0.conv1.weight\n"})
    EXPECT_THAT(refused.out, HasSubstr(part));
  EXPECT_FALSE(exists("few_out.safetensors"));

  const auto partial = hilum(words + Strings{"--partial", "--json"});
  EXPECT_EQ(partial.code, 0) << partial.err;
  const auto report = nlohmann::json::parse(partial.out);
  EXPECT_EQ(report["loaded"], (nlohmann::json{"C1.bn1.weight", "C1.conv1.weight"}));
  EXPECT_EQ(report["left_over"], nlohmann::json{"fc.bias"});
  EXPECT_EQ(names("few_out.safetensors"), (Strings{"C1.bn1.weight", "C1.conv1.weight"}));
  EXPECT_EQ(header("few_out.safetensors")["C1.conv1.weight"]["shape"],
            (nlohmann::json{4, 1, 7, 7}));

  write(bench->root / "fc.toml", "drop = [\"fc.*\"]\n");
  EXPECT_THAT(hilum(words + Strings{"--map", "fc.toml"}).out,
              HasSubstr("left over            0\n"));
}

TEST_F(Weights, NoNameThatFitsIsAnErrorEvenPartially) {
  zeros("other.safetensors", {{"encoder.weight", {4}}});
  const auto outcome =
      hilum(Strings{"import", "other.safetensors", "-o", "x.safetensors", "--partial"} + kBackbone);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("No name fits: is a key map needed (--map)?"));
  EXPECT_FALSE(exists("x.safetensors"));
}

TEST_F(Weights, ARunStartsFromPublishedWeights) {
  exported("theirs.safetensors", {"--part", "cls", "--names", "published"});
  fs::rename(bench->root / "theirs.safetensors", bench->root / "theirs.pth");  // by content
  const auto run = bench->hilum({"run", "tiny.toml", "+backbone.cls.init=theirs.pth"});
  EXPECT_EQ(run.code, 0) << run.all();
  EXPECT_THAT(run.all(), HasSubstr("theirs.pth': 30 tensors copied\n"));
}

TEST_F(Weights, WrongRequestsAreSaid) {
  exported("ours.safetensors");
  write(bench->root / "bad.pth", "hello");
  const auto said = [&](const Strings& words, int code, const std::string& part) {
    const auto outcome = hilum(words + Strings{"-o", "never.safetensors"});
    EXPECT_EQ(outcome.code, code) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(part));
    EXPECT_FALSE(exists("never.safetensors"));
  };
  const Strings import{"import", "ours.safetensors", "--to"};
  said({"import", "bad.pth", "--to", "tiny.toml"}, 3, "bad.pth: no weights: neither safetensors");
  said({"import", "none.pth", "--to", "tiny.toml"}, 2, "none.pth: no such file");
  said(import + Strings{"backbon/resnet50"}, 2, "Did you mean 'backbone'?");
  said(import + Strings{"backbone/resnet51"}, 2, "Did you mean 'resnet50'?");
  said(import + Strings{"head/segmentation"}, 2, "only a whole backbone stands alone");
  said(import + Strings{"backbone/resnet50", "--set", "width"}, 2, "--set option=value");
  said(import + Strings{"backbone/resnet50", "--image", "1,64"}, 2, "--image: value '1,64'");
  said(import + Strings{"tiny.toml", "--part", "clss"}, 2, "Did you mean 'cls'?");
  said(import + Strings{"tiny.toml", "--map", "none.toml"}, 2, "none.toml: no such key map");
  said({"export", "tiny", "--part", "head.mas"}, 2, "Did you mean 'head.mask'?");
  said({"export", "tinny"}, 2, "Did you mean 'tiny'?");
}

TEST_F(Weights, AFullDiskLeavesWhatWasThere) {
  exported("whole.safetensors");
  const Strings words{"weights",   "import", "whole.safetensors", "--to",
                      "tiny.toml", "-o",     "copy.safetensors"};
  ASSERT_EQ(bench->hilum(words).code, 0);
  const auto before = bytes("copy.safetensors");
  const auto full = bench->hilum(words, {.largest_file = before.size() / 2});
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, HasSubstr("copy.safetensors: cannot be written: "));
  EXPECT_THAT(full.err, HasSubstr("What was there before is untouched."));
  EXPECT_TRUE(bytes("copy.safetensors") == before);
}

class WeightsWithoutRuns : public Program {};

TEST_F(WeightsWithoutRuns, AWrongRunMakesNoStore) {
  for (const Strings& words : {Strings{"weights", "export", "nobody", "-o", "x.safetensors"},
                               Strings{"eval", "nobody"}, Strings{"resume", "nobody"}}) {
    const auto outcome = hilum(words);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("the store is empty"));
    EXPECT_FALSE(fs::exists(runs()));
  }
}

}  // namespace
}  // namespace hilum::testing
