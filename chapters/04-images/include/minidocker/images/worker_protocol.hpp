#pragma once
/// \file
/// What mini-worker is told on its command line and what it tells on its progress pipe. Both ends
/// are here, so that they cannot disagree.
///
/// The worker is started with a pipe as descriptor 3 and writes JSON lines to it; descriptor 1
/// takes an archive that is asked for, descriptor 2 stays empty unless the command line itself is
/// wrong (exit code 2).
///
/// | event    | members                              | meaning                                  |
/// |----------|--------------------------------------|------------------------------------------|
/// | transfer | `digest` `phase` `moved` `size`      | how far a blob has come                  |
/// | layer    | `diff_id` `entries` `bytes` `reused` | its directory is ready, or was there     |
/// | warning  | `message`                            | something of a layer was not taken over  |
/// | image    | `id` `manifest` `names`; of a pull   | the image is recorded in the store       |
/// |          | `digest` `is_new` too                |                                          |
/// | tags     | `names`                              | of tags: all of the repository           |
/// | kept     | `message` `is_new`                   | of remember: the helper that keeps it;   |
/// |          |                                      | of forget: was there anything            |
/// | sandbox  | `message`                            | a right that it could not give up, why   |
/// | error    | `kind` `message`                     | last line; nothing is left; exit code 1  |
/// | done     |                                      | last line; exit code 0                   |
///
/// A worker that ends without `done` or `error` was killed: what it began lies in the temporary
/// directory (clean_temporaries) and as unnamed blobs and layers (sweep).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::images {

/// The descriptor that the worker writes its events to.
inline constexpr int kProgressFd = 3;

/// What becomes of files that belong to others than root.
enum class Owners : std::uint8_t {
  keep,    ///< chown(2); without the privilege it is an error that says what to do
  squash,  ///< all belong to who unpacks: the one id that a rootless container has
};

/// Which of its jobs a worker does.
enum class WorkerVerb : std::uint8_t {
  unpack,       ///< load archives, or unpack layers of an image of the store
  pull,         ///< fetch an image from a registry and unpack it
  push,         ///< give an image of the store to a registry, under one of its names
  tags,         ///< list the tags that a repository of a registry has
  save,         ///< write images of the store out, as an archive or a directory
  import_root,  ///< make an image of a packed root; the word is `import`
  export_root,  ///< pack a root; the word is `export`
  login,        ///< ask a registry whether it knows us: USER and PASSWORD are read from standard
                ///< input, a line each; from docker's file if there are none
  remember,     ///< keep them, from standard input, where docker's file says
  forget,       ///< the reverse
};

/// May a registry be spoken to without TLS?
enum class PlainHttp : std::uint8_t {
  loopback,  ///< only one on this machine that speaks none
  yes,       ///< it is spoken to in plain HTTP
};

/// What a worker shall do: `mini-worker VERB ...`.
struct WorkerRequest {
  std::string store;                     ///< `--store DIR`: the OCI layout (Store)
  std::string layers;                    ///< `--layers DIR`: unpacked layers (LayerStore)
  std::string temporaries;               ///< `--tmp DIR`: on the filesystem of both
  std::string from;                      ///< `--from FILE|DIR`: load this; `-` is standard input
  std::string image;                     ///< `--image ID`: or unpack missing layers of this one
  Owners owners = Owners::keep;          ///< `--owners keep|squash`
  WorkerVerb verb = WorkerVerb::unpack;  ///< the first word
  std::string reference = {};            ///< pull, push, tags: `--reference NAME`
  std::vector<std::string> mirrors =
      {};                          ///< pull, tags: `--mirror URL`, each: asked before Docker Hub
  std::string docker_config = {};  ///< pull, push, tags: `--docker-config FILE`: who we are
  PlainHttp plain_http = PlainHttp::loopback;  ///< pull, push, login: `--plain-http loopback|yes`
  std::string platform = {};                   ///< pull: `--platform OS/ARCHITECTURE[/VARIANT]`
  std::string registry = {};                   ///< login, remember, forget: `--registry DOMAIN`
  std::vector<std::string> names = {};  ///< save: `--name NAME`, each; import: what it is called
  std::string to = {};       ///< save: `--to DIR`: a layout there; `-` is standard output
  std::string changes = {};  ///< import: `--changes TEXT`: see config_changes.hpp
  std::string comment = {};  ///< import: `--comment TEXT`: for its history
  std::string created = {};  ///< import: `--created TIME`: RFC 3339
  std::string tree = {};     ///< export: `--tree DIR`: the root; goes to standard output

  /// The arguments after the program's name.
  [[nodiscard]] std::vector<std::string> to_arguments() const;
  /// The reverse. Throws invalid_argument that names what is wrong.
  static WorkerRequest parse(const std::vector<std::string>& arguments);
};

/// One line of the progress pipe; members that an event does not have are empty.
struct WorkerEvent {
  /// Which event.
  enum class Type : std::uint8_t {
    transfer,
    layer,
    warning,
    image,
    tags,
    kept,
    sandbox,
    error,
    done
  };
  /// What happens to a blob.
  enum class Phase : std::uint8_t {
    exists,     ///< it was there already
    waiting,    ///< it will be moved
    queued,     ///< it waits until others are
    moving,     ///< `moved` bytes of it are
    again,      ///< the connection failed; it goes on
    verifying,  ///< is it what its digest says?
    done,       ///< it is, and it was moved
    unpacking,  ///< of a layer, `moved` bytes were unpacked
    unpacked,   ///< of a layer: all were
  };
  Type type = Type::done;          ///< which event
  std::string diff_id;             ///< layer: `sha256:HEX`
  std::uint64_t entries = 0;       ///< layer: how many the archive has
  std::uint64_t bytes = 0;         ///< layer: of the archive, unpacked
  bool reused = false;             ///< layer: was it there already?
  std::string id;                  ///< image: `sha256:HEX`
  std::string manifest;            ///< image: `sha256:HEX`
  std::vector<std::string> names;  ///< image: `docker.io/library/busybox:latest`; tags: `1.36`
  std::string digest;              ///< transfer: of the blob; image: what its name led to
  bool is_new = false;             ///< image: was anything of it fetched? kept: see above
  Phase phase = Phase::waiting;    ///< transfer: what happens to the blob
  std::uint64_t moved = 0;         ///< transfer: bytes
  std::uint64_t size = 0;          ///< transfer: bytes of the whole
  ErrorKind kind = ErrorKind::internal;  ///< error: how to sort it
  std::string message;                   ///< warning, kept, sandbox, error: one line

  /// One that has a type and a message, and nothing else.
  [[nodiscard]] static WorkerEvent of(Type type, std::string message);
  /// With the newline.
  [[nodiscard]] std::string to_line() const;
  /// The reverse. Throws invalid_argument.
  static WorkerEvent parse(std::string_view line);
};

}  // namespace minidocker::images
