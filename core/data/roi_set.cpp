// SPDX-License-Identifier: Apache-2.0
#include "core/data/roi_set.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <set>
#include <thread>

#include "core/data/csv.hpp"
#include "core/data/image.hpp"
#include "core/util/sha256.hpp"

namespace hilum::data {
namespace fs = std::filesystem;
namespace {

constexpr size_t kShown = 10;  // problems in one message
constexpr auto kUnknown = std::numeric_limits<double>::quiet_NaN();

/// What index.csv's columns are.
struct Columns {
  size_t id, patient, image, mask;
  std::optional<size_t> series, nodule, readers;
  std::vector<std::pair<std::string, size_t>> images, targets;
};

/// One row before its files are read.
struct Job {
  std::string where;
  fs::path image, mask;
  std::vector<std::pair<std::string, fs::path>> more;
  double readers = 0;
};

Columns columns_of(const Csv& csv) {
  Columns c{csv.need("id"),
            csv.need("patient"),
            csv.need("image"),
            csv.need("mask"),
            csv.find("series"),
            csv.find("nodule"),
            csv.find("readers"),
            {},
            {}};
  const std::set<std::string> core = {"id",     "patient", "image",  "mask",
                                      "series", "nodule",  "readers"};
  for (size_t i = 0; i < csv.columns.size(); ++i) {
    const auto& name = csv.columns[i];
    if (core.contains(name)) continue;
    const bool image = name.starts_with("image_");
    const std::string bare = image ? name.substr(6) : name;
    if (!is_name(bare))
      throw Error(csv.file.string() + ":1: column '" + name +
                      "': a name is a letter, then letters, digits, '_' or '-'.",
                  Fault::data);
    if (name == "nodule_present" || (image && (bare == "image" || bare == "mask")))
      throw Error(csv.file.string() + ":1: column '" + name +
                      "' is the name of something that a sample has anyway. Rename it.",
                  Fault::data);
    (image ? c.images : c.targets).emplace_back(bare, i);
  }
  for (const auto& [name, at] : c.images)
    for (const auto& [target, column] : c.targets)
      if (name == target)
        throw Error(csv.file.string() + ":1: columns 'image_" + name + "' and '" + name +
                        "' would have one name in a sample. Rename one.",
                    Fault::data);
  return c;
}

void throw_if_any(const Strings& problems) {
  if (problems.empty()) return;
  std::string text =
      join({problems.begin(), problems.begin() + std::min(problems.size(), kShown)}, "\n");
  if (problems.size() > kShown)
    text += "\n... and " + std::to_string(problems.size() - kShown) + " more rows.";
  throw Error(text, Fault::data);
}

/// Reads the cells of one row; throws Error with the first thing that is wrong.
class RowReader {
 public:
  RowReader(const Csv& csv, const Columns& columns, const config::DataOptions& options)
      : csv_(csv), c_(columns), options_(options), folder_(csv.file.parent_path()) {}

  std::pair<Region, Job> operator()(const Csv::Row& row) {
    Region region;
    Job job{csv_.where(row), path(row, c_.image), path(row, c_.mask), {}, 0};
    region.id = text(row, c_.id), region.patient = text(row, c_.patient);
    region.file = job.image.string();
    check_id(row, region.id);
    if (c_.series) region.series = row.cells[*c_.series];
    if (c_.nodule) region.nodule = row.cells[*c_.nodule];
    for (const auto& [name, at] : c_.images) job.more.emplace_back(name, path(row, at));
    for (const auto& [name, at] : c_.targets) region.targets[name] = number(row, at);
    if (options_.consensus > 0) {
      job.readers = number(row, *c_.readers);
      if (!(job.readers >= 1)) fail(row, *c_.readers, "a number of readers is at least 1.");
    }
    if (options_.malignancy != "raw") rate(row, region);
    return {std::move(region), std::move(job)};
  }

