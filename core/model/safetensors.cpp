// SPDX-License-Identifier: Apache-2.0
#include "core/model/safetensors.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <string_view>

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

// Throws json::exception or std::invalid_argument. Nothing is allocated before all sizes are known
// to fit: a damaged header may ask for any amount.
torch::Tensor read_tensor(const nlohmann::json& entry, std::string_view data) {
  const auto name = entry.at("dtype").get<std::string>();
  const Type* type = find(name);
  if (!type) throw std::invalid_argument("has the unknown type '" + name + "'");
  const auto shape = entry.at("shape").get<std::vector<int64_t>>();
  const auto begin = entry.at("data_offsets").at(0).get<size_t>();
  const auto end = entry.at("data_offsets").at(1).get<size_t>();
  const std::invalid_argument wrong("does not fit its offsets");
  if (begin > end || end > data.size()) throw wrong;
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  size_t size = empty ? 0 : c10::elementSize(type->type);
  for (const auto n : shape) {
    if (n < 0 || (n > 0 && size > data.size() / static_cast<size_t>(n))) throw wrong;  // overflow
    size *= static_cast<size_t>(n);
  }
  if (size != end - begin) throw wrong;
  const auto tensor = torch::empty(shape, type->type);
  if (size) std::memcpy(tensor.data_ptr(), data.data() + begin, size);
  return tensor;
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
  util::write_beside(file, [&](std::ostream& out) {
    const auto size = static_cast<uint64_t>(text.size());
    out.write(reinterpret_cast<const char*>(&size), 8);
    out << text;
    for (const auto& t : data)
      out.write(static_cast<const char*>(t.data_ptr()), static_cast<std::streamsize>(t.nbytes()));
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
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    try {
      tensors[name] = read_tensor(entry, std::string_view(bytes).substr(8 + header_size));
    } catch (const nlohmann::json::exception&) {
      fail("'" + name + "' is not described by dtype, shape and data_offsets");
    } catch (const std::invalid_argument& error) {
      fail("'" + name + "' " + error.what());
    }
  }
  return tensors;
}

}  // namespace hilum::model
