// SPDX-License-Identifier: Apache-2.0
#include "core/runs/steps/review_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>
#include <set>

#include "core/runs/steps/compare_steps.hpp"

namespace hilum::runs {
namespace {

using Place = std::pair<int64_t, int64_t>;

std::string text_of(const Place& place) {
  return fmt::format("epoch {}, batch {}", place.first, place.second);
}

// Reads the lines in the order in which they were written.
class Reviewer {
 public:
  Reviewer(const Steps& steps, StepsReview& review) : steps_(steps), review_(review) {}

  void lines() {
    for (size_t i = 0; i < steps_.lines.size(); ++i) {
      const auto& line = steps_.lines[i];
      follows(i);
      const auto* before = before_it(i);
      const int64_t done = before ? before->step : 0;
      if (i > 0 && line.attempt != steps_.lines[i - 1].attempt) review_.resumed.push_back(done);
      if (before && line.step != done && line.step != done + 1)
        problem(i, fmt::format("step {} follows step {}", line.step, done));
      if (const auto made = made_.find(line.place()); made != made_.end()) {
        again_.insert(std::max(line.step, done + 1));
        again(i, made->second);
      }
      made_[line.place()] = i;
    }
    review_.again = std::ssize(again_);
    if (unequal_ > 1)
      problem(fmt::format("In all, {} batches that were made again differ.", unequal_));
  }

  void against(const Curve& losses) {
    for (size_t i = 0; i < losses.epochs.size(); ++i)
      if (!epoch(losses.epochs[i], losses.steps[i], losses.values[i])) return;
  }

 private:
  void problem(std::string text) { review_.problems.push_back(std::move(text)); }
  void problem(size_t i, const std::string& text) { problem(steps_.where(i) + ": " + text + "."); }

  // Within an attempt the batches stand in their order, and attempts are counted from 1.
  void follows(size_t i) {
    const auto& line = steps_.lines[i];
    const auto* last = i > 0 ? &steps_.lines[i - 1] : nullptr;
    const int64_t attempt = last ? last->attempt : 0;
    if (line.attempt == attempt) {
      const bool next = line.place() == Place{last->epoch, last->batch + 1} ||
                        line.place() == Place{last->epoch + 1, 1};
      if (!next) problem(i, text_of(line.place()) + " does not follow " + text_of(last->place()));
    } else if (line.attempt != attempt + 1) {
      problem(i, fmt::format("attempt {} follows attempt {}", line.attempt, attempt));
    }
  }

  // The line of the batch before it, of whatever attempt; none for the first of all.
  const StepLine* before_it(size_t i) {
    const auto& line = steps_.lines[i];
    if (line.place() == Place{1, 1}) return nullptr;
    auto found = made_.lower_bound(line.place());
    const auto* last = found == made_.begin() ? nullptr : &steps_.lines[std::prev(found)->second];
    const bool there = last && (line.batch > 1 ? last->place() == Place{line.epoch, line.batch - 1}
                                               : last->epoch == line.epoch - 1);
    if (!there) {
      problem(i, fmt::format("{} is there, the batch before it is not", text_of(line.place())));
      return nullptr;
    }
    if (line.batch == 1) ended(i, *last);
    return last;
  }

  // Every epoch has as many batches.
  void ended(size_t i, const StepLine& last) {
    if (length_ == 0) length_ = last.batch;
    if (last.batch != length_)
      problem(i, fmt::format("epoch {} has {} batches, the epochs before {}", last.epoch,
                             last.batch, length_));
  }

  void again(size_t i, size_t made) {
    const auto &line = steps_.lines[i], &earlier = steps_.lines[made];
    const auto part = difference(earlier, line);
    if (!part) return;
    review_.again_equal = false;
    if (++unequal_ == 1)
      problem(
          i, fmt::format("step {} ({}) was made again and differs from {}: {}", line.step,
                         text_of(line.place()), steps_.where(made), to_text(*part, earlier, line)));
  }

  // False after a problem: one of them makes the next ones.
  bool epoch(int64_t epoch, int64_t step, double mean) {
    const auto begin = made_.lower_bound({epoch, 0}), end = made_.lower_bound({epoch + 1, 0});
    const int64_t last = begin == end ? 0 : steps_.lines[std::prev(end)->second].step;
    if (last != step) {
      problem(fmt::format("The store has the end of epoch {} at step {}; {} ends it at {}.", epoch,
                          step, steps_.file.filename().string(), last));
      return false;
    }
    double sum = 0, count = 0;  // added up as the training does
    for (auto i = begin; i != end; ++i) sum += steps_.lines[i->second].loss, ++count;
    if (std::bit_cast<uint64_t>(sum / count) == std::bit_cast<uint64_t>(mean)) return true;
    problem(fmt::format("The losses of epoch {} have the mean {}, the store has {}.", epoch,
                        sum / count, mean));
    return false;
  }

  const Steps& steps_;
  StepsReview& review_;
  std::map<Place, size_t> made_;  // place -> the line that made it last
  std::set<int64_t> again_;       // steps
  int64_t length_ = 0;            // batches an epoch, once one has ended
  size_t unequal_ = 0;
};

}  // namespace

StepsReview review_steps(const Steps& steps, const Curve& losses) {
  StepsReview review;
  const auto lines = final_lines(steps);
  review.batches = lines.size();
  if (!lines.empty()) {
    review.steps = lines.back().step, review.epochs = lines.back().epoch;
    review.attempts = steps.lines.back().attempt;
  }
  for (const size_t i : steps.changed)
    review.problems.push_back(steps.where(i) +
                              ": this line is not as it was written, or lines before it were "
                              "removed or put in.");
  Reviewer reviewer(steps, review);
  reviewer.lines();
  reviewer.against(losses);
  return review;
}

}  // namespace hilum::runs
