#pragma once
/// \file
/// The image's configuration and the caller's request, merged as docker does it.

#include <map>
#include <string>
#include <vector>

#include "minidocker/engine/request.hpp"

namespace minidocker::engine {

/// What an image says about the program to run (OCI image-spec config.md).
struct ImageDefaults {
  std::vector<std::string> entrypoint;  ///< first part of argv
  std::vector<std::string> cmd;         ///< second part, if the caller gives none
  std::vector<std::string> env;         ///< `NAME=value`
  std::string user;                     ///< `USER[:GROUP]`
  std::string working_dir;              ///< may be empty
};

/// The program as it will run.
struct Program {
  std::vector<std::string> args;  ///< argv, without --init's
  std::vector<std::string> env;   ///< without HOME, which the runtime reads in /etc/passwd
  std::string user;               ///< `USER[:GROUP]`; empty is root
  std::string working_dir;        ///< absolute
};

/// Merges; `hostname` is the value of HOSTNAME. Throws Error(invalid_argument) in docker's words
/// if there is no command, or if the working directory is not absolute.
[[nodiscard]] Program merge_config(const ImageDefaults& image, const CreateRequest& request,
                                   const std::string& hostname);

/// Lists of `NAME=value` on top of each other: a later value replaces an earlier one in its
/// place; `NAME` without a value removes it.
[[nodiscard]] std::vector<std::string> merge_env(
    const std::vector<const std::vector<std::string>*>& lists);

}  // namespace minidocker::engine
