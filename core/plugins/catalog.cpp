// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/catalog.hpp"

#include <algorithm>
#include <set>

#include "core/plugins/cache.hpp"
#include "core/plugins/child.hpp"
#include "core/plugins/inspect.hpp"
#include "core/plugins/registry.hpp"
#include "core/plugins/stamp.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;

fs::path real_path(const fs::path& file) {
  std::error_code failed;
  const auto path = fs::weakly_canonical(file, failed);
  return failed ? file : path;
}

size_t rank(const std::string& kind) {
  return static_cast<size_t>(std::find(kinds().begin(), kinds().end(), kind) - kinds().begin());
}

// The declaration of `entry` among what its library registered.
Declaration pick(const Report& report, const Entry& entry) {
  for (const auto& plugin : report.plugins)
    if (plugin.kind == entry.kind && plugin.name == entry.name) return plugin;
  Declaration none;
  none.kind = entry.kind, none.name = entry.name;
  return none;
}

}  // namespace

struct Catalog::Impl {
  Search search;
  Cache cache;
  std::vector<Entry> entries;
  std::vector<Place> places;
  std::set<fs::path> seen;

  explicit Impl(Search s) : search(std::move(s)), cache(search.cache, this_stamp()) {}
  void look_in(const fs::path& path, bool own, bool required);
  void add(Entry entry);
  std::vector<const Entry*> with(const std::string& kind, const std::string& name) const;
  std::optional<Failure> two_places(const Entry& entry) const;
  std::optional<Failure> refused_unread(const Entry& entry) const;
  Error unknown(const std::string& kind, const std::string& name) const;
  std::map<std::string, Report> reports(const std::vector<Description>& asked, Look look);
  void add_unknown_own(std::vector<Description>& missing);
  std::map<fs::path, Report> look_at(const std::vector<Description>& missing) const;
};

void Catalog::Impl::look_in(const fs::path& path, bool own, bool required) {
  if (path.empty() || !seen.insert(real_path(path)).second) return;
  if (!fs::exists(path)) {
    if (required)
      throw Error(
          path.string() + ": [plugins] registries: this folder or registry.toml does not exist.",
          Fault::request);
    places.push_back({path, "does not exist"});
    return;
  }
  try {
    auto found = fs::is_directory(path) ? read_folder(path) : read_registry(path);
    places.push_back({path, ""});
    for (auto& entry : found) entry.own = own, add(std::move(entry));
  } catch (const std::exception& e) {
    places.push_back({path, e.what()});
  }
}

void Catalog::Impl::add(Entry entry) {
  for (const auto* other : with(entry.kind, entry.name))
    if (real_path(other->library) == real_path(entry.library)) return;  // one library by two ways
  entries.push_back(std::move(entry));
}

std::vector<const Entry*> Catalog::Impl::with(const std::string& kind,
                                              const std::string& name) const {
  std::vector<const Entry*> found;
  for (const auto& entry : entries)
    if (entry.kind == kind && entry.name == name) found.push_back(&entry);
  return found;
}

std::optional<Failure> Catalog::Impl::two_places(const Entry& entry) const {
  const auto same_name = with(entry.kind, entry.name);
  const fs::path own = real_path(entry.library);
  const auto same_file = [&](const Entry* other) { return real_path(other->library) == own; };
  if (std::none_of(same_name.begin(), same_name.end(), same_file))
    return std::nullopt;  // from_file
  for (const auto* other : same_name)
    if (!same_file(other))
      return Failure{
          Step::unique,
          "there is another one of this name: " + other->library.string() + " (by " +
              other->listed + "; this one by " + entry.listed + ")",
          "Rename one, or take its folder from HILUM_PLUGIN_PATH or [plugins] registries."};
  return std::nullopt;
}

// What can be known without running any code of the library.
std::optional<Failure> Catalog::Impl::refused_unread(const Entry& entry) const {
  if (auto failure = two_places(entry)) return failure;
  std::error_code ignored;
  if (fs::is_regular_file(entry.library, ignored)) return std::nullopt;
  std::string what = "the library is missing";
  if (fs::is_directory(entry.library, ignored))
    what = "is a folder and no library";
  else if (fs::is_symlink(entry.library, ignored))
    what = "the library is a link to " + fs::read_symlink(entry.library, ignored).string() +
           ", where no file is";
  return Failure{Step::exists, what + " (listed in " + entry.listed + ")", rebuild(entry, "Build")};
}

Error Catalog::Impl::unknown(const std::string& kind, const std::string& name) const {
  if (rank(kind) == kinds().size())
    return Error("no kind of plugin is named '" + kind + "'." + suggestion(kind, kinds()),
                 Fault::request);
  Strings same_kind, other_kinds, looked;
  for (const auto& entry : entries) {
    if (entry.kind == kind) same_kind.push_back(entry.name);
    if (entry.kind != kind && entry.name == name) other_kinds.push_back(entry.kind);
  }
  for (const auto& place : places)
    looked.push_back(place.path.string() +
                     (place.problem.empty() ? "" : " (" + place.problem + ")"));
  std::string text = "no " + kind + " named '" + name + "'." + suggestion(name, same_kind);
  if (!other_kinds.empty())
    text += " There is a " + join(other_kinds, " and a ") + " of that name.";
  return Error(text + " Looked in: " + join(looked, ", ") + ".", Fault::request);
}

