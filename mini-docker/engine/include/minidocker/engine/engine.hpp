#pragma once
/// \file
/// The engine: images and containers as docker's clients know them. Several processes may use one
/// state directory at the same time; each container is owned by the process that runs it.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/engine/images.hpp"
#include "minidocker/engine/request.hpp"
#include "minidocker/engine/transfer.hpp"
#include "minidocker/toolbox/bytes.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker::engine {

/// Where everything lies. The only place that knows the defaults.
struct Paths {
  std::string state;     ///< what survives a reboot: rows, images, writable layers
  std::string run;       ///< what does not: locks, shims, the runtime's state
  std::string programs;  ///< where mini-shim, mini-worker and mini-init stand

  /// `root` is --root: state there, run below it. Without: MINI_DOCKER_ROOT likewise; else
  /// /var/lib/mini-docker and /run/mini-docker, or for an ordinary user mini-docker in
  /// $XDG_DATA_HOME (~/.local/share) and $XDG_RUNTIME_DIR. Throws Error(invalid_argument) if
  /// nothing of this says where.
  [[nodiscard]] static Paths choose(const std::optional<std::string>& root);
};

/// What load() did.
struct LoadedImages {
  std::vector<std::string> names;     ///< "busybox:latest"; an id for an image without a name
  std::vector<std::string> ids;       ///< of the images, "sha256:..."
  std::vector<std::string> warnings;  ///< what of it was not taken over, one line each
};

/// Where saved images go.
struct SaveTarget {
  int fd = 1;             ///< an archive is written there; borrowed
  std::string directory;  ///< instead an OCI layout is written there; empty: no
};

/// What create() made.
struct CreatedContainer {
  std::string id;                     ///< 64 hex digits
  std::vector<std::string> warnings;  ///< what of the image's wishes is not heeded, one line each
};

/// What a container is doing. The state machine stands in states.hpp.
enum class State {
  creating,  ///< a row, and perhaps some of what it names
  created,   ///< complete, never started (or its start failed)
  starting,  ///< a shim is being told
  running,   ///< its program runs
  exited,    ///< its program has ended
  removing,  ///< what it names is going
};

/// A line of `ps`.
struct ContainerSummary {
  std::string id;                ///< 64 hex digits
  std::string name;              ///< without a slash
  std::string image;             ///< as the caller named it
  std::string command;           ///< entrypoint and command, joined with blanks
  State state = State::created;  ///< at this moment
  int exit_code = 0;             ///< of the last run
  std::int64_t created = 0;      ///< seconds since 1970
  std::int64_t started = 0;      ///< seconds since 1970; 0: never
  std::int64_t finished = 0;     ///< seconds since 1970; 0: never
};

/// A mount that the user asked for.
struct MountDetails {
  std::string source;         ///< on the host
  std::string destination;    ///< in the container
  std::string propagation;    ///< "rprivate"
  bool is_read_only = false;  ///< may the container not write there?
};

/// All that there is to tell of a container.
struct ContainerDetails {
  ContainerSummary summary;          ///< as in the list
  std::string status;                ///< "running": its state in docker's words
  std::string image_id;              ///< 64 hex digits
  std::string created;               ///< RFC 3339
  std::string started;               ///< RFC 3339; empty: never
  std::string finished;              ///< RFC 3339; empty: never
  std::string error;                 ///< why the last start failed
  std::string driver;                ///< storage driver of its root
  std::string runtime;               ///< a program; empty: built in
  std::string directory;             ///< where its own files lie
  std::string hostname;              ///< in it
  std::string user;                  ///< as it was asked for; empty: root
  std::string working_dir;           ///< where its program begins
  std::vector<std::string> args;     ///< argv
  std::vector<std::string> env;      ///< "NAME=value"
  std::vector<MountDetails> mounts;  ///< binds
  bool has_terminal = false;         ///< is one its own?
  bool is_interactive = false;       ///< is its standard input open?
  bool is_removed_at_end = false;    ///< does it go when it ends?
  bool is_read_only = false;         ///< may it not write to its root?
};

