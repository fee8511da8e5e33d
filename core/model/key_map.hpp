// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "hilum/names.hpp"

namespace hilum::model {

/// Beginnings of own names and what stands there in published ones, dot by dot: {"cls.C2",
/// "layer1"} makes "layer1.0.conv1.weight" of "cls.C2.0.conv1.weight". "" on either side is no
/// beginning at all; a whole name may stand too.
using Prefixes = std::map<std::string, std::string>;

/// The published name by the longest prefix that fits; none where no prefix does.
std::optional<std::string> published_name(const Prefixes& prefixes, const std::string& own);

/// A file that says how somebody else's weights are named:
///   drop = ["fc.*"]                            published names to leave out knowingly; * and ?
///   [prefix]
///   "head.mask.conv" = "segmentation_head.0"   own = published
struct KeyMap {
  Prefixes prefixes;
  Strings drop;

  /// Throws Error (request): "smp.toml:3:1: ...".
  static KeyMap read(const std::filesystem::path& file);
  bool drops(const std::string& published) const;
  /// `aliases` under what the file says; its own names begin with `part` ("cls." or "").
  Prefixes over(Prefixes aliases, const std::string& part) const;
};

}  // namespace hilum::model