 private:
  [[noreturn]] void fail(const Csv::Row& row, size_t at, const std::string& why) const {
    throw Error(csv_.where(row) + "column '" + csv_.columns[at] + "': value '" + row.cells[at] +
                    "': " + why,
                Fault::data);
  }
  std::string text(const Csv::Row& row, size_t at) const {
    if (row.cells[at].empty())
      throw Error(csv_.where(row) + "column '" + csv_.columns[at] + "' is empty.", Fault::data);
    return row.cells[at];
  }
  fs::path path(const Csv::Row& row, size_t at) const {
    const fs::path file = folder_ / text(row, at);
    if (!fs::exists(file)) fail(row, at, "no such file: " + file.string() + ".");
    return file;
  }
  double number(const Csv::Row& row, size_t at) const {
    if (row.cells[at].empty()) return kUnknown;
    const auto value = to_number(row.cells[at]);
    if (!value) fail(row, at, "is no number. Leave the cell empty where it is unknown.");
    if (std::isinf(*value)) fail(row, at, "is not finite.");
    return *value;
  }
  // An id names files of predictions and rows of the run store.
  void check_id(const Csv::Row& row, const std::string& id) {
    const bool odd =
        std::any_of(id.begin(), id.end(), [](unsigned char c) { return c < 32 || c == '/'; });
    if (odd || id == "." || id == "..") fail(row, c_.id, "an id names files: no '/' in it.");
    const auto [first, fresh] = ids_.emplace(id, row.line);
    if (!fresh) fail(row, c_.id, "is the id of line " + std::to_string(first->second) + " too.");
  }
  void rate(const Csv::Row& row, Region& region) const {
    const auto at = region.targets.find("malignancy");
    if (at == region.targets.end() || std::isnan(at->second)) return;
    double& rating = at->second;
    if (rating < 1 || rating > 5)
      fail(row, csv_.need("malignancy"),
           "a rating is in [1, 5]. For labels that are 0 or 1 already set data.malignancy = "
           "\"raw\".");
    rating = malignancy(rating, options_.malignancy);
  }

  const Csv& csv_;
  const Columns& c_;
  const config::DataOptions& options_;
  fs::path folder_;
  std::map<std::string, int64_t> ids_;
};

void decode(Region& region, const Job& job, double consensus) {
  auto image = read_image(job.image);
  region.geometry = image.geometry;
  region.image = std::move(image.voxels);
  const auto same_grid = [&](Volume volume, const fs::path& file) {
    const auto differs = difference(volume.geometry, region.geometry);
    if (!differs.empty())
      throw Error(
          file.string() + ": has " + differs + ", which its image " + job.image.string() + " has.",
          Fault::data);
    return std::move(volume.voxels);
  };
  for (const auto& [name, file] : job.more)
    region.more_images[name] = same_grid(read_image(file), file);
  const auto values = same_grid(read_image(job.mask), job.mask);
  const auto least = static_cast<float>(consensus * job.readers);
  region.mask.resize(values.size());
  std::transform(values.begin(), values.end(), region.mask.begin(), [&](float value) {
    return static_cast<uint8_t>(value != 0 && (consensus <= 0 || value >= least));
  });
}

/// Decodes all rows on a few threads; returns the rows' hashes. Problems come in the order of rows.
Strings decode_all(std::vector<Region>& regions, const std::vector<Job>& jobs, double consensus) {
  Strings hashes(regions.size()), problems(regions.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next++) < regions.size();) try {
        decode(regions[i], jobs[i], consensus);
        hashes[i] = hash_region(regions[i]);
      } catch (const std::exception& error) {
        problems[i] = jobs[i].where + "'" + regions[i].id + "': " + error.what();
      }
  };
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 8);
  std::vector<std::jthread> pool;
  for (size_t t = 1; t < std::min(threads, regions.size()); ++t) pool.emplace_back(work);
  work();
  pool.clear();
  std::erase(problems, "");
  throw_if_any(problems);
  return hashes;
}

template <class T>
void add(util::Sha256& hash, const std::vector<T>& values) {
  hash.add(values.data(), values.size() * sizeof(T));
}

