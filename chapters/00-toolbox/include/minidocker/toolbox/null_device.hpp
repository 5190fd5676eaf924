#pragma once
/// \file
/// The one device that everybody may write to, and whose content nobody can change.

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace minidocker {

/// Is it the null device (null(4): character 1:3), under whatever name?
[[nodiscard]] inline bool is_null_device(const struct stat& status) noexcept {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

}  // namespace minidocker
