// SPDX-License-Identifier: Apache-2.0
#include "core/data/lidc/xml.hpp"

#include <map>
#include <set>

#include "core/data/csv.hpp"
#include "core/util/files.hpp"
#include "tests/unit/data/fixture.hpp"

namespace hilum::data::lidc {
namespace {
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using Point = std::array<int64_t, 2>;

std::string edge(int x, int y) {
  return "<edgeMap><xCoord>" + std::to_string(x) + "</xCoord><yCoord>" + std::to_string(y) +
         "</yCoord></edgeMap>";
}
std::string roi(const std::string& edges, const std::string& z = "-10.5",
                const std::string& inclusion = "TRUE") {
  return "<roi><imageZposition>" + z + "</imageZposition><imageSOP_UID>1.9</imageSOP_UID>" +
         "<inclusion>" + inclusion + "</inclusion>" + edges + "</roi>\n";
}
std::string ratings(const std::string& all, const std::string& malignancy) {
  std::string text = "<characteristics>";
  for (const char* name : {"subtlety", "internalStructure", "calcification", "sphericity", "margin",
                           "lobulation", "spiculation", "texture"})
    text += std::string("<") + name + ">" + all + "</" + name + ">";
  return text + "<malignancy>" + malignancy + "</malignancy></characteristics>";
}
std::string nodule(const std::string& content, const std::string& id = "N 1") {
  return "<unblindedReadNodule><noduleID>" + id + "</noduleID>" + content +
         "</unblindedReadNodule>\n";
}
std::string message(const std::string& sessions) {
  return "<?xml version=\"1.0\"?>\n<LidcReadMessage xmlns=\"http://www.nih.gov\"><ResponseHeader>"
         "<SeriesInstanceUid> 1.2.3 </SeriesInstanceUid><StudyInstanceUID>1.2</StudyInstanceUID>"
         "</ResponseHeader>\n" +
         sessions + "</LidcReadMessage>";
}
std::string session(const std::string& content) {
  return "<readingSession>" + content + "</readingSession>\n";
}
const std::string kSquare = edge(4, 7) + edge(5, 7) + edge(5, 8) + edge(4, 7);

class LidcXml : public testing::Test {
 protected:
  ReadingFile read(const std::string& text) { return read_readings(folder_.write("a.xml", text)); }
  Error refused(const std::string& text) {
    return error_of([&] { read(text); });
  }
  Folder folder_;
};

TEST_F(LidcXml, ReadsSessionsNodulesAndNonNodules) {
  const auto file = read(message(
      session(nodule(ratings("2", "4") + roi(kSquare) + roi(kSquare, "-8", "FALSE"), "A") +
              nodule(roi(edge(1, 2)), "B")) +
      session("<nonNodule><nonNoduleID>X</nonNoduleID><imageZposition>3</imageZposition>"
              "<imageSOP_UID>1.8</imageSOP_UID><locus><xCoord>9</xCoord><yCoord>11</yCoord></locus>"
              "</nonNodule>") +
      session("") + session(nodule(roi(edge(3, 4)), "C"))));
  EXPECT_EQ(file.series, "1.2.3");
  EXPECT_EQ(file.study, "1.2");
  EXPECT_EQ(file.root, "LidcReadMessage");
  EXPECT_TRUE(file.ct);
  EXPECT_EQ(file.sessions, 4u);
  ASSERT_EQ(file.readings.size(), 3u);
  const Reading& a = file.readings[0];
  EXPECT_EQ(a.id, "A");
  EXPECT_TRUE(a.rated());
  EXPECT_EQ(a.ratings.size(), 9u);
  EXPECT_EQ(a.ratings.at("internal_structure"), 2);
  EXPECT_EQ(a.ratings.at("malignancy"), 4);
  ASSERT_EQ(a.outlines.size(), 2u);
  EXPECT_EQ(a.outlines[0].z, -10.5);
  EXPECT_EQ(a.outlines[0].sop_uid, "1.9");
  EXPECT_TRUE(a.outlines[0].inclusion);
  EXPECT_FALSE(a.outlines[1].inclusion);
  EXPECT_THAT(a.outlines[0].points,
              ElementsAre(Point{4, 7}, Point{5, 7}, Point{5, 8}, Point{4, 7}));
  EXPECT_FALSE(file.readings[1].rated());
  EXPECT_EQ(file.readings[2].session, 3u);
  ASSERT_EQ(file.non_nodules.size(), 1u);
  EXPECT_EQ(file.non_nodules[0].session, 1u);
  EXPECT_EQ(file.non_nodules[0].z, 3);
  EXPECT_EQ(file.non_nodules[0].point, (Point{9, 11}));
  EXPECT_THAT(file.notes, ElementsAre("1 hole (first: session 1, nodule 'A', z -8)"));
}

TEST_F(LidcXml, UnderstandsPrefixesOfNamespaces) {
  std::string text = message(session(nodule(roi(kSquare))));
  for (const std::string bracket : {"</", "<"})
    for (size_t at = 0; (at = text.find(bracket, at)) != text.npos; at += 2)
      if (std::isalpha(static_cast<unsigned char>(text[at + bracket.size()])))
        text.insert(at + bracket.size(), "nih:");
  ASSERT_THAT(text, HasSubstr("</nih:roi>"));
  EXPECT_EQ(read(text).readings.at(0).outlines.at(0).points.size(), 4u);
}

TEST_F(LidcXml, RatingsThatSayNothingAreNone) {
  const auto file = read(message(session(
      nodule(ratings("0", "0") + roi(kSquare), "zeros") +
      nodule("<characteristics/>" + roi(edge(1, 1)), "empty") +
      nodule("<characteristics><margin></margin></characteristics>" + roi(edge(1, 1)), "blank") +
      nodule("<characteristics><margin>0</margin><texture>3</texture></characteristics>" +
                 roi(kSquare),
             "some"))));
  for (size_t i = 0; i < 3; ++i) EXPECT_FALSE(file.readings.at(i).rated()) << i;
  EXPECT_THAT(file.readings.at(3).ratings, ElementsAre(std::pair("texture", 3.0)));
  EXPECT_THAT(file.notes,
              Contains("1 reading with all ratings 0 (first: session 1, nodule 'zeros')"));
  EXPECT_THAT(file.notes, Contains(HasSubstr("2 readings with empty characteristics")));
  EXPECT_THAT(file.notes, Contains(HasSubstr("1 reading without some of the ratings")));
  EXPECT_THAT(file.notes, Contains(HasSubstr("has 1 reading sessions, not 4")));
}

TEST_F(LidcXml, NotesWhatIsOdd) {
  const auto file = read(message(session(nodule(
      ratings("5", "3") + roi(edge(1, 1) + edge(2, 2), "\n  7.25 ") + roi(edge(9, 9)) + roi("")))));
  EXPECT_EQ(file.readings.at(0).outlines.size(), 2u);  // the one without points is left out
  EXPECT_EQ(file.readings.at(0).outlines[0].z, 7.25);
  EXPECT_THAT(file.notes, Contains("1 open contour (first: session 1, nodule 'N 1', z 7.25)"));
  EXPECT_THAT(file.notes, Contains(HasSubstr("1 single point in a rated nodule")));
  EXPECT_THAT(file.notes, Contains(HasSubstr("1 number with blanks around it")));
  EXPECT_THAT(file.notes, Contains(HasSubstr("1 outline without points")));
  EXPECT_THAT(file.notes, Contains(HasSubstr("internalStructure is 5 of 4")));
}

TEST_F(LidcXml, AnXrayIsKnownByItsRootAndItsReadingsAreLeftOut) {
  const auto file = read(
      "<IdriReadMessage xmlns='http://www.nih.gov/idri'><ResponseHeader><CTSeriesInstanceUid>1.5"
      "</CTSeriesInstanceUid><SeriesInstanceUID>1.6</SeriesInstanceUID></ResponseHeader>"
      "<CXRreadingSession><unblindedRead/></CXRreadingSession></IdriReadMessage>");
  EXPECT_FALSE(file.ct);
  EXPECT_EQ(file.series, "1.5");
  EXPECT_EQ(file.sessions, 1u);
  EXPECT_THAT(file.readings, IsEmpty());
  EXPECT_THAT(file.notes, ElementsAre(HasSubstr("chest X-ray")));
}

TEST_F(LidcXml, ErrorsSayLineAndColumn) {
  const auto where = [&](const std::string& line_column) {
    return (folder_.path / "a.xml").string() + ":" + line_column + ": ";
  };
  auto error = refused("<LidcReadMessage>\n  <a></b>\n</LidcReadMessage>");
  EXPECT_EQ(error.fault, Fault::data);
  EXPECT_THAT(error.what(), HasSubstr(where("2:8")));
  error = refused("<?xml version='1.0'?>\n <other/>");
  EXPECT_THAT(error.what(), HasSubstr(where("2:3") + "the root is <other>"));
  error = refused(message(session("\n<unblindedReadNodule>" +
                                  roi("<edgeMap><xCoord>4x</xCoord>"
                                      "<yCoord>1</yCoord></edgeMap>") +
                                  "</unblindedReadNodule>")));
  EXPECT_EQ(error.fault, Fault::data);
  EXPECT_THAT(error.what(), HasSubstr(":4:"));
  EXPECT_THAT(error.what(), HasSubstr("xCoord: value '4x'"));
  EXPECT_THAT(refused(message(session(nodule(roi(kSquare, "nan"))))).what(),
              HasSubstr("imageZposition: value 'nan'"));
  EXPECT_THAT(refused(message(session(nodule(roi(edge(-1, 2)))))).what(),
              HasSubstr("xCoord: value '-1'"));
  EXPECT_THAT(refused(message(session(nodule(roi(kSquare, "1", "MAYBE"))))).what(),
              HasSubstr("allowed TRUE, FALSE"));
  EXPECT_THAT(refused(message(session(nodule(ratings("2", "9"))))).what(),
              HasSubstr("malignancy: value '9', allowed 1 to 5"));
  EXPECT_THAT(refused(message(session(nodule("<roi/>")))).what(),
              HasSubstr("<roi> has no <imageZposition>"));
  EXPECT_THAT(refused("").what(), HasSubstr("is no XML"));
  EXPECT_THAT(refused("<LidcReadMessage><ResponseHeader/></LidcReadMessage>").what(),
              HasSubstr("no SeriesInstanceUid"));
  EXPECT_THAT(error_of([&] { read_readings(folder_.path / "none.xml"); }).what(),
              EndsWith("none.xml: does not exist."));
}

// Whatever a file holds, it is read or refused as wrong data.
TEST_F(LidcXml, DamagedFilesAreRefusedOrRead) {
  const std::string whole = message(
      session(nodule(ratings("2", "4") + roi(kSquare)) + nodule(roi(edge(1, 2)))) + session(""));
  size_t refused = 0;
  const auto attempt = [&](const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      ++refused;
      ASSERT_EQ(error.fault, Fault::data) << error.what();
      ASSERT_THAT(error.what(), HasSubstr("a.xml:"));
    }
  };
  size_t cuts = 0;
  for (size_t cut = 0; cut + 1 < whole.size(); cut += 3, ++cuts) attempt(whole.substr(0, cut));
  EXPECT_EQ(refused, cuts);  // every cut is seen
  for (size_t i = 0; i < whole.size(); i += 3) {
    std::string text = whole;
    text[i] = static_cast<char>(text[i] ^ (1 << i % 8));
    attempt(text);
  }
  attempt(std::string(200000, '<'));
  std::string deep;
  for (int i = 0; i < 200000; ++i) deep += "<a>";
  attempt(deep);
}

/// Counts in the raw text of a file, by searching for words: nothing of the reader is used.
struct Counts {
  size_t sessions = 0, readings = 0, rated = 0, zeros = 0, non_nodules = 0, outlines = 0,
         points = 0, holes = 0, open = 0, blank_z = 0;
  bool operator==(const Counts&) const = default;
};
size_t count(std::string_view text, std::string_view word) {
  size_t all = 0;
  for (size_t at = 0; (at = text.find(word, at)) != text.npos; at += word.size()) ++all;
  return all;
}
template <class Each>
void between(std::string_view text, std::string_view from, std::string_view to, Each each) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos;) {
    at += from.size();
    const size_t end = text.find(to, at);
    each(text.substr(at, end - at));
    at = end;
  }
}
Counts count_words(std::string_view text) {
  Counts c;
  c.sessions = count(text, "<readingSession>");
  c.non_nodules = count(text, "<nonNodule>");
  between(text, "<unblindedReadNodule>", "</unblindedReadNodule>", [&](std::string_view nodule) {
    ++c.readings;
    between(nodule, "<malignancy>", "</malignancy>",
            [&](std::string_view rating) { (rating == "0" ? c.zeros : c.rated) += 1; });
    between(nodule, "<roi>", "</roi>", [&](std::string_view roi) {
      ++c.outlines;
      c.holes += roi.find(">FALSE<") != roi.npos;
      between(roi, "<imageZposition>", "</imageZposition>",
              [&](std::string_view z) { c.blank_z += z.find_first_of(" \t\r\n") != z.npos; });
      std::vector<std::string> x, y;
      between(roi, "<xCoord>", "</xCoord>", [&](std::string_view v) { x.emplace_back(v); });
      between(roi, "<yCoord>", "</yCoord>", [&](std::string_view v) { y.emplace_back(v); });
      c.points += x.size();
      c.open += x.size() > 1 && (x.front() != x.back() || y.front() != y.back());
    });
  });
  return c;
}
// "12 words of that note (first: ..." is 12.
size_t noted(const ReadingFile& file, std::string_view words) {
  for (const std::string& note : file.notes)
    if (note.find(words) != note.npos) return std::stoul(note);
  return 0;
}
Counts count_read(const ReadingFile& file) {
  Counts c;
  c.sessions = file.sessions;
  c.readings = file.readings.size();
  c.non_nodules = file.non_nodules.size();
  c.zeros = noted(file, "all ratings 0");
  c.open = noted(file, "open contour");
  c.blank_z = 0;
  for (const Reading& reading : file.readings) {
    c.rated += reading.rated();
    c.outlines += reading.outlines.size();
    for (const Outline& outline : reading.outlines) {
      c.points += outline.points.size();
      c.holes += !outline.inclusion;
    }
  }
  return c;
}

