// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/nnunet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "core/data/csv.hpp"
#include "core/util/files.hpp"

namespace hilum::data::prepare {
namespace fs = std::filesystem;
namespace {
using Json = nlohmann::json;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw Error(file.string() + ": " + what, Fault::data);
}

Json read_json(const fs::path& file) {
  if (!fs::is_regular_file(file)) fail(file, "does not exist.");
  try {
    return Json::parse(util::read_file(file));
  } catch (const Json::exception& error) {
    fail(file, std::string("is no JSON: ") + error.what());
  }
}

/// dataset.json of either version, checked.
struct Dataset {
  fs::path file;
  Strings channels;                                 // by number
  std::map<std::string, std::set<int64_t>> labels;  // name -> values
  std::string ending = ".nii.gz";
  std::optional<int64_t> cases;
};

std::set<int64_t> values_of(const Json& json, const fs::path& file) {
  std::set<int64_t> values;
  for (const auto& one : json.is_array() ? json : Json::array({json})) {
    if (!one.is_number_integer())
      fail(file, "labels: value '" + one.dump() + "', allowed a whole number or a list of them.");
    values.insert(one.get<int64_t>());
  }
  return values;
}

void read_channels(const Json& json, Dataset& set) {
  const auto* names = json.contains("channel_names") ? "channel_names" : "modality";
  if (!json.contains(names) || !json[names].is_object() || json[names].empty())
    fail(set.file, "has neither 'channel_names' (version 2) nor 'modality' (version 1).");
  for (size_t i = 0; i < json[names].size(); ++i) {
    const auto at = json[names].find(std::to_string(i));
    if (at == json[names].end() || !at->is_string())
      fail(set.file, fmt::format("{}: channel {} is missing; they are numbered from 0.", names, i));
    set.channels.push_back(at->get<std::string>());
    const auto& name = set.channels.back();
    const bool taken = name == "image" || name == "mask" ||
                       std::count(set.channels.begin(), set.channels.end(), name) > 1;
    if (i > 0 && (taken || !is_name(name)))
      fail(set.file, fmt::format("{}: channel {}: value '{}' cannot name an input of a sample: "
                                 "allowed a letter, then letters, digits, '_' or '-', each once.",
                                 names, i, name));
  }
}

Dataset read_dataset(const fs::path& folder) {
  Dataset set;
  set.file = folder / "dataset.json";
  const Json json = read_json(set.file);
  if (!json.is_object()) fail(set.file, "is no JSON object.");
  if (json.contains("dataset"))
    fail(set.file,
         "lists its files under 'dataset', which is not read here: give a folder with "
         "imagesTr and labelsTr.");
  read_channels(json, set);
  if (!json.contains("labels") || !json["labels"].is_object()) fail(set.file, "has no 'labels'.");
  for (const auto& [key, value] : json["labels"].items()) {
    if (!value.is_string()) {  // version 2: name -> values
      set.labels[key] = values_of(value, set.file);
      continue;
    }
    const auto number = to_number(key);  // version 1: value -> name
    if (!number || *number != std::floor(*number))
      fail(set.file, "labels: key '" + key + "', allowed a whole number.");
    set.labels[value.get<std::string>()].insert(static_cast<int64_t>(*number));
  }
  if (const auto at = json.find("file_ending"); at != json.end() && at->is_string())
    set.ending = at->get<std::string>();
  if (const auto at = json.find("numTraining"); at != json.end() && at->is_number_integer())
    set.cases = at->get<int64_t>();
  return set;
}

// The values that are foreground.
std::set<int64_t> wanted(const Dataset& set, const std::string& label) {
  if (const auto named = set.labels.find(label); named != set.labels.end()) return named->second;
  Strings names;
  std::set<int64_t> all;
  for (const auto& [name, values] : set.labels) {
    names.push_back(name);
    if (name != "ignore") all.insert(values.begin(), values.end());
  }
  all.erase(0);
  if (label.empty()) {
    if (set.labels.contains("ignore"))
      fail(set.file,
           "has a label 'ignore', which a mask of 0 and 1 cannot express. Choose one with "
           "--label; what is ignored is background then.");
    return all;
  }
  const auto number = to_number(label);
  if (number && all.contains(static_cast<int64_t>(*number))) return {static_cast<int64_t>(*number)};
  throw Error("--label: value '" + label + "' is no label of " + set.file.string() + "." +
                  suggestion(label, names),
              Fault::request);
}

Strings cases_of(const fs::path& folder, const Dataset& set) {
  const fs::path labels = folder / "labelsTr";
  if (!fs::is_directory(labels)) fail(labels, "is no folder; the cases with labels lie there.");
  Strings cases;
  for (const auto& entry : fs::directory_iterator(labels)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(set.ending) && name[0] != '.' && name.size() > set.ending.size())
      cases.push_back(name.substr(0, name.size() - set.ending.size()));
  }
  std::sort(cases.begin(), cases.end());
  const auto count = static_cast<int64_t>(cases.size());
  if (count == 0) fail(labels, "has no file that ends in '" + set.ending + "'.");
  if (set.cases && *set.cases != count)
    fail(set.file, fmt::format("numTraining: value '{}', but labelsTr has {} cases. Is the copy "
                               "complete?",
                               *set.cases, count));
  return cases;
}

// The first of nnU-Net's names for a channel's file that is there; the Decathlon's has no number.
fs::path channel_file(const fs::path& folder, const Dataset& set, const std::string& name,
                      size_t channel) {
  const fs::path file = folder / "imagesTr" / fmt::format("{}_{:04}{}", name, channel, set.ending);
  const fs::path bare = folder / "imagesTr" / (name + set.ending);
  if (set.channels.size() == 1 && !fs::exists(file) && fs::exists(bare)) return bare;
  return file;
}

