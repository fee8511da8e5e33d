// SPDX-License-Identifier: Apache-2.0
#include "core/model/weight_file.hpp"

#include <caffe2/serialize/inline_container.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "core/model/pickle.hpp"
#include "core/model/safetensors.hpp"
#include "core/util/files.hpp"
#include "hilum/error.hpp"
#include "hilum/names.hpp"

namespace hilum::model {
namespace {
namespace fs = std::filesystem;
using Weights = std::map<std::string, torch::Tensor>;
using Storages = std::map<std::string_view, c10::Storage>;  // by key

[[noreturn]] void fail(const std::string& what) { throw Error(what, Fault::data); }

// PyTorch's old format begins with a pickle of this number.
constexpr std::string_view kOldMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

at::ScalarType type_of(std::string_view storage) {
  static const std::map<std::string_view, at::ScalarType> types{
      {"DoubleStorage", at::kDouble},     {"FloatStorage", at::kFloat}, {"HalfStorage", at::kHalf},
      {"BFloat16Storage", at::kBFloat16}, {"LongStorage", at::kLong},   {"IntStorage", at::kInt},
      {"ShortStorage", at::kShort},       {"CharStorage", at::kChar},   {"ByteStorage", at::kByte},
      {"BoolStorage", at::kBool}};
  const auto found = types.find(storage);
  if (found == types.end())
    fail("it has a torch." + std::string(storage) + ", a type that weights do not have");
  return found->second;
}

// Bytes of a storage; `most` bytes are there at all, so that a damaged count allocates nothing.
size_t bytes_of(const pickle::Storage& storage, size_t most) {
  const auto size = c10::elementSize(type_of(storage.type));
  if (storage.count < 0 || static_cast<uint64_t>(storage.count) > most / size)
    fail("storage '" + std::string(storage.key) + "' is larger than the file");
  return static_cast<size_t>(storage.count) * size;
}

// True if the view's last element is one of the storage's.
bool fits(const pickle::Array& a) {
  const int64_t count = a.storage->count;
  if (a.sizes.size() != a.strides.size() || a.sizes.size() > 64 || a.offset < 0) return false;
  bool empty = false;
  int64_t last = a.offset, elements = 1;
  for (size_t i = 0; i < a.sizes.size(); ++i) {
    const int64_t size = a.sizes[i], stride = a.strides[i];
    if (size < 0 || stride < 0 ||
        __builtin_mul_overflow(elements, std::max<int64_t>(size, 1), &elements))
      return false;
    int64_t reach = 0;
    empty |= size == 0;
    if (size > 1 && (__builtin_mul_overflow(size - 1, stride, &reach) ||
                     __builtin_add_overflow(last, reach, &last)))
      return false;
  }
  return empty || last < count;
}

torch::Tensor tensor(const std::string& name, const pickle::Array& array,
                     const Storages& storages) {
  const auto found = storages.find(array.storage->key);
  const auto type = type_of(array.storage->type);
  if (found == storages.end() || !fits(array) ||
      bytes_of(*array.storage, found->second.nbytes()) > found->second.nbytes())
    fail("'" + name + "' does not fit its storage");
  const bool empty = std::find(array.sizes.begin(), array.sizes.end(), 0) != array.sizes.end();
  if (empty) return torch::empty(array.sizes, type);
  return torch::empty({0}, type).set_(found->second, array.offset, array.sizes, array.strides);
}

// The dict that holds tensors: this one, or one under the usual names.
const pickle::Value* state_dict(const pickle::Value& value, int depth = 0) {
  const auto* items = std::get_if<pickle::Items*>(&value);
  if (!items || (*items)->kind != pickle::Items::Kind::dict || depth > 3) return nullptr;
  const auto& all = (*items)->all;
  for (size_t i = 1; i < all.size(); i += 2)
    if (std::holds_alternative<const pickle::Array*>(all[i])) return &value;
  // "average": of this framework's checkpoints, what is evaluated where train.ema is set.
  for (const auto* key : {"average", "state_dict", "model_state_dict", "model"})
    if (const auto* inner = pickle::find(value, key))
      if (const auto* found = state_dict(*inner, depth + 1)) return found;
  return nullptr;
}

Strings keys_of(const pickle::Value& value) {
  Strings keys;
  if (const auto* items = std::get_if<pickle::Items*>(&value))
    for (size_t i = 0; i < (*items)->all.size() && keys.size() < 10; i += 2)
      if (const auto* key = std::get_if<std::string_view>(&(*items)->all[i]))
        keys.push_back("'" + std::string(*key) + "'");
  return keys;
}

Weights tensors(const pickle::Value& root, const Storages& storages) {
  const auto* dict = state_dict(root);
  if (!dict) {
    const Strings keys = keys_of(root);
    fail(
        "it holds no tensors by name, neither itself nor under 'state_dict', "
        "'model_state_dict' or 'model'" +
        (keys.empty() ? std::string() : "; it has " + join(keys, ", ")));
  }
  Weights weights;
  const auto& all = std::get<pickle::Items*>(*dict)->all;
  for (size_t i = 0; i + 1 < all.size(); i += 2) {
    const auto* name = std::get_if<std::string_view>(&all[i]);
    const auto* array = std::get_if<const pickle::Array*>(&all[i + 1]);
    if (!name || !array) continue;  // an epoch, a name
    weights[std::string(*name)] = tensor(std::string(*name), **array, storages);
  }
  return weights;
}

// ---- zip

// A zip ends with its directory's end record; LibTorch's reader searches for it and accepts some
// files that were cut short.
bool ends_as_zip(const fs::path& file) {
  constexpr int kRecord = 22;
  std::ifstream in(file, std::ios::binary);
  std::string end(kRecord, 0);
  return in.seekg(-kRecord, std::ios::end) && in.read(end.data(), kRecord) &&
         end.starts_with("PK\5\6");
}

class Zip {
 public:
  explicit Zip(const fs::path& file) : reader_(file.string()), size_(fs::file_size(file)) {}
  bool has(const std::string& name) { return reader_.hasRecord(name); }
  std::pair<at::DataPtr, size_t> bytes(const std::string& name) {
    // Nothing is compressed; asked first, since a damaged size may be anything.
    if (reader_.getRecordSize(name) > size_) fail("record '" + name + "' is larger than the file");
    auto [data, size] = reader_.getRecord(name);
    return {std::move(data), size};
  }
  std::string text(const std::string& name) {
    const auto [data, size] = bytes(name);
    return {static_cast<const char*>(data.get()), size};
  }

