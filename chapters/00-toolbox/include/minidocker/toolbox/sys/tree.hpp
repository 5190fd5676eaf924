#pragma once
/// \file
/// Changes to a tree of files: names, owners, modes, times, extended attributes.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>

#include "minidocker/toolbox/result.hpp"

namespace minidocker::sys {

/// mkdirat(2).
Result<> mkdirat(int dirfd, const char* path, mode_t mode) noexcept;
/// mkdir(2) from the working directory (made with mkdirat).
Result<> mkdir(const char* path, mode_t mode) noexcept;
/// mknodat(2): `mode` holds the type (S_IFCHR, S_IFIFO, ...). EINVAL for a device number beyond the
/// kernel's 12 and 20 bits.
Result<> mknodat(int dirfd, const char* path, mode_t mode, dev_t device) noexcept;
/// symlinkat(2).
Result<> symlinkat(const char* target, int dirfd, const char* path) noexcept;
/// linkat(2); `flags` e.g. AT_EMPTY_PATH, AT_SYMLINK_FOLLOW.
Result<> linkat(int old_dirfd, const char* old_path, int new_dirfd, const char* new_path,
                int flags) noexcept;
/// unlinkat(2); AT_REMOVEDIR removes a directory.
Result<> unlinkat(int dirfd, const char* path, int flags) noexcept;
/// unlinkat(2) AT_REMOVEDIR from the working directory.
Result<> rmdir(const char* path) noexcept;
/// unlinkat(2) from the working directory.
Result<> unlink(const char* path) noexcept;
/// renameat2(2); `flags` e.g. RENAME_NOREPLACE, RENAME_EXCHANGE.
Result<> renameat2(int old_dirfd, const char* old_path, int new_dirfd, const char* new_path,
                   unsigned flags = 0) noexcept;
/// fchmod(2).
Result<> fchmod(int fd, mode_t mode) noexcept;
/// fchmodat(2): follows links; open an O_PATH descriptor and use /proc/self/fd for others.
Result<> fchmodat(int dirfd, const char* path, mode_t mode) noexcept;
/// fchownat(2); `flags` e.g. AT_SYMLINK_NOFOLLOW.
Result<> fchownat(int dirfd, const char* path, uid_t uid, gid_t gid, int flags) noexcept;
/// utimensat(2): access and modification time.
Result<> utimensat(int dirfd, const char* path, const struct timespec times[2], int flags) noexcept;
/// futimens: utimensat(2) on an open file.
Result<> futimens(int fd, const struct timespec times[2]) noexcept;
/// setxattr(2) on a path, following links.
Result<> setxattr(const char* path, const char* name, const void* value, std::size_t size) noexcept;
/// lsetxattr(2).
Result<> lsetxattr(const char* path, const char* name, const void* value,
                   std::size_t size) noexcept;
/// fsetxattr(2).
Result<> fsetxattr(int fd, const char* name, const void* value, std::size_t size) noexcept;
/// fgetxattr(2): number of bytes of the value; size 0 asks for the size.
Result<std::size_t> fgetxattr(int fd, const char* name, void* value, std::size_t size) noexcept;
/// lgetxattr(2): the same of a path; of a link itself.
Result<std::size_t> lgetxattr(const char* path, const char* name, void* value,
                              std::size_t size) noexcept;
/// llistxattr(2): number of bytes of the names, each with a NUL at its end; of a link itself.
Result<std::size_t> llistxattr(const char* path, char* names, std::size_t size) noexcept;
/// removexattr(2) on a path, following links.
Result<> removexattr(const char* path, const char* name) noexcept;
/// chdir(2).
Result<> chdir(const char* path) noexcept;
/// fchdir(2).
Result<> fchdir(int fd) noexcept;
/// getcwd(2): bytes including the NUL. A result that begins with "(unreachable)" lies outside
/// of the caller's root.
Result<std::size_t> getcwd(char* buffer, std::size_t size) noexcept;
/// umask(2): the mask before.
Result<mode_t> umask(mode_t mask) noexcept;

}  // namespace minidocker::sys
