// SPDX-License-Identifier: Apache-2.0
// hilum predict: from scans to masks and nodules' figures.
#include "core/predict/predict.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <set>

#include "core/cli/commands.hpp"
#include "core/predict/report.hpp"
#include "core/train/progress.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;
using predict::Place;

struct Options {
  std::string run, out, checkpoint = "best", centres, boxes, series;
  Strings images, ensemble;
  predict::Settings settings;
  std::string orient = "lps";
  bool whole = false, ras = false, probability = false, force = false, json = false;
  std::string tta;
};

Strings members(const Options& options) {
  Strings all;
  Strings given{options.run};
  given.insert(given.end(), options.ensemble.begin(), options.ensemble.end());
  for (const auto& names : given)
    for (size_t begin = 0; begin <= names.size();) {
      const size_t end = std::min(names.find(',', begin), names.size());
      if (end > begin) all.push_back(names.substr(begin, end - begin));
      begin = end + 1;
    }
  return all;
}

void check(const Options& o) {
  const int ways = !o.centres.empty() + !o.boxes.empty() + o.whole;
  if (ways != 1)
    throw Error(std::string("hilum predict: say where to look: ") +
                    (ways == 0 ? "one" : "only one") +
                    " of --centres CSV, --boxes CSV and --whole.",
                Fault::request);
  if (o.settings.depth && o.whole)
    throw Error("--depth: is of regions around centres; --whole takes every slice.",
                Fault::request);
  for (const auto& image : o.images)
    if (!fs::exists(image)) throw Error(image + ": does not exist.", Fault::request);
}

// Where each image's files go; nothing may be there, unless --force.
std::vector<predict::Files> outputs(const Options& o) {
  std::vector<predict::Files> all;
  std::set<std::string> names;
  Strings there;
  for (const auto& image : o.images) {
    all.push_back(predict::files_for(image, o.out, o.probability));
    if (predict::is_image_file(o.out) && o.images.size() > 1)
      throw Error("-o: value '" + o.out + "' is one file, but there are " +
                      std::to_string(o.images.size()) + " images. Give a folder.",
                  Fault::request);
    if (!names.insert(all.back().mask.string()).second)
      throw Error("two images are called '" + predict::image_name(image) +
                      "': their masks would be one file. Predict them into two folders.",
                  Fault::request);
    for (const auto& file : all.back().all())
      if (fs::exists(file)) there.push_back(file.string());
  }
  if (!there.empty() && !o.force)
    throw Error(join(there, ", ") + (there.size() == 1 ? ": exists already." : ": exist already.") +
                    " Choose another -o, or --force to write over.",
                Fault::request);
  return all;
}

std::vector<Place> places(const Options& o, const std::vector<Place>& table,
                          const predict::Input& input) {
  return predict::places_of(table, input.names, o.images.size() == 1,
                            o.centres.empty() ? o.boxes : o.centres);
}

void run(Options& o) {
  check(o);
  const auto files = outputs(o);
  o.settings.lps = o.orient == "lps";
  o.settings.flips = o.tta == "flips";
  std::vector<Place> table;
  if (!o.centres.empty()) table = predict::read_centres(o.centres, o.ras);
  if (!o.boxes.empty()) table = predict::read_boxes(o.boxes, o.ras);
  std::vector<predict::Member> loaded;
  for (const auto& run : members(o)) loaded.push_back(predict::load_member(run, o.checkpoint));
  predict::Predictor predictor(std::move(loaded), o.settings);
  // All images are looked at before the first mask is written. One is kept, more are read again.
  predict::Input input;
  for (const auto& image : o.images) {
    input = predict::read_input(image, o.series);
    if (!o.whole) predict::require_inside(places(o, table, input), input.volume.geometry, image);
  }
  train::Progress progress(stderr);
  predict::Documents documents;
  for (size_t i = 0; i < o.images.size(); ++i) {
    const auto& image = o.images[i];
    if (o.images.size() > 1) input = predict::read_input(image, o.series);
    const auto tick = [&](int64_t done, int64_t total) {
      progress.bar(predict::image_name(image), done, total, 0);
    };
    auto prediction = o.whole ? predictor.whole(input.volume, image, tick)
                              : predictor.at(input.volume, places(o, table, input), image, tick);
    prediction.notes.insert(prediction.notes.begin(), input.notes.begin(), input.notes.end());
    for (const auto& note : prediction.notes) progress.line("note: " + note);
    documents.push_back(
        predict::write(predictor, prediction, input.volume.geometry, image, files[i]));
    if (!o.json) fmt::print("{}", predict::text(prediction, files[i]));
  }
  if (o.json) fmt::print("{}\n", predict::dump(documents));
}

void add_where(CLI::App& command, Options& o) {
  command.add_option("--centres", o.centres,
                     "CSV with columns x,y,z (or coordX,coordY,coordZ), world mm; optional: id, "
                     "diameter_mm, image or seriesuid");
  command.add_option("--boxes", o.boxes, "CSV with columns x0,y0,z0,x1,y1,z1, world mm");
  command.add_flag("--whole", o.whole, "the whole image by sliding window");
  command.add_flag("--ras", o.ras, "positions are RAS (NIfTI, 3D Slicer), not LPS (ITK, LUNA16)");
  command
      .add_option("--depth", o.settings.depth,
                  "mm of slices around a centre, 2D runs (default: 1.5 x diameter_mm, else 40; a "
                  "box's own)")
      ->check(CLI::PositiveNumber);
  command.add_option("--overlap", o.settings.sliding.overlap, "of windows, with --whole")
      ->check(CLI::Range(0.0, 0.95))
      ->capture_default_str();
  command
      .add_option("--margin", o.settings.sliding.margin,
                  "voxels at a window's edge that are left out, with --whole")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--orient", o.orient, "axes that the network sees: turned to LPS, or as stored")
      ->check(CLI::IsMember({"lps", "stored"}))
      ->capture_default_str();
  command.add_option("--series", o.series, "UID, where a DICOM folder holds several");
}

}  // namespace

void add_predict(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "predict", "masks and each nodule's figures for scans, at given centres or everywhere");
  command
      ->add_option("run", o->run,
                   "id, unique prefix of one, name (its newest) or @last; a comma list: their mean")
      ->required();
  command
      ->add_option("images", o->images,
                   "NIfTI, NRRD or MetaImage files in HU, or folders with a DICOM series")
      ->required();
  command->add_option("-o,--out", o->out, "folder, or for one image the mask's file")->required();
  add_where(*command, *o);
  command->add_option("--ensemble", o->ensemble, "more runs: probabilities are averaged")
      ->take_all();
  command->add_option("--tta", o->tta, "'flips': mean over flips of H and W, in 3D of D too")
      ->check(CLI::IsMember({"flips"}));
  command->add_option("--head", o->settings.head, "the mask head (default: the first)");
  command
      ->add_option("--checkpoint", o->checkpoint,
                   "best (the last one where there was no validation) or last")
      ->check(CLI::IsMember({"best", "last"}));
  command->add_flag("--probability", o->probability, "write the probability as an image too");
  command->add_flag("--force", o->force, "write over files that are there");
  command->add_flag("--json", o->json, "one JSON document");
  command->footer("What is written and how it is computed: docs/predict.md");
  command->callback([o] { run(*o); });
}

}  // namespace hilum::cli
