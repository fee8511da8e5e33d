// SPDX-License-Identifier: Apache-2.0
#include "core/report/html/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/report/html/gather.hpp"
#include "core/report/html/overlays.hpp"
#include "core/report/html/sections.hpp"
#include "core/report/html/style.hpp"
#include "core/report/html/write.hpp"

namespace hilum::report {
namespace html {
namespace {

// Nothing is fetched, and nothing that a text smuggles in could be.
constexpr const char* kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
constexpr const char* kPhantom = "phantom";  // data.source

std::string fact(const std::string& name, const std::string& value) {
  return "<dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd>\n";
}

/// Where the data came from, once for all runs that share it.
std::string data_facts(const Gathered& all, const PageData& data) {
  std::set<std::pair<std::string, std::string>> seen;
  std::string out;
  for (const auto& run : all.runs) {
    const std::string source = run.param("data.source"), print = run.param("resolved.fingerprint");
    if (!seen.emplace(source, print).second) continue;
    const std::string name = data.set && print == all.our().param("resolved.fingerprint")
                                 ? data.set->name + " (" + source + ")"
                                 : source;
    out += fact("data", name + ", fingerprint " + (print.empty() ? "not recorded" : print));
  }
  return out;
}

/// What a reader must know before reading a figure.
Strings warnings(const Gathered& all, const PageData& data) {
  Strings out;
  std::set<std::string> prints;
  std::set<int64_t> folds;
  for (const auto& run : all.runs) {
    const auto& d = run.details;
    prints.insert(run.param("resolved.fingerprint")), folds.insert(d.fold);
    if (d.status != "done")
      out.push_back(run.label + " is not done: its status is " + d.status + ".");
    if (run.cases.empty()) out.push_back(run.label + " has no figures of a test split.");
    if (std::ranges::find(d.tags, "lesion-split") != d.tags.end())
      out.push_back(run.label + " was split by lesion: a patient may stand on both sides.");
    if (d.dirty) out.push_back(run.label + " came from code that was not committed.");
  }
  if (prints.size() > 1)
    out.push_back("The runs do not share their data: their means are not to be compared.");
  if (folds.size() > 1)
    out.push_back("The runs were tested on different folds: their means are of other nodules.");
  if (!data.set) out.push_back("There are no pictures: " + data.missing);
  const std::string print = all.our().param("resolved.fingerprint");
  if (data.set && !print.empty() && data.set->fingerprint != print)
    out.push_back("The data have changed since " + all.our().label +
                  " ran: pictures and volumes "
                  "may not be those that it saw.");
  return out;
}

std::string notes_block(const Strings& notes) {
  if (notes.empty()) return "";
  std::string out = "<ul class=notes>";
  for (const auto& note : notes) out += "<li>" + escaped(note) + "</li>\n";
  return out + "</ul>\n";
}

/// The mark of runs on synthetic images, by name where others are on scans.
std::string phantoms(const Gathered& all) {
  Strings labels;
  for (const auto& run : all.runs)
    if (run.param("data.source") == kPhantom) labels.push_back(run.label);
  if (labels.empty()) return "";
  const std::string who = labels.size() < all.runs.size() ? " (" + join(labels, ", ") + ")" : "";
  return "<p class=phantom><b>Phantoms.</b>" + escaped(who) +
         " The images are made from a seed; no figure on them says anything about patients.</p>\n";
}

std::string head(const Gathered& all, const PageData& data, const PageOptions& options) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n<meta "
      "http-equiv=Content-Security-Policy content=\"{}\">\n<meta name=viewport "
      "content='width=device-width'>\n<title>{}</title>\n<style>{}</style></head>\n<body>\n"
      "<header><h1>{}</h1>\n",
      kPolicy, escaped(options.title), kStyle, escaped(options.title));
  out += phantoms(all);
  out += "<dl>" + fact("made", options.date) + fact("Hilum", options.version) +
         data_facts(all, data) + fact("ours", all.our().label + " (" + all.our().details.id + ")");
  if (all.compares())
    out += fact("baseline", all.baseline().label + " (" + all.baseline().details.id + ")");
  return out + "</dl>\n" + notes_block(warnings(all, data)) + "</header>\n";
}

std::string cases_head(const Gathered& all) {
  const auto box = [](const char* colour, const std::string& label) {
    return fmt::format(
        "<label><input type=checkbox checked value={0}> <span class='key {0}' "
        "aria-hidden=true></span>{1}</label>",
        colour, escaped(label));
  };
  std::string out =
      "<section id=cases><h2>Cases</h2>\n<p>The slice on which the true nodule is largest, worst "
      "first. Dice is of the whole nodule; where a slice was scored by itself, its Dice stands "
      "beside.</p><p class=switch>" +
      box("truth", "truth");
  if (all.compares()) out += box("base", "baseline: " + all.baseline().label);
  return out + box("ours", "ours: " + all.our().label) + "</p>\n";
}

/// The cases that fit into `room` bytes.
std::string cases_section(const Gathered& all, Overlays overlays, size_t room) {
  if (overlays.figures.empty()) return notes_block(overlays.notes);
  const size_t wanted = overlays.figures.size();
  const size_t frame = cases_head(all).size() + 1000 + notes_block(overlays.notes).size();
  std::string figures;
  size_t drawn = 0;
  while (drawn < wanted && frame + figures.size() + overlays.figures[drawn].size() < room)
    figures += overlays.figures[drawn++];
  if (drawn < wanted)
    overlays.notes.push_back(
        fmt::format("{} of {} cases are drawn: the page would be too large.", drawn, wanted));
  return cases_head(all) + notes_block(overlays.notes) + figures + "</section>\n";
}

std::string assemble(const Gathered& all, const PageData& data, const PageOptions& options) {
  const std::string output = mask_output(all, options);
  if (!options.ids.empty()) (void)choose_cases(all, output, options);  // a wrong id is said anyway
  const std::string before =
      head(all, data, options) + "<main>\n" + runs_section(all) + curves_section(all);
  const std::string after = worst_section(all, output) + dice_section(all, output, data) +
                            values_section(all) + classes_section(all) + "</main>\n<script>" +
                            kScript + "</script></body></html>\n";
  const size_t fixed = before.size() + after.size();
  if (fixed > options.limit)
    throw Error(
        fmt::format("The figures alone make a page of {:.1f} MB; the limit is {:.1f} MB. "
                    "Name fewer runs.",
                    static_cast<double>(fixed) / 1e6, static_cast<double>(options.limit) / 1e6),
        Fault::request);
  if (!data.set || output.empty()) return before + after;
  return before +
         cases_section(all, draw_cases(all, output, *data.set, options), options.limit - fixed) +
         after;
}

}  // namespace
}  // namespace html

std::string html_page(const std::vector<Entry>& entries, const runs::Reader& reader,
                      const PageData& data, const PageOptions& options) {
  return html::assemble(html::gather(entries, reader, options), data, options);
}

}  // namespace hilum::report
