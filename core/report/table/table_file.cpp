// SPDX-License-Identifier: Apache-2.0
#include "core/report/table/table_file.hpp"

#include <algorithm>

#include "core/config/experiment.hpp"

namespace hilum::report {
namespace {

using config::Node;

const Strings kAverages = {"nodule",          "patient",          "slice",
                           "nonempty_nodule", "nonempty_patient", "nonempty_slice"};
const Strings kTables = {"table", "column", "row", "profile"};

// "dir/t.toml:12:3" -> "dir"
std::filesystem::path folder_of(const std::string& where) {
  const auto column = where.rfind(':'), line = where.rfind(':', column - 1);
  return std::filesystem::path(where.substr(0, line)).parent_path();
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : document_(config::Document::load(file, {})) {
    table_.file = file;
  }

  TableFile read() {
    for (const auto& child : document_.root.children)
      if (std::ranges::find(kTables, child.key) == kTables.end())
        problems_.push_back({child.where,
                             "unknown table '" + child.key + "'." + suggestion(child.key, kTables),
                             true});
    if (const Node* node = document_.root.find("table")) {
      const auto read = parse<TableFile>(*node, "table");
      table_.name = read.name, table_.title = read.title, table_.source = read.source;
      table_.baseline = read.baseline, table_.differs = read.differs;
    } else {
      problem(table_.file.string(), "there is no [table]. Add it with its 'title'");
    }
    if (table_.name.empty()) table_.name = table_.file.stem().string();
    each("column", [&](const Node& node) { add_column(node); });
    each("row", [&](const Node& node) { add_row(node); });
    each("profile", [&](const Node& node) {
      auto profile = parse<Profile>(node, "profile." + node.key);
      profile.name = node.key, profile.where = node.where;
      if (profile.folds.empty()) problem(node.where, "'folds' is empty");
      table_.profiles.push_back(std::move(profile));
    });
    check();
    throw_if_any(std::move(problems_));
    return std::move(table_);
  }

 private:
  void problem(const std::string& where, const std::string& what) {
    problems_.push_back({where, what});
  }

  template <class Visit>
  void each(const std::string& kind, Visit visit) {
    const Node* tables = document_.root.find(kind);
    for (const auto& node : tables ? tables->children : std::vector<Node>{})
      if (node.data)
        problem(node.where,
                "'" + node.key + "' is no table. Write [" + kind + "." + node.key + "]");
      else
        visit(node);
    if (!tables || tables->children.empty())
      problem(table_.file.string(), "there is no " + kind + ". Add [" + kind + ".NAME]");
  }

  template <class T>
  T parse(const Node& node, const std::string& what, const Strings& tables = {}) {
    Values values;
    for (const auto& child : node.children)
      if (child.data)
        values[child.key] = {*child.data, child.where};
      else if (std::ranges::find(tables, child.key) == tables.end())
        problem(child.where, what + ": unknown table '" + child.key + "'");
    return T::schema().parse(values, what, node.where, problems_, tables);
  }

  void add_column(const Node& node) {
    auto column = parse<Column>(node, "column." + node.key);
    column.id = node.key, column.where = node.where;
    if (column.label.empty()) column.label = column.id;
    table_.columns.push_back(std::move(column));
  }

  void add_row(const Node& node) {
    const std::string what = "row." + node.key;
    auto row = parse<Row>(node, what, {"paper"});
    row.id = node.key, row.where = node.where;
    if (row.label.empty()) row.label = row.id;
    if (!row.file.empty()) {
      const Node* said = node.find("experiment");
      row.experiment = (folder_of(said->where) / row.file).lexically_normal();
      if (!std::filesystem::is_regular_file(row.experiment))
        problem(said->where, what + ": 'experiment' is '" + row.file + "', which is not a file (" +
                                 row.experiment.string() + ")");
    }
    if (!row.cases.empty())
      row.cases = (folder_of(node.find("cases")->where) / row.cases).lexically_normal().string();
    if (const Node* paper = node.find("paper"))
      for (const auto& child : paper->children) add_figure(row, child, what);
    table_.rows.push_back(std::move(row));
  }

  void add_figure(Row& row, const Node& node, const std::string& what) {
    const double* number = node.data ? std::get_if<double>(&*node.data) : nullptr;
    const int64_t* whole = node.data ? std::get_if<int64_t>(&*node.data) : nullptr;
    if (number)
      row.paper[node.key] = *number;
    else if (whole)
      row.paper[node.key] = static_cast<double>(*whole);
    else
      problem(node.where, what + ".paper: '" + node.key + "' is not a number");
    Strings ids;
    for (const auto& column : table_.columns) ids.push_back(column.id);
    if (std::ranges::find(ids, node.key) == ids.end())
      problem(node.where,
              what + ".paper: there is no column '" + node.key + "'." + suggestion(node.key, ids));
  }

  void check() {
    Strings ids;
    for (const auto& row : table_.rows) ids.push_back(row.id);
    const auto& wanted = table_.baseline;
    if (!wanted.empty() && std::ranges::find(ids, wanted) == ids.end())
      problem(document_.root.find("table")->find("baseline")->where,
              "'baseline' is '" + wanted + "', which is no row." + suggestion(wanted, ids));
  }

  config::Document document_;
  TableFile table_;
  Problems problems_;
};

}  // namespace

Schema<TableFile> TableFile::schema() {
  using T = TableFile;
  return Schema<T>{}
      .add("name", &T::name, "of the table in tags and files; default: the file's")
      .add("title", &T::title, "heading")
      .add("source", &T::source, "the paper and its table")
      .add("baseline", &T::baseline, "the row that others are compared with")
      .add("differs", &T::differs, "what differs from the paper, a sentence each")
      .rule([](const T& t) { return !t.title.empty(); }, "'title' is missing");
}

Schema<Column> Column::schema() {
  using C = Column;
  return Schema<C>{}
      .add("block", &C::block, "columns of one block are printed together, below those before")
      .add("label", &C::label, "heading")
      .add("metric", &C::metric, "HEAD.METRIC: \"mask.dice\", or \"parameters\"")
      .add("average", &C::average, "what the mean is over")
      .one_of(kAverages)
      .add("set", &C::set, "'folds': the folds' test regions; 'test': the regions marked test")
      .one_of({"folds", "test"})
      .add("digits", &C::digits, "after the point")
      .range(0, 9)
      .add("scale", &C::scale, "factor of what is printed: 100 for percent")
      .add("lower", &C::lower, "the smallest is the best")
      .rule([](const C& c) { return !c.metric.empty(); },
            "'metric' is missing. Write metric = \"mask.dice\"");
}

Schema<Row> Row::schema() {
  using R = Row;
  return Schema<R>{}
      .add("label", &R::label, "what the row is called")
      .add("note", &R::note, "a remark below the table; of a row that is not run: why")
      .add("experiment", &R::file, "the experiment's file; none: the row is not run")
      .add("overrides", &R::overrides, "as on the command line: \"a.b=v\", \"+a.b=v\", \"~a.b\"")
      .add("folds", &R::folds, "in place of the profile's")
      .range(-1, 1000)
      .add("seeds", &R::seeds, "in place of the profile's")
      .range(0, 1000)
      .add("ensemble", &R::ensemble, "the set 'test' is answered by the mean of the folds' models")
      .add("flips", &R::flips, "the set 'test' is answered by the mean over flips")
      .add("ruler", &R::ruler,
           "no network: this target of 0 and 1 by the log volume of the true mask, fitted on the "
           "training regions of the experiment's data")
      .add("cases", &R::cases,
           "figures of another system: a CSV with patient, nodule, slice, name, value")
      .rule([](const R& r) { return !r.file.empty() || !r.cases.empty() || !r.note.empty(); },
            "neither 'experiment' nor 'cases' nor 'note': a row that is not run says why")
      .rule([](const R& r) { return r.ruler.empty() || !r.file.empty(); },
            "'ruler' needs an 'experiment', whose data are measured")
      .rule([](const R& r) { return r.cases.empty() || r.file.empty(); },
            "'cases' stand in the place of an 'experiment': give one of the two");
}

Schema<Profile> Profile::schema() {
  using P = Profile;
  return Schema<P>{}
      .add("note", &P::note, "what it is for, printed with the table")
      .add("overrides", &P::overrides, "for every row that has the part which they name")
      .add("init_overrides", &P::init_overrides,
           "further overrides for the experiments that rows start from (train.init)")
      .add("folds", &P::folds, "a run each; -1: train on all, test on the cases marked test")
      .range(-1, 1000)
      .add("seeds", &P::seeds, "runs of each fold that differ in the seed")
      .range(1, 1000);
}

std::string Column::name() const {
  const std::string empty = "nonempty_";
  const bool nonempty = average.starts_with(empty);
  std::string over = nonempty ? average.substr(empty.size()) : average;
  over = over == "nodule" ? "" : over + "_";
  const auto dot = metric.rfind('.');
  return metric.substr(0, dot + 1) + (nonempty ? empty : "") + over + metric.substr(dot + 1);
}

const Profile& TableFile::profile(const std::string& wanted) const {
  Strings names;
  for (const auto& p : profiles) {
    if (wanted.empty() || p.name == wanted) return p;
    names.push_back(p.name);
  }
  throw Error("--profile: value '" + wanted + "': " + file.string() + " has no such profile." +
                  suggestion(wanted, names),
              Fault::request);
}

TableFile read_table(const std::filesystem::path& file) { return Reader(file).read(); }

}  // namespace hilum::report
