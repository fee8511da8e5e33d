// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/stamp.hpp"

#include "hilum/stamp.hpp"

#include <boost/dll/library_info.hpp>

#include <algorithm>
#include <regex>

#include "core/plugins/elf.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "hilum_abi_";

// 130 -> "CUDA 13.0", 0 -> "no CUDA".
std::string cuda(const std::string& number) {
  if (number == "0" || number.size() < 2) return "no CUDA";
  return "CUDA " + number.substr(0, number.size() - 1) + "." + number.back();
}

struct Symbols {
  Strings stamps;
  bool entry = false;
};

// Throws std::exception where the file is no library.
Symbols read_symbols(const fs::path& library) {
  require_whole_library(library);
  boost::dll::library_info info(library);
  Symbols found;
  for (const auto& symbol : info.symbols()) {
    if (symbol.starts_with(kPrefix)) found.stamps.push_back(symbol);
    found.entry = found.entry || symbol == "hilum_plugin";
  }
  std::sort(found.stamps.begin(), found.stamps.end());
  found.stamps.erase(std::unique(found.stamps.begin(), found.stamps.end()), found.stamps.end());
  return found;
}

Failure not_a_plugin(const std::string& what) {
  return {Step::entry, what,
          "A plugin's source has one HILUM_PLUGIN(r) { r.add<...>(...); } and is built with "
          "hilum_add_plugin."};
}

}  // namespace

std::string readable(const std::string& stamp) {
  static const std::regex form(
      "hilum_abi_(\\w+?)__torch_(\\d+)_(\\d+)_(\\d+)__cuda_(\\w+?)__cxx11_(\\w+?)__gxx_(\\w+)");
  std::smatch part;
  if (!std::regex_match(stamp, part, form)) return stamp;
  std::string text = "sdk " + part.str(1) + ", torch " + part.str(2) + "." + part.str(3) + "." +
                     part.str(4) + " (" + cuda(part.str(5)) + "), g++ ABI " + part.str(7);
  if (part.str(6) != "1") text += ", C++11 strings " + part.str(6);
  return text;
}

std::string built_for(const fs::path& library) {
  try {
    const auto stamps = read_symbols(library).stamps;
    return stamps.size() == 1 ? readable(stamps.front()) : "";
  } catch (const std::exception&) {
    return "";
  }
}

std::string this_stamp() { return HILUM_STAMP_STRING; }

std::optional<Failure> check_symbols(const Entry& entry) {
  Symbols symbols;
  try {
    symbols = read_symbols(entry.library);
  } catch (const std::exception& e) {
    return Failure{Step::stamp,
                   std::string("is not a shared library that can be read: ") + e.what(),
                   rebuild(entry)};
  }
  if (symbols.stamps.empty() && !symbols.entry)
    return not_a_plugin(
        "is a shared library, but not a plugin: it exports neither a stamp nor the "
        "entry 'hilum_plugin'");
  if (symbols.stamps.empty())
    return not_a_plugin("exports no stamp, so what it was built for is unknown");
  if (symbols.stamps.size() > 1)
    return not_a_plugin("exports several stamps: " + join(symbols.stamps, ", "));
  if (symbols.stamps.front() != this_stamp())
    return Failure{Step::stamp,
                   "built for " + readable(symbols.stamps.front()) + "; this program has " +
                       readable(this_stamp()),
                   rebuild(entry)};
  if (!symbols.entry) return not_a_plugin("has no entry 'hilum_plugin'");
  return std::nullopt;
}

std::string rebuild(const Entry& entry, const std::string& verb) {
  fs::path folder = entry.library.parent_path();
  for (int up = 0; up < 4 && folder.has_relative_path(); ++up, folder = folder.parent_path()) {
    std::error_code ignored;
    if (fs::exists(folder / "CMakeCache.txt", ignored))
      return verb + ": cmake --build " + folder.string() + " --target " +
             entry.library.stem().string();
  }
  return verb + " it against this Hilum: find_package(hilum) and hilum_add_plugin(" + entry.kind +
         " " + entry.name + ") in CMake.";
}

}  // namespace hilum::plugins
