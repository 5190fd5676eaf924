#pragma once
/// \file
/// Who gets a descriptor from mini-runc, as conmon does.

#include <string>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// Listens on a UNIX socket.
class FdListener {
 public:
  /// Binds `path` (107 bytes at most) and listens.
  explicit FdListener(const std::string& path);
  /// The descriptor of the first message of the next connection, and its payload; none if it
  /// brought none.
  UniqueFd receive(std::string& payload);

 private:
  UniqueFd listener_;
};

}  // namespace minidocker::runtime
