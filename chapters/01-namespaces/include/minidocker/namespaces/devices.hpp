#pragma once
/// \file
/// A /dev of its own: device nodes, links, and binds where nodes may not be made.

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// A device node that every container gets.
struct DefaultDevice {
  const char* name;     ///< below /dev
  mode_t mode;          ///< type and permissions
  std::uint32_t major;  ///< device number
  std::uint32_t minor;  ///< device number
};
/// null, zero, full, random, urandom, tty (OCI runtime spec, config-linux.md "Default Devices").
[[nodiscard]] std::span<const DefaultDevice> default_devices() noexcept;

/// A link that every container gets.
struct DefaultLink {
  const char* name;    ///< below /dev
  const char* target;  ///< where it leads
};
/// fd, stdin, stdout, stderr, ptmx, and core where the host has a /proc/kcore (OCI runtime spec,
/// runtime-linux.md "Dev symbolic links").
[[nodiscard]] std::vector<DefaultLink> default_links();

/// Opens a directory inside the container's root as an O_PATH descriptor, making it if it is
/// missing.
struct OpenDir {
  static constexpr StepInfo kInfo{"01-namespaces", "what follows is made in this very directory"};
  const int* root;   ///< slot of OpenRoot
  const char* path;  ///< inside the root, e.g. "dev"
  int* dir;          ///< slot for the descriptor
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Makes a device node. The permissions are cut by the umask (SetUmask). A node that is there
/// already is fine if it is the same device; anything else is EEXIST.
struct MakeDevice {
  static constexpr StepInfo kInfo{"01-namespaces", "programs expect their device nodes"};
  const int* dir;    ///< slot of OpenDir
  const char* name;  ///< below the directory; parents are made
  mode_t mode;       ///< S_IFCHR, S_IFBLK or S_IFIFO, and permissions
  dev_t device;      ///< makedev(3); 0 for a FIFO
  uid_t uid;         ///< owner
  gid_t gid;         ///< group
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Binds a device node of the host on an empty file: in a user namespace mknod(2) is EPERM,
/// whatever capabilities one has there.
struct BindDevice {
  static constexpr StepInfo kInfo{"01-namespaces", "in a user namespace nobody may make devices"};
  const char* source;  ///< on the host, e.g. "/dev/null"
  const int* dir;      ///< slot of OpenDir
  const char* name;    ///< below the directory; parents are made
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Makes a symbolic link. A name that is there already stays as the image has it.
struct MakeSymlink {
  static constexpr StepInfo kInfo{"01-namespaces", "programs expect these names in /dev"};
  const int* dir;      ///< slot of OpenDir
  const char* name;    ///< below the directory, without a slash
  const char* target;  ///< where it leads
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Sets the mask of permissions that new files do not get.
struct SetUmask {
  static constexpr StepInfo kInfo{"01-namespaces", "modes must not depend on who started us"};
  mode_t mask;  ///< e.g. 0, while /dev is filled, or 022
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
