// SPDX-License-Identifier: Apache-2.0
#include "core/model/safetensors.hpp"

#include <torch/torch.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/util/files.hpp"
#include "hilum/error.hpp"

namespace hilum::model {
namespace {

struct Type {
  const char* name;
  at::ScalarType type;
};
constexpr Type kTypes[] = {{"F64", at::kDouble},    {"F32", at::kFloat}, {"F16", at::kHalf},
                           {"BF16", at::kBFloat16}, {"I64", at::kLong},  {"I32", at::kInt},
                           {"I16", at::kShort},     {"I8", at::kChar},   {"U8", at::kByte},
                           {"BOOL", at::kBool}};

const Type* find(at::ScalarType type) {
  for (const auto& t : kTypes)
    if (t.type == type) return &t;
  return nullptr;
}
const Type* find(const std::string& name) {
  for (const auto& t : kTypes)
    if (name == t.name) return &t;
  return nullptr;
}

}  // namespace

void write_safetensors(const std::filesystem::path& file,
                       const std::map<std::string, torch::Tensor>& tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::vector<torch::Tensor> data;
  size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const Type* type = find(tensor.scalar_type());
    if (!type)
      throw Error(file.string() + ": '" + name + "' has a type that safetensors does not know");
    data.push_back(tensor.detach().cpu().contiguous());
    const size_t end = offset + data.back().nbytes();
    header[name] = {
        {"dtype", type->name}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data aligned to 8 bytes
  util::write_beside(file, [&](const std::filesystem::path& beside) {
    std::ofstream out(beside, std::ios::binary);
    const auto size = static_cast<uint64_t>(text.size());
    out.write(reinterpret_cast<const char*>(&size), 8);
    out << text;
    for (const auto& t : data)
      out.write(static_cast<const char*>(t.data_ptr()), static_cast<std::streamsize>(t.nbytes()));
    out.close();
    if (!out) throw Error(file.string() + ": cannot be written (is the disk full?)");
  });
}

std::map<std::string, torch::Tensor> read_safetensors(const std::filesystem::path& file) {
  const std::string bytes = util::read_file(file);
  const auto fail = [&](const std::string& what) {
    throw Error(file.string() + ": not a safetensors file: " + what, Fault::data);
  };
  uint64_t header_size = 0;
  if (bytes.size() < 8) fail("shorter than its header");
  std::memcpy(&header_size, bytes.data(), 8);
  if (header_size > bytes.size() - 8) fail("shorter than its header");
  const auto header = nlohmann::json::parse(
      bytes.begin() + 8, bytes.begin() + 8 + static_cast<int64_t>(header_size), nullptr, false);
  if (!header.is_object()) fail("its header is not JSON");
  const size_t data = 8 + header_size;
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const Type* type = find(entry.value("dtype", ""));
    if (!type) fail("'" + name + "' has the unknown type '" + entry.value("dtype", "") + "'");
    const auto shape = entry.at("shape").get<std::vector<int64_t>>();
    const auto offsets = entry.at("data_offsets").get<std::vector<size_t>>();
    auto tensor = torch::empty(shape, type->type);
    if (offsets.size() != 2 || offsets[1] < offsets[0] || offsets[1] > bytes.size() - data ||
        offsets[1] - offsets[0] != tensor.nbytes())
      fail("'" + name + "' does not fit its offsets");
    if (tensor.nbytes())
      std::memcpy(tensor.data_ptr(), bytes.data() + data + offsets[0], tensor.nbytes());
    tensors[name] = tensor;
  }
  return tensors;
}

}  // namespace hilum::model
