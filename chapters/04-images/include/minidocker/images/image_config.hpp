#pragma once
/// \file
/// The config of an image: what to run, and which layers it consists of
/// (OCI image-spec config.md).

#include <string>
#include <string_view>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/manifest.hpp"

namespace minidocker::images {

/// The members that mini-docker uses; others stay in the blob, which is never rewritten.
struct ImageConfig {
  Platform platform;                    ///< what it is built for; parts may be empty
  std::string created;                  ///< RFC 3339; may be empty
  std::string user;                     ///< "user", "uid:gid", ...; empty: root
  std::vector<std::string> env;         ///< "NAME=value"
  std::vector<std::string> entrypoint;  ///< put before the command
  std::vector<std::string> cmd;         ///< the command if the user gives none
  std::string working_dir;              ///< empty: /
  std::vector<std::string> volumes;     ///< paths that shall be volumes
  std::vector<Digest> diff_ids;         ///< digests of the unpacked layers, lowest first
};

/// Parses a config; `what` names it in errors. Throws invalid_argument.
[[nodiscard]] ImageConfig parse_image_config(std::string_view text, std::string_view what);

}  // namespace minidocker::images
