// SPDX-License-Identifier: Apache-2.0
// docs/writing-a-plugin.md, followed word for word in an empty folder: every command of a ```sh
// block is run, in order; a block that begins with a file's name is compared with that file where
// there is one, and written where there is none; a ```diff block is applied.
#include <map>

#include "tests/cli/author_kit.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

struct Block {
  std::string language, file;  // "sh", "cpp"; "gated.cpp" or ""
  Strings lines;               // without the one that names the file
  std::string text() const {
    std::string all;
    for (const auto& line : lines) all += line + "\n";
    return all;
  }
};

// "// gated.cpp", "# mine.toml", "+++ gated.cpp": the file's name.
std::string file_named_by(const std::string& line) {
  for (const std::string mark : {"// ", "# ", "+++ "}) {
    const std::string rest = line.starts_with(mark) ? line.substr(mark.size()) : "";
    if (!rest.empty() && rest.find_first_of(" :") == rest.npos && rest.find('.') != rest.npos)
      return rest;
  }
  return "";
}

std::vector<Block> blocks_of(const std::string& page) {
  std::vector<Block> blocks;
  bool inside = false;
  for (const auto& line : lines_of(page)) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) blocks.push_back({line.substr(3), "", {}});
    } else if (inside) {
      auto& block = blocks.back();
      if (block.lines.empty() && block.file.empty() && !file_named_by(line).empty())
        block.file = file_named_by(line);
      else
        block.lines.push_back(line);
    }
  }
  return blocks;
}

class Page : public Author {
 protected:
  void command(const std::string& line) {
    const auto outcome = shell(line);
    // That a time is longer than before is no fault of the page.
    const bool slower = outcome.code == 1 && line.find("--compare") != line.npos;
    ASSERT_TRUE(outcome.code == 0 || slower) << line << "\n" << outcome.all();
    printed[line] = outcome.all();
  }
  void file(const Block& block) {
    const fs::path path = here() / block.file;
    if (fs::exists(path))
      EXPECT_EQ(text_of(path), block.text()) << block.file;
    else
      write(path, block.text());
  }
  // Each removed line stands in the file once, and the added one takes its place.
  void edit(const Block& block) {
    std::string text = text_of(here() / block.file);
    for (size_t i = 0; i + 1 < block.lines.size(); i += 2) {
      const auto old = block.lines[i].substr(1) + "\n", now = block.lines[i + 1].substr(1) + "\n";
      const size_t at = text.find(old);
      ASSERT_NE(at, text.npos) << old << "is not in " << block.file;
      text.replace(at, old.size(), now);
    }
    write(here() / block.file, text);
  }
  std::map<std::string, std::string> printed;  // by command
};

TEST_F(Page, FromAnIdeaToATableInTenCommands) {
  size_t commands = 0;
  for (const auto& block : blocks_of(text_of(HILUM_SOURCE_DIR "/docs/writing-a-plugin.md"))) {
    if (block.language == "sh")
      for (const auto& line : block.lines) {
        ++commands;
        ASSERT_NO_FATAL_FAILURE(command(line));
      }
    else if (block.language == "diff")
      ASSERT_NO_FATAL_FAILURE(edit(block));
    else if (!block.file.empty())
      file(block);
  }
  EXPECT_GE(commands, 8U) << "the page's blocks were not found";
  EXPECT_LE(commands, 10U);
  // What the page says that one has then.
  EXPECT_EQ(sql("select count(distinct sha256) as n from plugin where name = 'gated'"), "n\n2\n")
      << "a run before the edit and one after it";
  EXPECT_NE(sql("select count(*) as n from benchmark"), "n\n0\n");
  const auto& table = printed["hilum table mine.toml"];
  for (const char* row : {"no fusion", "conv1x1", "gated"}) EXPECT_THAT(table, HasSubstr(row));
  // And in passing: the same file serves volumes.
  done("hilum plan gated.toml data.dims=3 data.roi=[8,32,32] data.sampler=all");
}

}  // namespace
}  // namespace hilum::testing
