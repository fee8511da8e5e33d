// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/writer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "core/data/csv.hpp"
#include "core/data/prepare/pixels.hpp"
#include "core/util/files.hpp"
#include "core/util/sha256.hpp"

namespace hilum::data::prepare {
namespace fs = std::filesystem;
namespace {

constexpr size_t kLongestId = 200;  // bytes; a file's name has at most 255

/// What index.csv and fingerprint.json need of a row once its images are on disk.
struct Line {
  std::string patient, series, nodule, hash;
  std::optional<int64_t> readers;
  std::map<std::string, double> targets;
  Strings more;  // names of further images
  std::array<double, 3> spacing{};
  int64_t clipped = 0;  // voxels
  bool empty = true;    // the mask
};

std::string number(double value) { return fmt::format("{}", value); }  // shortest, exact

void check_id(const std::string& id) {
  const bool odd =
      std::any_of(id.begin(), id.end(), [](unsigned char c) { return c < 32 || c == '/'; });
  if (odd || id.empty() || id[0] == '.' || id.size() > kLongestId)
    throw Error(fmt::format("id: value '{}', allowed the name of a file: no '/', no leading '.', "
                            "at most {} bytes.",
                            id, kLongestId),
                Fault::data);
}

void check_grid(const Row& row, const Volume& volume, const std::string& what) {
  const auto differs = difference(volume.geometry, row.image.geometry);
  if (!differs.empty())
    throw Error(fmt::format("'{}': the {} has {}, which its image has.", row.id, what, differs),
                Fault::data);
}

template <class T>
void add(util::Sha256& hash, const std::vector<T>& values) {
  hash.add(values.data(), values.size() * sizeof(T));
}

// Of the values, not of the files: another version of a compressor gives the same hash.
std::string hash_of(const Row& row, const std::vector<int16_t>& hu,
                    const std::vector<uint8_t>& mask) {
  util::Sha256 hash;
  const Geometry& g = row.image.geometry;
  hash.add(g.size.data(), sizeof g.size).add(g.spacing.data(), sizeof g.spacing);
  hash.add(g.origin.data(), sizeof g.origin).add(g.direction.data(), sizeof g.direction);
  add(hash, hu), add(hash, mask);
  for (const auto& [name, volume] : row.more) {
    hash.add(name + "\n");
    add(hash, volume.voxels);
  }
  hash.add(row.patient + "\n" + row.series + "\n" + row.nodule + "\n");
  hash.add(row.readers ? std::to_string(*row.readers) : "");
  for (const auto& [name, value] : row.targets)
    hash.add("\n" + name + " " + (std::isnan(value) ? "unknown" : number(value)));
  return hash.hex();
}

/// A place of its own beside `out` for each writer of each process.
fs::path beside(const fs::path& out) {
  static std::atomic<int> serial = 0;
  return out.parent_path() /
         fmt::format(".{}.part{}_{}", out.filename().string(), getpid(), serial++);
}

}  // namespace

struct Writer::Impl {
  fs::path out, folder;
  std::string kind;
  std::map<std::string, std::string> rules, fold_of;
  std::mutex guard;
  std::set<std::string> ids;
  std::map<std::string, Line> lines;  // by id

