// SPDX-License-Identifier: Apache-2.0
// What leaves and enters a model as text or files: the plan, safetensors, weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/model/count.hpp"
#include "core/model/plan.hpp"
#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "core/util/files.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::model {
namespace {
using kit::assemble;
using kit::error_of;
using kit::Folder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kText = R"(
[data]
roi = [16, 16]
[backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
[fusion.f]
plugin = "test_concat"
connect = [["b.S1", "a.S1"]]
[head.nodule]
plugin = "test_nodule"
on = "a.S1"
[head.mask]
plugin = "test_mask"
on = "a.S2"
[head.mask.regularizer]
plugin = "test_smooth"
guide = "nodule"
[train]
freeze = ["b.S1"]
)";

TEST(Count, MultiplyAccumulatesByHand) {
  const auto x = torch::rand({2, 3, 8, 8}), w = torch::rand({5, 3, 3, 3});
  // 2 images, 8 x 8 positions, 5 outputs of 3 * 9 products each.
  EXPECT_EQ(count([&] { torch::conv2d(x, w, {}, 1, 1); }).macs, 2 * 64 * 5 * 27);
  EXPECT_EQ(count([&] { torch::conv2d(x, w, {}, 2, 1); }).macs, 2 * 16 * 5 * 27);
  EXPECT_EQ(count([&] {
              torch::conv2d(x, torch::rand({6, 1, 3, 3}), {}, 1, 1, 1, 3);
            }).macs,
            2 * 64 * 6 * 9);
  // Transposed: each input position meets each weight.
  EXPECT_EQ(count([&] {
              torch::conv_transpose2d(x, torch::rand({3, 4, 2, 2}), {}, 2);
            }).macs,
            2 * 64 * 3 * 4 * 4);
  const auto v = torch::rand({7, 10});
  EXPECT_EQ(count([&] {
              torch::linear(v, torch::rand({4, 10}), torch::rand({4}));
            }).macs,
            7 * 4 * 10);
  EXPECT_EQ(count([&] { torch::matmul(v, torch::rand({10, 4})); }).macs, 7 * 4 * 10);
  EXPECT_EQ(count([&] { (void)(x + x); }).macs, 0);
}

TEST(Count, BytesOfWhatIsAllocated) {
  const auto x = torch::rand({2, 3, 8, 8});
  EXPECT_EQ(count([&] { (void)(x + x); }).bytes, 2 * 3 * 64 * 4);
  // A view and an operation in place make nothing; what ran before and after does not count.
  EXPECT_EQ(count([&] { (x + x).relu_().flatten(1).transpose(0, 1); }).bytes, 2 * 3 * 64 * 4);
  EXPECT_EQ(count([&] { x.flatten(1); }).bytes, 0);  // nor does a view of what was there
  EXPECT_EQ(count([&] { torch::cat({x, x}, 1); }).bytes, 2 * 6 * 64 * 4);
  EXPECT_EQ(count([] {}).bytes, 0);
}

TEST(Plan, FiguresOfAStageByHand) {
  const auto m = assemble(kText);
  const auto& s1 = kit::op(*m.model, "a.S1");
  EXPECT_EQ(s1.shape, (Shape{1, 4, 16, 16}));
  EXPECT_EQ(s1.parameters, 4 * 9 + 2 * 4);
  EXPECT_EQ(s1.macs, 256 * 4 * 9);
  // conv, norm, silu; float32. Beside them a few numbers a channel, and a small convolution may
  // unroll its image: 9 values a position.
  const int64_t outputs = 3 * 4 * 256 * 4, unrolled = 9 * 256 * 4;
  const int64_t more = s1.activation_bytes - outputs;
  EXPECT_GE(more, 0);
  EXPECT_LE(more >= unrolled ? more - unrolled : more, 64);
  const auto& s2 = kit::op(*m.model, "a.S2");  // reads 4 + 4 channels, halves the size
  EXPECT_EQ(s2.parameters, 8 * 8 * 9 + 2 * 8);
  EXPECT_EQ(s2.macs, 64 * 8 * 8 * 9);
  EXPECT_EQ(kit::op(*m.model, "fusion.f.a.S1").activation_bytes, 8 * 256 * 4);
}

TEST(Plan, JsonHasEveryOperationAndTotals) {
  const auto m = assemble(kText);
  const auto plan = nlohmann::json::parse(plan_json(*m.model));
  std::map<std::string, nlohmann::json> ops;
  int64_t macs = 0;
  for (const auto& op : plan["ops"]) ops[op["name"]] = op, macs += op["macs"].get<int64_t>();
  EXPECT_EQ(ops.size(), m->ops().size());
  EXPECT_EQ(ops["fusion.f.a.S1"]["kind"], "fusion");
  EXPECT_EQ(ops["fusion.f.a.S1"]["plugin"], "test_concat");
  EXPECT_EQ(ops["fusion.f.a.S1"]["reads"], (nlohmann::json{"a.S1", "b.S1"}));
  EXPECT_EQ(ops["fusion.f.a.S1"]["shape"], (nlohmann::json{1, 8, 16, 16}));
  EXPECT_EQ(plan["unread"], (nlohmann::json{"a.S3", "b.S2", "b.S3"}));
  int64_t parameters = 0;
  for (const auto& p : m->parameters()) parameters += p.numel();
  EXPECT_EQ(plan["totals"]["parameters"], parameters);
  EXPECT_EQ(plan["totals"]["trained"], parameters - 44);  // b.S1 is frozen
  EXPECT_EQ(plan["totals"]["macs"], macs);
}

TEST(Plan, TextHasARowAnOperation) {
  const auto m = assemble(kText);
  const std::string text = plan_text(*m.model);
  for (const auto& info : m->ops()) EXPECT_THAT(text, HasSubstr(info.op.name));
  EXPECT_THAT(text, HasSubstr("8×16×16"));
  EXPECT_THAT(text, HasSubstr("not built, since no head reads them: a.S3, b.S2, b.S3"));
}

TEST(Plan, DotHasEveryEdgeAndGuidesDashed) {
  const std::string dot = plan_dot(*assemble(kText).model);
  for (const auto* line :
       {"\"input.image\" -> \"a.S1\";", "\"a.S1\" -> \"fusion.f.a.S1\";",
        "\"fusion.f.a.S1\" -> \"a.S2\";", "\"head.nodule\" -> \"head.mask\" [style=dashed"})
    EXPECT_THAT(dot, HasSubstr(line));
  EXPECT_THAT(dot, Not(HasSubstr("a.S3")));
  EXPECT_EQ(std::count(dot.begin(), dot.end(), '{'), std::count(dot.begin(), dot.end(), '}'));
}

std::map<std::string, torch::Tensor> tensors_of_every_type() {
  std::map<std::string, torch::Tensor> all;
  for (const auto type :
       {torch::kDouble, torch::kFloat, torch::kHalf, torch::kBFloat16, torch::kLong, torch::kInt,
        torch::kShort, torch::kChar, torch::kByte, torch::kBool})
    all[std::string("t.") + toString(type)] = torch::randint(0, 100, {3, 5}).to(type);
  all["scalar"] = torch::tensor(2.5);
  all["empty"] = torch::empty({0, 4});
  all["strided"] = torch::rand({4, 6}).t();
  all["with \"quotes\" and ü"] = torch::rand({1});
  return all;
}

TEST(Safetensors, RoundTripOfEveryType) {
  const Folder folder;
  const auto all = tensors_of_every_type();
  write_safetensors(folder.path() / "a.safetensors", all);
  const auto back = read_safetensors(folder.path() / "a.safetensors");
  ASSERT_EQ(back.size(), all.size());
  for (const auto& [name, t] : all) {
    EXPECT_EQ(back.at(name).scalar_type(), t.scalar_type()) << name;
    EXPECT_EQ(back.at(name).sizes(), t.sizes()) << name;
    EXPECT_TRUE(back.at(name).equal(t)) << name;
  }
  write_safetensors(folder.path() / "b.safetensors", back);
  EXPECT_EQ(util::read_file(folder.path() / "a.safetensors"),
            util::read_file(folder.path() / "b.safetensors"));
}

TEST(Safetensors, TheFormatAsOthersReadIt) {
  const Folder folder;
  write_safetensors(folder.path() / "f",
                    {{"b", torch::tensor({1.0f})}, {"a", torch::tensor({2.0f, 3.0f})}});
  const std::string bytes = util::read_file(folder.path() / "f");
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), 8);
  const auto header = nlohmann::json::parse(bytes.substr(8, size));
  EXPECT_EQ(header["a"],
            nlohmann::json::parse(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"));
  EXPECT_EQ(header["b"]["data_offsets"], (nlohmann::json{8, 12}));
  EXPECT_EQ(bytes.size(), 8 + size + 12);
  EXPECT_EQ(size % 8, 0u);
}

// A file with this header and `data` bytes after it.
std::string with_header(const std::string& header, size_t data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(data, '\1');
}

TEST(Safetensors, DamagedFilesAreErrorsThatNameTheFile) {
  const Folder folder;
  write_safetensors(folder.path() / "good", {{"a", torch::rand({4, 4})}});
  const std::string good = util::read_file(folder.path() / "good");
  const std::map<std::string, std::string> bad{
      {"empty", ""},
      {"seven bytes", good.substr(0, 7)},
      {"cut in the header", good.substr(0, 20)},
      {"cut in the data", good.substr(0, good.size() - 1)},
      {"header longer than the file", std::string(8, '\xff') + good.substr(8)},
      {"no JSON", with_header("{\"a\":", 4)},
      {"no object", with_header("[1, 2]", 4)},
      {"entry no object", with_header(R"({"a": 3})", 4)},
      {"no shape", with_header(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4)},
      {"no offsets", with_header(R"({"a":{"dtype":"F32","shape":[1]}})", 4)},
      {"no type", with_header(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4)},
      {"type a number", with_header(R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})", 4)},
      {"unknown type", with_header(R"({"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}})", 4)},
      {"past the end", with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 4)},
      {"backwards", with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4)},
      {"another size", with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4)},
      {"negative", with_header(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4)},
      {"huge",
       with_header(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})",
                   4)},
      {"one offset", with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4)},
      {"text in shape",
       with_header(R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", 4)}};
  for (const auto& [what, bytes] : bad) {
    const auto file = folder.write("bad.safetensors", bytes);
    try {
      read_safetensors(file);
      ADD_FAILURE() << what << ": was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault, Fault::data) << what;
      EXPECT_THAT(error.what(), HasSubstr("bad.safetensors: not a safetensors file: ")) << what;
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << ": " << error.what();
    }
  }
}

TEST(Weights, LoadReportNamesWhatWasNotCovered) {
  auto m = assemble(kText);
  auto weights = state(*m.model);
  for (auto& [name, t] : weights) t = torch::full_like(t, 3);
  weights.erase("a.S1.conv.weight");
  weights["a.S1.norm.bias"] = torch::zeros({5});
  weights["a.S9.conv.weight"] = torch::zeros({1});
  const auto before = kit::tensor(*m.model, "a.S1.norm.bias").detach().clone();
  const auto report = load_state(*m.model, weights);
  EXPECT_THAT(report.missing, ElementsAre("a.S1.conv.weight"));
  EXPECT_THAT(report.mismatched, ElementsAre("a.S1.norm.bias: [4] here, [5] there"));
  EXPECT_THAT(report.left_over, ElementsAre("a.S9.conv.weight"));
  EXPECT_EQ(report.copied, static_cast<int64_t>(state(*m.model).size()) - 2);
  EXPECT_TRUE(kit::tensor(*m.model, "a.S1.norm.bias").equal(before));
  EXPECT_TRUE(kit::tensor(*m.model, "a.S2.conv.weight").eq(3).all().item<bool>());
  EXPECT_TRUE(kit::tensor(*m.model, "a.S2.conv.weight").requires_grad());
}

TEST(Weights, APrefixLimitsTheCopy) {
  auto m = assemble(kText);
  auto weights = state(*m.model);
  for (auto& [name, t] : weights) t = torch::full_like(t, 3);
  const auto before = kit::tensor(*m.model, "b.S1.conv.weight").detach().clone();
  const auto report = load_state(*m.model, weights, "a.");
  EXPECT_THAT(report.missing, IsEmpty());
  EXPECT_THAT(report.left_over, IsEmpty());
  EXPECT_EQ(report.copied, 2 * (1 + 2 + 3));  // conv; norm's weight and bias; its three buffers
  EXPECT_TRUE(kit::tensor(*m.model, "b.S1.conv.weight").equal(before));
}

TEST(Weights, AModelComesBackFromItsFile) {
  const Folder folder;
  auto saved = assemble("[experiment]\nseed = 1" + kText),
       other = assemble("[experiment]\nseed = 2" + kText);
  const Named inputs{{"image", torch::rand({2, 1, 16, 16})}};
  saved->forward(inputs);  // in train mode: moves the running means
  write_safetensors(folder.path() / "w.safetensors", state(*saved.model));
  const auto report = load_state(*other.model, read_safetensors(folder.path() / "w.safetensors"));
  EXPECT_TRUE(report.missing.empty() && report.left_over.empty() && report.mismatched.empty());
  saved->eval(), other->eval();
  const auto a = saved->forward(inputs), b = other->forward(inputs);
  EXPECT_TRUE(a.at("mask").at("logits").equal(b.at("mask").at("logits")));
}
}  // namespace
}  // namespace hilum::model
