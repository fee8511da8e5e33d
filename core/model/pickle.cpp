// SPDX-License-Identifier: Apache-2.0
#include "core/model/pickle.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <unordered_map>

#include "hilum/error.hpp"

namespace hilum::model::pickle {
namespace {
using Kind = Items::Kind;

[[noreturn]] void fail(const std::string& what) { throw Error(what, Fault::data); }
[[noreturn]] void damaged() { fail("its pickle is cut short or damaged"); }

// State dicts have a few thousand values; this bounds the memory of a hostile file.
constexpr int64_t kMostSteps = 20'000'000;

struct Mark {};
// What a stack holds beside values.
using Slot = std::variant<Value, Mark>;

bool is_storage(const Global& g) { return g.module == "torch" && g.name.ends_with("Storage"); }

bool is(const Global& g, std::string_view module, std::string_view name) {
  return g.module == module && g.name == name;
}

bool known(const Global& g) {
  return is_storage(g) || is(g, "collections", "OrderedDict") ||
         is(g, "torch._utils", "_rebuild_tensor_v2") ||
         is(g, "torch._utils", "_rebuild_parameter") ||
         is(g, "torch.jit._pickle", "restore_type_tag");  // around the dicts that LibTorch writes
}

class Machine {
 public:
  Machine(std::string_view& bytes, Arena& arena) : bytes_(bytes), arena_(arena) {}

  Value run() {
    for (int64_t step = 0; step < kMostSteps; ++step) {
      const auto op = number<uint8_t>();
      if (op == '.') return pop();
      if (!constant(op) && !numeric(op) && !text(op) && !tuple(op) && !container(op) && !memory(op))
        call(op);
    }
    fail("its pickle has more values than a state dict");
  }

