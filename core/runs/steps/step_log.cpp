// SPDX-License-Identifier: Apache-2.0
#include "core/runs/steps/step_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/util/files.hpp"
#include "hilum/error.hpp"

namespace hilum::runs {

namespace {

// The file's whole lines; a line that was cut off is cut away.
std::string whole_lines(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return "";
  auto text = util::read_file(file);
  const auto whole = text.rfind('\n') + 1;  // npos + 1 is 0
  if (whole < text.size()) std::filesystem::resize_file(file, whole);
  text.resize(whole);
  return text;
}

// The last line alone: a record that is damaged elsewhere is no reason not to train.
Steps end_of(const std::filesystem::path& file, const std::string& text) {
  const auto before =
      text.size() < 2 ? std::string::npos : text.find_last_of('\n', text.size() - 2);
  if (before == std::string::npos) return {};  // the heading, or nothing
  try {
    return parse_steps(file, std::string(kStepsHeading) + text.substr(before));
  } catch (const Error&) {
    throw Error(file.string() +
                ": its last line cannot be read, so that the training cannot go on with it. Move "
                "the file away to go on without the record so far.");
  }
}

}  // namespace

StepLog::StepLog(const std::filesystem::path& file) : file_(file) {
  const auto text = whole_lines(file);
  if (const auto end = end_of(file, text); !end.lines.empty())
    attempt_ = end.lines.back().attempt + 1, check_ = end.check;
  descriptor_ = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  require(descriptor_ >= 0);
  if (text.empty()) write(std::string(kStepsHeading) + "\n");
}

StepLog::~StepLog() {
  if (descriptor_ >= 0) close(descriptor_);
}

void StepLog::add(StepLine line) {
  line.attempt = attempt_;
  write(to_text(line, check_) + "\n");
}

void StepLog::flush() { require(fdatasync(descriptor_) == 0); }

// In one call, but where the system stops in the middle: then the rest says why.
void StepLog::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(descriptor_, text.data(), text.size());
    require(done > 0 || errno == EINTR);
    if (done > 0) text.remove_prefix(static_cast<size_t>(done));
  }
}

void StepLog::require(bool done) const {
  if (done) return;
  const int reason = errno;
  const auto text = file_.string() + ": cannot be written: " + std::strerror(reason) +
                    ". The steps recorded before are untouched.";
  if (reason == ENOSPC || reason == EDQUOT)
    throw util::DiskFull(text + " Free some space on this disk.");
  throw Error(text);
}

}  // namespace hilum::runs
