// SPDX-License-Identifier: Apache-2.0
#include "core/runs/queries.hpp"

#include <algorithm>

#include "core/runs/ask/find.hpp"
#include "core/runs/ask/list.hpp"
#include "core/runs/digest.hpp"
#include "core/runs/reader.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

const std::string kSummary = std::string("SELECT r.id, r.name, r.experiment, ") + kStatus +
                             ", r.started, " + kEnded +
                             ", r.host, r.device, r.precision, r.parent, r.seed, r.fold, (SELECT "
                             "p.number FROM param p WHERE "
                             "p.run = r.id AND p.key = 'train.epochs') FROM run r WHERE r.id = ?1";

void read_summary(const Query& row, Summary& s) {
  s.id = row.text(0), s.name = row.text(1), s.experiment = row.text(2), s.status = row.text(3);
  s.started = row.text(4), s.ended = row.text(5), s.host = row.text(6), s.device = row.text(7);
  s.precision = row.text(8), s.parent = row.text(9), s.seed = row.integer(10);
  s.fold = row.integer(11), s.epochs = row.integer(12);
}

Summary summary(Connection& store, const std::string& id) {
  Summary s;
  auto row = store.query(kSummary);
  row.with(id);
  row.step();
  read_summary(row, s);
  s.short_id = short_id(store, s.id);
  auto metrics = store.query(
      "SELECT split || '.' || name, value, epoch FROM final_metric WHERE run = ?1 ORDER BY rowid");
  metrics.with(s.id);
  while (metrics.step()) {
    s.metrics.emplace_back(metrics.text(0), metrics.number(1));
    s.epoch = std::max(s.epoch, metrics.integer(2));
  }
  auto tags = store.query("SELECT tag FROM tag WHERE run = ?1 ORDER BY tag");
  tags.with(s.id);
  while (tags.step()) s.tags.push_back(tags.text(0));
  return s;
}

// An older store that cannot be written is read as it is.
bool has_build(Connection& store) {
  return store.query("SELECT 1 FROM pragma_table_info('plugin') WHERE name = 'build'").step();
}

void read_details(Connection& store, Details& d) {
  auto run = store.query(
      "SELECT git, torch, config_hash, note, error, heartbeat, dirty, pid FROM run WHERE id = ?1");
  run.with(d.id);
  run.step();
  d.git = run.text(0), d.torch = run.text(1), d.config_hash = run.text(2), d.note = run.text(3);
  d.error = run.text(4), d.heartbeat = run.text(5), d.dirty = run.integer(6) != 0;
  d.pid = run.integer(7), d.folder = store.folder / d.id;
  auto params = store.query("SELECT key, value, type FROM param WHERE run = ?1 ORDER BY rowid");
  params.with(d.id);
  while (params.step()) d.params.push_back({params.text(0), params.text(1), params.text(2)});
  auto plugins = store.query(std::string("SELECT kind, name, version, sha256, ") +
                             (has_build(store) ? "build" : "''") +
                             " FROM plugin WHERE run = ?1 ORDER BY kind, name");
  plugins.with(d.id);
  while (plugins.step())
    d.plugins.push_back(
        {plugins.text(0), plugins.text(1), plugins.text(2), plugins.text(3), plugins.text(4)});
  auto artifacts =
      store.query("SELECT kind, path FROM artifact WHERE run = ?1 ORDER BY kind, path");
  artifacts.with(d.id);
  while (artifacts.step()) d.artifacts.emplace_back(artifacts.text(0), artifacts.text(1));
}

bool ends_in(const std::string& name, const std::string& wanted) {
  return name == wanted || name.ends_with("." + wanted);
}

// The metrics that were asked for, in that order; each must exist.
Strings chosen(const Strings& logged, const Strings& wanted, const std::string& run) {
  Strings names, known = logged;
  for (const auto& name : logged) known.push_back(name.substr(name.rfind('.') + 1));
  for (const auto& want : wanted) {
    const size_t before = names.size();
    for (const auto& name : logged)
      if (ends_in(name, want)) names.push_back(name);
    if (names.size() == before)
      throw Error(
          "--metric: run '" + run + "' has no metric '" + want + "'." +
              (nearest(want, known).empty() ? ""
                                            : " Did you mean '" + nearest(want, known) + "'?") +
              (logged.empty()       ? " It has logged none."
               : logged.size() < 10 ? " It has " + join(logged, ", ") + "."
                                    : " `hilum runs show " + run + "` lists all."),
          Fault::request);
  }
  return names;
}