 private:
  caffe2::serialize::PyTorchStreamReader reader_;
  size_t size_;
};

Weights read_zip(const fs::path& file) {
  if (!ends_as_zip(file)) fail("the zip is cut short");
  Zip zip(file);
  if (zip.has("byteorder") && zip.text("byteorder") != "little")
    fail("it was written on a big-endian machine; save it again on a little-endian one");
  const std::string text = zip.text("data.pkl");
  std::string_view rest = text;
  pickle::Arena arena;
  const auto root = pickle::read(rest, arena);
  Storages storages;
  for (const auto& storage : arena.storages) {
    if (storages.contains(storage.key)) continue;
    auto [data, size] = zip.bytes("data/" + std::string(storage.key));
    if (size < bytes_of(storage, size)) fail("a storage is cut short");
    storages.emplace(storage.key, c10::Storage(c10::Storage::use_byte_size_t(), size,
                                               std::move(data), nullptr, false));
  }
  return tensors(root, storages);
}

// ---- the format before 2020: four pickles, the storages' keys, then each one's count and bytes

void check_machine(const pickle::Value& system) {
  const auto* little = pickle::find(system, "little_endian");
  if (!little || !std::holds_alternative<bool>(*little)) fail("its pickle is damaged");
  if (!std::get<bool>(*little))
    fail("it was written on a big-endian machine; save it again on a little-endian one");
}

c10::Storage old_storage(std::string_view& rest, const pickle::Storage& storage) {
  const std::string key(storage.key);
  int64_t count = 0;
  if (rest.size() < sizeof(count)) fail("it is cut short before storage '" + key + "'");
  std::memcpy(&count, rest.data(), sizeof(count));
  rest.remove_prefix(sizeof(count));
  const size_t size = bytes_of(storage, rest.size());
  if (count != storage.count) fail("storage '" + key + "' has another length than its tensors say");
  c10::Storage made(c10::Storage::use_byte_size_t(), size, c10::GetAllocator(c10::kCPU), false);
  if (size) std::memcpy(made.mutable_data(), rest.data(), size);
  rest.remove_prefix(size);
  return made;
}

Weights read_old(std::string_view rest) {
  pickle::Arena arena;
  rest.remove_prefix(rest.find(kOldMagic) + kOldMagic.size());
  pickle::read(rest, arena);  // the protocol
  check_machine(pickle::read(rest, arena));
  const auto root = pickle::read(rest, arena);
  const auto keys = pickle::read(rest, arena);
  const auto* list = std::get_if<pickle::Items*>(&keys);
  if (!list) fail("its pickle is damaged");
  std::map<std::string_view, const pickle::Storage*> described;
  for (const auto& storage : arena.storages) described.emplace(storage.key, &storage);
  Storages storages;
  for (const auto& value : (*list)->all) {
    const auto* key = std::get_if<std::string_view>(&value);
    const auto found = key ? described.find(*key) : described.end();
    if (found == described.end()) fail("it has a storage that no tensor names");
    storages.emplace(*key, old_storage(rest, *found->second));
  }
  return tensors(root, storages);
}

bool is_old(std::string_view bytes) {
  return bytes.substr(0, 64).find(kOldMagic) != std::string_view::npos;
}

bool is_safetensors(std::string_view head, uint64_t file_size) {
  uint64_t header = 0;
  if (head.size() < 9) return false;
  std::memcpy(&header, head.data(), 8);
  return head[8] == '{' && header < file_size;
}

// LibTorch's own errors come with its source lines.
template <class Read>
Weights guarded(const fs::path& file, Read read) {
  const std::string what = file.string() + ": not readable as PyTorch weights: ";
  try {
    return read();
  } catch (const Error& error) {
    throw Error(what + error.what(), Fault::data);
  } catch (const std::exception&) {
    throw Error(what + "the zip is damaged", Fault::data);
  }
}

}  // namespace

Weights read_weight_file(const fs::path& file) {
  std::string head(64, 0);
  std::ifstream in(file, std::ios::binary);
  if (!in || fs::is_directory(file)) throw Error(file.string() + ": cannot be read");
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(in.gcount()));
  in.close();
  if (head.starts_with("PK\3\4")) return guarded(file, [&] { return read_zip(file); });
  if (is_old(head)) return guarded(file, [&] { return read_old(util::read_file(file)); });
  if (is_safetensors(head, fs::file_size(file))) return read_safetensors(file);
  throw Error(file.string() +
                  ": no weights: neither safetensors nor a file that PyTorch saved (or damaged at "
                  "its beginning)",
              Fault::data);
}

}  // namespace hilum::model