/// What a container takes.
struct ContainerUsage {
  ContainerSummary container;  ///< as in the list
  Bytes size;                  ///< of what it has written
};

/// What images and containers take.
struct DiskUsage {
  Bytes layers;                            ///< of all unpacked layers, each once
  std::vector<ImageUsage> images;          ///< the newest first
  std::vector<ContainerUsage> containers;  ///< the newest first
};

/// A line of `diff`.
struct PathChange {
  char kind = 'C';   ///< 'A' added, 'C' changed, 'D' deleted
  std::string path;  ///< absolute, in the container
};

/// What prune_containers() removed.
struct PrunedContainers {
  std::vector<std::string> ids;  ///< 64 hex digits each
  Bytes reclaimed;               ///< of what they had written
};

/// Whether a running container may be killed to be removed.
enum class Force { no, yes };

/// A container could not be started, with the exit code that docker's client gives then: 127 for
/// a program that is not there, 126 for one that cannot be executed, else 125.
class StartError : public Error {
 public:
  /// Takes the shim's words.
  StartError(ErrorKind kind, const std::string& message, int exit_code)
      : Error(kind, message), exit_code_(exit_code) {}
  /// 125, 126 or 127.
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// What the started program is connected to. Descriptors are borrowed.
struct StartOptions {
  int in = 0;                            ///< not read unless the container is interactive
  int out = 1;                           ///< receives stdout, and all of a terminal's output
  int err = 2;                           ///< receives stderr
  std::optional<trace::Format> explain;  ///< narrate the kernel's part of it?
  int explain_fd = 2;                    ///< where to
};

/// A running container and its owner's view of it. When it is dropped before the end, the
/// container is ended.
class Attachment {
 public:
  Attachment(Attachment&&) noexcept;
  Attachment& operator=(Attachment&&) noexcept;
  ~Attachment();

  /// Readable once there is news; borrowed, poll(2)able.
  [[nodiscard]] int fd() const noexcept;
  /// Sends a signal to the container's first process; none if it has ended.
  void signal(int number);
  /// The caller's terminal has this many rows and columns now.
  void resize(std::uint16_t rows, std::uint16_t columns);
  /// Reads news, waiting for some: the exit code once the container has ended, is recorded, and,
  /// with auto_remove, removed. Throws Error(internal) if the shim died.
  [[nodiscard]] std::optional<int> next();

  struct Impl;                                      ///< inside of the engine
  explicit Attachment(std::unique_ptr<Impl> impl);  ///< made by Engine::start()

