#pragma once
/// \file
/// Transcripts of the text: what a page shows is what a command prints.

#include <string>

namespace minidocker::testing {

/// Fails the running test unless the file at `path`, from the repository's top, holds `text`. With
/// MD_UPDATE_GOLDEN=1 in the environment it is written anew; `make quote` then brings it into the
/// page.
void expect_golden(const std::string& path, const std::string& text);

/// A command as a reader would type it, behind `$ `, and what it printed: standard output, then
/// standard error. Our programs are on its PATH, and are shown as build/bin.
[[nodiscard]] std::string session(const std::string& command);

}  // namespace minidocker::testing
