// SPDX-License-Identifier: Apache-2.0
#include "core/author/scaffold/names.hpp"

#include <algorithm>
#include <array>

#include "hilum/error.hpp"

namespace hilum::author {
namespace {

// A file may have such a name, but its author could not write it as an identifier.
constexpr std::array kKeywords{
    "alignas",      "alignof",   "and",       "and_eq",       "asm",
    "auto",         "bitand",    "bitor",     "bool",         "break",
    "case",         "catch",     "char",      "char8_t",      "char16_t",
    "char32_t",     "class",     "compl",     "concept",      "const",
    "consteval",    "constexpr", "constinit", "const_cast",   "continue",
    "co_await",     "co_return", "co_yield",  "decltype",     "default",
    "delete",       "do",        "double",    "dynamic_cast", "else",
    "enum",         "explicit",  "export",    "extern",       "false",
    "float",        "for",       "friend",    "goto",         "if",
    "inline",       "int",       "long",      "mutable",      "namespace",
    "new",          "noexcept",  "not",       "not_eq",       "nullptr",
    "operator",     "or",        "or_eq",     "private",      "protected",
    "public",       "register",  "return",    "requires",     "reinterpret_cast",
    "short",        "signed",    "sizeof",    "static",       "static_assert",
    "static_cast",  "struct",    "switch",    "template",     "this",
    "thread_local", "throw",     "true",      "try",          "typedef",
    "typeid",       "typename",  "union",     "unsigned",     "using",
    "virtual",      "void",      "volatile",  "wchar_t",      "while",
    "xor",          "xor_eq"};

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// The place of the next `word` from `begin` on.
size_t find_word(std::string_view text, std::string_view word, size_t begin) {
  const auto joined = [&](size_t i) {
    return i < text.size() && (letter(text[i]) || digit(text[i]));
  };
  for (size_t at = text.find(word, begin); at != text.npos; at = text.find(word, at + 1))
    if (!(at > 0 && joined(at - 1)) && !joined(at + word.size())) return at;
  return text.npos;
}

}  // namespace

void check_name(const std::string& kind, const std::string& name) {
  std::string better = name;
  for (auto& c : better)
    if (!letter(c) && !digit(c)) c = '_';
  if (better.empty() || !letter(better[0]))
    better = kind + (better.starts_with('_') ? "" : "_") + better;
  if (better != name)
    throw Error("'" + name +
                    "' cannot be the name of a plugin: it becomes a file, a C++ identifier and a "
                    "key in TOML. Allowed are letters, digits and _, a letter first" +
                    (name.empty() ? "." : ": '" + better + "'."),
                Fault::request);
  if (std::ranges::find(kKeywords, name) != kKeywords.end())
    throw Error("'" + name + "' is a word of C++ and cannot be the name of a plugin. '" + name +
                    "_" + kind + "' can.",
                Fault::request);
}

std::string type_name(const std::string& name) {
  std::string type;
  bool first = true;
  for (const char c : name) {
    if (c != '_') type += first ? upper(c) : c;
    first = c == '_';
  }
  return type;
}

bool has_word(std::string_view text, std::string_view word) {
  return find_word(text, word, 0) != text.npos;
}

std::string replace_word(std::string_view text, std::string_view word, std::string_view other) {
  std::string out;
  size_t begin = 0;
  for (size_t at; (at = find_word(text, word, begin)) != text.npos; begin = at + word.size()) {
    out += text.substr(begin, at - begin);
    out += other;
  }
  return out += text.substr(begin);
}

}  // namespace hilum::author
