// SPDX-License-Identifier: Apache-2.0
#include "core/predict/report.hpp"

#include <fmt/format.h>

#include <array>

#include "core/data/csv.hpp"
#include "core/data/dicom.hpp"
#include "core/util/files.hpp"
#include "core/util/text.hpp"

namespace hilum::predict {
namespace fs = std::filesystem;
namespace {

constexpr std::array kExtensions{".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd"};

const char* kind(OutputKind kind) {
  switch (kind) {
    case OutputKind::ordinal:
      return "ordinal";
    case OutputKind::regression:
      return "regression";
    default:
      return "probability";
  }
}

Document to_json(const Measures& m) {
  return {
      {"volume_mm3", m.volume}, {"axial_diameter_mm", m.axial}, {"sphere_diameter_mm", m.sphere}};
}

Document to_json(const Nodule& n) {
  Document out{{"id", n.place.id}, {"centre_mm", n.place.centre}};
  out.update(to_json(n.size));
  out["slices"] = n.slices;
  out["slices_with_nodule"] = n.slices_with_nodule;
  out["values"] = Document::object();
  for (const auto& v : n.values) {
    auto& value = out["values"][v.name];
    value = {{"target", v.output.target},
             {"kind", kind(v.output.kind)},
             {"value", v.nodule},
             {"all_slices", v.all}};
    if (v.output.kind == OutputKind::binary) {
      value["threshold"] = v.output.threshold;
      value["positive"] = v.nodule > v.output.threshold;
    }
  }
  return out;
}

std::string csv(const Prediction& p) {
  std::string text =
      "id,x,y,z,volume_mm3,axial_diameter_mm,sphere_diameter_mm,slices,slices_with_nodule";
  if (!p.nodules.empty())
    for (const auto& v : p.nodules[0].values)
      text += "," + data::csv_cell(v.name) + "," + data::csv_cell(v.name + "_all_slices");
  text += "\n";
  for (const auto& n : p.nodules) {
    const auto& [x, y, z] = n.place.centre;
    text += fmt::format("{},{},{},{},{},{},{},{},{}", data::csv_cell(n.place.id), x, y, z,
                        n.size.volume, n.size.axial, n.size.sphere, n.slices, n.slices_with_nodule);
    for (const auto& v : n.values) text += fmt::format(",{},{}", v.nodule, v.all);
    text += "\n";
  }
  return text;
}

}  // namespace

std::string image_name(const fs::path& image) {
  const fs::path plain = image.lexically_normal();
  std::string name = (plain.has_filename() ? plain : plain.parent_path()).filename().string();
  if (name.empty() || name == "." || name == "..")
    name = fs::absolute(plain).lexically_normal().parent_path().filename().string();
  for (const std::string extension : kExtensions)
    if (name.ends_with(extension) && name.size() > extension.size())
      return name.substr(0, name.size() - extension.size());
  return name;
}

bool is_image_file(const fs::path& file) {
  for (const auto* extension : kExtensions)
    if (file.filename().string().ends_with(extension)) return true;
  return false;
}

namespace {

Input read_dicom(const fs::path& folder, const std::string& wanted) {
  Input input;
  Strings known;
  std::vector<data::Series> fitting;
  for (auto& series : data::find_series(folder, input.notes)) {
    if (series.modality != "CT") continue;
    known.push_back(series.uid);
    if (wanted.empty() || series.uid == wanted) fitting.push_back(std::move(series));
  }
  if (known.empty()) throw Error(folder.string() + ": holds no DICOM series of CT.", Fault::data);
  if (fitting.empty())
    throw Error("--series: value '" + wanted + "' is not in '" + folder.string() + "'." +
                    suggestion(wanted, known),
                Fault::request);
  if (fitting.size() > 1)
    throw Error(folder.string() + ": holds " + std::to_string(fitting.size()) +
                    " CT series. Choose one with --series: " + join(known, ", ") + ".",
                Fault::request);
  auto scan = data::read_scan(fitting[0]);
  input.volume = std::move(scan.volume);
  input.names = {image_name(folder), fitting[0].uid, folder.string()};
  input.notes.insert(input.notes.end(), scan.notes.begin(), scan.notes.end());
  return input;
}

}  // namespace

Input read_input(const fs::path& image, const std::string& series) {
  if (fs::is_directory(image)) return read_dicom(image, series);
  if (!series.empty())
    throw Error("--series: '" + image.string() + "' is no DICOM folder.", Fault::request);
  return {
      data::read_image(image), {image_name(image), image.filename().string(), image.string()}, {}};
}

std::vector<fs::path> Files::all() const {
  std::vector<fs::path> files{mask, csv, json};
  if (!probability.empty()) files.push_back(probability);
  return files;
}

Files files_for(const fs::path& image, const fs::path& out, bool probability) {
  const bool one = is_image_file(out);
  const fs::path folder = one ? out.parent_path() : out;
  const std::string name = image_name(one ? out : image);
  const std::string extension = one ? out.filename().string().substr(name.size()) : ".nii.gz";
  return {.mask = one ? out : folder / (name + "_mask" + extension),
          .probability = probability ? folder / (name + "_probability" + extension) : fs::path(),
          .csv = folder / (name + "_nodules.csv"),
          .json = folder / (name + "_nodules.json")};
}

Document write(const Predictor& predictor, const Prediction& p, const data::Geometry& geometry,
               const fs::path& image, const Files& files) {
  Document out{{"image", image.string()}, {"mask", files.mask.string()}};
  if (!files.probability.empty()) out["probability"] = files.probability.string();
  out["runs"] = Document::array();
  for (const auto& member : predictor.members())
    out["runs"].push_back({{"id", member.run}, {"checkpoint", member.checkpoint}});
  out["head"] = predictor.head();
  out["threshold"] = predictor.threshold();
  out["flips"] = predictor.settings().flips;
  out["orientation"] = predictor.settings().lps ? "lps" : "stored";
  out.update(to_json(p.size));
  out["nodules"] = Document::array();
  for (const auto& nodule : p.nodules) out["nodules"].push_back(to_json(nodule));
  out["notes"] = p.notes;

  data::write_image(files.mask, geometry, p.mask);
  if (!files.probability.empty()) data::write_image(files.probability, geometry, p.probability);
  util::write_file(files.csv, csv(p));
  util::write_file(files.json, out.dump(2) + "\n");
  return out;
}

std::string dump(const Documents& documents) {
  return documents.size() == 1 ? documents[0].dump(2) : Document(documents).dump(2);
}

std::string text(const Prediction& p, const Files& files) {
  std::string out;
  if (p.nodules.empty()) {
    out = fmt::format("foreground: {:.1f} mm3\n", p.size.volume);
  } else {
    std::vector<std::vector<std::string>> rows{{"nodule", "mm3", "axial mm", "sphere mm"}};
    for (const auto& v : p.nodules[0].values) rows[0].push_back(v.name);
    for (const auto& n : p.nodules) {
      rows.push_back({n.place.id, fmt::format("{:.1f}", n.size.volume),
                      fmt::format("{:.1f}", n.size.axial), fmt::format("{:.1f}", n.size.sphere)});
      for (const auto& v : n.values) rows.back().push_back(fmt::format("{:.3f}", v.nodule));
    }
    out = util::table(rows);
  }
  return out + files.mask.string() + "\n";
}

}  // namespace hilum::predict
