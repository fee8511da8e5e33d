// SPDX-License-Identifier: Apache-2.0
// hilum runs gc
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "core/cli/runs_parts.hpp"
#include "core/runs/tidy/gc.hpp"
#include "core/util/fit.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Request {
  runs::GcOptions options;
  std::string age;
  bool yes = false, json = false;
};

std::string size_text(uintmax_t bytes) {
  const char* units[] = {"bytes", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(units); ++unit) value /= 1000;
  return fmt::format("{:.{}f} {}", value, unit > 0 && value < 99.5 ? 1 : 0, units[unit]);
}

int64_t seconds_of(const std::string& age) {
  int64_t count = 0;
  const char* end = age.data() + age.size();
  const auto [unit, error] = std::from_chars(age.data(), end, count);
  const int64_t factor = unit + 1 != end ? 0
                         : *unit == 'h'  ? 3600
                         : *unit == 'd'  ? 24 * 3600
                         : *unit == 'w'  ? 7 * 24 * 3600
                                         : 0;
  if (error != std::errc() || factor == 0 || count < 0 || count > 1000000)
    throw Error("--older-than: value is '" + age +
                    "', allowed a number of hours, days or weeks: "
                    "12h, 30d, 8w.",
                Fault::request);
  return count * factor;
}

std::string shown(const runs::Reader& reader, const std::filesystem::path& path) {
  return path.lexically_relative(reader.folder()).string();
}

std::string table(const runs::Reader& reader, const std::vector<runs::Garbage>& items) {
  std::vector<std::vector<std::string>> rows{{"what", "size", "path", "why"}};
  for (const auto& item : items)
    rows.push_back({to_text(item.kind), size_text(item.bytes), shown(reader, item.path), item.why});
  return util::table(util::fit(std::move(rows), util::terminal_width(), {"what", "size", "path"}));
}

void print(const runs::Reader& reader, const runs::GcReview& review) {
  if (!review.garbage.empty()) std::cout << table(reader, review.garbage);
  if (!review.kept.empty()) std::cout << "\nKept:\n" << table(reader, review.kept);
  if (!review.missing.empty()) {
    std::cout << "\nArtifacts whose files are gone (nothing to free):\n";
    constexpr size_t kTold = 10;
    for (size_t i = 0; i < review.missing.size() && i < kTold; ++i)
      std::cout << review.missing[i].run << "  " << review.missing[i].kind << "  "
                << review.missing[i].path << "\n";
    if (review.missing.size() > kTold)
      std::cout << "and " << review.missing.size() - kTold << " more\n";
  }
  if (!review.garbage.empty() || !review.kept.empty() || !review.missing.empty()) std::cout << "\n";
}

std::string sum_of(const runs::GcReview& review) {
  std::string text = review.garbage.empty() ? "Nothing to delete"
                                            : fmt::format("{} to delete: {}", review.garbage.size(),
                                                          size_text(review.bytes()));
  if (review.free > 0) text += "; " + size_text(review.free) + " of the database are free pages";
  return text + ".";
}

Json items_json(const std::vector<runs::Garbage>& items) {
  Json list = Json::array();
  for (const auto& item : items)
    list.push_back({{"kind", to_text(item.kind)},
                    {"run", item.run.empty() ? Json() : Json(item.run)},
                    {"path", item.path.string()},
                    {"bytes", item.bytes},
                    {"why", item.why}});
  return list;
}

Json document(const runs::GcReview& review) {
  Json json{{"garbage", items_json(review.garbage)},
            {"kept", items_json(review.kept)},
            {"missing", Json::array()},
            {"bytes", review.bytes()},
            {"free_pages", review.free},
            {"deleted", false},
            {"freed", 0},
            {"skipped", Json::array()}};
  for (const auto& m : review.missing)
    json["missing"].push_back({{"run", m.run}, {"kind", m.kind}, {"path", m.path}});
  return json;
}

// Nothing is deleted unless somebody says so.
bool agreed_to(const Request& request, const runs::GcReview& review) {
  if (request.yes || request.json) return request.yes;
  if (review.garbage.empty() && review.free == 0) return false;
  if (isatty(STDIN_FILENO) == 0) {
    std::cout << "Nothing was deleted: --yes does it.\n";
    return false;
  }
  if (agreed("Free it?", "")) return true;
  std::cout << "Nothing was deleted.\n";
  return false;
}

void collect(Request& request) {
  if (!request.age.empty()) {
    request.options.older_than = seconds_of(request.age);
    if (!request.options.failed && !request.options.checkpoints)
      throw Error(
          "runs gc: --older-than says of which runs --failed or --checkpoints are taken: "
          "give one of them, too.",
          Fault::request);
  }
  const runs::Reader reader;
  const auto review = runs::review_garbage(reader, request.options);
  Json json = document(review);
  if (!request.json) {
    print(reader, review);
    std::cout << (reader.empty() ? none_of(reader) : "") << sum_of(review) << "\n";
  }
  const bool store = std::filesystem::exists(reader.folder() / "hilum.db");
  if (store && agreed_to(request, review)) {
    const auto done = runs::collect_garbage(reader.folder(), review.garbage);
    json["deleted"] = true, json["freed"] = done.freed, json["skipped"] = done.skipped;
    for (const auto& text : done.skipped) std::cerr << text << "\n";
    if (!request.json)
      std::cout << done.count << " deleted, " << size_text(done.freed) << " freed"
                << (done.packed ? ", the database packed" : "") << ".\n";
  }
  if (request.json) std::cout << json.dump(1) << "\n";
}

}  // namespace

void add_runs_gc(CLI::App& group) {
  auto* command =
      group.add_subcommand("gc", "What the store can do without: shows it, then frees it");
  auto request = std::make_shared<Request>();
  command->add_flag("--failed", request->options.failed,
                    "Also runs that failed or crashed and cannot be resumed");
  command->add_flag("--checkpoints", request->options.checkpoints,
                    "Also last.pt of done runs that have best.pt");
  command->add_option("--older-than", request->age,
                      "Of both only runs that ended so long ago (12h, 30d, 8w); then also failed "
                      "ones that could be resumed");
  command->add_flag("--yes", request->yes, "Delete without asking");
  command->add_flag("--json", request->json, "One JSON document; deletes with --yes alone");
  command->footer(
      "Always: what an interrupted removal left, files that were never finished, folders without a "
      "run.\nNever: anything of a run that runs.");
  command->callback([request] { collect(*request); });
}

}  // namespace hilum::cli
