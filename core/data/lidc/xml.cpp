// SPDX-License-Identifier: Apache-2.0
#include "core/data/lidc/xml.hpp"

#include <algorithm>
#include <cmath>
#include <pugixml.hpp>

#include "core/data/csv.hpp"
#include "core/util/files.hpp"

namespace hilum::data::lidc {
namespace fs = std::filesystem;
namespace {

struct Rating {
  const char *element, *column;
  int most;  // of its scale, which starts at 1
};
constexpr Rating kRatings[] = {{"subtlety", "subtlety", 5},
                               {"internalStructure", "internal_structure", 4},
                               {"calcification", "calcification", 6},
                               {"sphericity", "sphericity", 5},
                               {"margin", "margin", 5},
                               {"lobulation", "lobulation", 5},
                               {"spiculation", "spiculation", 5},
                               {"texture", "texture", 5},
                               {"malignancy", "malignancy", 5}};

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(kBlanks);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

// Elements go by their names without a namespace's prefix: <roi> and <nih:roi> are the same.
std::string_view local(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const auto colon = name.rfind(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(const pugi::xml_node& parent, std::string_view name) {
  return parent.find_child([&](const pugi::xml_node& node) { return local(node) == name; });
}

/// Something odd that does not stop a file: how often, and where first.
struct Oddity {
  size_t count = 0;
  std::string first;
  void add(const std::string& where) {
    if (count++ == 0) first = where;
  }
};

class Parser {
 public:
  explicit Parser(const fs::path& file) : file_(file) {
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored))
      throw Error(
          file.string() + (fs::exists(file, ignored) ? ": is no file." : ": does not exist."),
          Fault::data);
    try {
      text_ = util::read_file(file);
    } catch (const Error& error) {
      throw Error(error.what() + std::string("."), Fault::data);
    }
    // load_buffer copies: text_ stays as it was, and positions of errors are counted in it.
    const auto result = document_.load_buffer(text_.data(), text_.size());
    if (!result)
      fail(result.offset, std::string("is no XML that can be read: ") + result.description() +
                              ". Was it cut short? Fetch it again.");
  }

  ReadingFile parse() {
    const pugi::xml_node root = document_.document_element();
    out_.file = file_;
    out_.root = local(root);
    if (out_.root != "LidcReadMessage" && out_.root != "IdriReadMessage")
      fail(root, "the root is <" + out_.root +
                     ">; a file of readings has LidcReadMessage (CT) or IdriReadMessage (chest "
                     "X-ray).");
    out_.ct = out_.root == "LidcReadMessage";
    header(root);
    out_.ct ? sessions(root) : x_ray(root);
    report();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(ptrdiff_t offset, const std::string& what) const {
    const auto end = text_.begin() + std::clamp<ptrdiff_t>(offset, 0, std::ssize(text_));
    const auto line = std::count(text_.begin(), end, '\n') + 1;
    const auto start = std::find(std::reverse_iterator(end), text_.rend(), '\n').base();
    throw Error(file_.string() + ":" + std::to_string(line) + ":" +
                    std::to_string(end - start + 1) + ": " + what,
                Fault::data);
  }
  [[noreturn]] void fail(const pugi::xml_node& node, const std::string& what) const {
    fail(node.offset_debug(), what);
  }

  pugi::xml_node need(const pugi::xml_node& parent, const char* name) const {
    const pugi::xml_node node = child(parent, name);
    if (!node) fail(parent, "<" + std::string(local(parent)) + "> has no <" + name + ">.");
    return node;
  }
  std::string text_of(const pugi::xml_node& parent, const char* name) const {
    return std::string(trim(child(parent, name).child_value()));
  }

  double number(const pugi::xml_node& node) {
    const std::string_view all = node.child_value(), text = trim(all);
    if (text.size() != all.size()) blanks_.add(std::string(local(node)));
    const auto value = to_number(text);
    if (!value || !std::isfinite(*value))
      fail(node,
           std::string(local(node)) + ": value '" + std::string(text) + "', a number is needed.");
    return *value;
  }
  // DICOM's rows and columns are 16 bits.
  int64_t pixel(const pugi::xml_node& parent, const char* name) {
    const pugi::xml_node node = need(parent, name);
    const double value = number(node);
    if (value < 0 || value > 65535 || value != std::floor(value))
      fail(node, std::string(name) + ": value '" + std::string(trim(node.child_value())) +
                     "', a pixel from 0 to 65535 is needed.");
    return static_cast<int64_t>(value);
  }
  std::array<int64_t, 2> point(const pugi::xml_node& node) {
    return {pixel(node, "xCoord"), pixel(node, "yCoord")};
  }

  // An X-ray's own SeriesInstanceUID is another one; the CT's says which scan it belongs to.
  void header(const pugi::xml_node& root) {
    const pugi::xml_node node = need(root, "ResponseHeader");
    const auto any = [&](std::initializer_list<const char*> names) {
      for (const char* name : names)
        if (std::string text = text_of(node, name); !text.empty()) return text;
      return std::string();
    };
    out_.series = out_.ct ? any({"SeriesInstanceUid", "SeriesInstanceUID"})
                          : any({"CTSeriesInstanceUid", "CTSeriesInstanceUID"});
    out_.study = any({"StudyInstanceUID", "StudyInstanceUid"});
    if (out_.series.empty())
      fail(node, std::string("has no ") + (out_.ct ? "SeriesInstanceUid" : "CTSeriesInstanceUid") +
                     ": which scan was read is unknown.");
  }

  // Positions on an X-ray mean nothing on the CT, so its readings are counted and left out.
  void x_ray(const pugi::xml_node& root) {
    size_t readings = 0;
    for (const pugi::xml_node& session : root.children()) {
      if (local(session) != "CXRreadingSession") continue;
      ++out_.sessions;
      readings += static_cast<size_t>(
          std::count_if(session.begin(), session.end(),
                        [](const pugi::xml_node& node) { return local(node) == "unblindedRead"; }));
    }
    out_.notes.push_back("a read of a chest X-ray (root " + out_.root + "): its " +
                         std::to_string(readings) + " readings are left out");
  }

  void sessions(const pugi::xml_node& root) {
    for (const pugi::xml_node& session : root.children()) {
      if (local(session) != "readingSession") continue;
      for (const pugi::xml_node& node : session.children()) {
        if (local(node) == "unblindedReadNodule") reading(node);
        if (local(node) == "nonNodule") non_nodule(node);
      }
      ++out_.sessions;
    }
    // Four readers is the protocol; other numbers are real, but a count of readers goes by them.
    if (out_.sessions != 4)
      out_.notes.push_back("has " + std::to_string(out_.sessions) + " reading sessions, not 4");
  }

  void reading(const pugi::xml_node& node) {
    Reading reading;
    reading.session = out_.sessions;
    reading.id = text_of(node, "noduleID");
    where_ = "session " + std::to_string(reading.session + 1) + ", nodule '" + reading.id + "'";
    if (const pugi::xml_node rated = child(node, "characteristics")) ratings(rated, reading);
    for (const pugi::xml_node& roi : node.children())
      if (local(roi) == "roi") outline(roi, reading);
    if (reading.outlines.empty()) no_outline_.add(where_);
    if (!reading.rated() && std::any_of(reading.outlines.begin(), reading.outlines.end(),
                                        [](const Outline& o) { return o.points.size() > 1; }))
      unrated_.add(where_);
    out_.readings.push_back(std::move(reading));
  }

  // Seven is the least that no scale has; beyond, nobody knows what the reader meant.
  void ratings(const pugi::xml_node& node, Reading& reading) {
    size_t zeros = 0;
    for (const auto& [element, column, most] : kRatings) {
      const pugi::xml_node rating = child(node, element);
      if (!rating || trim(rating.child_value()).empty()) continue;
      const double value = number(rating);
      if (value < 0 || value > 6 || value != std::floor(value))
        fail(rating, std::string(element) + ": value '" + std::string(trim(rating.child_value())) +
                         "', allowed 1 to " + std::to_string(most) + ".");
      if (value == 0) {
        ++zeros;
        continue;
      }
      if (value > most)
        beyond_.add(std::string(element) + " is " + std::to_string(static_cast<int>(value)) +
                    " of " + std::to_string(most) + " in " + where_);
      reading.ratings[column] = value;
    }
    if (!reading.rated()) return (zeros ? zeros_ : no_ratings_).add(where_);
    if (reading.ratings.size() < std::size(kRatings)) incomplete_.add(where_);
  }

  void outline(const pugi::xml_node& node, Reading& reading) {
    Outline outline;
    outline.z = number(need(node, "imageZposition"));
    outline.sop_uid = text_of(node, "imageSOP_UID");
    const pugi::xml_node inclusion = need(node, "inclusion");
    const std::string_view is = trim(inclusion.child_value());
    if (is != "TRUE" && is != "FALSE")
      fail(inclusion, "inclusion: value '" + std::string(is) + "', allowed TRUE, FALSE.");
    outline.inclusion = is == "TRUE";
    for (const pugi::xml_node& edge : node.children())
      if (local(edge) == "edgeMap") outline.points.push_back(point(edge));
    const auto& points = outline.points;
    if (points.empty()) return no_points_.add(where_);
    const std::string where =
        where_ + ", z " + std::string(trim(need(node, "imageZposition").child_value()));
    if (!outline.inclusion) holes_.add(where);
    // Nodules below 3 mm are a single point by the protocol; in a larger one it is a stray mark.
    if (points.size() == 1 && reading.rated()) single_.add(where);
    if (points.size() > 1 && points.front() != points.back()) open_.add(where);
    reading.outlines.push_back(std::move(outline));
  }

  void non_nodule(const pugi::xml_node& node) {
    NonNodule mark;
    mark.session = out_.sessions;
    mark.id = text_of(node, "nonNoduleID");
    mark.sop_uid = text_of(node, "imageSOP_UID");
    mark.z = number(need(node, "imageZposition"));
    mark.point = point(need(node, "locus"));
    out_.non_nodules.push_back(std::move(mark));
  }

  void report() {
    const auto add = [&](const Oddity& odd, const char* one, const char* many) {
      if (odd.count == 0) return;
      out_.notes.push_back(std::to_string(odd.count) + " " + (odd.count == 1 ? one : many) +
                           " (first: " + odd.first + ")");
    };
    add(zeros_, "reading with all ratings 0", "readings with all ratings 0");
    add(no_ratings_, "reading with empty characteristics", "readings with empty characteristics");
    add(incomplete_, "reading without some of the ratings", "readings without some of the ratings");
    add(beyond_, "rating beyond its scale", "ratings beyond their scales");
    add(unrated_, "contour without ratings", "readings with contours but without ratings");
    add(no_outline_, "reading without an outline", "readings without an outline");
    add(no_points_, "outline without points, left out", "outlines without points, left out");
    add(holes_, "hole", "holes");
    add(open_, "open contour", "open contours");
    add(single_, "single point in a rated nodule", "single points in rated nodules");
    add(blanks_, "number with blanks around it", "numbers with blanks around them");
  }

  fs::path file_;
  std::string text_;
  pugi::xml_document document_;
  ReadingFile out_;
  std::string where_;  // the reading that is being read, for notes
  Oddity zeros_, no_ratings_, incomplete_, beyond_, unrated_, no_outline_, no_points_, holes_,
      open_, single_, blanks_;
};

}  // namespace

ReadingFile read_readings(const fs::path& file) { return Parser(file).parse(); }

}  // namespace hilum::data::lidc
