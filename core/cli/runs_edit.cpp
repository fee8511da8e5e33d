// SPDX-License-Identifier: Apache-2.0
// hilum runs tag | note | rm
#include <algorithm>

#include "core/cli/runs_parts.hpp"
#include "core/runs/tidy/edit.hpp"
#include "hilum/names.hpp"

namespace hilum::cli {
namespace {

void add_tag(CLI::App& group) {
  struct Request {
    std::string run;
    Strings tags;
    bool remove = false, force = false;
  };
  auto* command = group.add_subcommand("tag", "Tags of a run: adds, removes, or lists them");
  auto request = std::make_shared<Request>();
  command->add_option("RUN", request->run, kRun)->required();
  command->add_option("TAG", request->tags, "Tags to add; none: those of the run are listed");
  auto* remove = command->add_flag("--remove", request->remove, "Remove the tags instead");
  command->add_flag("--force", request->force,
                    "Also tags that Hilum gives itself: phantom, lesion-split, evaluation, "
                    "rerun:..., table:...");
  command->callback([request, remove] {
    const runs::Reader reader;
    const std::string id = reader.find(request->run);
    if (request->tags.empty() && remove->count() > 0)
      throw Error("runs tag: --remove needs the tags to remove: hilum runs tag RUN TAG --remove",
                  Fault::request);
    if (!request->tags.empty())
      (request->remove ? runs::remove_tags : runs::add_tags)(reader.folder(), id, request->tags,
                                                             request->force);
    for (const auto& tag : runs::tags_of(reader, id)) std::cout << tag << "\n";
  });
}

void add_note(CLI::App& group) {
  struct Request {
    std::string run, text;
    bool append = false, clear = false;
  };
  auto* command = group.add_subcommand("note", "The note of a run: prints it, or writes another");
  auto request = std::make_shared<Request>();
  command->add_option("RUN", request->run, kRun)->required();
  auto* text = command->add_option("TEXT", request->text, "The new note; none: it is printed");
  auto* append = command->add_flag("--append", request->append, "Add a line to the note");
  command->add_flag("--clear", request->clear, "Remove the note")->excludes(append)->excludes(text);
  command->callback([request, text] {
    const runs::Reader reader;
    const std::string id = reader.find(request->run);
    const bool given = text->count() > 0;
    if (given && request->text.empty())
      throw Error("runs note: the text is empty. --clear removes a note.", Fault::request);
    if (request->append && !given)
      throw Error("runs note: --append needs the text to add: hilum runs note RUN TEXT --append",
                  Fault::request);
    if (given || request->clear)
      runs::set_note(reader.folder(), id, request->text, request->append);
    const std::string note = runs::note_of(reader, id);
    if (!note.empty()) std::cout << note << "\n";
  });
}

void remove(const Strings& named, bool yes) {
  std::vector<runs::Details> doomed;
  Strings ids;
  const runs::Reader reader;
  for (const auto& run : named) {
    auto details = reader.show(run);
    if (std::find(ids.begin(), ids.end(), details.id) != ids.end()) continue;
    ids.push_back(details.id);
    doomed.push_back(std::move(details));
  }
  if (!yes && isatty(STDIN_FILENO) != 0)
    for (const auto& run : doomed)
      std::cerr << run.id << "  " << run.name << "  " << run.status << "  " << run.started << "\n";
  const std::string what =
      doomed.size() == 1 ? "this run" : "these " + std::to_string(doomed.size()) + " runs";
  if (!yes && !agreed("Remove " + what + " with weights and predictions?",
                      "runs rm: nobody can be asked here (no terminal). Give --yes to remove " +
                          join(ids, ", ") + ".")) {
    std::cerr << "Nothing was removed.\n";
    return;
  }
  runs::remove(reader.folder(), ids);
  for (const auto& run : doomed) std::cout << "removed " << run.id << "  " << run.name << "\n";
}

void add_rm(CLI::App& group) {
  struct Request {
    Strings named;
    bool yes = false;
  };
  auto* command = group.add_subcommand("rm", "Remove runs: rows, weights and predictions");
  auto request = std::make_shared<Request>();
  command->add_option("RUN", request->named, kRuns)->required();
  command->add_flag("--yes", request->yes, "Do not ask");
  command->callback([request] { remove(request->named, request->yes); });
}

}  // namespace

void add_runs_edit(CLI::App& group) {
  add_tag(group);
  add_note(group);
  add_rm(group);
}

}  // namespace hilum::cli