  std::string index() const;
  std::string fold_table() const;
  std::string fingerprint() const;
  nlohmann::json about(const Report& report) const;
};

std::string Writer::Impl::index() const {
  std::set<std::string> more, targets;
  bool readers = false;
  for (const auto& [id, line] : lines) {
    more.insert(line.more.begin(), line.more.end());
    for (const auto& [name, value] : line.targets) targets.insert(name);
    readers |= line.readers.has_value();
  }
  std::string text = "id,patient,image,mask,series,nodule";
  if (readers) text += ",readers";
  for (const auto& name : more) text += "," + csv_cell("image_" + name);
  for (const auto& name : targets) text += "," + csv_cell(name);
  for (const auto& [id, line] : lines) {
    Strings cells = {id,          line.patient, "image/" + id + ".nii.gz", "mask/" + id + ".nii.gz",
                     line.series, line.nodule};
    if (readers) cells.push_back(line.readers ? std::to_string(*line.readers) : "");
    for (const auto& name : more) {
      if (std::find(line.more.begin(), line.more.end(), name) == line.more.end())
        throw Error("'" + id + "' has no image_" + name + ", which other regions have.",
                    Fault::data);
      cells.push_back("image_" + name + "/" + id + ".nii.gz");
    }
    for (const auto& name : targets) {
      const auto target = line.targets.find(name);
      const bool known = target != line.targets.end() && !std::isnan(target->second);
      cells.push_back(known ? number(target->second) : "");
    }
    for (auto& cell : cells) cell = csv_cell(cell);
    text += "\n" + join(cells, ",");
  }
  return text + "\n";
}

std::string Writer::Impl::fold_table() const {
  std::string text = "id,fold\n";
  for (const auto& [id, line] : lines) {
    const auto fold = fold_of.find(id);
    if (fold == fold_of.end()) throw Error("'" + id + "' has no fold.", Fault::data);
    text += csv_cell(id) + "," + csv_cell(fold->second) + "\n";
  }
  return text;
}

std::string Writer::Impl::fingerprint() const {
  util::Sha256 hash;
  hash.add(kind);
  for (const auto& [name, value] : rules) hash.add("\n" + name + "=" + value);
  for (const auto& [id, line] : lines) hash.add("\n" + id + " " + line.hash);
  for (const auto& [id, fold] : fold_of) hash.add("\n" + id + " fold " + fold);
  return hash.hex();
}

nlohmann::json Writer::Impl::about(const Report& report) const {
  std::set<std::string> patients;
  int64_t empty = 0;
  auto low = lines.begin()->second.spacing, high = low;
  nlohmann::json hashes = nlohmann::json::object(), dropped = nlohmann::json::array();
  Strings notes = report.notes;
  for (const auto& [id, line] : lines) {
    patients.insert(line.patient);
    empty += line.empty;
    hashes[id] = line.hash;
    for (size_t i = 0; i < 3; ++i) {
      low[i] = std::min(low[i], line.spacing[i]);
      high[i] = std::max(high[i], line.spacing[i]);
    }
    if (line.clipped > 0)
      notes.push_back(
          fmt::format("'{}': {} voxels clipped to [-32768, 32767] HU", id, line.clipped));
  }
  std::map<std::string, int64_t> reasons;
  for (const auto& [what, why] : report.dropped) {
    dropped.push_back({{"what", what}, {"why", why}});
    ++reasons[why];
  }
  return {{"kind", kind},
          {"fingerprint", fingerprint()},
          {"rules", rules},
          {"regions", lines.size()},
          {"patients", patients.size()},
          {"empty_masks", empty},
          {"spacing_mm", {{"min", low}, {"max", high}}},  // D, H, W
          {"kept", report.kept},
          {"dropped_by_reason", reasons},
          {"dropped", dropped},
          {"notes", notes},
          {"hashes", hashes}};
}

Writer::Writer(fs::path out, std::string kind, std::map<std::string, std::string> rules)
    : impl_(std::make_unique<Impl>()) {
  out = fs::absolute(out).lexically_normal();
  if (!out.has_filename()) out = out.parent_path();  // a trailing '/'
  std::error_code problem;
  if (fs::exists(out / "index.csv"))
    throw Error(out.string() + ": holds a ROI set already. Choose another folder.", Fault::request);
  if (fs::exists(out) && (!fs::is_directory(out) || !fs::is_empty(out, problem)))
    throw Error(out.string() + ": is there already and no empty folder. Choose another folder.",
                Fault::request);
  impl_->out = out, impl_->folder = beside(out);
  impl_->kind = std::move(kind), impl_->rules = std::move(rules);
  fs::create_directories(impl_->folder, problem);
  if (problem) throw Error(impl_->folder.string() + ": cannot be made: " + problem.message() + ".");
}

Writer::~Writer() {
  std::error_code ignored;
  if (!impl_->folder.empty()) fs::remove_all(impl_->folder, ignored);
}

void Writer::add(const Row& row) {
  check_id(row.id);
  if (row.patient.empty()) throw Error("'" + row.id + "' has no patient.", Fault::data);
  check_grid(row, row.mask, "mask");
  for (const auto& [name, volume] : row.more) check_grid(row, volume, "image_" + name);
  {
    const std::lock_guard lock(impl_->guard);
    if (!impl_->ids.insert(row.id).second)
      throw Error("id: value '" + row.id + "' stands there twice.", Fault::data);
  }
  Line line{row.patient, row.series, row.nodule, "", row.readers, row.targets, {}, {}, 0, true};
  const auto hu = to_hu(row, line.clipped);
  const auto mask = to_mask(row);
  line.empty = std::all_of(mask.begin(), mask.end(), [](uint8_t value) { return value == 0; });
  line.spacing = row.image.geometry.spacing;
  line.hash = hash_of(row, hu, mask);
  const auto file = [&](const std::string& kind) {
    return impl_->folder / kind / (row.id + ".nii.gz");
  };
  write_image(file("image"), row.image.geometry, hu);
  write_image(file("mask"), row.image.geometry, mask);
  for (const auto& [name, volume] : row.more) {
    write_image(file("image_" + name), row.image.geometry, volume.voxels);
    line.more.push_back(name);
  }
  const std::lock_guard lock(impl_->guard);
  impl_->lines.emplace(row.id, std::move(line));
}

void Writer::folds(std::map<std::string, std::string> fold_of_id) {
  impl_->fold_of = std::move(fold_of_id);
}

std::string Writer::finish(const Report& report) {
  if (impl_->lines.empty()) {
    std::string why;
    if (!report.dropped.empty())
      why = fmt::format(" {} were dropped, first {}: {}.", report.dropped.size(),
                        report.dropped[0].first, report.dropped[0].second);
    throw Error("no region is left to write." + why, Fault::data);
  }
  const auto& folder = impl_->folder;
  const std::string index = impl_->index();
  if (!impl_->fold_of.empty()) util::write_file(folder / "folds.csv", impl_->fold_table());
  util::write_file(folder / "fingerprint.json", impl_->about(report).dump(2) + "\n");
  util::write_file(folder / "index.csv", index);
  std::error_code problem;
  fs::rename(folder, impl_->out, problem);  // takes the place of an empty folder too
  if (problem) throw Error(impl_->out.string() + ": cannot be written: " + problem.message() + ".");
  impl_->folder.clear();
  return impl_->fingerprint();
}

}  // namespace hilum::data::prepare