Volume read_mask(const fs::path& file, const Dataset& set, const std::set<int64_t>& values) {
  Volume mask = read_image(file);
  std::set<float> known;
  for (const auto& [name, all] : set.labels)
    for (const int64_t value : all) known.insert(static_cast<float>(value));
  float last = 0;
  bool foreground = false;  // of `last`: neighbours are mostly equal
  for (float& value : mask.voxels) {
    if (value != last) {
      last = value;
      if (!known.contains(value) && value != 0)
        fail(file, fmt::format("has the label {}, which dataset.json does not explain.", value));
      foreground = value == std::floor(value) && values.contains(static_cast<int64_t>(value));
    }
    value = foreground;
  }
  return mask;
}

Row read_case(const fs::path& folder, const Dataset& set, const std::string& name,
              const std::set<int64_t>& values) {
  Row row;
  row.id = name;
  row.image = read_image(channel_file(folder, set, name, 0));
  const fs::path label = folder / "labelsTr" / (name + set.ending);
  row.mask = read_mask(label, set, values);
  const auto same = [&](const Volume& volume, const fs::path& file) {
    const auto differs = difference(volume.geometry, row.image.geometry);
    if (!differs.empty()) fail(file, "has " + differs + ", which its image has.");
  };
  same(row.mask, label);
  for (size_t i = 1; i < set.channels.size(); ++i) {
    const auto file = channel_file(folder, set, name, i);
    same(row.more[set.channels[i]] = read_image(file), file);
  }
  return row;
}

class Patients {
 public:
  explicit Patients(const std::string& pattern) try : pattern_(pattern), regex_(pattern) {
  } catch (const std::regex_error& error) {
    throw Error(
        "--patient-regex: value '" + pattern + "' is no regular expression: " + error.what(),
        Fault::request);
  }
  std::string of(const std::string& name) const {
    if (pattern_.empty()) return name;
    std::smatch match;
    if (!std::regex_search(name, match, regex_) || match.str(match.size() > 1).empty())
      throw Error("case '" + name + "': --patient-regex '" + pattern_ + "' finds nothing in it.",
                  Fault::request);
    return match.str(match.size() > 1);
  }

 private:
  std::string pattern_;
  std::regex regex_;
};

// case -> fold: the one whose validation cases have it.
std::map<std::string, std::string> read_splits(const fs::path& file, const Strings& cases) {
  const Json json = read_json(file);
  if (!json.is_array() || json.empty()) fail(file, "is no list of folds.");
  std::map<std::string, std::string> fold_of;
  for (size_t fold = 0; fold < json.size(); ++fold) {
    if (!json[fold].is_object() || !json[fold].contains("val") || !json[fold]["val"].is_array())
      fail(file, fmt::format("fold {} has no list 'val'.", fold));
    for (const auto& one : json[fold]["val"]) {
      if (!one.is_string()) fail(file, fmt::format("fold {}: a case is no text.", fold));
      const auto name = one.get<std::string>();
      if (!std::binary_search(cases.begin(), cases.end(), name))
        fail(file, fmt::format("fold {}: case '{}' is not in labelsTr.", fold, name));
      const auto [other, fresh] = fold_of.emplace(name, std::to_string(fold));
      if (!fresh)
        fail(file, fmt::format("case '{}' is validated in folds {} and {}; a ROI set tests each "
                               "region once. Leave the splits out with --splits none.",
                               name, other->second, fold));
    }
  }
  for (const auto& name : cases)
    if (!fold_of.contains(name))
      fail(file, "case '" + name +
                     "' is validated in no fold; a ROI set needs one for each. Leave "
                     "the splits out with --splits none.");
  return fold_of;
}

std::map<std::string, std::string> folds_of(const NnunetSource& source, const Strings& cases) {
  if (source.splits == "none") return {};
  if (!source.splits.empty()) return read_splits(source.splits, cases);
  const fs::path file = source.folder / "splits_final.json";
  return fs::exists(file) ? read_splits(file, cases) : std::map<std::string, std::string>{};
}

}  // namespace

Prepared prepare_nnunet(const NnunetSource& source, const fs::path& out) {
  auto rules = to_rules(source.rules);
  rules["label"] = source.label.empty() ? "all but background" : source.label;
  rules["patient"] = source.patient_regex.empty() ? "case" : source.patient_regex;
  Writer writer(out, "nnunet", rules);
  const Patients patients(source.patient_regex);
  const Dataset set = read_dataset(source.folder);
  const auto values = wanted(set, source.label);
  const Strings cases = cases_of(source.folder, set);
  const auto fold_of = folds_of(source, cases);
  Report report;
  if (set.channels[0] != "CT")
    report.notes.push_back("channel 0 is '" + set.channels[0] +
                           "', not 'CT': check that its values are HU");
  std::map<std::string, std::string> fold_of_id;
  for (const auto& name : cases) {
    Row row = read_case(source.folder, set, name, values);
    row.patient = patients.of(name), row.series = name;
    for (const auto& id : add_pair(writer, std::move(row), source.rules, report))
      if (const auto fold = fold_of.find(name); fold != fold_of.end())
        fold_of_id[id] = fold->second;
    ++report.kept["cases read"];
  }
  writer.folds(std::move(fold_of_id));
  return {writer.finish(report), rules, report};
}

}  // namespace hilum::data::prepare
