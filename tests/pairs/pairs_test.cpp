// SPDX-License-Identifier: Apache-2.0
// Any part with any other: each combination is assembled at a tiny width and trained one step.
// The program alone takes a sample that is the same every time; HILUM_PAIRS=all takes all of them:
//   ctest --test-dir build -C every -L pairs
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdlib>

#include "core/plugins/catalog.hpp"
#include "core/train/optimizer.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {

constexpr int64_t kSide = 32;

// One thread: so small a network spends its time starting others.
const bool kOneThread = [] {
  torch::set_num_threads(1);
  return true;
}();

// The plugins that come with the program, not the tests' own.
Strings shipped(const std::string& kind) {
  kit::use_parts();
  Strings names;
  const plugins::Catalog catalog;
  for (const auto& entry : catalog.entries())
    if (entry.own && entry.address().starts_with(kind + "/"))
      names.push_back(entry.address().substr(kind.size() + 1));
  return names;
}

// Of `all` cases every one, or 1 in `stride` of them, spread by a fixed shuffle.
class Sample {
 public:
  explicit Sample(size_t stride) {
    const char* wanted = std::getenv("HILUM_PAIRS");
    stride_ = wanted && std::string(wanted) == "all" ? 1 : stride;
  }
  bool takes() { return stride_ == 1 || (++seen_ * 2654435761U >> 16) % stride_ == 0; }

 private:
  size_t stride_, seen_ = 0;
};

std::string backbone(const std::string& name, const std::string& plugin) {
  return "[backbone." + name + "]\nplugin = \"" + plugin + "\"\nwidth = 4\n";
}

std::string head(const std::string& name, const std::string& plugin, const std::string& on) {
  return "[head." + name + "]\nplugin = \"" + plugin + "\"\non = \"" + on + "\"\n";
}

const std::string kData = "[data]\nroi = [32, 32]\n";

// Masks and classes of two samples, and every column that a head learns from.
Named batch_for(const model::Model& model) {
  torch::manual_seed(1);
  Named batch{{"image", torch::rand({2, 1, kSide, kSide})},
              {"mask", torch::zeros({2, 1, kSide, kSide})},
              {"nodule_present", torch::tensor({{0.F}, {1.F}})}};
  batch["mask"].narrow(2, 8, 12).narrow(3, 6, 10).fill_(1);
  for (const auto& name : model.numeric_targets())
    batch[name] =
        name == "malignancy" ? torch::tensor({{0.F}, {1.F}}) : torch::tensor({{2.F}, {5.F}});
  return batch;
}

// One step: the loss is a number, every gradient is finite, and something moved.
void train_one_step(const kit::Assembled& m) {
  const Named batch = batch_for(*m.model);
  config::TrainOptions options;
  train::Optimizer optimizer(*m.model, options);
  Named columns = batch;
  for (const auto* derived : {"image", "mask", "nodule_present"}) columns.erase(derived);
  for (const auto& slot : m->heads()) slot.head->see_targets(columns);
  m->train();
  const auto losses = m->loss(m->forward(batch), batch);
  ASSERT_TRUE(losses.total.isfinite().item<bool>());
  losses.total.backward();
  for (const auto& item : m.model->named_parameters())
    if (item.value().grad().defined()) {
      ASSERT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
    }
  const Tensor before = m.model->parameters().front().detach().clone();
  optimizer.step(1e-2, 0.9);
  EXPECT_FALSE(m.model->parameters().front().equal(before)) << "the first parameter did not move";
}

void expect_trains(const std::string& toml) {
  try {
    train_one_step(kit::assemble(kData + toml));
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what() << "\nin\n" << toml;
  }
}

struct Built {
  std::string plugin, last;
  std::map<std::string, Shape> stages;
};

