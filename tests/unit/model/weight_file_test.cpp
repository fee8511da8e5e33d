// SPDX-License-Identifier: Apache-2.0
// Weights of any origin: told apart by content, read without running anything, refused in words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/torch.h>

#include "core/model/safetensors.hpp"
#include "core/model/weight_file.hpp"
#include "tests/parts/kit.hpp"
#include "torch_file.hpp"

namespace hilum::model {
namespace {
using namespace torch_file;
using kit::Folder;
using ::testing::HasSubstr;
using Weights = std::map<std::string, torch::Tensor>;

Weights read(const std::string& bytes) {
  const Folder folder;
  return read_weight_file(folder.write("w.pth", bytes));
}
// The sentence that refuses these bytes.
std::string refused(const std::string& bytes) {
  try {
    read(bytes);
    return "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault, Fault::data) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("w.pth: "));
    return error.what();
  } catch (const std::exception& error) {
    return std::string("not an Error: ") + error.what();
  }
}

class BothFormats : public ::testing::TestWithParam<Format> {
 protected:
  std::string stored(const std::string& type, int key, int64_t count) const {
    return storage(GetParam(), type, std::to_string(key), count);
  }
  std::string file(const std::string& root, const std::vector<Stored>& storages) const {
    return torch_file::file(GetParam(), root, storages);
  }
  // {"x": a float tensor [2,2]} with a view of that kind.
  std::string one(int64_t offset, const std::vector<int64_t>& sizes,
                  const std::vector<int64_t>& strides, int64_t count = 4) const {
    return file(dict({{"x", tensor(stored("FloatStorage", 0, count), offset, sizes, strides)}}),
                {{"FloatStorage", torch::rand({4})}});
  }
};
INSTANTIATE_TEST_SUITE_P(Torch, BothFormats, ::testing::Values(Format::zip, Format::old),
                         [](const auto& i) { return i.param == Format::zip ? "Zip" : "Old"; });

// torch.save({"a": [[1, 2], [3, 4]]} as an OrderedDict, _use_new_zipfile_serialization=False).
TEST(WeightFile, TheOldFormatAsPythonWroteIt) {
  const std::string bytes(
      "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\0(X\x10\0\0\0"
      "protocol_versionq\x01M\xe9\x03X\r\0\0\0little_endianq\x02\x88X\n\0\0\0type_sizesq\x03}q\x04"
      "(X\x05\0\0\0shortq\x05K\x02X\x03\0\0\0intq\x06K\x04X\x04\0\0\0longq\x07K\x04uu.\x80\x02"
      "ccollections\nOrderedDict\nq\0)Rq\x01X\x01\0\0\0aq\x02"
      "ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\0\0\0storageq\x04"
      "ctorch\nFloatStorage\nq\x05X\x0e\0\0\0"
      "94182177642672q\x06X\x03\0\0\0cpuq\x07K\x04Ntq\x08QK\0K\x02K\x02\x86q\tK\x02K\x01\x86q\n"
      "\x89h\0)Rq\x0btq\x0cRq\rs.\x80\x02]q\0X\x0e\0\0\0"
      "94182177642672q\x01"
      "a.\x04\0\0\0\0\0\0\0\0\0\x80?\0\0\0@\0\0@@\0\0\x80@",
      372);
  const auto weights = read(bytes);
  ASSERT_EQ(weights.size(), 1U);
  EXPECT_TRUE(weights.at("a").equal(torch::tensor({{1.F, 2.F}, {3.F, 4.F}})));
}

TEST_P(BothFormats, EveryTypeBitByBit) {
  const std::vector<std::pair<std::string, at::ScalarType>> types{
      {"DoubleStorage", at::kDouble},     {"FloatStorage", at::kFloat}, {"HalfStorage", at::kHalf},
      {"BFloat16Storage", at::kBFloat16}, {"LongStorage", at::kLong},   {"IntStorage", at::kInt},
      {"ShortStorage", at::kShort},       {"CharStorage", at::kChar},   {"ByteStorage", at::kByte},
      {"BoolStorage", at::kBool}};
  std::vector<std::pair<std::string, std::string>> entries;
  std::vector<Stored> storages;
  for (const auto& [name, type] : types) {
    const auto key = static_cast<int>(storages.size());
    storages.push_back({name, torch::randint(0, 100, {6}).to(type)});
    entries.emplace_back(name, tensor(stored(name, key, 6), 0, {2, 3}, {3, 1}));
  }
  const auto weights = read(file(dict(entries, ordered_dict()), storages));
  ASSERT_EQ(weights.size(), types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    const auto& t = weights.at(types[i].first);
    EXPECT_EQ(t.scalar_type(), types[i].second);
    EXPECT_TRUE(t.equal(storages[i].values.view({2, 3}))) << types[i].first;
  }
}

TEST_P(BothFormats, ViewsOfOneStorageShareIt) {
  const Stored numbers{"FloatStorage", torch::arange(24.F)};
  const auto base = numbers.values.view({4, 6});
  const std::string s = stored("FloatStorage", 0, 24);
  const auto weights = read(file(dict({{"base", tensor(s, 0, {4, 6}, {6, 1})},
                                       {"transposed", tensor(s, 0, {6, 4}, {1, 6})},
                                       {"every other", tensor(s, 6, {2, 3}, {6, 2})},
                                       {"expanded", tensor(s, 3, {5, 2}, {0, 1})},
                                       {"scalar", tensor(s, 23, {}, {})},
                                       {"empty", tensor(s, 0, {0, 4}, {4, 1})}}),
                                 {numbers}));
  EXPECT_TRUE(weights.at("base").equal(base));
  EXPECT_TRUE(weights.at("transposed").equal(base.t()));
  EXPECT_TRUE(weights.at("every other").equal(base.slice(0, 1, 3).slice(1, 0, 6, 2)));
  EXPECT_TRUE(weights.at("expanded").equal(torch::tensor({3.F, 4.F}).expand({5, 2})));
  EXPECT_EQ(weights.at("scalar").dim(), 0);
  EXPECT_EQ(weights.at("scalar").item<float>(), 23);
  EXPECT_EQ(weights.at("empty").sizes(), (std::vector<int64_t>{0, 4}));
  EXPECT_TRUE(weights.at("transposed").is_alias_of(weights.at("base")));
}

TEST_P(BothFormats, MetadataAndParametersAsModulesSaveThem) {
  const std::string t = tensor(stored("FloatStorage", 0, 2), 0, {2}, {1});
  const std::string parameter =
      global("torch._utils", "_rebuild_parameter") + "(" + t + "\x88" + ordered_dict() + "tR";
  const std::string root = dict({{"w", parameter}}, ordered_dict()) +
                           dict({{"_metadata", dict({{"", dict({{"version", integer(1)}})}})}}) +
                           "b";
  const auto weights = read(file(root, {{"FloatStorage", torch::tensor({1.F, 2.F})}}));
  ASSERT_EQ(weights.size(), 1U);
  EXPECT_TRUE(weights.at("w").equal(torch::tensor({1.F, 2.F})));
}

TEST_P(BothFormats, AStateDictUnderTheUsualNames) {
  const Stored numbers{"FloatStorage", torch::rand({2})};
  const std::string inner =
      dict({{"w", tensor(stored("FloatStorage", 0, 2), 0, {2}, {1})}, {"note", "N"}});
  for (const std::string& root :
       {inner, dict({{"epoch", integer(3)}, {"state_dict", inner}, {"best", "G" + raw(0.0)}}),
        dict({{"model_state_dict", inner}, {"args", "](" + integer(1) + "e"}}),
        dict({{"model", dict({{"state_dict", inner}})}})}) {
    const auto weights = read(file(root, {numbers}));
    ASSERT_EQ(weights.size(), 1U);
    EXPECT_TRUE(weights.at("w").equal(numbers.values));
  }
}

TEST(WeightFile, WhatLibTorchPickles) {
  c10::Dict<std::string, torch::Tensor> model, optimizer;
  const auto w = torch::rand({3, 2});
  model.insert("a.w", w), model.insert("a.t", w.t()), optimizer.insert("moment", w);
  c10::impl::GenericDict all(c10::StringType::get(), c10::AnyType::get());
  all.insert("format", std::string("hilum checkpoint 1"));
  all.insert("model", model), all.insert("optimizer", optimizer), all.insert("step", int64_t{4});
  const auto bytes = torch::jit::pickle_save(all);
  const auto weights = read({bytes.begin(), bytes.end()});
  ASSERT_EQ(weights.size(), 2U);
  EXPECT_TRUE(weights.at("a.w").equal(w));
  EXPECT_TRUE(weights.at("a.t").equal(w.t()));
}

TEST(WeightFile, TheContentCountsAndNotTheExtension) {
  const Folder folder;
  const auto w = torch::rand({3});
  write_safetensors(folder.path() / "w.pth", {{"w", w}});
  EXPECT_TRUE(read_weight_file(folder.path() / "w.pth").at("w").equal(w));
  for (const std::string& nothing : {std::string(), std::string("hello"), std::string(200, '\0')})
    EXPECT_THAT(refused(nothing), HasSubstr("no weights: neither safetensors nor a file"));
}

TEST_P(BothFormats, OtherGlobalsAreNamedAndNeverCalled) {
  const auto root = [](const std::string& module, const std::string& name) {
    return dict({{"x", global(module, name) + "(" + text("touch /tmp/never") + "tR"}});
  };
  EXPECT_THAT(refused(file(root("posix", "system"), {})), HasSubstr("needs 'posix.system'"));
  EXPECT_THAT(refused(file(root("torchvision.models.resnet", "ResNet"), {})),
              HasSubstr("'torchvision.models.resnet.ResNet'; only tensors in dicts are read. Save "
                        "them alone in Python: torch.save(model.state_dict(), FILE)"));
  // By the names on the stack, as protocol 4 does it.
  EXPECT_THAT(refused(file(text("builtins") + text("eval") + "\x93", {})),
              HasSubstr("'builtins.eval'"));
  EXPECT_THAT(refused(file(dict({{"x", tensor(stored("QUInt8Storage", 0, 3), 0, {3}, {1})}}),
                           {{"QUInt8Storage", torch::zeros({3}, torch::kByte)}})),
              HasSubstr("torch.QUInt8Storage, a type that weights do not have"));
}

TEST_P(BothFormats, WhatHoldsNoTensorsByNameSaysWhatItHas) {
  EXPECT_THAT(refused(file(dict({{"epoch", integer(3)}, {"net", dict({})}}), {})),
              HasSubstr("holds no tensors by name, neither itself nor under 'state_dict', "
                        "'model_state_dict' or 'model'; it has 'epoch', 'net'"));
  EXPECT_THAT(refused(file("](" + integer(1) + "e", {})), HasSubstr("holds no tensors by name"));
}

TEST(WeightFile, ABigEndianMachineIsRefused) {
  EXPECT_THAT(refused(zip(dict({}), {}, "big")), HasSubstr("big-endian"));
  EXPECT_THAT(refused(old(dict({}), {}, false)), HasSubstr("big-endian"));
}

TEST_P(BothFormats, ViewsBeyondTheirStorageAreRefused) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  EXPECT_EQ(read(one(0, {2, 2}, {2, 1})).size(), 1U);
  EXPECT_EQ(read(one(3, {1, 1}, {9, 9})).size(), 1U) << "a stride that is not taken";
  EXPECT_THAT(refused(one(1, {2, 2}, {2, 1})), HasSubstr("'x' does not fit its storage"));
  for (const auto& bytes :
       {one(-1, {1}, {1}), one(0, {2, 2}, {3, 1}), one(0, {-1}, {1}), one(0, {2}, {-1}),
        one(0, {2}, {1, 1}), one(4, {}, {}), one(kHuge, {2}, {kHuge}),
        one(0, {kHuge, kHuge}, {0, 0}), one(0, {3}, {kHuge})})
    EXPECT_THAT(refused(bytes), HasSubstr("'x' does not fit its storage"));
  for (const int64_t count : {int64_t{-1}, int64_t{5}, kHuge})
    EXPECT_THAT(refused(one(0, {1}, {1}, count)), HasSubstr("storage"));
}

// Deep and circular values neither exhaust the stack nor leak.
TEST_P(BothFormats, DeepAndCircularPicklesAreHarmless) {
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "](";
  for (int i = 0; i < 200'000; ++i) deep += "e";
  EXPECT_THAT(refused(file(deep, {})), HasSubstr("holds no tensors"));
  const std::string circle = std::string("}q\x07") + text("model") + "h\x07s";
  EXPECT_THAT(refused(file(circle, {})), HasSubstr("holds no tensors"));
}

// A file with views, metadata and two storages.
std::string sample(Format format) {
  const auto s = [&](const char* type, int key, int64_t count) {
    return storage(format, type, std::to_string(key), count);
  };
  return file(format,
              dict({{"a.weight", tensor(s("FloatStorage", 0, 6), 0, {2, 3}, {3, 1})},
                    {"a.count", tensor(s("LongStorage", 1, 1), 0, {}, {})}},
                   ordered_dict()),
              {{"FloatStorage", torch::rand({6})}, {"LongStorage", torch::ones({1}, at::kLong)}});
}

TEST_P(BothFormats, CutAnywhereItIsAnError) {
  const std::string whole = sample(GetParam());
  EXPECT_EQ(read(whole).size(), 2U);
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto text = refused(whole.substr(0, length));
    ASSERT_THAT(text, ::testing::MatchesRegex(".*w\\.pth: no.*")) << length;
  }
}

TEST_P(BothFormats, FlippedBitsAreReadOrRefused) {
  const std::string whole = sample(GetParam());
  int64_t refusals = 0;
  for (size_t i = 0; i < whole.size(); ++i)
    for (const int bits : {1, 0x80, 0xff}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ bits);
      const auto text = refused(bytes);  // fails the test where it is no Error of data
      ASSERT_EQ(text.find("not an Error"), std::string::npos) << i << ": " << text;
      refusals += text != "it was read";
    }
  EXPECT_GT(refusals, 300);
}

}  // namespace
}  // namespace hilum::model
