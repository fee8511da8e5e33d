// SPDX-License-Identifier: Apache-2.0
#include "rules.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace hilum::arrows {
namespace {
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

// A room may include itself, the rooms after it that stand here, and the SDK's headers.
const std::map<std::string, std::set<std::string>> kRooms{
    {"sdk", {}},
    {"util", {}},
    {"config", {"util"}},
    {"plugins", {"config", "util"}},  // config::Lookup is filled with what plugins declare
    {"model", {"config", "plugins", "util"}},
    {"data", {"config", "plugins", "util"}},
    {"metrics", {"config", "plugins", "util"}},
    {"runs", {"config", "plugins", "util"}},
    {"train", {"model", "data", "metrics", "runs", "config", "plugins", "util"}},
    {"predict", {"train", "model", "data", "metrics", "runs", "config", "plugins", "util"}},
    {"author",
     {"train", "report", "model", "data", "metrics", "runs", "config", "plugins", "util"}},
    {"tables",
     {"train", "report", "model", "data", "metrics", "runs", "config", "plugins", "util"}},
    {"report", {"model", "data", "metrics", "runs", "config", "plugins", "util"}},
    {"cli",
     {"tables", "predict", "author", "train", "report", "model", "data", "metrics", "runs",
      "config", "plugins", "util"}},
};

bool is_cpp(const std::string& path) {
  return path.ends_with(".cpp") || path.ends_with(".hpp") || path.ends_with(".cu");
}
bool is_check(const std::string& path) {
  return path.ends_with("_test.cpp") || path.ends_with("_bench.cpp");
}
bool is_plugin(const std::string& path) {
  return path.starts_with("plugins/") && is_cpp(path) && !is_check(path);
}

// Line by line, with the place that a message begins with.
void each_line(const File& file,
               const std::function<void(const std::string&, const std::string&)>& visit) {
  std::istringstream lines(file.text);
  int number = 0;
  for (std::string line; std::getline(lines, line);)
    visit(line, file.path + ":" + std::to_string(++number) + ": ");
}

// Calls with (where, include) for each #include; include keeps its < or ".
void each_include(const File& file,
                  const std::function<void(const std::string&, const std::string&)>& visit) {
  static const std::regex pattern(R"(^\s*#\s*include\s*([<"][^>"]+))");
  each_line(file, [&](const std::string& line, const std::string& where) {
    std::smatch found;
    if (std::regex_search(line, found, pattern)) visit(where, found[1]);
  });
}

// <vector>, not <unistd.h> or <fmt/core.h>.
bool is_standard(const std::string& include) {
  return include.starts_with('<') && include.find_first_of("/.") == std::string::npos;
}
bool is_torch(const std::string& include) {
  return include.starts_with("<torch/") || include.starts_with("<ATen/") ||
         include.starts_with("<c10/");
}
bool is_sdk(const std::string& include) { return include.substr(1).starts_with("hilum/"); }

}  // namespace