class LidcXmlReal : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path archive = kShared / "lidc_xml" / "lidc_xml.tar.xz";
    if (!fs::exists(archive)) GTEST_SKIP() << archive << " is not there";
    const std::string command =
        "tar xf '" + archive.string() + "' -C '" + folder_.path.string() + "'";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  Folder folder_;
};

TEST_F(LidcXmlReal, CountsAreThoseOfTheText) {
  Counts all;
  size_t x_rays = 0, x_ray_sessions = 0;
  std::map<std::string, size_t> files_of;
  std::set<size_t> sessions;
  const Csv index = Csv::read(kShared / "lidc_xml" / "xml_index.csv");
  const size_t xml = index.need("xml"), series = index.need("series_uid"),
               root = index.need("root");
  ASSERT_EQ(index.rows.size(), 980u);
  for (const Csv::Row& row : index.rows) {
    const fs::path path = folder_.path / row.cells[xml];
    const ReadingFile file = read_readings(path);
    EXPECT_EQ(file.series, row.cells[series]) << path;
    EXPECT_EQ(file.root, row.cells[root]) << path;
    const std::string text = util::read_file(path);
    if (!file.ct) {
      ++x_rays;
      x_ray_sessions += file.sessions;
      EXPECT_EQ(file.sessions, count(text, "<CXRreadingSession>")) << path;
      EXPECT_THAT(file.readings, IsEmpty()) << path;
      continue;
    }
    ++files_of[file.series];
    sessions.insert(file.sessions);
    Counts is = count_read(file), expected = count_words(text);
    // The note counts blanks in all numbers, non-nodules' positions too.
    EXPECT_EQ(noted(file, "with blanks") > 0, expected.blank_z > 0 ||
                                                  text.find("Zposition> ") != text.npos ||
                                                  text.find(" </imageZ") != text.npos)
        << path;
    is.blank_z = expected.blank_z;
    EXPECT_TRUE(is == expected) << path;
    all.sessions += is.sessions, all.readings += is.readings, all.rated += is.rated;
    all.zeros += is.zeros, all.non_nodules += is.non_nodules, all.outlines += is.outlines;
    all.points += is.points, all.holes += is.holes, all.open += is.open, all.blank_z += is.blank_z;
  }
  // Counted once with another XML parser.
  EXPECT_EQ(x_rays, 213u);
  EXPECT_EQ(x_ray_sessions, 790u);
  EXPECT_EQ(all.sessions, 3072u);
  EXPECT_EQ(all.readings, 15022u);
  EXPECT_EQ(all.rated, 5113u);
  EXPECT_EQ(all.zeros, 2u);
  EXPECT_EQ(all.non_nodules, 16277u);
  EXPECT_EQ(all.outlines, 40684u);
  EXPECT_EQ(all.points, 1272067u);
  EXPECT_EQ(all.holes, 610u);
  EXPECT_EQ(all.blank_z, 4313u);
  EXPECT_THAT(sessions, ElementsAre(4u, 8u));
  EXPECT_EQ(std::count_if(files_of.begin(), files_of.end(), [](auto& f) { return f.second > 1; }),
            2);
}

