// SPDX-License-Identifier: Apache-2.0
// hilum runs list
#include "core/cli/runs_parts.hpp"
#include "core/runs/print/print.hpp"
#include "core/util/fit.hpp"

namespace hilum::cli {
namespace {

constexpr int64_t kShown = 50;  // runs that a table shows unless --top says otherwise

struct Request : runs::ListOptions {
  std::string columns;
  bool limited = false;
  Format format;
};

// For people the first ones; for programs all.
int64_t limit_of(const Request& request) {
  const bool people = request.format.table() || request.format.md;
  return request.limited || !people ? request.limit : kShown + 1;
}

std::string printed(const runs::Listing& found, const Format& format) {
  return format.json  ? runs::listing_json(found)
         : format.csv ? runs::listing_csv(found)
         : format.md  ? runs::listing_md(found)
                      : runs::listing_table(found, util::terminal_width());
}
std::string printed(const std::vector<runs::Summary>& found, const Format& format) {
  return format.json  ? runs::list_json(found)
         : format.csv ? runs::list_csv(found)
         : format.md  ? runs::list_md(found)
                      : runs::list_table(found, util::terminal_width());
}

// `rows`: the runs that were found, one more than are shown where nothing limits them.
template <class Found, class Rows>
void print(Found& found, Rows& rows, const Request& request, const runs::Reader& reader) {
  const bool people = request.format.table() || request.format.md;
  const bool more = people && !request.limited && rows.size() > kShown;
  if (more) rows.pop_back();
  std::cout << (people && rows.empty() ? none_of(reader) : printed(found, request.format));
  if (more)
    std::cerr << "These are the " << (request.sort.empty() ? "newest " : "first ") << kShown
              << "; --top 0 lists all, --where chooses.\n";
}

void list(Request request) {
  const runs::Reader reader;
  request.limit = limit_of(request);
  if (request.columns.empty()) {
    auto found = reader.list(request);
    print(found, found, request, reader);
  } else {
    auto found = reader.list(request, request.columns);
    print(found, found.rows, request, reader);
  }
}

}  // namespace

void add_runs_list(CLI::App& group) {
  auto* command = group.add_subcommand("list", "The runs, newest first");
  auto request = std::make_shared<Request>();
  command->add_option("--where", request->where, kWhere);
  command->add_option("--status", request->status, "running, done, failed, interrupted or crashed");
  command->add_option("--name", request->name, "Choose by name: a text with * and ?");
  command->add_option(
      "--sort", request->sort,
      "By these, with commas: -dice (largest first), train.lr; the names of --where");
  auto* top = command->add_option("--top,--limit", request->limit, "The first so many; 0: all");
  top->check(kCount);
  command->add_option("--columns", request->columns,
                      "These alone, with commas: id,name,dice,auc,train.lr,seed,tags,epoch,result");
  add_format(*command, request->format, "The list");
  add_md(*command, request->format, "The list");
  command->callback([request, top] {
    request->limited = top->count() > 0;
    list(*request);
  });
}

}  // namespace hilum::cli
