// SPDX-License-Identifier: Apache-2.0
// Files as Python's torch.save writes them, byte by byte, in both formats.
#pragma once
#include <caffe2/serialize/inline_container.h>
#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

namespace hilum::torch_file {

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
inline std::string text(const std::string& s) {
  return "X" + raw(static_cast<uint32_t>(s.size())) + s;
}
inline std::string integer(int64_t value) {
  if (value == static_cast<int32_t>(value)) return "J" + raw(static_cast<int32_t>(value));
  return std::string("\x8a\x08") + raw(value);
}
inline std::string tuple(const std::vector<int64_t>& values) {
  std::string s = "(";
  for (const auto v : values) s += integer(v);
  return s + "t";
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string ordered_dict() { return global("collections", "OrderedDict") + ")R"; }
/// Keys with values that are pickled already.
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& entries,
                        const std::string& made = "}") {
  std::string s = made + "(";
  for (const auto& [key, value] : entries) s += text(key) + value;
  return s + "u";
}
inline std::string program(const std::string& value) { return "\x80\x02" + value + "."; }

/// Numbers with the name that PyTorch has for their storage.
struct Stored {
  std::string type;
  torch::Tensor values;  // flat, contiguous
  std::string bytes() const {
    return {static_cast<const char*>(values.data_ptr()), values.nbytes()};
  }
};

enum class Format { zip, old };

inline std::string storage(Format format, const std::string& type, const std::string& key,
                           int64_t count) {
  return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(count) +
         (format == Format::old ? "N" : "") + "tQ";
}
/// `stored` is a pickled storage.
inline std::string tensor(const std::string& stored, int64_t offset,
                          const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + stored + integer(offset) +
         tuple(sizes) + tuple(strides) + "\x89" + ordered_dict() + "tR";
}

/// A whole file: `root` is the pickled value, storage i has the key "i".
inline std::string zip(const std::string& root, const std::vector<Stored>& storages,
                       const std::string& order = "little") {
  std::string bytes;
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* data, size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  const auto record = [&](const std::string& name, const std::string& content) {
    writer.writeRecord(name, content.data(), content.size());
  };
  record("data.pkl", program(root));
  record("byteorder", order);
  for (size_t i = 0; i < storages.size(); ++i)
    record("data/" + std::to_string(i), storages[i].bytes());
  writer.writeEndOfFile();
  return bytes;
}
inline std::string old(const std::string& root, const std::vector<Stored>& storages,
                       bool little = true) {
  std::string bytes = program("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
  bytes += program(integer(1001));
  bytes += program(dict({{"protocol_version", integer(1001)},
                         {"little_endian", little ? "\x88" : "\x89"},
                         {"type_sizes", dict({{"short", integer(2)}})}}));
  bytes += program(root);
  std::string keys = "](";
  for (size_t i = 0; i < storages.size(); ++i) keys += text(std::to_string(i));
  bytes += program(keys + "e");
  for (const auto& s : storages) bytes += raw(s.values.numel()) + s.bytes();
  return bytes;
}
inline std::string file(Format format, const std::string& root,
                        const std::vector<Stored>& storages) {
  return format == Format::zip ? zip(root, storages) : old(root, storages);
}

}  // namespace hilum::torch_file