TEST_F(LidcXmlReal, RatingsAreThoseOfTheTable) {
  const fs::path table = kShared / "lidc_nodules" / "reader_ratings.csv";
  if (!fs::exists(table)) GTEST_SKIP() << table << " is not there";
  const Csv csv = Csv::read(table);
  const size_t xml = csv.need("xml"), session = csv.need("session"), id = csv.need("xml_noduleID");
  std::map<std::string, ReadingFile> files;
  ASSERT_GT(csv.rows.size(), 2000u);
  for (const Csv::Row& row : csv.rows) {
    auto& file = files[row.cells[xml]];
    if (file.sessions == 0) file = read_readings(folder_.path / row.cells[xml]);
    const auto same = std::find_if(file.readings.begin(), file.readings.end(), [&](auto& r) {
      return r.rated() && std::to_string(r.session) == row.cells[session] && r.id == row.cells[id];
    });
    ASSERT_NE(same, file.readings.end()) << csv.where(row);
    for (const auto& [column, value] : same->ratings) {
      const size_t at = csv.need(column == "internal_structure" ? "internalStructure" : column);
      EXPECT_EQ(to_number(row.cells[at]), value) << csv.where(row) << column;
    }
    EXPECT_EQ(same->ratings.size(), 9u) << csv.where(row);
  }
}

TEST(LidcXmlEdges, FourFilesOfOneSeriesEach) {
  const fs::path folder = kShared / "lidc_xml" / "plain";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there";
  EXPECT_FALSE(read_readings(folder / "185_101.xml").ct);
  EXPECT_FALSE(read_readings(folder / "187_002.xml").ct);
  const ReadingFile ct = read_readings(folder / "185_102.xml");
  EXPECT_TRUE(ct.ct);
  // The X-ray's file names the CT's series, so the two cannot be told apart by it.
  EXPECT_EQ(ct.series, read_readings(folder / "185_101.xml").series);
  const ReadingFile eight = read_readings(folder / "188_011.xml");
  EXPECT_EQ(eight.sessions, 8u);
  EXPECT_THAT(eight.notes, Contains("has 8 reading sessions, not 4"));
}

}  // namespace
}  // namespace hilum::data::lidc
