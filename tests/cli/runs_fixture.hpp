// SPDX-License-Identifier: Apache-2.0
// Runs that are written straight into the store, as a training would.
#pragma once
#include <pty.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/runs/store.hpp"
#include "tests/cli/program.hpp"

namespace hilum::testing {

struct Made {
  std::string name;
  int64_t seed = 0;
  double dice = 0.5, auc = 0.5;
  std::vector<double> val = {};
  std::vector<double> cases = {};  // Dice of a patient each
  Strings tags = {};
};

class Runs : public Program {
 protected:
  std::string make(const Made& made) {
    runs::Store store(runs());
    runs::NewRun run{.name = made.name, .experiment = made.name + ".toml", .seed = made.seed};
    run.git = "0123abc", run.host = "node1", run.device = "cpu", run.precision = "float32";
    run.torch = "2.11.0", run.config_hash = "c0ffee" + made.name, run.tags = made.tags;
    run.params = {
        {"train.lr", "0.001", "number"},
        {"experiment.seed", std::to_string(made.seed), "integer"},
        {"model.note", "a text" + std::string(120, '.') + " wider than a terminal", "string"}};
    run.plugins = {{"backbone", "some", "1.0", "aa11"}};
    run.config = "[experiment]\n";
    const auto id = store.begin(run);
    std::vector<runs::Metric> rows;
    for (size_t i = 0; i < made.val.size(); ++i)
      rows.push_back(
          {static_cast<int64_t>(i), static_cast<int64_t>(i + 1), "val", "mask.dice", made.val[i]});
    rows.push_back({9, 9, "test", "mask.dice", made.dice});
    rows.push_back({9, 9, "test", "malignancy.auc", made.auc});
    store.log(id, rows);
    std::vector<runs::CaseMetric> cases;
    for (size_t i = 0; i < made.cases.size(); ++i)
      cases.push_back({"p" + std::to_string(i), "n", {}, "mask.dice", made.cases[i]});
    if (!cases.empty()) store.log_cases(id, "test", cases);
    store.finish(id, "done");
    return id;
  }
  void refused(const Strings& words, int code, const std::string& said) {
    const auto outcome = hilum(Strings{"runs"} + words);
    EXPECT_EQ(outcome.code, code) << outcome.all();
    EXPECT_THAT(outcome.err, ::testing::HasSubstr(said));
    EXPECT_EQ(outcome.out, "");
  }
  std::string shell(const std::string& command) {
    const std::string whole =
        "export HILUM_RUNS=" + runs().string() + "; hilum=" HILUM_PROGRAM "; " + command;
    std::FILE* pipe = popen(whole.c_str(), "r");
    std::string text;
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
    pclose(pipe);
    return text;
  }
  // What the program prints on a terminal of so many columns.
  std::string on_terminal(unsigned short columns, const Strings& words) {
    const winsize size{40, columns, 0, 0};
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
    if (child == 0) {
      setenv("HILUM_RUNS", runs().c_str(), 1), unsetenv("COLUMNS");
      std::vector<char*> argv{const_cast<char*>(HILUM_PROGRAM)};
      for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t got = 0; (got = read(terminal, buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<size_t>(got));
    int status = 0;
    waitpid(child, &status, 0), close(terminal);
    EXPECT_EQ(status, 0) << text;
    std::erase(text, '\r');
    return text;
  }
  static size_t widest(const std::string& text) {
    size_t most = 0;
    for (const auto& line : lines_of(text))
      most = std::max(most, static_cast<size_t>(std::ranges::count_if(
                                line, [](unsigned char c) { return (c & 0xC0) != 0x80; })));
    return most;
  }
};

}  // namespace hilum::testing
