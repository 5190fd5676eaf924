#pragma once
/// \file
/// The owner of a root that fuse-overlayfs serves.
///
/// The server is our child and lives in the host's mount namespace; the mount is in ours. So the
/// kernel ends it as soon as the last mount is gone: when we unmount it, or are killed and the
/// container with us. It holds neither namespace nor descriptor of the container.

#include <string>

#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
#include "minidocker/unionfs/upper_lease.hpp"

namespace minidocker::shim {

/// Mounts a root and has it served while it lives.
class ServedMount {
 public:
  /// Starts the server, then enters a mount namespace of our own and mounts there: once in the life
  /// of a process. Throws SystemError, Error.
  explicit ServedMount(const ServedRoot& root);
  ServedMount(const ServedMount&) = delete;
  ServedMount& operator=(const ServedMount&) = delete;
  ~ServedMount();

  /// Where it is mounted.
  [[nodiscard]] const std::string& target() const noexcept { return target_; }
  /// Once nobody uses it: unmounts, which writes back what the kernel still holds, and waits for
  /// the server's end. The server is left to be reaped as an orphan. Throws SystemError.
  void end();

 private:
  void stop_server() noexcept;
  std::string target_;
  unionfs::UpperLease upper_;
  UniqueFd server_;  ///< pidfd; none once it has ended
};

}  // namespace minidocker::shim
