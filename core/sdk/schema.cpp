// SPDX-License-Identifier: Apache-2.0
#include "hilum/schema.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace hilum {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

// The shortest text that reads back as the same number.
std::string number(double value) {
  if (std::abs(value) < 1e15 && value == std::trunc(value))
    return std::to_string(static_cast<int64_t>(value));
  std::array<char, 32> digits{};
  std::string text(digits.data(),
                   std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
  if (const auto zero = text.find("e-0"); zero != std::string::npos) text.erase(zero + 2, 1);
  return text;
}

// TOML tells 1.0 from 1, so a number keeps a sign of being one.
std::string toml_number(double value) {
  if (std::isnan(value)) return "nan";
  const std::string text = number(value);
  return text.find_first_of(".einf") == std::string::npos ? text + ".0" : text;
}

std::string quoted(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (byte < 0x20 || byte == 0x7F)
      out += std::string("\\u00") + kHex[byte >> 4] + kHex[byte & 15];
    else
      out += c;
  }
  return out + "\"";
}

template <class List, class Text>
std::string bracketed(const List& list, Text text) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + text(item);
  return "[" + out + "]";
}

// How a message shows a value: strings in single quotes, the rest as in the file.
std::string shown(const Data& data) {
  const auto* text = std::get_if<std::string>(&data);
  return text ? "'" + *text + "'" : to_text(data);
}

bool is_empty_list(const Data& data) {
  return std::visit(
      [](const auto& value) {
        if constexpr (requires { value.front(); } &&
                      !std::is_same_v<std::decay_t<decltype(value)>, std::string>)
          return value.empty();
        else
          return false;
      },
      data);
}

// The value as the parameter's own type; none where it is of another type.
std::optional<Data> convert(const Data& data, const Parameter& parameter) {
  const Data& type = parameter.fallback;
  if (data.index() == type.index()) return data;
  const bool list = type.index() > Data(std::string()).index();
  if (list && is_empty_list(data))
    return std::visit([](const auto& t) { return Data(std::decay_t<decltype(t)>{}); }, type);
  const auto* whole = std::get_if<int64_t>(&data);
  if (std::holds_alternative<double>(type) && whole) return static_cast<double>(*whole);
  const auto* wholes = std::get_if<std::vector<int64_t>>(&data);
  if (std::holds_alternative<std::vector<double>>(type) && wholes)
    return std::vector<double>(wholes->begin(), wholes->end());
  const auto* text = std::get_if<std::string>(&data);
  if (std::holds_alternative<Strings>(type) && text) return Strings{*text};
  const bool scalar = data.index() <= Data(0.0).index();
  if (std::holds_alternative<std::string>(type) && parameter.any_scalar && scalar)
    return to_text(data);
  return std::nullopt;
}

// The first element that the parameter does not allow, as a message shows it; "" if all are
// allowed.
std::string refused(const Data& data, const Parameter& parameter) {
  const auto outside = [&](double value) {
    return !(value >= parameter.low && value <= parameter.high);
  };
  const auto unlisted = [&](const std::string& word) {
    const auto& choices = parameter.choices;
    return !choices.empty() && std::find(choices.begin(), choices.end(), word) == choices.end();
  };
  return std::visit(
      Overloaded{
          [&](int64_t v) { return outside(static_cast<double>(v)) ? to_text(v) : ""; },
          [&](double v) { return outside(v) ? number(v) : ""; },
          [&](const std::string& v) { return unlisted(v) ? "'" + v + "'" : ""; },
          [&](const std::vector<int64_t>& list) {
            for (const auto v : list)
              if (outside(static_cast<double>(v))) return to_text(v);
            return std::string();
          },
          [&](const std::vector<double>& list) {
            for (const auto v : list)
              if (outside(v)) return number(v);
            return std::string();
          },
          [&](const Strings& list) {
            for (const auto& v : list)
              if (unlisted(v)) return "'" + v + "'";
            return std::string();
          },
          [](const auto&) { return std::string(); },
      },
      data);
}

// Keys that the user has not written yet come first: of two equally near ones, such a one is meant.
Strings unset_first(Strings names, const Values& values) {
  std::stable_partition(names.begin(), names.end(),
                        [&](const std::string& name) { return !values.contains(name); });
  return names;
}

