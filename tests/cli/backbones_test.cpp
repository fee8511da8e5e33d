// SPDX-License-Identifier: Apache-2.0
// docs/backbones.md: `hilum plan` counts what each row of the table says, and so does its peer.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {

// The words between the bars of "| `unet` | `width=16 depth=4` | 1×32×64×64 | ...", without marks.
Strings cells(const std::string& row) {
  Strings all;
  for (size_t begin = 1; begin < row.size();) {
    const size_t end = std::min(row.find('|', begin), row.size());
    std::string cell;
    for (const char c : row.substr(begin, end - begin))
      if (c != '`') cell += c;
    const auto first = cell.find_first_not_of(' '), last = cell.find_last_not_of(' ');
    all.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
    begin = end + 1;
  }
  return all;
}

Strings split(const std::string& text, const std::string& by) {
  Strings words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(by, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + by.size();
  }
  return words;
}

int64_t number(std::string text) {
  std::erase(text, ',');
  return std::stoll(text);
}

// The rows of the table: backbone, options, image, last stage, ...
std::vector<Strings> rows() {
  std::vector<Strings> all;
  for (const auto& line : lines_of(text_of(HILUM_SOURCE_DIR "/docs/backbones.md")))
    if (line.starts_with("| `")) all.push_back(cells(line));
  return all;
}

class Backbones : public Program {
 protected:
  // Parameters and multiply-accumulates of the backbone's stages.
  std::pair<int64_t, int64_t> planned(const Strings& row) {
    const auto sizes = split(row[2], "×");  // channels first
    std::string roi, options;
    for (size_t i = 1; i < sizes.size(); ++i) roi += (i > 1 ? ", " : "") + sizes[i];
    for (const auto& option : split(row[1], " ")) options += option + "\n";
    write(root / "net.toml", "[data]\ndims = " + std::to_string(sizes.size() - 1) + "\nroi = [" +
                                 roi + "]\n[backbone.net]\nplugin = \"" + row[0] + "\"\n" +
                                 options + "[head.mask]\nplugin = \"segmentation\"\non = \"net." +
                                 row[3] + "\"\n");
    std::pair<int64_t, int64_t> sum;
    const auto plan = json({"plan", "net.toml"});
    for (const auto& op : plan.at("ops")) {
      if (op.at("kind") != "stage") continue;
      sum.first += op.at("parameters").get<int64_t>();
      sum.second += op.at("macs").get<int64_t>();
    }
    return sum;
  }
};

TEST_F(Backbones, TheTableIsWhatThePlanCounts) {
  const auto table = rows();
  Strings seen;
  for (const auto& row : table) {
    ASSERT_EQ(row.size(), 9U) << ::testing::PrintToString(row);
    const auto [parameters, macs] = planned(row);
    EXPECT_EQ(parameters, number(row[4])) << ::testing::PrintToString(row);
    EXPECT_EQ(macs, number(row[6])) << ::testing::PrintToString(row);
    seen.push_back(row[0]);
  }
  for (const char* name : {"unet", "resunet", "resunetpp", "resnet50", "deeplabv3plus"})
    EXPECT_THAT(seen, ::testing::Contains(name));
}

TEST_F(Backbones, ThePeersCountTheSame) {
  for (const auto& row : rows()) {
    EXPECT_EQ(row[4], row[5]) << row[0];
    EXPECT_EQ(row[6], row[7]) << row[0];
  }
}

}  // namespace
}  // namespace hilum::testing
