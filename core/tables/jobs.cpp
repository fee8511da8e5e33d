// SPDX-License-Identifier: Apache-2.0
#include "core/tables/jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace hilum::tables {
namespace {

namespace fs = std::filesystem;
using config::Document;

constexpr char kExperiment[] = "experiment:";

// "head.mask.regularizer.iterations=5" -> {"head", "mask", "regularizer", "iterations"}
Strings path_of(const std::string& override_text) {
  const std::string key = override_text.substr(0, override_text.find('='));
  Strings path;
  for (size_t begin = 0; begin <= key.size();) {
    const size_t dot = std::min(key.find('.', begin), key.size());
    path.push_back(key.substr(begin, dot - begin));
    begin = dot + 1;
  }
  return path;
}

// True where the override changes a part that the file does not have.
bool without_part(const std::string& text, const config::Node& root) {
  if (text.starts_with('+')) return false;
  const Strings path = path_of(text.starts_with('~') ? text.substr(1) : text);
  const Strings kinds = {"backbone", "fusion", "head"};
  if (path.size() < 2 || std::ranges::find(kinds, path[0]) == kinds.end()) return false;
  const config::Node* node = &root;
  // A part, or a head's regularizer: all but the key itself.
  for (size_t i = 0; i + 1 < path.size() && node; ++i) node = node->find(path[i]);
  return node == nullptr;
}

std::string text_at(const config::Node& root, const std::string& table, const std::string& key) {
  const auto* section = root.find(table);
  const auto* node = section ? section->find(key) : nullptr;
  const auto* text = node && node->data ? std::get_if<std::string>(&*node->data) : nullptr;
  return text ? *text : "";
}

// A part that starts from an experiment of its own: a table does this for train.init alone.
void refuse_part_inits(const config::Node& root) {
  for (const auto* kind : {"backbone", "fusion", "head"}) {
    const auto* parts = root.find(kind);
    for (const auto& part : parts ? parts->children : std::vector<config::Node>{}) {
      const auto* init = part.find("init");
      const auto* text = init && init->data ? std::get_if<std::string>(&*init->data) : nullptr;
      if (text && text->starts_with(kExperiment))
        throw Error(init->where + ": 'init' is '" + *text +
                        "': in a table only train.init names an experiment. Name a run (run:NAME) "
                        "or a file of weights",
                    Fault::request);
    }
  }
}

int64_t seed_of(const config::Node& root) {
  const auto* section = root.find("experiment");
  const auto* node = section ? section->find("seed") : nullptr;
  const auto* seed = node && node->data ? std::get_if<int64_t>(&*node->data) : nullptr;
  return seed ? *seed : 0;
}

class Planner {
 public:
  Planner(const report::TableFile& table, const report::Profile& profile, const Strings& overrides)
      : table_(table), profile_(profile), command_line_(overrides) {}

  std::vector<Job> plan() {
    for (size_t r = 0; r < table_.rows.size(); ++r)
      if (!table_.rows[r].experiment.empty()) add_row(r);
    for (const auto* list : {&profile_.overrides, &command_line_})
      for (const auto& text : *list)
        if (!used_.contains(text))
          throw Error((list == &command_line_ ? "command line" : profile_.where) + ": '" + text +
                          "' names a part that no row has.",
                      Fault::request);
    return std::move(jobs_);
  }

 private:
  // A file with those overrides of the profile and the command line that it has a place for.
  Strings fitting(const fs::path& file, const Strings& own) {
    Strings chosen;
    const auto choose = [&](const Strings& list) {
      const auto root = Document::load(file, chosen).root;
      for (const auto& text : list)
        if (!without_part(text, root)) chosen.push_back(text), used_.insert(text);
    };
    choose(profile_.overrides);
    chosen.insert(chosen.end(), own.begin(), own.end());
    choose(command_line_);
    return chosen;
  }

  void add_row(size_t r) {
    const auto& row = table_.rows[r];
    Job job{.label = row.label, .row = r, .experiment = row.experiment};
    job.overrides = fitting(row.experiment, row.overrides);
    const auto document = Document::load(row.experiment, job.overrides);
    job.computed = !row.ruler.empty();
    if (!job.computed) job.init = init_of(document);
    const int64_t first = seed_of(document.root), seeds = job.computed    ? 1
                                                          : row.seeds > 0 ? row.seeds
                                                                          : profile_.seeds;
    for (int64_t seed = first; seed < first + seeds; ++seed)
      for (const auto fold : row.folds.empty() ? profile_.folds : row.folds) {
        jobs_.push_back(job);
        auto& made = jobs_.back();
        made.seed = seed, made.fold = fold;
        made.label = fmt::format("{}, seed {}, {}", row.label, seed,
                                 fold < 0 ? "test" : fmt::format("fold {}", fold));
        made.tag = fmt::format("table:{}/{}/{}/seed{}/fold{}", table_.name, row.id, profile_.name,
                               seed, fold);
        made.overrides.push_back(fmt::format("experiment.seed={}", seed));
        made.overrides.push_back(fmt::format("data.fold={}", fold));
      }
  }

  // The job that makes the weights which the document starts from.
  std::optional<size_t> init_of(const Document& document) {
    refuse_part_inits(document.root);
    const std::string init = text_at(document.root, "train", "init");
    if (!init.starts_with(kExperiment)) return {};
    const fs::path file = init.substr(sizeof kExperiment - 1);
    if (const auto known = inits_.find(file); known != inits_.end()) return known->second;
    if (std::ranges::find(chain_, file) != chain_.end())
      throw Error(file.string() + ": train.init closes a circle of experiments. Take one out.",
                  Fault::request);
    chain_.push_back(file);
    Job job{.label = file.stem().string() + ", to start from", .experiment = file};
    job.tag = fmt::format("table:{}/{}/init", profile_.name, file.stem().string());
    job.overrides = fitting(file, profile_.init_overrides);
    const auto own = Document::load(file, job.overrides);
    job.seed = seed_of(own.root);
    job.init = init_of(own);
    chain_.pop_back();
    jobs_.push_back(std::move(job));
    return inits_[file] = jobs_.size() - 1;
  }

  const report::TableFile& table_;
  const report::Profile& profile_;
  const Strings& command_line_;
  std::set<std::string> used_;
  std::map<fs::path, size_t> inits_;
  std::vector<fs::path> chain_;
  std::vector<Job> jobs_;
};

}  // namespace

std::vector<Job> jobs_of(const report::TableFile& table, const report::Profile& profile,
                         const Strings& overrides) {
  return Planner(table, profile, overrides).plan();
}

}  // namespace hilum::tables