 private:
  // ---- bytes
  std::string_view take(uint64_t size) {
    if (size > bytes_.size()) damaged();
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  // Little-endian, as this machine.
  template <class T>
  T number() {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string_view line() {
    const auto end = bytes_.find('\n');
    if (end == std::string_view::npos) damaged();
    const auto text = take(end);
    take(1);
    return text;
  }

  // ---- stack
  void push(Value value) { stack_.emplace_back(value); }
  Value pop() {
    const Value value = top();
    stack_.pop_back();
    return value;
  }
  Value top() const {
    const auto* value = stack_.empty() ? nullptr : std::get_if<Value>(&stack_.back());
    if (!value) damaged();
    return *value;
  }
  std::vector<Value> pop(size_t count) {
    std::vector<Value> values(count);
    for (auto i = count; i-- > 0;) values[i] = pop();
    return values;
  }
  std::vector<Value> pop_to_mark() {
    auto mark = std::find_if(stack_.rbegin(), stack_.rend(),
                             [](const Slot& slot) { return std::holds_alternative<Mark>(slot); });
    if (mark == stack_.rend()) damaged();
    const auto values = pop(static_cast<size_t>(mark - stack_.rbegin()));
    stack_.pop_back();
    return values;
  }
  void push(Kind kind, std::vector<Value> values) {
    push(&arena_.items.emplace_back(Items{kind, std::move(values)}));
  }
  // Pops a value that must be of this type.
  template <class T>
  T pop_as() {
    return as<T>(pop());
  }
  template <class T>
  static T as(const Value& value) {
    const T* found = std::get_if<T>(&value);
    if (!found) damaged();
    return *found;
  }
  static const std::vector<Value>& items(const Value& value, Kind kind) {
    const auto* found = as<Items*>(value);
    if (found->kind != kind) damaged();
    return found->all;
  }
  static std::vector<int64_t> integers(const Value& tuple) {
    std::vector<int64_t> all;
    for (const auto& value : items(tuple, Kind::tuple)) all.push_back(as<int64_t>(value));
    return all;
  }

  // ---- operations; each group says whether the operation is one of its own
  bool constant(uint8_t op) {
    switch (op) {
      case 0x80:  // PROTO
        return take(1), true;
      case 0x95:  // FRAME
        return take(8), true;
      case '(':
        return stack_.emplace_back(Mark{}), true;
      case 'N':
        return push(None{}), true;
      case 0x88:
        return push(true), true;
      case 0x89:
        return push(false), true;
      default:
        return false;
    }
  }
  bool numeric(uint8_t op) {
    switch (op) {
      case 'K':
        return push(int64_t{number<uint8_t>()}), true;
      case 'M':
        return push(int64_t{number<uint16_t>()}), true;
      case 'J':
        return push(int64_t{number<int32_t>()}), true;
      case 0x8a:
        return push(long_integer(number<uint8_t>())), true;
      case 'G':
        return push(big_endian_double()), true;
      default:
        return false;
    }
  }
  bool text(uint8_t op) {
    switch (op) {
      case 'U':  // SHORT_BINSTRING, from Python 2
      case 0x8c:
        return push(take(number<uint8_t>())), true;
      case 'T':  // BINSTRING
      case 'X':
        return push(take(number<uint32_t>())), true;
      case 0x8d:
        return push(take(number<uint64_t>())), true;
      default:
        return false;
    }
  }
  int64_t long_integer(uint8_t size) {
    const auto text = take(size);
    if (size > 8) damaged();  // no size or stride needs more
    int64_t value = size && (text.back() & 0x80) ? -1 : 0;
    std::memcpy(&value, text.data(), size);
    return value;
  }
  double big_endian_double() {
    std::string text(take(8));
    std::reverse(text.begin(), text.end());
    double value = 0;
    std::memcpy(&value, text.data(), 8);
    return value;
  }

  bool tuple(uint8_t op) {
    switch (op) {
      case ')':
        return push(Kind::tuple, {}), true;
      case 't':
        return push(Kind::tuple, pop_to_mark()), true;
      case 0x85:
      case 0x86:
      case 0x87:
        return push(Kind::tuple, pop(op - size_t{0x84})), true;
      default:
        return false;
    }
  }
  bool container(uint8_t op) {
    switch (op) {
      case ']':
        return push(Kind::list, {}), true;
      case '}':
        return push(Kind::dict, {}), true;
      case 'a':
        return extend(Kind::list, pop(1)), true;
      case 'e':
        return extend(Kind::list, pop_to_mark()), true;
      case 's':
        return extend(Kind::dict, pop(2)), true;
      case 'u':
        return extend(Kind::dict, pop_to_mark()), true;
      default:
        return false;
    }
  }
  void extend(Kind kind, const std::vector<Value>& values) {
    auto* target = as<Items*>(top());
    if (target->kind != kind || (kind == Kind::dict && values.size() % 2 != 0)) damaged();
    target->all.insert(target->all.end(), values.begin(), values.end());
  }

  bool memory(uint8_t op) {
    switch (op) {
      case 'q':
        return remember(number<uint8_t>()), true;
      case 'r':
        return remember(number<uint32_t>()), true;
      case 0x94:  // MEMOIZE
        return remember(static_cast<uint32_t>(memo_.size())), true;
      case 'h':
        return recall(number<uint8_t>()), true;
      case 'j':
        return recall(number<uint32_t>()), true;
      default:
        return false;
    }
  }
  void remember(uint32_t index) { memo_[index] = top(); }
  void recall(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) damaged();
    push(found->second);
  }

  void call(uint8_t op) {
    switch (op) {
      case 'c': {
        const auto module = line();
        return global({module, line()});
      }
      case 0x93: {  // STACK_GLOBAL
        const auto name = pop_as<std::string_view>();
        return global({pop_as<std::string_view>(), name});
      }
      case 'Q':
        return persistent(pop());
      case 'R': {
        const Value arguments = pop();
        return reduce(pop_as<Global>(), items(arguments, Kind::tuple));
      }
      case 'b':  // BUILD: attributes of an OrderedDict, such as _metadata
        pop();
        if (as<Items*>(top())->kind != Kind::dict) damaged();
        return;
      default:
        damaged();
    }
  }
  void global(const Global& g) {
    if (!known(g))
      fail("its pickle needs '" + std::string(g.module) + "." + std::string(g.name) +
           "'; only tensors in dicts are read. Save them alone in Python: "
           "torch.save(model.state_dict(), FILE)");
    push(g);
  }
  // ("storage", type, key, device, count), and in the old format what part of another one it is.
  void persistent(const Value& id) {
    const auto& all = items(id, Kind::tuple);
    if (all.size() < 5 || all.size() > 6 || as<std::string_view>(all[0]) != "storage") damaged();
    if (all.size() == 6 && !std::holds_alternative<None>(all[5]))
      fail("a storage is a view of another one, as PyTorch wrote before 2018; save it again");
    const auto type = as<Global>(all[1]);
    if (!is_storage(type)) damaged();
    push(&arena_.storages.emplace_back(
        Storage{type.name, as<std::string_view>(all[2]), as<int64_t>(all[4])}));
  }
  void reduce(const Global& function, const std::vector<Value>& arguments) {
    if (is_storage(function) || arguments.size() > 16) damaged();
    if (function.name == "OrderedDict") {
      if (!arguments.empty()) fail("an OrderedDict is built from a list; save it again");
      return push(Kind::dict, {});
    }
    if (arguments.empty()) damaged();
    if (function.name != "_rebuild_tensor_v2") return push(arguments[0]);  // wrapped once more
    if (arguments.size() < 4) damaged();
    push(&arena_.arrays.emplace_back(Array{as<const Storage*>(arguments[0]),
                                           as<int64_t>(arguments[1]), integers(arguments[2]),
                                           integers(arguments[3])}));
  }

  std::string_view& bytes_;
  Arena& arena_;
  std::vector<Slot> stack_;
  std::unordered_map<uint32_t, Value> memo_;
};

}  // namespace

Value read(std::string_view& bytes, Arena& arena) { return Machine(bytes, arena).run(); }

const Value* find(const Value& dict, std::string_view key) {
  const auto* items = std::get_if<Items*>(&dict);
  if (!items || (*items)->kind != Kind::dict) return nullptr;
  const auto& all = (*items)->all;
  for (size_t i = 0; i + 1 < all.size(); i += 2)
    if (const auto* name = std::get_if<std::string_view>(&all[i]); name && *name == key)
      return &all[i + 1];
  return nullptr;
}

}  // namespace hilum::model::pickle
