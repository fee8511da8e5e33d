// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "core/runs/queries.hpp"
#include "core/runs/store.hpp"

namespace hilum::runs {

/// A folder for a store of its own, gone after the test.
class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = (std::filesystem::temp_directory_path() / "hilum_runs_XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~StoreTest() override {
    std::error_code ignored;
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(folder, ignored);
  }
  std::filesystem::path folder;
};

inline int64_t count(const std::filesystem::path& folder, const std::string& sql) {
  return std::stoll(*Reader(folder).sql(sql).rows.at(0).at(0).text);
}

inline void execute(const std::filesystem::path& folder, const std::string& sql) {
  SQLite::Database(folder / "hilum.db", SQLite::OPEN_READWRITE, 5000).exec(sql);
}

inline NewRun some_run(const std::string& name, int64_t seed = 0, int64_t fold = 0) {
  NewRun run;
  run.name = name, run.experiment = "experiments/" + name + ".toml";
  run.seed = seed, run.fold = fold;
  run.git = "0123abc", run.host = "node1", run.device = "cpu", run.precision = "float32";
  run.torch = "2.11.0", run.config_hash = "c0ffee";
  run.params = {{"train.lr", "0.001", "number"},
                {"train.epochs", "3", "integer"},
                {"train.optimizer", "\"adam\"", "string"},
                {"data.val", "none", "string"},
                {"head.mask.weight", "1.0", "number"}};
  run.plugins = {{"backbone", "unet", "1.0", "aa11", "sdk 2, torch 2.11.0"},
                 {"head", "segmentation", "1.0", "bb22"}};
  run.config = "[experiment]\nname = \"" + name + "\"\n";
  return run;
}

/// Runs `code` and gives the message of the Error that it throws.
template <class F>
std::string message_of(F&& code, Fault fault = Fault::request) {
  try {
    code();
  } catch (const Error& e) {
    EXPECT_EQ(static_cast<int>(e.fault), static_cast<int>(fault)) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

}  // namespace hilum::runs
