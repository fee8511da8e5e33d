// SPDX-License-Identifier: Apache-2.0
#include "core/train/on_demand.hpp"

#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "core/runs/again/match.hpp"
#include "core/train/record.hpp"

namespace hilum::train {
namespace {
namespace fs = std::filesystem;
using config::Node;

constexpr std::string_view kExperiment = "experiment:";

// Calls `use` with each init that names an experiment.
void each_init(Node& table, const std::function<void(Node&, std::string&)>& use) {
  Node* init = table.find("init");
  auto* text = init && init->data ? std::get_if<std::string>(&*init->data) : nullptr;
  if (text && text->starts_with(kExperiment)) use(*init, *text);
}

void each_init_of(Node& root, const std::function<void(Node&, std::string&)>& use) {
  if (Node* train = root.find("train")) each_init(*train, use);
  for (const auto* kind : {"backbone", "fusion", "head"})
    if (Node* table = root.find(kind))
      for (auto& part : table->children) {
        each_init(part, use);
        if (Node* regularizer = part.find("regularizer")) each_init(*regularizer, use);
      }
}

fs::path file_of(const std::string& init) { return init.substr(kExperiment.size()); }

// Before anything is trained: every file is there, and none starts from itself.
void check_chain(config::Document& document, std::vector<fs::path>& chain) {
  chain.push_back(document.file);
  each_init_of(document.root, [&](Node& node, std::string& init) {
    const fs::path file = file_of(init);
    const auto said = node.where + ": init: value '" + init + "': ";
    if (!fs::is_regular_file(file)) throw Error(said + "no such experiment file.", Fault::request);
    for (const auto& above : chain)
      if (fs::equivalent(above, file)) {
        Strings names;
        for (const auto& link : chain) names.push_back(link.string());
        throw Error(said + "a circle of experiments that start from each other: " +
                        join(names, " -> ") + " -> " + file.string() + ". Take one of them out.",
                    Fault::request);
      }
    auto inner = config::Document::load(file, {});
    check_chain(inner, chain);
  });
  chain.pop_back();
}

void resolve(config::Document& document, runs::Store& store, Progress& progress);

// The id of the experiment's run, done.
std::string done_run(const fs::path& file, runs::Store& store, Progress& progress) {
  auto document = config::Document::load(file, {});
  resolve(document, store, progress);
  auto setup = prepare(document);
  const auto fingerprint = load_data(setup.experiment, *setup.model).set.fingerprint;
  const auto described = describe(setup);
  const auto match =
      runs::find_work(runs::Reader(), {described.config_hash, described.plugins, fingerprint, {}},
                      described.params);
  if (match.kind == runs::Match::Kind::done) return match.run;
  const auto name = file.filename().string();
  const bool goes_on = match.kind == runs::Match::Kind::resumable;
  progress.line(goes_on ? fmt::format("init: experiment {} is not done yet: going on with run {}",
                                      name, match.run)
                        : fmt::format("init: experiment {} is not done yet: {}; training it first",
                                      name, match.why));
  auto result =
      goes_on ? resume(match.run, store, progress) : run(std::move(setup), store, progress);
  if (result.status == "interrupted") throw Interrupted{std::move(result)};
  return result.id;
}

void resolve(config::Document& document, runs::Store& store, Progress& progress) {
  each_init_of(document.root, [&](Node&, std::string& init) {
    const auto file = file_of(init);
    init = "run:" + done_run(file, store, progress);
    progress.line(fmt::format("init: {} is {}", file.filename().string(), init));
  });
}

}  // namespace

bool starts_on_demand(const config::Document& document) {
  auto copy = document;
  std::vector<fs::path> chain;
  check_chain(copy, chain);
  bool found = false;
  each_init_of(copy.root, [&](Node&, std::string&) { found = true; });
  return found;
}

config::Document resolve_init(config::Document document, runs::Store& store, Progress& progress) {
  if (!starts_on_demand(document)) return document;
  const int threads = at::get_num_threads();  // another experiment's train.threads is its own
  resolve(document, store, progress);
  at::set_num_threads(threads);
  return document;
}

}  // namespace hilum::train
