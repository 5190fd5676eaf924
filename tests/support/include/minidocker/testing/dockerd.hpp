#pragma once
/// \file
/// The real thing, to be compared with: Debian's dockerd with its containerd, runc and docker.

#include <memory>
#include <string>
#include <vector>

#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {

/// How it is set up.
struct DockerdOptions {
  std::string dir;                          ///< existing directory that takes all of its files
  std::string storage_driver = "overlay2";  ///< or "vfs"
};

/// A dockerd without a bridge, running while it lives: need "dockerd". Only in a sandbox with
/// mount, PID and network namespaces: what it mounts and starts ends with that, and /run is made an
/// empty tmpfs there. In the sandbox's /tmp `dir` is memory. The destructor removes the containers
/// and the groups, and leaves `dir`.
class Dockerd {
 public:
  /// Answers when the constructor returns. Throws std::runtime_error with its log.
  explicit Dockerd(DockerdOptions options);
  Dockerd(const Dockerd&) = delete;
  Dockerd& operator=(const Dockerd&) = delete;
  ~Dockerd();

  /// Runs `docker args...`, of the same package. There is no network but `--network none`.
  CommandResult docker(const std::vector<std::string>& args, CommandOptions options = {}) const;
  /// Where it listens, for DOCKER_HOST.
  [[nodiscard]] std::string address() const { return "unix://" + options_.dir + "/docker.sock"; }
  /// What it has logged so far.
  [[nodiscard]] std::string log() const;

 private:
  DockerdOptions options_;
  std::string group_;  // of its containers' groups, in each hierarchy
  std::unique_ptr<RunningCommand> containerd_;
  std::unique_ptr<RunningCommand> dockerd_;
};

}  // namespace minidocker::testing
