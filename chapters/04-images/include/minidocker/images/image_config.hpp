#pragma once
/// \file
/// The config of an image: what to run, and which layers it consists of
/// (OCI image-spec config.md).

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/manifest.hpp"

namespace minidocker::images {

/// How an image came to be, step by step (OCI image-spec config.md, `history`). Nobody checks it:
/// what is said here is said by whoever built the image.
struct HistoryStep {
  std::string created;       ///< RFC 3339; may be empty
  std::string created_by;    ///< the command
  std::string comment;       ///< may be empty
  bool empty_layer = false;  ///< it made no layer
};

/// The members that mini-docker uses; others stay in the blob, which is never rewritten.
struct ImageConfig {
  Platform platform;                          ///< what it is built for; parts may be empty
  std::string created;                        ///< RFC 3339; may be empty
  std::string user;                           ///< "user", "uid:gid", ...; empty: root
  std::vector<std::string> env;               ///< "NAME=value"
  std::vector<std::string> entrypoint;        ///< put before the command
  std::vector<std::string> cmd;               ///< the command if the user gives none
  std::string working_dir;                    ///< empty: /
  std::vector<std::string> volumes;           ///< paths that shall be volumes
  std::vector<Digest> diff_ids;               ///< digests of the unpacked layers, lowest first
  std::string author;                         ///< who made it; may be empty
  std::string docker_version;                 ///< of the docker that made it; may be empty
  std::string comment;                        ///< of who committed or imported it; may be empty
  std::map<std::string, std::string> labels;  ///< remarks for people and programs
  std::vector<HistoryStep> history;           ///< the oldest step first
  std::string defaults;                       ///< member `config` as it stands there: JSON
};

/// Parses a config; `what` names it in errors. Throws invalid_argument.
[[nodiscard]] ImageConfig parse_image_config(std::string_view text, std::string_view what);

/// Names for a layer with all those below it, the lowest first (OCI image-spec config.md, "Layer
/// ChainID"): docker calls layers so.
[[nodiscard]] std::vector<Digest> chain_ids(const std::vector<Digest>& diff_ids);

}  // namespace minidocker::images
