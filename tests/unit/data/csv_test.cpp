// SPDX-License-Identifier: Apache-2.0
#include "core/data/csv.hpp"

#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Csv, UnderstandsWhatSpreadsheetsWrite) {
  const auto csv =
      Csv::parse("a.csv", "\xEF\xBB\xBFid, note \r\n\r\n\"a,1\",\"say \"\"hi\"\"\"\r\nb,\r\n,c d");
  EXPECT_THAT(csv.columns, ElementsAre("id", "note"));
  ASSERT_EQ(csv.rows.size(), 3u);
  EXPECT_THAT(csv.rows[0].cells, ElementsAre("a,1", "say \"hi\""));
  EXPECT_THAT(csv.rows[1].cells, ElementsAre("b", ""));
  EXPECT_THAT(csv.rows[2].cells, ElementsAre("", "c d"));
  EXPECT_EQ(csv.where(csv.rows[0]), "a.csv:3: ");
}

TEST(Csv, CountsLinesInsideQuotes) {
  const auto csv = Csv::parse("a.csv", "id\n\"two\nlines\"\nlast\n");
  EXPECT_EQ(csv.rows[0].cells[0], "two\nlines");
  EXPECT_EQ(csv.rows[1].line, 4);
}

TEST(Csv, WritesWhatItReads) {
  for (const std::string text : {"plain", "a,b", "a \"b\"", " edge ", "two\nlines", ""})
    EXPECT_EQ(Csv::parse("a.csv", "x,y\n" + csv_cell(text) + ",1").rows[0].cells[0], text);
}

struct Broken {
  const char *text, *message;
};
class BrokenCsv : public testing::TestWithParam<Broken> {};
TEST_P(BrokenCsv, IsAnErrorWithTheLine) {
  const auto error = error_of([] { Csv::parse("a.csv", GetParam().text); });
  EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  EXPECT_EQ(error.fault, Fault::data);
}
INSTANTIATE_TEST_SUITE_P(
    Csv, BrokenCsv,
    testing::Values(Broken{"", "a.csv: is empty"}, Broken{"\n \r\n", "is empty"},
                    Broken{"a,b\n1,2\n\n1,2,3\n", "a.csv:4: 3 cells, the heading has 2"},
                    Broken{"a,b\n1\n", "a.csv:2: 1 cells"},
                    Broken{"a,a\n", "column 'a' stands there twice"},
                    Broken{"a,,b\n", "column 2 has no name"},
                    Broken{"a\n\"open\nx", "a.csv:2: a quote is opened"},
                    Broken{"a\n\"x\"y\n", "a.csv:2: text after a closing quote"}));

TEST(Csv, NamesTheNearestColumn) {
  const auto csv = Csv::parse("a.csv", "id,patiant\n");
  EXPECT_THAT(error_of([&] { csv.need("patient"); }).what(), HasSubstr("Did you mean 'patiant'?"));
  const auto semicolons = Csv::parse("a.csv", "id;patient\n");
  EXPECT_THAT(error_of([&] { semicolons.need("id"); }).what(), HasSubstr("separated by commas"));
}

TEST(Csv, ReadsWholeNumbersOnly) {
  EXPECT_EQ(to_number("+2.5e1"), 25.0);
  EXPECT_EQ(to_number("-3"), -3.0);
  for (const auto* text : {"", "1,5", "4 mm", "0x1p3", "+-1", "one"})
    EXPECT_FALSE(to_number(text)) << text;
}

}  // namespace
}  // namespace hilum::data