// The program's own libraries that nobody has described yet join a child that is started anyway:
// one start of LibTorch for all of them. Foreign ones do not: one that hangs would delay what does
// not ask for it.
void Catalog::Impl::add_unknown_own(std::vector<Description>& missing) {
  for (const auto& entry : entries) {
    const bool asked = std::any_of(missing.begin(), missing.end(), [&](const Description& d) {
      return d.entry.library == entry.library;
    });
    if (!entry.own || asked || refused_unread(entry)) continue;
    Description more{entry, {}, cache.sha256(entry.library), {}};
    if (!cache.find(more.sha256) && !check_symbols(entry)) missing.push_back(std::move(more));
  }
}

// By SHA-256, for libraries that passed all that can be checked without running them.
std::map<std::string, Report> Catalog::Impl::reports(const std::vector<Description>& asked,
                                                     Look look) {
  std::map<std::string, Report> result;
  std::vector<Description> missing;
  for (const auto& d : asked) {
    if (d.failure) continue;
    auto known = cache.find(d.sha256);
    const bool again =
        look == Look::again || (look == Look::again_if_failed && known && known->failure);
    if (known && !again)
      result[d.sha256] = std::move(*known);
    else if (auto failure = check_symbols(d.entry))
      result[d.sha256] = {{}, std::move(failure), false};
    else
      missing.push_back(d);
  }
  if (missing.empty()) return result;
  if (look != Look::again) add_unknown_own(missing);
  const auto found = look_at(missing);
  for (const auto& d : missing) {
    const Report& report = result[d.sha256] = found.at(d.entry.library);
    if (report.lasting) cache.put(d.sha256, report);
  }
  return result;
}

std::map<fs::path, Report> Catalog::Impl::look_at(const std::vector<Description>& missing) const {
  std::vector<fs::path> libraries;
  for (const auto& d : missing)
    if (std::find(libraries.begin(), libraries.end(), d.entry.library) == libraries.end())
      libraries.push_back(d.entry.library);
  if (!search.engine.empty()) return examine(libraries, search.engine, search.patience);
  std::map<fs::path, Report> nothing;
  const Failure failure{Step::loads,
                        "could not be looked at: the program hilum-engine is not beside this one",
                        "", false};
  for (const auto& library : libraries) nothing[library] = {{}, failure, false};
  return nothing;
}

Catalog::Catalog(Search search) : impl_(std::make_unique<Impl>(std::move(search))) {
  for (const auto& registry : impl_->search.registries) impl_->look_in(registry, false, true);
  for (const auto& folder : impl_->search.path) impl_->look_in(folder, false, false);
  impl_->look_in(impl_->search.own, true, false);
  std::stable_sort(impl_->entries.begin(), impl_->entries.end(),
                   [](const Entry& a, const Entry& b) {
                     return std::pair(rank(a.kind), a.name) < std::pair(rank(b.kind), b.name);
                   });
}
Catalog::~Catalog() = default;
Catalog::Catalog(Catalog&&) noexcept = default;
Catalog& Catalog::operator=(Catalog&&) noexcept = default;

const std::vector<Entry>& Catalog::entries() const { return impl_->entries; }
const std::vector<Place>& Catalog::places() const { return impl_->places; }

const Entry& Catalog::find(const std::string& kind, const std::string& name) const {
  const auto found = impl_->with(kind, name);
  if (found.empty()) throw impl_->unknown(kind, name);
  if (const auto failure = impl_->two_places(*found.front())) throw error(*found.front(), *failure);
  return *found.front();
}

std::vector<Description> Catalog::describe(const std::vector<Entry>& entries, Look look) {
  std::vector<Description> all;
  for (const auto& entry : entries) {
    Description d{entry, pick({}, entry), "", impl_->refused_unread(entry)};
    if (!d.failure || d.failure->step > Step::exists) try {
        d.sha256 = impl_->cache.sha256(entry.library);
      } catch (const std::exception& e) {
        d.failure =
            Failure{Step::exists, std::string("the library cannot be read: ") + e.what(), ""};
      }
    all.push_back(std::move(d));
  }
  auto reports = impl_->reports(all, look);
  for (auto& d : all) {
    if (d.failure) continue;
    const Report& report = reports.at(d.sha256);
    std::vector<const Declaration*> registered;
    for (const auto& plugin : report.plugins) registered.push_back(&plugin);
    d.failure = report.failure ? report.failure : inspect(registered, promised(d.entry));
    if (!d.failure) d.declaration = pick(report, d.entry);
  }
  impl_->cache.save();
  return all;
}

Entry Catalog::from_file(const fs::path& library) {
  Entry entry{.kind = {},
              .name = {},
              .library = fs::absolute(library).lexically_normal(),
              .listed = "its file name"};
  if (!parse_file_name(entry.library, entry))
    throw Error(library.string() + ": a plugin's library is named <kind>_<name>.so, such as " +
                    "backbone_unet.so; the kinds are " + join(kinds(), ", ") + ".",
                Fault::request);
  return entry;
}

Strings Catalog::promised(const Entry& entry) const {
  Strings names;
  for (const auto& other : impl_->entries)
    if (real_path(other.library) == real_path(entry.library)) names.push_back(other.address());
  if (names.empty()) names.push_back(entry.address());
  return names;
}

}  // namespace hilum::plugins