Curve read_curve(Connection& store, const std::string& id, const std::string& name) {
  Curve curve{name, {}, {}, {}};
  const size_t dot = name.find('.');
  auto query = store.query(
      "SELECT step, epoch, value FROM metric WHERE run = ?1 AND split = ?2 AND name = ?3 ORDER BY "
      "step");
  query.with(id, name.substr(0, dot), name.substr(dot + 1));
  while (query.step()) {
    curve.steps.push_back(query.integer(0)), curve.epochs.push_back(query.integer(1));
    curve.values.push_back(query.number(2));
  }
  return curve;
}

}  // namespace

Reader::Reader(const std::filesystem::path& folder) : impl_(std::make_unique<Impl>()) {
  impl_->folder = std::filesystem::absolute(folder);
  impl_->store = Connection::readable(impl_->folder);
  // A question to many runs comes back to the same pages: 64 MB of them, where there are as many.
  if (impl_->store)
    impl_->store->guard([&] { impl_->store->database.exec("PRAGMA cache_size = -65536"); });
}
Reader::~Reader() = default;

const std::filesystem::path& Reader::folder() const { return impl_->folder; }
bool Reader::empty() const { return count() == 0; }

int64_t Reader::count() const {
  if (!impl_->store) return 0;
  return impl_->store->read([&] {
    auto query = impl_->store->query("SELECT count(*) FROM run");
    query.step();
    return query.integer(0);
  });
}

std::vector<Summary> Reader::list(const ListOptions& options) const {
  check(options);
  if (!impl_->store) return {};
  return impl_->store->read([&] {
    std::vector<Summary> found;
    for (const auto& id : choose(*impl_->store, options))
      found.push_back(summary(*impl_->store, id));
    return found;
  });
}

Strings Reader::ids(const ListOptions& options) const {
  check(options);
  if (!impl_->store) return {};
  return impl_->store->read([&] { return choose(*impl_->store, options); });
}

Listing Reader::list(const ListOptions& options, const std::string& columns) const {
  check(options);
  if (!impl_->store) return list_columns(nullptr, {}, columns);
  return impl_->store->read(
      [&] { return list_columns(impl_->store.get(), choose(*impl_->store, options), columns); });
}

std::string Reader::find(const std::string& run) const {
  if (!impl_->store) throw empty_store(impl_->folder);
  return impl_->store->read([&] { return find_id(*impl_->store, run); });
}

Details Reader::show(const std::string& run) const {
  if (!impl_->store) throw empty_store(impl_->folder);
  return impl_->store->read([&] {
    Details details{summary(*impl_->store, find_id(*impl_->store, run))};
    read_details(*impl_->store, details);
    details.seal = seal_of(*impl_->store, details.id);
    return details;
  });
}

std::vector<CaseMetric> Reader::cases(const std::string& run, const std::string& split) const {
  if (!impl_->store) throw empty_store(impl_->folder);
  return impl_->store->read([&] {
    auto query = impl_->store->query(
        "SELECT patient, nodule, slice, name, value FROM case_metric WHERE run = ?1 AND split = ?2 "
        "ORDER BY rowid");
    query.with(find_id(*impl_->store, run), split);
    std::vector<CaseMetric> cases;
    while (query.step())
      cases.push_back({query.text(0), query.text(1),
                       query.null(2) ? std::nullopt : std::optional(query.integer(2)),
                       query.text(3), query.number(4)});
    return cases;
  });
}

Seal Reader::sealed(const std::string& run) const {
  if (!impl_->store) throw empty_store(impl_->folder);
  return impl_->store->read([&] { return seal_of(*impl_->store, find_id(*impl_->store, run)); });
}

std::vector<Curve> Reader::curves(const std::string& run, const Strings& metrics) const {
  if (!impl_->store) throw empty_store(impl_->folder);
  return impl_->store->read([&] {
    const std::string id = find_id(*impl_->store, run);
    Strings logged;
    auto query = impl_->store->query(
        "SELECT split || '.' || name FROM final_metric WHERE run = ?1 ORDER BY rowid");
    query.with(id);
    while (query.step()) logged.push_back(query.text(0));
    std::vector<Curve> curves;
    for (const auto& name : metrics.empty() ? logged : chosen(logged, metrics, run)) {
      Curve curve = read_curve(*impl_->store, id, name);
      if (!metrics.empty() || curve.values.size() > 1) curves.push_back(std::move(curve));
    }
    return curves;
  });
}

}  // namespace hilum::runs
