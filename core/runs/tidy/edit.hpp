// SPDX-License-Identifier: Apache-2.0
// What people write beside a run: tags and a note. They are no figures: a done run's seal holds.
#pragma once
#include "core/runs/queries.hpp"

namespace hilum::runs {

/// Throws Error (request) for what would not be found again, or not be read as one tag: "", or with
/// blanks, commas or control characters.
void check_tag(const std::string& tag);
/// True of those that Hilum gives and reads itself: phantom, lesion-split, evaluation, rerun:ID,
/// table:NAME/...
bool is_own_tag(const std::string& tag);

/// `run` of all: an id.
std::vector<std::string> tags_of(const Reader& reader, const std::string& run);
std::string note_of(const Reader& reader, const std::string& run);

/// Throws Error (request) for a wrong tag, and for one of Hilum's own unless `force`;
/// nothing is changed then.
void add_tags(const std::filesystem::path& folder, const std::string& run,
              const std::vector<std::string>& tags, bool force = false);
/// The same, and for a tag that the run has not.
void remove_tags(const std::filesystem::path& folder, const std::string& run,
                 const std::vector<std::string>& tags, bool force = false);
/// Replaces the note, or adds a line to it.
void set_note(const std::filesystem::path& folder, const std::string& run, const std::string& text,
              bool append = false);

}  // namespace hilum::runs