// A backbone's stages and their shapes at the tiny width.
Built built(const std::string& plugin) {
  Built all{plugin, "", {}};
  plugins::Loader loader;
  Graph graph;
  loader.load("backbone", plugin).build({{"width", {int64_t{4}, "test"}}}, graph);
  all.last = graph.stages().back().name;
  const auto m =
      kit::assemble(kData + backbone("a", plugin) + head("mask", "segmentation", "a." + all.last));
  for (const auto& info : m->ops())
    if (info.op.kind == model::Op::Kind::stage) all.stages[info.op.name.substr(2)] = info.shape;
  return all;
}

bool same_size(const Shape& a, const Shape& b) {
  return std::equal(a.begin() + 2, a.end(), b.begin() + 2, b.end());
}

TEST(Pairs, EveryBackboneUnderEveryHead) {
  for (const auto& plugin : shipped("backbone"))
    for (const auto& with : shipped("head")) {
      SCOPED_TRACE(plugin + " under " + with);
      expect_trains(backbone("a", plugin) + head("main", with, "a." + built(plugin).last));
    }
}

TEST(Pairs, EveryFusionBetweenEveryTwoStagesOfOneSize) {
  std::vector<Built> all;
  for (const auto& plugin : shipped("backbone")) all.push_back(built(plugin));
  Sample sample(20);
  size_t tried = 0, possible = 0;
  for (const auto& giver : all)
    for (const auto& receiver : all)
      for (const auto& fusion : shipped("fusion"))
        for (const auto& [g, g_shape] : giver.stages)
          for (const auto& [r, r_shape] : receiver.stages) {
            if (!same_size(g_shape, r_shape)) continue;
            ++possible;
            if (!sample.takes()) continue;
            ++tried;
            const std::string what =
                fusion + ": " + giver.plugin + "." + g + " into " + receiver.plugin + "." + r;
            SCOPED_TRACE(what);
            expect_trains(backbone("a", giver.plugin) + backbone("b", receiver.plugin) +
                          "[fusion.f]\nplugin = \"" + fusion + "\"\nconnect = [[\"a." + g +
                          "\", \"b." + r + "\"]]\n" +
                          head("nodule", "binary_nodule", "a." + giver.last) +
                          head("mask", "segmentation", "b." + receiver.last));
          }
  std::printf("%zu of %zu combinations tried\n", tried, possible);
  EXPECT_GT(tried, 10U);
}

TEST(Pairs, EveryRegularizerOnEverySegmentation) {
  for (const auto& plugin : shipped("backbone"))
    for (const auto& with : shipped("regularizer"))
      for (const bool guided : {false, true}) {
        SCOPED_TRACE(plugin + " with " + with + (guided ? ", guided" : ""));
        const std::string last = "a." + built(plugin).last;
        expect_trains(backbone("a", plugin) + head("nodule", "binary_nodule", last) +
                      head("mask", "segmentation", last) + "[head.mask.regularizer]\nplugin = \"" +
                      with + "\"\n" + (guided ? "guide = \"nodule\"\n" : ""));
      }
}

// Sizes differ: refused by every fusion that needs one size, with both stages and both shapes.
TEST(Pairs, SizesThatDifferAreRefusedWithTheReason) {
  const Built a = built(shipped("backbone").front());
  const auto& [large, large_shape] = *a.stages.begin();
  for (const auto& fusion : shipped("fusion"))
    for (const auto& [small, small_shape] : a.stages) {
      if (same_size(large_shape, small_shape)) continue;
      const std::string toml = kData + backbone("a", a.plugin) + backbone("b", a.plugin) +
                               "[fusion.f]\nplugin = \"" + fusion + "\"\nconnect = [[\"a." + small +
                               "\", \"b." + large + "\"]]\n" +
                               head("mask", "segmentation", "b." + a.last);
      try {
        train_one_step(kit::assemble(toml));  // a fusion that takes any size
      } catch (const Error& error) {
        EXPECT_EQ(error.fault, Fault::request);
        EXPECT_NE(std::string(error.what()).find("sizes differ"), std::string::npos)
            << error.what();
      }
    }
}
}  // namespace
}  // namespace hilum
