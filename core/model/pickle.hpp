// SPDX-License-Identifier: Apache-2.0
// Reads the pickles that PyTorch writes for state dicts, and nothing else. A pickle is a program
// that may call any function of any module; this reader knows the few that put a state dict
// together and refuses the rest by name. It runs no code of the file. No LibTorch.
#pragma once
#include <cstdint>
#include <deque>
#include <string_view>
#include <variant>
#include <vector>

namespace hilum::model::pickle {

/// Numbers under tensors. The pickle only says which ones; they stand elsewhere in the file.
struct Storage {
  std::string_view type, key;  // "FloatStorage", "0"
  int64_t count = 0;           // elements
};
/// A tensor as a view of a storage; sizes and strides as the file says, not checked.
struct Array {
  const Storage* storage = nullptr;
  int64_t offset = 0;
  std::vector<int64_t> sizes, strides;
};
struct Items;
/// A function or class that the file may name: "collections.OrderedDict".
struct Global {
  std::string_view module, name;
};
struct None {};
using Value = std::variant<None, bool, int64_t, double, std::string_view, Global, Items*,
                           const Storage*, const Array*>;
/// A tuple, a list or a dict (then key, value, key, value, ...).
struct Items {
  enum class Kind { tuple, list, dict } kind = Kind::tuple;
  std::vector<Value> all;
};

/// What pickles hold. Values point into it and into the bytes that were read. Flat, so that
/// neither a deep nor a circular file can exhaust the stack or leak.
struct Arena {
  std::deque<Items> items;
  std::deque<Storage> storages;
  std::deque<Array> arrays;
};

/// Reads one pickle from the front of `bytes` and drops it from there. Throws Error (data) that
/// begins with what is wrong, for the caller to put the file's name before: "its pickle ...".
Value read(std::string_view& bytes, Arena& arena);

/// The value of a key of a dict; null where it is no dict or has no such key.
const Value* find(const Value& dict, std::string_view key);

}  // namespace hilum::model::pickle
