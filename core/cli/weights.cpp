// SPDX-License-Identifier: Apache-2.0
// hilum weights export
#include <fmt/core.h>

#include <memory>

#include "core/cli/commands.hpp"
#include "core/model/safetensors.hpp"
#include "core/runs/queries.hpp"
#include "core/runs/store.hpp"
#include "core/train/checkpoint.hpp"
#include "core/train/session.hpp"

namespace hilum::cli {

void add_weights(CLI::App& app) {
  struct Options {
    std::string run, out, checkpoint = "best";
  };
  auto options = std::make_shared<Options>();
  auto* weights = app.add_subcommand("weights", "a run's weights as a file");
  weights->require_subcommand(1);
  auto* command = weights->add_subcommand(
      "export", "write parameters and buffers by their full names as safetensors");
  command->add_option("run", options->run, "id, unique prefix of one, name (its newest) or @last")
      ->required();
  command->add_option("-o,--out", options->out, "the file to write (.safetensors)")->required();
  command
      ->add_option("--checkpoint", options->checkpoint,
                   "best (the last one where there was no validation) or last")
      ->check(CLI::IsMember({"best", "last"}));
  command->callback([options] {
    (void)runs::Reader().find(options->run);  // a wrong name makes no store
    const auto run = runs::Store().find(options->run);
    const auto file = train::checkpoint_file(run.folder, options->checkpoint);
    if (!std::filesystem::exists(file))
      throw Error("run " + run.id + " (" + run.status + ") has no checkpoint yet", Fault::request);
    const auto model = train::Checkpoint::load(file).model;
    model::write_safetensors(options->out, model);
    fmt::print("{} tensors of run {} ({}) in {}\n", model.size(), run.id, file.filename().string(),
               options->out);
  });
}

}  // namespace hilum::cli
