// SPDX-License-Identifier: Apache-2.0
// Figures of a table from case rows written by hand, against the metrics' own means.
#include "core/report/table/cells.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/metrics/classification.hpp"
#include "core/metrics/paired.hpp"
#include "core/metrics/statistics.hpp"
#include "core/metrics/summary.hpp"
#include "tests/unit/runs/fixture.hpp"

namespace hilum::report {
namespace {

using metrics::CaseScores;
using metrics::Empty;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Reproducible numbers in [0, 1) that differ from case to case.
double noise(size_t i) {
  const double x = std::sin(12.9898 * static_cast<double>(i + 1)) * 43758.5453;
  return x - std::floor(x);
}

struct HeadCase {
  std::string patient, nodule;
  double predicted, truth;  // truth NaN: unknown
};

class CellsTest : public runs::StoreTest {
 protected:
  // Nodules of `patients`, one or two each, with three slices; Dice about `level`.
  static std::vector<CaseScores> masks(size_t first, size_t patients, double level) {
    std::vector<CaseScores> cases;
    for (size_t p = first; p < first + patients; ++p)
      for (size_t n = 0; n < 1 + p % 2; ++n)
        for (int64_t slice = -1; slice < 3; ++slice) {
          const size_t i = p * 100 + n * 10 + static_cast<size_t>(slice + 1);
          CaseScores c{fmt::format("p{:03}", p), fmt::format("p{:03}-{}", p, n), {}, {}};
          if (slice >= 0) c.slice = slice;
          c.scores.dice = level + 0.05 * noise(i);
          c.scores.hd = 4 * (1 - level) + noise(i + 7);
          if (slice == 2) c.scores = {1, 1, 1, 1, 0, 0, 0, Empty::both};
          if (slice < 0 && p % 7 == 6) c.scores = {0, 0, 0, 0, 90, 90, 90, Empty::pred};
          cases.push_back(c);
        }
    return cases;
  }

  static std::vector<HeadCase> heads(size_t patients, double skill) {
    std::vector<HeadCase> cases;
    for (size_t p = 0; p < patients; ++p)
      for (size_t n = 0; n < 1 + p % 2; ++n) {
        const double truth = p % 5 == 4 ? NAN : static_cast<double>((p + n) % 2);
        const double predicted =
            std::isnan(truth) ? 0.5 : skill * truth + (1 - skill) * noise(p * 10 + n);
        cases.push_back(
            {fmt::format("p{:03}", p), fmt::format("p{:03}-{}", p, n), predicted, truth});
      }
    return cases;
  }

  // A finished run that logs what evaluate() logs.
  RowRun run(const std::vector<CaseScores>& masks, const std::vector<HeadCase>& heads = {},
             int64_t seed = 0, int64_t fold = 0, bool empty_rows = true) {
    runs::Store store(folder);
    const std::string id = store.begin(runs::some_run("r", seed, fold));
    std::vector<runs::CaseMetric> cases;
    std::vector<runs::Metric> finals;
    for (const auto& c : masks) {
      for (const auto& [name, value] : metrics::named(c.scores))
        cases.push_back({c.patient, c.nodule, c.slice, std::string("mask.") + name, value});
      if (empty_rows)
        cases.push_back(
            {c.patient, c.nodule, c.slice, "mask.empty", static_cast<double>(c.scores.empty)});
    }
    std::vector<double> predicted, truth;
    for (const auto& c : heads) {
      predicted.push_back(c.predicted), truth.push_back(c.truth);
      cases.push_back({c.patient, c.nodule, {}, "nodule.predicted", c.predicted});
      if (!std::isnan(c.truth)) cases.push_back({c.patient, c.nodule, {}, "nodule.truth", c.truth});
    }
    const auto add = [&](const std::string& prefix, const metrics::Scores& scores) {
      for (const auto& [name, value] : scores.values)
        finals.push_back({3, 3, "test", prefix + name, value});
    };
    if (!masks.empty()) add("mask.", metrics::summarize(masks));
    if (!heads.empty()) add("nodule.", metrics::binary(predicted, truth));
    finals.push_back({3, 3, "test", "loss", 0.25 + 0.5 * static_cast<double>(fold)});
    store.log(id, finals);
    store.log_cases(id, "test", cases);
    store.add_params(id,
                     std::vector<runs::NewRun::Param>{{"resolved.parameters", "1234", "integer"}});
    store.finish(id, "done");
    return {id, "folds", seed, fold};
  }

  double final_metric(const RowRun& run, const std::string& name) const {
    for (const auto& [known, value] : runs::Reader(folder).show(run.id).metrics)
      if (known == "test." + name) return value;
    ADD_FAILURE() << "no final metric " << name;
    return NAN;
  }

