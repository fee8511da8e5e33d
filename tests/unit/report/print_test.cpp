// SPDX-License-Identifier: Apache-2.0
#include "core/report/table/print.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

namespace hilum::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kFirst = "01KAN3V0B5AAAAAAAAAAAAAAAA", kSecond = "01KAN3V0B5AAABBBBBBBBBBBBB";

Column column(const std::string& id, const std::string& label, double scale, bool lower) {
  Column c;
  c.id = id, c.label = label, c.metric = "mask." + id, c.scale = scale, c.lower = lower;
  c.digits = scale == 1 ? 3 : 1;
  return c;
}

// A row that ran, one with three seeds that is the best, and one of another system.
class PrintTest : public testing::Test {
 protected:
  PrintTest() {
    table.name = "t1", table.title = "Table 1: 50 % & more", table.source = "A paper";
    table.baseline = "unet", table.differs = {"LIDC stands in for the clinical set"};
    table.columns = {column("dice", "Dice_%", 100, false), column("hd", "HD | mm", 1, true)};
    table.rows.resize(3);
    table.rows[0].id = "unet", table.rows[0].label = "U-Net", table.rows[0].experiment = "u.toml";
    table.rows[0].paper = {{"dice", 75.3}};
    table.rows[1].id = "ours", table.rows[1].label = "λ₂ = 0", table.rows[1].experiment = "o.toml";
    table.rows[2].id = "nnunet", table.rows[2].note = "not a plugin yet";
    table.rows[2].paper = {{"dice", 77.1}};
    Cell base{.value = 0.841,
              .low = 0.82,
              .high = 0.86,
              .cases = 15,
              .patients = 12,
              .seeds = 1,
              .folds = 1,
              .runs = {kFirst}};
    Cell best{.value = 0.9,
              .spread = 0.004,
              .cases = 15,
              .patients = 12,
              .seeds = 3,
              .folds = 1,
              .runs = {kSecond},
              .difference = 0.059,
              .difference_low = 0.02,
              .difference_high = 0.09,
              .p = 0.0125,
              .best = true};
    Cell distance{
        .value = 2.5, .cases = 15, .patients = 12, .seeds = 1, .folds = 1, .runs = {kFirst}};
    const Cell undefined{.empty = "not defined: run x has no 'mask.hd'.", .runs = {kSecond}};
    const Cell absent{.empty = "not run: not a plugin yet"};
    figures.cells = {{base, distance}, {best, undefined}, {absent, absent}};
    figures.notes = {"U-Net: a note"};
    runs = {{{kFirst, "folds", 0, 0}}, {{kSecond, "folds", 0, 0}}, {}};
    context = {.profile = "cpu",
               .profile_note = "one fold",
               .command = "hilum table t1.toml",
               .date = "2026-11-22",
               .commit = "0123abc",
               .machine = "2 cores",
               .dirty = true,
               .budget = {"64x64 pixels"}};
  }
  std::string printed(Format format) const { return print(table, figures, runs, context, format); }

  TableFile table;
  Figures figures;
  std::vector<std::vector<RowRun>> runs;
  Context context;
};

TEST_F(PrintTest, TerminalTextKeepsOursAndThePapersApart) {
  const std::string text = printed(Format::text);
  EXPECT_THAT(text, AllOf(HasSubstr("Dice_%             paper  HD | mm\n"),
                          HasSubstr("U-Net   84.1 [82.0, 86.0]   75.3  2.500\n"),
                          HasSubstr("λ₂ = 0  90.0 ± 0.4 *              -\n"),
                          HasSubstr("nnunet  not run             77.1  not run\n")));
  EXPECT_THAT(text,
              AllOf(HasSubstr("Difference from U-Net"), HasSubstr("+5.9 [+2.0, +9.0], p = 0.013")));
  EXPECT_THAT(text, AllOf(HasSubstr("95 % bootstrap over 12 patients"),
                          HasSubstr("standard deviation of 3 seeds"),
                          HasSubstr("Dice_%, HD | mm: 15 nodules of 12 patients"),
                          HasSubstr("Smaller is better: HD | mm."),
                          HasSubstr("marked only where distinguishable")));
  EXPECT_THAT(text,
              AllOf(HasSubstr("0123abc, with changes"), HasSubstr("64x64 pixels"),
                    HasSubstr("LIDC stands in"), HasSubstr("nnunet: not run: not a plugin yet"),
                    HasSubstr("λ₂ = 0: HD | mm: not defined: run x"), HasSubstr("U-Net: a note")));
  EXPECT_THAT(text, AllOf(HasSubstr(kFirst.substr(0, 14) + " (fold 0, seed 0)"),
                          HasSubstr(kSecond.substr(0, 14) + " (fold 0, seed 0)")))
      << "as long as it takes to tell them apart";
}

TEST_F(PrintTest, WideTablesGoOnBelow) {
  for (int i = 0; i < 8; ++i) {
    table.columns.push_back(
        column("m" + std::to_string(i), "Metric " + std::to_string(i), 1, false));
    for (auto& row : figures.cells) row.push_back(row[0]);
  }
  std::istringstream lines(printed(Format::text));
  size_t headings = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("U-Net   ")) {
      EXPECT_LE(line.size(), 112u) << line;
      ++headings;
    }
  }
  EXPECT_EQ(headings, 3u);
}