void note_empty(RegionSet& set, const config::DataOptions& options, const fs::path& file) {
  const auto empty = [](const Region& r) {
    return std::find(r.mask.begin(), r.mask.end(), 1) == r.mask.end();
  };
  const auto count = std::count_if(set.regions.begin(), set.regions.end(), empty);
  if (count == 0) return;
  if (options.consensus > 0 && count == static_cast<int64_t>(set.regions.size()))
    throw Error(
        file.string() + ": with data.consensus = " + to_text(options.consensus) +
            " every mask is empty. A consensus needs masks that count the readers; for masks of 0 "
            "and 1 leave it out.",
        Fault::data);
  const auto first = std::find_if(set.regions.begin(), set.regions.end(), empty);
  set.notes.push_back(std::to_string(count) + " regions have an empty mask, first '" + first->id +
                      "'");
}

}  // namespace

double malignancy(double rating, const std::string& rule) {
  if (rule == "raw" || std::isnan(rating)) return rating;
  if (rating != 3) return rating > 3 ? 1 : 0;
  // Three of five is "indeterminate": neither benign nor malignant.
  return rule == "benign3" ? 0 : rule == "malignant3" ? 1 : kUnknown;
}

std::string hash_region(Region& region) {
  util::Sha256 pixels;
  pixels.add(region.geometry.size.data(), sizeof region.geometry.size);
  add(pixels, region.image);
  const std::string hash = pixels.hex();
  const bool constant = std::adjacent_find(region.image.begin(), region.image.end(),
                                           std::not_equal_to<>()) == region.image.end();
  region.pixel_hash = constant ? "" : hash;
  util::Sha256 all;
  all.add(hash);
  all.add(region.geometry.spacing.data(), sizeof region.geometry.spacing);
  add(all, region.mask);
  for (const auto& [name, voxels] : region.more_images) {
    all.add(name);
    add(all, voxels);
  }
  for (const auto& [name, value] : region.targets)
    all.add(name).add(std::isnan(value) ? "unknown" : to_text(value));
  return all.hex();
}

Strings further_images(const fs::path& folder) {
  const fs::path file = folder / "index.csv";
  std::ifstream in(file);
  std::string heading;
  if (!std::getline(in, heading)) return {};
  Strings names;
  for (const auto& [name, at] : columns_of(Csv::parse(file, heading)).images) names.push_back(name);
  return names;
}

RegionSet read_roi_set(const fs::path& folder, const config::DataOptions& options) {
  if (!fs::exists(folder / "index.csv"))
    throw Error(folder.string() +
                    ": has no index.csv. A ROI set has one; `hilum data phantom --out DIR` writes "
                    "an example.",
                Fault::data);
  const Csv csv = Csv::read(folder / "index.csv");
  const Columns columns = columns_of(csv);
  if (csv.rows.empty())
    throw Error(csv.file.string() + ": has a heading and no rows.", Fault::data);
  if (options.consensus > 0 && !columns.readers)
    throw Error(csv.file.string() + ":1: data.consensus = " + to_text(options.consensus) +
                    " needs a column 'readers': how many readers each mask counts.",
                Fault::data);

  RegionSet set;
  set.name = fs::canonical(folder).filename().string();
  for (const auto& [name, at] : columns.targets) set.target_names.push_back(name);
  std::vector<Job> jobs;
  Strings problems;
  RowReader read(csv, columns, options);
  for (const auto& row : csv.rows) try {
      auto [region, job] = read(row);
      set.regions.push_back(std::move(region));
      jobs.push_back(std::move(job));
    } catch (const Error& error) {
      problems.emplace_back(error.what());
    }
  throw_if_any(problems);

  const auto hashes = decode_all(set.regions, jobs, options.consensus);
  util::Sha256 fingerprint;
  fingerprint.add("consensus " + to_text(options.consensus) + " malignancy " + options.malignancy);
  for (size_t i = 0; i < hashes.size(); ++i)
    fingerprint.add("\n" + set.regions[i].id + " ").add(hashes[i]);
  set.fingerprint = fingerprint.hex();
  note_empty(set, options, csv.file);
  return set;
}

}  // namespace hilum::data
