// SPDX-License-Identifier: Apache-2.0
// Which plugins there are, and what each declares, without loading any into this process: a library
// is looked at by a child process, and what it said is cached. No LibTorch.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hilum/schema.hpp"

namespace hilum::plugins {

/// What stands between a name and a plugin that may be used, in the order of the checks.
enum class Step { unique, exists, stamp, entry, loads, registers, names, options };
const std::vector<Step>& all_steps();
/// "stamp"; what it means in a few words: "built for this program".
std::string to_text(Step step);
std::string meaning(Step step);

/// Where a library failed and why: "crashed with signal 11 (SIGSEGV) while being loaded".
struct Failure {
  Step step = Step::loads;
  std::string cause;   // a sentence without its subject and without a full stop
  std::string advice;  // what to do, a whole sentence; may be empty
  bool looked =
      true;  // false: no child process could be started, so nothing is known against the library
};

/// Advice against what fails before the entry is called.
inline constexpr const char* kNoStatics =
    "A plugin must run nothing while it is loaded: no static objects with constructors, no "
    "TORCH_LIBRARY; only HILUM_PLUGIN registers.";

/// A plugin as a registry or a file name promises it.
struct Entry {
  std::string kind, name;
  std::filesystem::path library;  // absolute; it may be missing
  std::string listed;             // "/p/registry.toml:3:2", or the folder it was found in
  bool own = false;               // it came with this program
  std::string address() const { return kind + "/" + name; }
};

/// A plugin as its library describes it. Where `failure` is set, the declaration has kind and name
/// only.
struct Description {
  Entry entry;
  Declaration
      declaration;     // validate: types, ranges, choices and names; not the rules across options
  std::string sha256;  // of the library; empty where it is missing
  std::optional<Failure> failure;
};

/// Where to look.
struct Search {
  std::vector<std::filesystem::path>
      registries;                             // of the experiment: folders or registry.toml files
  std::vector<std::filesystem::path> path;    // HILUM_PLUGIN_PATH: folders
  std::filesystem::path own;                  // the program's own folder of plugins
  std::filesystem::path cache;                // folder of the descriptions' cache; empty: none
  std::filesystem::path engine;               // the program that describes libraries; empty: none
  std::chrono::milliseconds patience{10000};  // after so long without progress a library hangs

  /// From the environment and from where this program stands. `registries` as an experiment writes
  /// them: relative to its folder.
  static Search standard(const Strings& registries = {}, const std::filesystem::path& folder = {});
};

/// One of the places that were looked at, for messages.
struct Place {
  std::filesystem::path path;
  std::string problem;  // "does not exist", "/p/registry.toml:3:2: ..."; empty: it was read
};

class Catalog {
 public:
  /// Reads the registries; starts no process. Throws Error (Fault::request) where a registry that
  /// the experiment names is not there. Other places that cannot be read are kept in places().
  explicit Catalog(Search search = Search::standard());
  ~Catalog();
  Catalog(Catalog&&) noexcept;
  Catalog& operator=(Catalog&&) noexcept;

  /// Sorted by kind (backbone, fusion, regularizer, head) and name.
  const std::vector<Entry>& entries() const;
  const std::vector<Place>& places() const;

  /// Throws Error: Fault::request for an unknown name (similar names, other kinds that have it,
  /// where it looked), Fault::plugin for a name in two places (both files).
  const Entry& find(const std::string& kind, const std::string& name) const;

  enum class Look { cached, again_if_failed, again };
  /// In the entries' order. Never throws for a broken library: see Description::failure. Libraries
  /// that are not in the cache are looked at by one child process.
  std::vector<Description> describe(const std::vector<Entry>& entries, Look look = Look::cached);
  /// A failure of a library that is asked for by name is looked at again, so that none outlives its
  /// cause.
  Description describe(const Entry& entry) {
    return describe(std::vector{entry}, Look::again_if_failed).front();
  }
  /// A library file that need not be in any registry; its name <kind>_<name>.so is its promise.
  /// Throws Error (Fault::request) where the file's name is none.
  static Entry from_file(const std::filesystem::path& library);

  /// The plugins that the registries expect of this library: "backbone/unet".
  Strings promised(const Entry& entry) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "library: backbone 'unet': cause. advice" as an Error (Fault::plugin).
Error error(const Entry& entry, const Failure& failure);

}  // namespace hilum::plugins
