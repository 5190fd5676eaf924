#pragma once
/// \file
/// Debian's podman and buildah, which share how they keep images.

#include <string>
#include <vector>

namespace minidocker::testing {

/// A podman, or a buildah, that keeps all it has in one directory; layers are whole copies there
/// (vfs). Only in a sandbox whose /run and /var/lib are its own: some of its paths no flag can
/// move.
class ContainersTool {
 public:
  /// Runs with `words`, which must succeed; the first line of what it printed.
  std::string operator()(const std::vector<std::string>& words) const;

 protected:
  /// Calls `program`, a need, with `flags` before all others.
  ContainersTool(std::string dir, const std::string& program, std::vector<std::string> flags);

 private:
  std::string dir_;
  std::vector<std::string> argv_;
};

/// `podman` below a directory: need "podman".
class Podman : public ContainersTool {
 public:
  explicit Podman(const std::string& dir);  ///< an existing directory that takes all of its files
};

/// `buildah` below a directory: need "buildah".
class Buildah : public ContainersTool {
 public:
  explicit Buildah(const std::string& dir);  ///< an existing directory that takes all of its files
};

}  // namespace minidocker::testing