Problem unknown_key(const std::string& key, const Value& value, const std::string& what,
                    const Strings& known) {
  std::string hint = suggestion(key, known);
  if (nearest(key, known).empty())  // the right name at the wrong level: flip for augment.flip
    for (const auto& name : known)
      if (name.ends_with("." + key)) hint = " Did you mean '" + name + "'?";
  return {value.where, what + ": unknown option '" + key + "'." + hint, true};
}

// A value of the wrong type may stand under the wrong name: folds = 0 for fold = 0.
std::string other_key(const Parameter& wrong, const Value& value, const Values& values,
                      const std::vector<Parameter>& parameters) {
  Strings fitting;
  for (const auto& parameter : parameters)
    if (parameter.name != wrong.name && !values.contains(parameter.name) &&
        convert(value.data, parameter))
      fitting.push_back(parameter.name);
  const auto near = nearest(wrong.name, fitting);
  return near.empty() ? "" : " Did you mean '" + near + "'?";
}

}  // namespace

std::string type_name(const Data& data) {
  static const std::array<std::string, 8> kNames = {
      "boolean",          "integer",         "number",          "string",
      "list of integers", "list of numbers", "list of strings", "list of lists of strings"};
  return kNames[data.index()];
}

std::string to_text(const Data& data) {
  const auto integer = [](int64_t v) { return std::to_string(v); };
  const auto strings = [](const Strings& v) { return bracketed(v, quoted); };
  return std::visit(Overloaded{
                        [](bool v) { return std::string(v ? "true" : "false"); },
                        [&](int64_t v) { return integer(v); },
                        [](double v) { return toml_number(v); },
                        [](const std::string& v) { return quoted(v); },
                        [&](const std::vector<int64_t>& v) { return bracketed(v, integer); },
                        [](const std::vector<double>& v) { return bracketed(v, toml_number); },
                        [&](const Strings& v) { return strings(v); },
                        [&](const std::vector<Strings>& v) { return bracketed(v, strings); },
                    },
                    data);
}

std::string allowed(const Parameter& parameter) {
  if (!parameter.choices.empty()) return "one of '" + join(parameter.choices, "', '") + "'";
  const bool low = std::isfinite(parameter.low), high = std::isfinite(parameter.high);
  if (low && high) return "[" + number(parameter.low) + ", " + number(parameter.high) + "]";
  if (low) return "at least " + number(parameter.low);
  if (high) return "at most " + number(parameter.high);
  return "";
}

std::vector<Data> check(const std::vector<Parameter>& parameters, const Values& values,
                        const std::string& what, Problems& problems, const Strings& also_known) {
  Strings known;
  for (const auto& parameter : parameters) known.push_back(parameter.name);
  known.insert(known.end(), also_known.begin(), also_known.end());
  const Strings likely = unset_first(known, values);
  for (const auto& [key, value] : values)
    if (std::find(known.begin(), known.end(), key) == known.end())
      problems.push_back(unknown_key(key, value, what, likely));

  std::vector<Data> result;
  for (const auto& parameter : parameters) {
    result.push_back(parameter.fallback);
    const auto found = values.find(parameter.name);
    if (found == values.end()) continue;
    const auto& value = found->second;
    const std::string option = what + ": option '" + parameter.name + "' is ";
    const auto limits = allowed(parameter);
    const auto data = convert(value.data, parameter);
    if (!data) {
      problems.push_back({value.where, option + shown(value.data) + ", expected " +
                                           type_name(parameter.fallback) +
                                           (limits.empty() ? "" : ", allowed " + limits) + "." +
                                           other_key(parameter, value, values, parameters)});
    } else if (const auto wrong = refused(*data, parameter); !wrong.empty()) {
      const bool word = wrong.front() == '\'';
      const auto near = word ? nearest(wrong.substr(1, wrong.size() - 2), parameter.choices) : "";
      problems.push_back({value.where, option + wrong + ", allowed " + limits + "." +
                                           (near.empty() ? "" : " Did you mean '" + near + "'?")});
    } else {
      result.back() = *data;
    }
  }
  return result;
}

void throw_if_any(Problems problems) {
  if (problems.empty()) return;
  std::stable_partition(problems.begin(), problems.end(),
                        [](const Problem& p) { return p.unknown; });
  Strings lines;
  for (const auto& [where, message, unknown] : problems)
    lines.push_back(where.empty() ? message : where + ": " + message);
  throw Error(join(lines, "\n"), Fault::request);
}

}  // namespace hilum
