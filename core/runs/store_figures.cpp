// SPDX-License-Identifier: Apache-2.0
// A run's figures: logged while it runs, sealed when it is done.
#include "core/runs/digest.hpp"
#include "core/runs/store_impl.hpp"

namespace hilum::runs {
namespace {

// SQLite would make NULL of NaN too; here it is on purpose.
std::optional<double> stored(double value) {
  return value == value ? std::optional(value) : std::nullopt;
}

void insert(Connection& store, const std::string& id, std::span<const Metric> metrics) {
  auto query = store.query(
      "INSERT INTO metric (run, step, epoch, split, name, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
      "ON CONFLICT (run, split, name, step) DO UPDATE SET epoch = excluded.epoch, "
      "value = excluded.value");
  for (const auto& m : metrics)
    query.with(id, m.step, m.epoch, m.split, m.name, stored(m.value)).run();
}

void replace(Connection& store, const std::string& id, const std::string& split,
             std::span<const CaseMetric> cases) {
  auto drop = store.query("DELETE FROM case_metric WHERE run = ?1 AND split = ?2");
  drop.with(id, split).run();
  auto query = store.query(
      "INSERT INTO case_metric (run, split, patient, nodule, slice, name, value) VALUES (?1, ?2, "
      "?3, ?4, ?5, ?6, ?7)");
  for (const auto& c : cases)
    query.with(id, split, c.patient, c.nodule, c.slice, c.name, stored(c.value)).run();
}

}  // namespace

void Store::Impl::write_logged(const std::vector<Logged>& calls) {
  const auto insert_all = [&] {
    for (const auto& [run, rows] : calls) {
      must_exist(run);
      insert(*store, run, rows);
      if (beat_is_due(run)) beat(run);
    }
  };
  store->write(insert_all, Connection::Tidy::later);
}

void Store::log(const std::string& id, std::span<const Metric> metrics) {
  impl_->writer.add(id, metrics);
}

void Store::flush() { impl_->writer.flush(); }

void Store::log_cases(const std::string& id, const std::string& split,
                      std::span<const CaseMetric> cases) {
  impl_->write([&] {
    impl_->must_exist(id);
    replace(*impl_->store, id, split, cases);
  });
}

void Store::log_evaluation(const std::string& id, const std::string& split,
                           std::span<const Metric> metrics, std::span<const CaseMetric> cases) {
  impl_->write([&] {
    impl_->must_exist(id);
    // Sealed anew, an edited figure would look like the run's own.
    const Seal seal = seal_of(*impl_->store, id);
    if (seal == Seal::broken)
      throw Error("run " + id +
                  ": its figures were changed since it ended, and not by Hilum: none are added. "
                  "Run its experiment again, or copy them back from where they are right.");
    insert(*impl_->store, id, metrics);
    replace(*impl_->store, id, split, cases);
    if (seal == Seal::fits) write_seal(*impl_->store, id);
  });
}

void Store::finish(const std::string& id, const std::string& status, const std::string& error) {
  if (status != "done" && status != "failed" && status != "interrupted")
    throw Error("run '" + id + "': status is '" + status + "', allowed done, failed, interrupted.");
  try {
    flush();
  } catch (const Error&) {
    if (status != "failed") throw;  // else it is a second fault, if not the very reason
  }
  impl_->write([&] {
    impl_->must_exist(id);
    auto query = impl_->store->query(
        "UPDATE run SET status = ?2, ended = ?3, heartbeat = ?3, error = nullif(?4, ''), "
        "digest = NULL WHERE id = ?1");
    query.with(id, status, util::now(), error).run();
    if (status == "done") write_seal(*impl_->store, id);
  });
}

}  // namespace hilum::runs
