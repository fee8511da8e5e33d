// SPDX-License-Identifier: Apache-2.0
// steps.csv in a run's folder: what each batch of its training got, and what it left.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace hilum::runs {

inline constexpr const char* kStepsFile = "steps.csv";
/// Columns of a StepLine in their order, and last the digest of the line with that of the one
/// before: a line that was changed, removed or put in later does not fit.
inline constexpr const char* kStepsHeading =
    "attempt,epoch,batch,step,cases,values,loss,weights,check";

/// One batch. Digests are 16 hexadecimal digits (util::Xxh3).
struct StepLine {
  int64_t attempt = 1;           // a new one each time a process begins or resumes the run
  int64_t epoch = 0, batch = 0;  // from 1
  int64_t step = 0;              // steps done after it
  std::string cases = {};        // of the cases' ids in their order
  std::string values = {};       // of the tensors that the model got
  double loss = 0;
  std::string weights = {};  // of parameters and buffers after the step, or of a part of them,
                             // "3/30:" before it; "": no step was completed by this batch, or
                             // it was not taken
  std::pair<int64_t, int64_t> place() const { return {epoch, batch}; }
};

/// A line with its check, without its end. check: that of the line before, "" for the first.
/// Becomes that of this one. The loss is the shortest text that reads back the same double.
std::string to_text(const StepLine& line, std::string& check);

struct Steps {
  std::filesystem::path file;
  std::vector<StepLine> lines;  // the first is the file's line 2
  std::vector<size_t> changed;  // indices of lines that their check does not fit
  std::string check;            // the last line's
  /// "steps.csv:37", the place of a line for people.
  std::string where(size_t index) const;
};

/// Without a last line that was cut off in the middle. Throws Error (work) with file:line for what
/// is no such line.
Steps read_steps(const std::filesystem::path& file);
Steps parse_steps(const std::filesystem::path& file, std::string_view text);

}  // namespace hilum::runs