Files read_tree(const std::string& root) {
  Files files;
  const auto skipped = [](const std::string& name) {
    return name == ".git" || name == "runs" || name == "predictions" || name == "__pycache__" ||
           name.starts_with("build");
  };
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    if (entry->is_directory()) {
      // core/runs and tests/unit/runs are rooms; only at the top is it the run store.
      const std::string name = entry->path().filename().string();
      if ((entry.depth() == 0 && skipped(name)) || name == "__pycache__")
        entry.disable_recursion_pending();
      continue;
    }
    std::ostringstream text;
    text << std::ifstream(entry->path(), std::ios::binary).rdbuf();
    files.push_back({fs::relative(entry->path(), root).generic_string(), text.str()});
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

Violations rooms(const Files& files) {
  Violations wrong;
  static const std::regex in_core(R"(^"core/(\w+)/)");
  for (const auto& file : files) {
    if (!file.path.starts_with("core/") || file.path.starts_with("core/include/") ||
        !is_cpp(file.path))
      continue;
    const std::string room = file.path.substr(5, file.path.find('/', 5) - 5);
    const auto known = kRooms.find(room);
    if (known == kRooms.end()) {
      wrong.push_back(file.path + ":1: room '" + room + "' has no place in tests/arrows/rules.cpp");
      continue;
    }
    each_include(file, [&](const std::string& where, const std::string& include) {
      std::smatch found;
      if (std::regex_search(include, found, in_core)) {
        if (found[1] != room && !known->second.count(found[1]))
          wrong.push_back(where + "core/" + room + " must not include core/" + found[1].str());
      } else if (include.starts_with('"') && !is_sdk(include)) {
        wrong.push_back(where + "includes " + include +
                        "\"; say core/<room>/<file> or hilum/<file>");
      }
    });
  }
  return wrong;
}

Violations sdk_includes(const Files& files) {
  Violations wrong;
  for (const auto& file : files)
    if (file.path.starts_with("core/include/"))
      each_include(file, [&](const std::string& where, const std::string& include) {
        if (!is_standard(include) && !is_torch(include) && !is_sdk(include))
          wrong.push_back(where + "an SDK header includes " + include.substr(1));
      });
  return wrong;
}

Violations plugin_includes(const Files& files) {
  Violations wrong;
  for (const auto& file : files)
    if (is_plugin(file.path))
      each_include(file, [&](const std::string& where, const std::string& include) {
        const bool own = include.starts_with('"') && include.find('/') == std::string::npos;
        const bool cuda = file.path.ends_with(".cu") && include.starts_with("<cuda");
        // What is shared among plugins of a kind may open the library of kernels beside a plugin.
        const bool loads = file.path.ends_with("/kernels/library.cpp") && include == "<dlfcn.h";
        if (!is_standard(include) && !is_torch(include) && !is_sdk(include) && !own && !cuda &&
            !loads)
          wrong.push_back(where + "a plugin includes " + include.substr(1));
      });
  return wrong;
}

Violations plugin_names(const Files& files) {
  std::set<std::string> names;  // plugins/<kind>s/<name>/...
  static const std::regex place(R"(^plugins/\w+/(\w+)/)");
  std::smatch found;
  for (const auto& file : files)
    if (std::regex_search(file.path, found, place)) names.insert(found[1]);

  Violations wrong;
  // A whole literal, "unet" or "backbone/unet". An escaped quote is within a longer one.
  static const std::regex literal(R"re((^|[^\\])"((backbone|fusion|regularizer|head)/)?(\w+)")re");
  static const std::regex comment("(^|\\s)//.*$");
  for (const auto& file : files) {
    if (!file.path.starts_with("core/") || file.path.starts_with("core/data/") ||
        !is_cpp(file.path))
      continue;
    each_line(file, [&](const std::string& line, const std::string& where) {
      const std::string code = std::regex_replace(line, comment, "");
      for (std::sregex_iterator it(code.begin(), code.end(), literal), end; it != end; ++it)
        // What a schema declares is an option's name: data.malignancy is there for every head.
        if (names.count((*it)[4]) && !std::string_view(code)
                                          .substr(0, static_cast<size_t>(it->position()))
                                          .ends_with(".add"))
          wrong.push_back(where + "the core names the plugin '" + (*it)[4].str() + "'");
    });
  }
  return wrong;
}

Violations static_constructors(const Files& files) {
  Violations wrong;
  static const std::regex registers(
      R"(\b(TORCH_LIBRARY\w*|RegisterOperators|C10_REGISTER\w*|TORCH_SELECTIVE_\w+)\b)");
  // At the left margin, so in a namespace (clang-format indents the rest): an object of a class
  // type with '=', '{' or ';' after its name. A function has '(' there. constexpr is data.
  static const std::regex object(
      R"(^(static |inline |const |thread_local )*((std|torch|at|c10|nn|hilum)::[\w:]+(<.*>)?|Tensor) \w+ *(=|\{|;))");
  static const std::regex comment("//.*$");
  for (const auto& file : files)
    if (is_plugin(file.path))
      each_line(file, [&](const std::string& line, const std::string& where) {
        const std::string code = std::regex_replace(line, comment, "");
        if (std::regex_search(code, registers))
          wrong.push_back(where + "registers with torch while the library loads");
        if (std::regex_search(code, object))
          wrong.push_back(where + "an object that is constructed while the library loads");
      });
  return wrong;
}

Violations licences(const Files& files) {
  Violations wrong;
  for (const auto& file : files)
    if (is_cpp(file.path) && !file.text.starts_with("// SPDX-License-Identifier: Apache-2.0\n"))
      wrong.push_back(file.path +
                      ":1: the first line is not '// SPDX-License-Identifier: Apache-2.0'");
  return wrong;
}

Violations lengths(const Files& files) {
  Violations wrong;
  for (const auto& file : files)
    if (const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
        is_cpp(file.path) && lines > 400)
      wrong.push_back(file.path + ":400: " + std::to_string(lines) + " lines; split it");
  return wrong;
}

Violations places(const Files& files) {
  // Written so that this file does not name them itself.
  static const std::regex somewhere(
      R"((^|[^\w$}.)])/(work|root|home|mnt|Users)/|(deb[.]debian|pypi|files[.]pythonhosted|download[.]pytorch)[.]org)");
  Violations wrong;
  for (const auto& file : files) {
    if (file.path == "LICENSE" || file.path.starts_with("tests/arrows/")) continue;
    each_line(file, [&](const std::string& line, const std::string& where) {
      std::smatch found;
      if (std::regex_search(line, found, somewhere))
        wrong.push_back(where + "names a machine or a package host: '" + found[0].str() + "'");
    });
  }
  return wrong;
}

}  // namespace hilum::arrows
