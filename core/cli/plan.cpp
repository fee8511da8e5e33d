// SPDX-License-Identifier: Apache-2.0
// hilum plan
#include "core/model/plan.hpp"

#include <fmt/core.h>

#include <memory>

#include "core/cli/commands.hpp"
#include "core/train/session.hpp"

namespace hilum::cli {

void add_plan(CLI::App& app) {
  struct Options {
    std::string file;
    Strings overrides;
    bool json = false, dot = false;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("plan", "print the assembled graph: shapes, parameters, MACs, memory");
  command->add_option("experiment", options->file, "the experiment file (TOML)")->required();
  command->add_option("overrides", options->overrides, "a.b=v, +a.b=v, ~a.b");
  auto* json = command->add_flag("--json", options->json, "one JSON document");
  command
      ->add_flag("--dot", options->dot,
                 "for Graphviz: hilum plan X.toml --dot | dot -Tsvg -o model.svg")
      ->excludes(json);
  command->callback([options] {
    const auto setup = train::prepare(config::Document::load(options->file, options->overrides));
    fmt::print("{}", options->json  ? model::plan_json(*setup.model)
                     : options->dot ? model::plan_dot(*setup.model)
                                    : model::plan_text(*setup.model));
  });
}

}  // namespace hilum::cli
