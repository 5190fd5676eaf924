#include "minidocker/unionfs/whiteout.hpp"

#include <sys/sysmacros.h>
#include <cerrno>

#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::unionfs {

ArchiveName classify_archive_name(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = ".wh.";
  if (!name.starts_with(kPrefix)) return {};
  if (name == ".wh..wh..opq") return {ArchiveMark::opaque, {}};
  const std::string_view hides = name.substr(kPrefix.size());
  if (hides.starts_with(kPrefix)) return {ArchiveMark::ignored, {}};
  if (hides.empty() || hides == "." || hides == "..") return {ArchiveMark::invalid, {}};
  return {ArchiveMark::whiteout, hides};
}

bool is_overlay_xattr(std::string_view name) noexcept {
  return name.starts_with("user.overlay.") || name.starts_with("trusted.overlay.");
}

bool is_whiteout(const struct stat& status) noexcept {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
}

sys::Result<> make_whiteout(int dirfd, const char* name) noexcept {
  return sys::mknodat(dirfd, name, S_IFCHR, makedev(0, 0));
}

sys::Result<> mark_opaque(int dirfd) noexcept {
  return sys::fsetxattr(dirfd, kOpaqueXattr, "y", 1);
}

sys::Result<bool> is_opaque(int dirfd) noexcept {
  char value = 0;
  const sys::Result<std::size_t> size = sys::fgetxattr(dirfd, kOpaqueXattr, &value, 1);
  if (size.ok()) return sys::Result<bool>(size.call(), size.value() == 1 && value == 'y');
  if (size.error() == ENODATA || size.error() == EOPNOTSUPP) {
    return sys::Result<bool>(size.call(), false);
  }
  return sys::Result<bool>::failure(size.call(), size.error());
}

}  // namespace minidocker::unionfs
