#pragma once
/// \file
/// Images as the engine's callers see them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::engine {

/// An image of the list. Sizes are those of its unpacked layers, as docker counts.
struct ImageSummary {
  std::string id;                             ///< 64 hex digits
  std::vector<std::string> tags;              ///< "busybox:latest"; sorted
  std::vector<std::string> digests;           ///< "busybox@sha256:..."; sorted
  std::int64_t created = 0;                   ///< seconds since 1970; 0 also if it cannot be read
  Bytes size;                                 ///< of its files; 0 if it is not unpacked
  std::map<std::string, std::string> labels;  ///< remarks in its config
};

/// What images() found.
struct ImageList {
  std::vector<ImageSummary> images;   ///< the newest first
  std::vector<std::string> warnings;  ///< what of the store is damaged, one line each
};

/// Which images are meant: those that fit all that is set. Of several labels all must be there, of
/// several references one must match.
struct ImageFilters {
  std::optional<bool> dangling = {};     ///< without (or only with) a tag
  std::vector<std::string> labels = {};  ///< "KEY" or "KEY=VALUE"
  std::vector<std::string> references =
      {};                   ///< patterns for "busybox" or "busybox:latest": fnmatch(3)
  std::string before = {};  ///< made before this image
  std::string since = {};   ///< made after this one
};

/// A step of an image's history.
struct HistoryLine {
  std::string id;            ///< 64 hex digits for the newest step; empty: nobody knows
  std::int64_t created = 0;  ///< seconds since 1970; 0: it does not say
  std::string created_by;    ///< the command
  Bytes size;                ///< of what it added
  std::string comment;       ///< may be empty
};

/// A layer of an image.
struct LayerSummary {
  std::string diff_id;     ///< "sha256:..."
  std::string chain_id;    ///< the same, together with all layers below
  Bytes size;              ///< of its files; 0 if it is not unpacked
  std::string created_by;  ///< what made it, as the image's history says; may be empty
};

/// All that there is to tell of an image.
struct ImageDetails {
  ImageSummary summary;              ///< as in the list
  std::string created;               ///< RFC 3339, as its config says
  std::string comment;               ///< may be empty
  std::string author;                ///< may be empty
  std::string docker_version;        ///< may be empty
  std::string defaults;              ///< what runs by default: JSON, as it stands in its config
  std::string os;                    ///< "linux"
  std::string architecture;          ///< "amd64"
  std::string variant;               ///< may be empty
  std::vector<LayerSummary> layers;  ///< the lowest first
  std::vector<std::string> folders;  ///< their directories, the topmost first; empty: not unpacked
  std::string driver;                ///< storage driver of new containers
};

/// What became of one name or image that was removed.
struct RemovedReference {
  /// What happened.
  enum class Kind : std::uint8_t {
    untagged,  ///< a name was taken away
    deleted,   ///< an image, or a layer, is gone
  };
  Kind kind = Kind::untagged;  ///< what happened
  std::string what;  ///< "busybox:latest"; "sha256:..." of the image, or chain ID of a layer
};

/// What was removed, and what room that made.
struct RemovedImages {
  std::vector<RemovedReference> removed;  ///< in the order it happened
  Bytes reclaimed;                        ///< of blobs, half downloads and unpacked layers
  std::vector<std::string> warnings;      ///< why there was no more of that, a line each
};

/// Which images prune_images() removes, of those that no container uses.
enum class PruneScope : std::uint8_t {
  dangling,  ///< those without a tag
  all,       ///< all of them
};

/// What an image takes.
struct ImageUsage {
  ImageSummary image;          ///< as in the list
  Bytes shared;                ///< of layers that other images have, too
  std::size_t containers = 0;  ///< made of it
};

/// A packed root that shall be an image.
struct ImportRequest {
  std::string from;                  ///< file, or "-" for standard input
  std::string name;                  ///< what it is called; may be empty
  std::vector<std::string> changes;  ///< instructions for its config, as in a Dockerfile
  std::string comment;               ///< for its history
};

}  // namespace minidocker::engine
