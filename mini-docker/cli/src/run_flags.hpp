#pragma once
/// \file
/// The command line of `run`.

#include <string>
#include <vector>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// Parses `[OPTIONS] IMAGE [COMMAND] [ARG...]`: flags end at the first word that is none. Throws
/// UsageError in docker's words, HelpWanted (flag_parser.hpp) for --help.
[[nodiscard]] engine::CreateRequest parse_run(const std::vector<std::string>& args);

}  // namespace minidocker::cli
