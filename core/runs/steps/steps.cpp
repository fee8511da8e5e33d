// SPDX-License-Identifier: Apache-2.0
#include "core/runs/steps/steps.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/util/files.hpp"
#include "core/util/xxh3.hpp"
#include "hilum/error.hpp"

namespace hilum::runs {
namespace {

constexpr size_t kFields = 9;
using Fields = std::array<std::string_view, kFields>;

std::string check_of(std::string_view before, std::string_view line) {
  return util::Xxh3().add(before).add(line).hex();
}

bool is_digest(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// One line's fields, with the place for errors.
class LineReader {
 public:
  LineReader(const std::filesystem::path& file, size_t number, std::string_view line)
      : file_(file), number_(number) {
    const auto commas = static_cast<size_t>(std::count(line.begin(), line.end(), ','));
    if (commas + 1 != kFields) fail(fmt::format("{} fields, a line has {}", commas + 1, kFields));
    for (auto& field : fields_) {
      field = line.substr(0, line.find(','));
      line.remove_prefix(std::min(line.size(), field.size() + 1));
    }
  }
  int64_t count(size_t i, const char* name, int64_t least) const {
    const auto value = number<int64_t>(i, name);
    if (value < least) fail(fmt::format("{} is {}, allowed {} or more", name, value, least));
    return value;
  }
  double loss(size_t i) const {
    const auto value = number<double>(i, "loss");
    if (!std::isfinite(value)) fail("loss is not a finite number");
    return value;
  }
  std::string digest(size_t i, const char* name) const {
    if (!is_digest(fields_[i]))
      fail(fmt::format("{} is '{}', allowed 16 hexadecimal digits", name, fields_[i]));
    return std::string(fields_[i]);
  }
  // Or none, or of a part: "3/30:" before it.
  std::string weights(size_t i) const {
    const auto& field = fields_[i];
    const auto part = field.substr(0, field.find(':') + 1);  // npos + 1 is 0
    if (!field.empty() && (!is_digest(field.substr(part.size())) ||
                           part.find_first_not_of("0123456789/:") != part.npos))
      fail(
          fmt::format("weights is '{}', allowed 16 hexadecimal digits, with '3/30:' before them "
                      "or not, or nothing",
                      field));
    return std::string(field);
  }

 private:
  template <class T>
  T number(size_t i, const char* name) const {
    T value{};
    const auto& field = fields_[i];
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size())
      fail(fmt::format("{} is '{}', which is no number", name, field));
    return value;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(fmt::format("{}:{}: {}. The file was changed since the training wrote it.",
                            file_.string(), number_, what));
  }
  const std::filesystem::path& file_;
  size_t number_;
  Fields fields_;
};

StepLine parse_line(const LineReader& reader) {
  return {.attempt = reader.count(0, "attempt", 1),
          .epoch = reader.count(1, "epoch", 1),
          .batch = reader.count(2, "batch", 1),
          .step = reader.count(3, "step", 0),
          .cases = reader.digest(4, "cases"),
          .values = reader.digest(5, "values"),
          .loss = reader.loss(6),
          .weights = reader.weights(7)};
}

}  // namespace

std::string to_text(const StepLine& line, std::string& check) {
  char loss[32];
  const std::string_view number(loss, std::to_chars(loss, loss + sizeof loss, line.loss).ptr);
  std::string text = fmt::format("{},{},{},{},{},{},{},{}", line.attempt, line.epoch, line.batch,
                                 line.step, line.cases, line.values, number, line.weights);
  check = check_of(check, text);
  return text + "," + check;
}

std::string Steps::where(size_t index) const {
  return fmt::format("{}:{}", file.filename().string(), index + 2);
}

Steps parse_steps(const std::filesystem::path& file, std::string_view text) {
  Steps steps{.file = file, .lines = {}, .changed = {}, .check = ""};
  text = text.substr(0, text.rfind('\n') + 1);  // npos + 1 is 0: not even a heading
  for (size_t number = 1; !text.empty(); ++number) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    if (number == 1) {
      if (line != kStepsHeading)
        throw Error(
            fmt::format("{}:1: the heading is '{}', allowed '{}'. The file was changed "
                        "since, or another version of Hilum wrote it.",
                        file.string(), line, kStepsHeading));
      continue;
    }
    const LineReader reader(file, number, line);
    steps.lines.push_back(parse_line(reader));
    auto check = reader.digest(kFields - 1, "check");
    if (check != check_of(steps.check, line.substr(0, line.rfind(','))))
      steps.changed.push_back(steps.lines.size() - 1);
    steps.check = std::move(check);
  }
  return steps;
}

Steps read_steps(const std::filesystem::path& file) {
  return parse_steps(file, util::read_file(file));
}

}  // namespace hilum::runs