TEST_F(PrintTest, MarkdownHasEqualCellsInEveryLineOfATable) {
  const std::string text = printed(Format::md);
  EXPECT_THAT(text, AllOf(HasSubstr("| λ₂ = 0 | **90.0 ± 0.4** | | - |"),
                          HasSubstr("| U-Net | 84.1 [82.0, 86.0] | *75.3* | 2.500 |"),
                          HasSubstr("| Dice\\_% | *paper* | HD \\| mm |")));
  std::istringstream lines(text);
  long expected = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) {
      expected = 0;
      continue;
    }
    long bars = std::ranges::count(line, '|');
    for (size_t at = 0; (at = line.find("\\|", at)) != std::string::npos; ++at) --bars;
    if (expected == 0) expected = bars;
    EXPECT_EQ(bars, expected) << line;
  }
}

TEST_F(PrintTest, BlocksOfColumnsStandBelowEachOtherUnderTheirNames) {
  table.columns[0].block = "Test set", table.columns[1].block = "Folds";
  for (const auto format : {Format::text, Format::md, Format::latex}) {
    const auto text = print(table, figures, runs, context, format);
    const auto first = text.find("Test set"), second = text.find("Folds");
    ASSERT_NE(second, std::string::npos);
    EXPECT_LT(first, text.find("Dice"));
    EXPECT_LT(text.find("84.1"), second) << "the second block begins below the first one's rows";
    EXPECT_LT(second, text.find("2.5"));
  }
  EXPECT_THAT(print(table, figures, runs, context, Format::text),
              HasSubstr("Test set: Dice_%, Folds: HD | mm: 15 nodules of 12 patients"));
}

TEST_F(PrintTest, CsvHasOneLineACell) {
  figures.cells[1][1].empty = "a \"quoted\", reason";
  const std::string text = printed(Format::csv);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1 + 3 * 2);
  EXPECT_THAT(text, HasSubstr("unet,dice,84.1,82,86,,bootstrap,15,12,1,1,75.3,,," + kFirst));
  EXPECT_THAT(text, HasSubstr(",seeds,15,12,3,1,,"));
  EXPECT_THAT(text, HasSubstr("0.0125," + kSecond));
  EXPECT_THAT(text, HasSubstr("\"a \"\"quoted\"\", reason\"\n"));
}

TEST_F(PrintTest, JsonHasEverything) {
  const auto json = nlohmann::json::parse(printed(Format::json));
  EXPECT_EQ(json["profile"]["name"], "cpu");
  EXPECT_EQ(json["dirty"], true);
  EXPECT_EQ(json["columns"][0]["name"], "mask.dice");
  const auto& cell = json["rows"][0]["cells"][0];
  EXPECT_NEAR(cell["value"].get<double>(), 84.1, 1e-9);
  EXPECT_EQ(cell["paper"], 75.3);
  EXPECT_EQ(cell["kind"], "bootstrap");
  EXPECT_TRUE(cell["spread"].is_null());
  EXPECT_EQ(json["rows"][1]["cells"][0]["best"], true);
  EXPECT_NEAR(json["rows"][1]["cells"][0]["difference_low"].get<double>(), 2, 1e-9);
  EXPECT_EQ(json["rows"][1]["runs"][0]["id"], kSecond);
  EXPECT_TRUE(json["rows"][2]["experiment"].is_null());
  EXPECT_EQ(json["rows"][2]["cells"][1]["empty"], "not run: not a plugin yet");
  EXPECT_EQ(json["notes"][0], "U-Net: a note");
}

TEST_F(PrintTest, LatexEscapesWhatItWouldTakeForCommands) {
  const std::string text = printed(Format::latex);
  EXPECT_THAT(text,
              AllOf(HasSubstr("\\begin{tabular}{lrrr}\n\\toprule\n"),
                    HasSubstr("Dice\\_\\% & \\textit{paper} & HD $|$ mm \\\\\n\\midrule"),
                    HasSubstr("U-Net & 84.1 {\\scriptsize {[}82.0, 86.0{]}} & \\textit{75.3}"),
                    HasSubstr("$\\lambda$$_2$ = 0 & \\textbf{90.0 $\\pm$ 0.4}"),
                    HasSubstr("50 \\% \\& more"), Not(HasSubstr("±"))));
}

TEST_F(PrintTest, NothingThatIsZeroHasASign) {
  figures.cells[1][0].difference = -0.0001;
  EXPECT_THAT(printed(Format::text), HasSubstr("  0.0 [+2.0, +9.0]"));
}

TEST(Print, FormatsHaveNames) {
  EXPECT_EQ(format_of(""), Format::text);
  EXPECT_EQ(format_of("latex"), Format::latex);
  try {
    format_of("lates");
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault, Fault::request);
    EXPECT_THAT(e.what(), AllOf(HasSubstr("'lates'"), HasSubstr("Did you mean 'latex'?")));
  }
}

}  // namespace
}  // namespace hilum::report