 private:
  std::unique_ptr<Impl> impl_;
};

/// The engine, on one state directory. Not for use by several threads.
class Engine {
 public:
  /// Makes the directories, opens the records, and recovers: finishes or rolls back what a process
  /// that died left half done, ends containers whose owner is gone, and removes what no row knows.
  /// New containers get the storage driver of that name, from now on; without one that of the state
  /// directory, or the best that works there. Throws SystemError, Error.
  explicit Engine(Paths paths, const std::optional<std::string>& storage_driver = std::nullopt);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  /// Loads an image archive or OCI layout. Throws Error; then nothing of it is in the store.
  LoadedImages load(const std::string& path);
  /// Fetches an image from its registry and unpacks it; `watch` is told of its layers. Throws
  /// Error; then nothing of it is in the store.
  PulledImage pull(const TransferRequest& request, const LayerWatch& watch);
  /// Gives the image of that name to its registry; returns the digest of its manifest. Throws
  /// Error.
  std::string push(const TransferRequest& request, const LayerWatch& watch);
  /// The names of all images that the registry has in the repository `request.image`. Throws Error,
  /// also for one with a tag or a digest.
  [[nodiscard]] std::vector<std::string> names_in_registry(const TransferRequest& request) const;
  /// Likewise those that are here; not_found if there are none.
  [[nodiscard]] std::vector<std::string> names_here(const std::string& repository) const;
  /// Asks the registry whether it knows who is named, and keeps that; returns the credential
  /// helper that does, empty for the file. Without a user: whether it knows whoever is kept. Throws
  /// Error: not_found if nobody is, permission if it does not know them.
  [[nodiscard]] std::string login(const LoginRequest& request) const;
  /// Forgets who is kept for a registry; false if nobody is. Throws Error.
  [[nodiscard]] bool logout(const std::string& registry, const std::string& docker_config) const;
  /// Is there an image of this name or id? Throws as create() for what is neither.
  [[nodiscard]] bool has_image(const std::string& name) const;
  /// The images that fit; of a damaged one what can be read, and a warning. Throws
  /// Error(not_found) if a filter names an unknown one.
  [[nodiscard]] ImageList images(const ImageFilters& filters = {}) const;
  /// Gives an image one more name, taken away from who has it. Throws Error.
  void tag(const std::string& image, const std::string& name);
  /// Removes a name, or an image with all its names, and what nobody needs any more: see
  /// image_removal.hpp. Throws Error(not_found, conflict); what was removed before that stays so.
  RemovedImages remove_image(const std::string& name, Force force);
  /// Removes all images of that scope that no container uses. Throws Error.
  RemovedImages prune_images(PruneScope scope);
  /// How an image came to be, the newest step first. Throws Error.
  [[nodiscard]] std::vector<HistoryLine> history(const std::string& image) const;
  /// All that there is to tell of an image. Throws Error.
  [[nodiscard]] ImageDetails inspect_image(const std::string& image) const;
  /// What of the store is missing or damaged, a line each: reads every byte of it. Throws Error.
  [[nodiscard]] std::vector<std::string> check_images() const;
  /// What images and containers take. Throws Error.
  [[nodiscard]] DiskUsage disk_usage() const;
  /// Writes images out: each is named, or is a repository, which means all of its tags. Throws
  /// Error; what was written until then is no whole archive.
  void save(const std::vector<std::string>& names, const SaveTarget& target) const;
  /// Makes an image of a packed root. Throws Error.
  LoadedImages import_root(const ImportRequest& request);
  /// Writes all files of a container to `out` as one archive; mounts are left out. Throws Error.
  void export_root(const std::string& container, int out) const;
  /// All containers, newest first.
  [[nodiscard]] std::vector<ContainerSummary> containers() const;

  /// Makes a container. The caller owns it until it drops this engine or the Attachment that
  /// start() gave. Throws Error with docker's words; then nothing is left.
  CreatedContainer create(const CreateRequest& request);
  /// Starts a container made by create() of this engine. Throws StartError; the container then is
  /// `created` still, or gone with auto_remove.
  Attachment start(const std::string& id, const StartOptions& options);
  /// Removes a container, by id, name or unique beginning of an id. By force also one that another
  /// process owns: it is killed, and its owner records the end first. Throws Error(not_found,
  /// conflict).
  void remove(const std::string& name, Force force);
  /// What a container, running or not, has changed of its image's files; mounts are not looked
  /// into. By id, name or unique beginning of an id. Throws Error(not_found).
  [[nodiscard]] std::vector<PathChange> changes(const std::string& name) const;
  /// All that there is to tell of a container, by id, name or unique beginning of an id. Throws
  /// Error(not_found).
  [[nodiscard]] ContainerDetails inspect_container(const std::string& name) const;
  /// Removes all containers that do not run and nobody owns: ids, and what they took. Throws Error.
  PrunedContainers prune_containers();
  /// What recovery could not do, one line each; what it concerns is tried again next time.
  [[nodiscard]] const std::vector<std::string>& warnings() const;

  struct Impl;  ///< inside of the engine

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace minidocker::engine