  // The columns of all rows; row i has runs[i].
  Figures filled(const std::vector<Column>& columns, std::vector<std::vector<RowRun>> runs) {
    table = {};
    table.name = "t", table.columns = columns, table.baseline = "row0";
    for (size_t r = 0; r < runs.size(); ++r) {
      Row row;
      row.id = "row" + std::to_string(r), row.experiment = "e.toml";
      table.rows.push_back(row);
    }
    return fill(table, runs, runs::Reader(folder));
  }

  static Column column(const std::string& metric, const std::string& average = "nodule",
                       bool lower = false) {
    Column c;
    c.id = metric + "/" + average, c.metric = metric, c.average = average, c.lower = lower;
    return c;
  }

  TableFile table;
};

TEST_F(CellsTest, OneRunGivesItsOwnFiguresAgain) {
  std::vector<Column> columns;
  for (const char* average :
       {"nodule", "patient", "slice", "nonempty_nodule", "nonempty_patient", "nonempty_slice"})
    for (const char* metric : {"mask.dice", "mask.hd"}) columns.push_back(column(metric, average));
  for (const char* metric : {"accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc"})
    columns.push_back(column(std::string("nodule.") + metric));
  const RowRun one = run(masks(0, 20, 0.7), heads(20, 0.3));
  const auto figures = filled(columns, {{one}});
  for (size_t c = 0; c < columns.size(); ++c) {
    const Cell& cell = figures.cells[0][c];
    ASSERT_TRUE(cell.value) << columns[c].id << ": " << cell.empty;
    EXPECT_NEAR(*cell.value, final_metric(one, columns[c].name()), 1e-12) << columns[c].id;
    ASSERT_TRUE(cell.low && cell.high) << columns[c].id;
    EXPECT_LT(*cell.low, *cell.value) << columns[c].id;
    EXPECT_GT(*cell.high, *cell.value) << columns[c].id;
    EXPECT_FALSE(cell.spread);
  }
  EXPECT_EQ(figures.cells[0][0].cases, 30);
  EXPECT_EQ(figures.cells[0][0].patients, 20);
  EXPECT_EQ(figures.cells[0][4].cases, 90) << "slices";
  EXPECT_EQ(figures.cells[0][6].cases, 30 - 3) << "p006 and p013 with one and two nodules missed";
  EXPECT_EQ(figures.cells[0][12].cases, 24) << "unknown targets are no cases";
  EXPECT_THAT(figures.notes, IsEmpty());
}

TEST_F(CellsTest, OrdinalAndRegressionHeadsAreToldByTheirFigures) {
  runs::Store store(folder);
  const std::string id = store.begin(runs::some_run("levels"));
  const std::vector<double> predicted{1.4, 2.6, 3.5, 5, 2}, truth{1, 3, 2, 5, 4};
  std::vector<runs::CaseMetric> cases;
  for (size_t i = 0; i < truth.size(); ++i)
    for (const char* head : {"a.level.", "b."}) {
      const std::string p = "p" + std::to_string(i);
      cases.push_back({p, p, {}, std::string(head) + "predicted", predicted[i]});
      cases.push_back({p, p, {}, std::string(head) + "truth", truth[i]});
    }
  store.log(id, std::vector<runs::Metric>{{1, 1, "test", "a.level.within_one", 0.6},
                                          {1, 1, "test", "b.rmse", 1.2},
                                          {1, 1, "test", "b.mae", 0.98}});
  store.log_cases(id, "test", cases);
  store.finish(id, "done");
  const auto figures = filled({column("a.level.accuracy"), column("a.level.mae"), column("b.mae"),
                               column("b.rmse"), column("b.pearson")},
                              {{{id, "folds", 0, 0}}});
  const auto levels = metrics::ordinal(predicted, truth);
  const auto numbers = metrics::regression(predicted, truth);
  EXPECT_NEAR(figures.cells[0][0].value.value(), *levels.find("accuracy"), 1e-12);
  EXPECT_NEAR(figures.cells[0][1].value.value(), *levels.find("mae"), 1e-12);
  EXPECT_NEAR(figures.cells[0][2].value.value(), *numbers.find("mae"), 1e-12);
  EXPECT_NEAR(figures.cells[0][3].value.value(), *numbers.find("rmse"), 1e-12);
  EXPECT_NEAR(figures.cells[0][4].value.value(), *numbers.find("pearson"), 1e-12);
  EXPECT_THAT(figures.notes, Contains(AllOf(HasSubstr(id), HasSubstr("'b.rmse' is 1.2"))))
      << "a figure that does not follow from the cases is told";
}

TEST_F(CellsTest, FoldsArePooledOverCases) {
  const auto first = masks(0, 4, 0.9), second = masks(4, 12, 0.5);
  const auto figures = filled({column("mask.dice"), column("loss")},
                              {{run(first, {}, 0, 0), run(second, {}, 0, 1)}});
  auto all = first;
  all.insert(all.end(), second.begin(), second.end());
  EXPECT_NEAR(figures.cells[0][0].value.value(), *metrics::summarize(all).find("dice"), 1e-12);
  EXPECT_EQ(figures.cells[0][0].patients, 16);
  EXPECT_EQ(figures.cells[0][0].folds, 2);
  EXPECT_THAT(figures.cells[0][0].runs, SizeIs(2));
  EXPECT_DOUBLE_EQ(figures.cells[0][1].value.value(), 0.5) << "no cases: the mean over folds";
  EXPECT_FALSE(figures.cells[0][1].low);
}

TEST_F(CellsTest, SeveralSeedsHaveASpreadInPlaceOfAnInterval) {
  std::vector<RowRun> seeds;
  std::vector<double> values;
  for (int64_t seed = 0; seed < 3; ++seed) {
    const auto cases = masks(0, 10, 0.6 + 0.1 * static_cast<double>(seed * seed));
    seeds.push_back(run(cases, {}, seed));
    values.push_back(*metrics::summarize(cases).find("dice"));
  }
  const auto figures = filled({column("mask.dice"), column("parameters")}, {seeds});
  const Cell& cell = figures.cells[0][0];
  const double mean = (values[0] + values[1] + values[2]) / 3;
  double square = 0;
  for (const double v : values) square += (v - mean) * (v - mean);
  EXPECT_NEAR(cell.value.value(), mean, 1e-12);
  EXPECT_NEAR(cell.spread.value(), std::sqrt(square / 2), 1e-12);
  EXPECT_FALSE(cell.low || cell.high);
  EXPECT_EQ(cell.seeds, 3);
  EXPECT_EQ(figures.cells[0][1].value.value(), 1234);
  EXPECT_FALSE(figures.cells[0][1].spread);
}

TEST_F(CellsTest, RowsAreComparedWithTheBaselineOnItsPatients) {
  const auto base = masks(0, 20, 0.6), better = masks(0, 20, 0.8), noisy = masks(0, 20, 0.601);
  const auto figures = filled({column("mask.dice", "patient"), column("mask.hd", "nodule", true)},
                              {{run(base)}, {run(better)}, {run(noisy)}});
  const Cell& cell = figures.cells[1][0];
  const double difference = *metrics::summarize(better).find("patient_dice") -
                            *metrics::summarize(base).find("patient_dice");
  EXPECT_NEAR(cell.difference.value(), difference, 1e-12);
  EXPECT_LT(cell.difference_low.value(), difference);
  EXPECT_GT(cell.difference_high.value(), difference);
  EXPECT_FALSE(figures.cells[0][0].difference);
  std::map<std::string, std::vector<double>> ours, theirs, third;
  for (size_t i = 0; i < base.size(); ++i)
    if (!base[i].slice) {
      theirs[base[i].patient].push_back(base[i].scores.dice);
      ours[base[i].patient].push_back(better[i].scores.dice);
      third[base[i].patient].push_back(noisy[i].scores.dice);
    }
  const auto p_of = [&](const auto& side) {
    std::vector<double> d;
    for (const auto& [patient, values] : side)
      d.push_back(metrics::mean(values) - metrics::mean(theirs[patient]));
    return metrics::wilcoxon(d);
  };
  const auto p = metrics::holm(std::vector<double>{p_of(ours), p_of(third)});
  EXPECT_NEAR(cell.p.value(), p[0], 1e-12);
  EXPECT_NEAR(figures.cells[2][0].p.value(), p[1], 1e-12);
  EXPECT_LT(figures.cells[1][1].difference.value(), 0);
  EXPECT_TRUE(figures.cells[1][0].best);
  EXPECT_TRUE(figures.cells[1][1].best) << "the smallest distance";
}

TEST_F(CellsTest, NoiseHasNoBest) {
  std::vector<CaseScores> a, b;
  for (size_t p = 0; p < 20; ++p)
    for (auto* side : {&a, &b}) {
      CaseScores c{fmt::format("p{:03}", p), fmt::format("n{}", p), {}, {}};
      c.scores.dice = noise(p * 2 + (side == &b));
      side->push_back(c);
    }
  const auto figures = filled({column("mask.dice")}, {{run(a)}, {run(b)}});
  EXPECT_GT(figures.cells[1][0].p.value(), 0.05);
  EXPECT_FALSE(figures.cells[0][0].best || figures.cells[1][0].best);
  EXPECT_FALSE(filled({column("mask.dice")}, {{run(a)}}).cells[0][0].best) << "nothing to beat";
}

TEST_F(CellsTest, OneLostNoduleMakesNoBest) {
  std::vector<CaseScores> a, b;
  for (size_t p = 0; p < 20; ++p)
    for (auto* side : {&a, &b}) {
      CaseScores c{fmt::format("p{:03}", p), fmt::format("n{}", p), {}, {}};
      c.scores.dice = side == &a ? (p == 0 ? 0 : 0.81) : (p == 0 ? 0.9 : 0.8);
      side->push_back(c);
    }
  const auto figures = filled({column("mask.dice")}, {{run(a)}, {run(b)}});
  EXPECT_GT(figures.cells[1][0].difference.value(), 0) << "by the one nodule";
  EXPECT_LT(figures.cells[1][0].p.value(), 0.05) << "by the ranks of all others";
  EXPECT_FALSE(figures.cells[0][0].best || figures.cells[1][0].best);
}

TEST_F(CellsTest, HeadsAreComparedByTheTestOfTheirFigure) {
  const auto weak = heads(40, 0.1), strong = heads(40, 0.6);
  const auto figures =
      filled({column("nodule.accuracy"), column("nodule.auc"), column("nodule.balanced_accuracy")},
             {{run({}, weak)}, {run({}, strong)}});
  std::vector<double> a, b, truth;
  std::map<std::string, std::pair<double, double>> right;  // differences and cases by patient
  for (size_t i = 0; i < weak.size(); ++i) {
    if (std::isnan(weak[i].truth)) continue;
    a.push_back(strong[i].predicted), b.push_back(weak[i].predicted),
        truth.push_back(weak[i].truth);
    auto& [sum, n] = right[weak[i].patient];
    const bool positive = weak[i].truth == 1;
    sum += ((a.back() > 0.5) == positive) - ((b.back() > 0.5) == positive), ++n;
  }
  std::vector<double> shares;
  for (const auto& [patient, share] : right) shares.push_back(share.first / share.second);
  const auto& row = figures.cells[1];
  EXPECT_NEAR(row[0].p.value(), metrics::permutation(shares), 1e-12);
  const auto delong = metrics::delong(a, b, truth);
  EXPECT_NEAR(row[1].p.value(), delong.p, 1e-12);
  EXPECT_NEAR(row[1].difference.value(), delong.auc_a - delong.auc_b, 1e-12);
  EXPECT_LT(row[2].p.value(), 0.05);
  EXPECT_NEAR(row[2].difference.value(), *row[2].value - *figures.cells[0][2].value, 1e-12);
}

TEST_F(CellsTest, FewerCasesAreTold) {
  const auto figures = filled({column("mask.dice"), column("mask.hd")},
                              {{run(masks(0, 10, 0.7))}, {run(masks(2, 8, 0.7))}});
  EXPECT_THAT(figures.notes,
              ElementsAre("row1: mask.dice/nodule, mask.hd/nodule: 12 cases, row0 has 15"));
  EXPECT_NEAR(figures.cells[1][0].difference.value(), 0, 1e-12) << "on the patients of both";
}

TEST_F(CellsTest, WhatIsMissingSaysWhy) {
  const RowRun one = run(masks(0, 6, 0.7), heads(1, 0.5));
  const RowRun old = run(masks(0, 6, 0.7), {}, 0, 0, false);
  auto figures =
      filled({column("mask.dcie"), column("nodule.auc"), column("mask.dice", "nonempty_nodule")},
             {{one}, {old}, {}});
  EXPECT_THAT(figures.cells[0][0].empty,
              HasSubstr("has no 'mask.dcie'. Did you mean 'mask.dice'?"));
  EXPECT_THAT(figures.cells[0][1].empty, HasSubstr("not defined: the cases (1)"));
  EXPECT_TRUE(figures.cells[0][2].low);
  ASSERT_TRUE(figures.cells[1][2].value) << "without `empty` rows: the run's own mean";
  EXPECT_DOUBLE_EQ(*figures.cells[1][2].value, final_metric(old, "mask.nonempty_dice"));
  EXPECT_FALSE(figures.cells[1][2].low);
  EXPECT_EQ(figures.cells[2][0].empty, "not run");
  table.columns[2].set = "test";
  table.rows[2].experiment.clear(), table.rows[2].note = "third party";
  figures = fill(table, {{one}, {old}, {}}, runs::Reader(folder));
  EXPECT_EQ(figures.cells[0][2].empty, "not run: no run of the set 'test'");
  EXPECT_EQ(figures.cells[2][2].empty, "not run: third party");
}

TEST_F(CellsTest, OfTwoRunsOfAFoldTheNewerCounts) {
  const RowRun older = run(masks(0, 6, 0.5)), newer = run(masks(0, 6, 0.8));
  const auto figures = filled({column("mask.dice")}, {{newer, older}});
  EXPECT_NEAR(figures.cells[0][0].value.value(), final_metric(newer, "mask.dice"), 1e-12);
  EXPECT_THAT(figures.notes, ElementsAre(HasSubstr("the newer counts")));
}

}  // namespace
}  // namespace hilum::report
