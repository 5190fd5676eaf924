#include "minidocker/toolbox/sys/tree.hpp"

#include <sys/sysmacros.h>

#include <cstdint>

#include "traced.hpp"

namespace minidocker::sys {

using trace::bytes;
using trace::fd;
using trace::flags;
using trace::hex;
using trace::number;
using trace::octal;
using trace::text;

namespace {

constexpr trace::FlagName kAtFlags[] = {
    {AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
    {AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
    {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
    {0, nullptr},
};
// The same bit as AT_EACCESS; unlinkat reads it as this.
constexpr trace::FlagName kUnlinkFlags[] = {{AT_REMOVEDIR, "AT_REMOVEDIR"}, {0, nullptr}};
constexpr trace::FlagName kRenameFlags[] = {{RENAME_NOREPLACE, "RENAME_NOREPLACE"},
                                            {RENAME_EXCHANGE, "RENAME_EXCHANGE"},
                                            {RENAME_WHITEOUT, "RENAME_WHITEOUT"},
                                            {0, nullptr}};
constexpr trace::FlagName kFileTypes[] = {
    {S_IFSOCK, "S_IFSOCK", S_IFMT}, {S_IFREG, "S_IFREG", S_IFMT}, {S_IFBLK, "S_IFBLK", S_IFMT},
    {S_IFCHR, "S_IFCHR", S_IFMT},   {S_IFIFO, "S_IFIFO", S_IFMT}, {0, nullptr}};

constexpr CallInfo kMkdirat{"mkdirat", "mkdirat(2)"};
constexpr CallInfo kMknodat{"mknodat", "mknodat(2)"};
constexpr unsigned kMaxMajor = (1u << 12) - 1;  // the kernel's MINORBITS are 20 of 32
constexpr unsigned kMaxMinor = (1u << 20) - 1;
constexpr CallInfo kSymlinkat{"symlinkat", "symlinkat(2)"};
constexpr CallInfo kLinkat{"linkat", "linkat(2)"};
constexpr CallInfo kUnlinkat{"unlinkat", "unlinkat(2)"};
constexpr CallInfo kRenameat2{"renameat2", "renameat2(2)"};
constexpr CallInfo kFchmod{"fchmod", "fchmod(2)"};
constexpr CallInfo kFchmodat{"fchmodat", "fchmodat(2)"};
constexpr CallInfo kFchownat{"fchownat", "fchownat(2)"};
constexpr CallInfo kUtimensat{"utimensat", "utimensat(2)"};
constexpr CallInfo kSetxattr{"setxattr", "setxattr(2)"};
constexpr CallInfo kLsetxattr{"lsetxattr", "lsetxattr(2)"};
constexpr CallInfo kFsetxattr{"fsetxattr", "fsetxattr(2)"};
constexpr CallInfo kFgetxattr{"fgetxattr", "fgetxattr(2)"};
constexpr CallInfo kLgetxattr{"lgetxattr", "getxattr(2)"};
constexpr CallInfo kLlistxattr{"llistxattr", "listxattr(2)"};
constexpr CallInfo kRemovexattr{"removexattr", "removexattr(2)"};
constexpr CallInfo kChdir{"chdir", "chdir(2)"};
constexpr CallInfo kFchdir{"fchdir", "fchdir(2)"};
constexpr CallInfo kGetcwd{"getcwd", "getcwd(2)"};
constexpr CallInfo kUmask{"umask", "umask(2)"};

std::int64_t signed_size(std::size_t size) noexcept { return static_cast<std::int64_t>(size); }

}  // namespace

Result<> mkdirat(int dirfd, const char* path, mode_t mode) noexcept {
  return done(kMkdirat, traced(
                            kMkdirat, [&] { return invoke(SYS_mkdirat, dirfd, path, mode); },
                            fd(dirfd), text(path), octal(mode)));
}

Result<> mkdir(const char* path, mode_t mode) noexcept { return mkdirat(AT_FDCWD, path, mode); }

Result<> mknodat(int dirfd, const char* path, mode_t mode, dev_t device) noexcept {
  // The kernel's argument has 32 bits: it would make another device, and say nothing.
  if (major(device) > kMaxMajor || minor(device) > kMaxMinor) {
    return Result<>::failure(kMknodat, EINVAL);
  }
  return done(kMknodat,
              traced(
                  kMknodat, [&] { return invoke(SYS_mknodat, dirfd, path, mode, device); },
                  fd(dirfd), text(path), flags(kFileTypes, mode & S_IFMT),
                  octal(mode & ~static_cast<mode_t>(S_IFMT)), hex(device)));
}

Result<> symlinkat(const char* target, int dirfd, const char* path) noexcept {
  return done(kSymlinkat,
              traced(
                  kSymlinkat, [&] { return invoke(SYS_symlinkat, target, dirfd, path); },
                  text(target), fd(dirfd), text(path)));
}

Result<> linkat(int old_dirfd, const char* old_path, int new_dirfd, const char* new_path,
                int how) noexcept {
  return done(kLinkat,
              traced(
                  kLinkat,
                  [&] { return invoke(SYS_linkat, old_dirfd, old_path, new_dirfd, new_path, how); },
                  fd(old_dirfd), text(old_path), fd(new_dirfd), text(new_path),
                  flags(kAtFlags, static_cast<unsigned>(how))));
}

Result<> unlinkat(int dirfd, const char* path, int how) noexcept {
  return done(kUnlinkat,
              traced(
                  kUnlinkat, [&] { return invoke(SYS_unlinkat, dirfd, path, how); }, fd(dirfd),
                  text(path), flags(kUnlinkFlags, static_cast<unsigned>(how))));
}

Result<> rmdir(const char* path) noexcept { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
Result<> unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }

Result<> renameat2(int old_dirfd, const char* old_path, int new_dirfd, const char* new_path,
                   unsigned how) noexcept {
  return done(
      kRenameat2,
      traced(
          kRenameat2,
          [&] { return invoke(SYS_renameat2, old_dirfd, old_path, new_dirfd, new_path, how); },
          fd(old_dirfd), text(old_path), fd(new_dirfd), text(new_path), flags(kRenameFlags, how)));
}

Result<> fchmod(int file, mode_t mode) noexcept {
  return done(
      kFchmod,
      traced(kFchmod, [&] { return invoke(SYS_fchmod, file, mode); }, fd(file), octal(mode)));
}

Result<> fchmodat(int dirfd, const char* path, mode_t mode) noexcept {
  return done(kFchmodat, traced(
                             kFchmodat, [&] { return invoke(SYS_fchmodat, dirfd, path, mode); },
                             fd(dirfd), text(path), octal(mode)));
}

Result<> fchownat(int dirfd, const char* path, uid_t uid, gid_t gid, int how) noexcept {
  return done(
      kFchownat,
      traced(
          kFchownat, [&] { return invoke(SYS_fchownat, dirfd, path, uid, gid, how); }, fd(dirfd),
          text(path), number(uid), number(gid), flags(kAtFlags, static_cast<unsigned>(how))));
}

Result<> utimensat(int dirfd, const char* path, const struct timespec times[2], int how) noexcept {
  return done(kUtimensat,
              traced(
                  kUtimensat, [&] { return invoke(SYS_utimensat, dirfd, path, times, how); },
                  fd(dirfd), text(path), number(times != nullptr ? times[1].tv_sec : 0),
                  flags(kAtFlags, static_cast<unsigned>(how))));
}

Result<> futimens(int file, const struct timespec times[2]) noexcept {
  return sys::utimensat(file, nullptr, times, 0);
}

Result<> setxattr(const char* path, const char* name, const void* value,
                  std::size_t size) noexcept {
  return done(kSetxattr,
              traced(
                  kSetxattr, [&] { return invoke(SYS_setxattr, path, name, value, size, 0); },
                  text(path), text(name), bytes(value, size), number(signed_size(size))));
}

Result<> lsetxattr(const char* path, const char* name, const void* value,
                   std::size_t size) noexcept {
  return done(kLsetxattr,
              traced(
                  kLsetxattr, [&] { return invoke(SYS_lsetxattr, path, name, value, size, 0); },
                  text(path), text(name), bytes(value, size), number(signed_size(size))));
}

Result<> fsetxattr(int file, const char* name, const void* value, std::size_t size) noexcept {
  return done(kFsetxattr,
              traced(
                  kFsetxattr, [&] { return invoke(SYS_fsetxattr, file, name, value, size, 0); },
                  fd(file), text(name), bytes(value, size), number(signed_size(size))));
}

Result<std::size_t> fgetxattr(int file, const char* name, void* value, std::size_t size) noexcept {
  return yielding<std::size_t>(
      kFgetxattr, traced(
                      kFgetxattr, [&] { return invoke(SYS_fgetxattr, file, name, value, size); },
                      fd(file), text(name), number(signed_size(size))));
}

Result<std::size_t> lgetxattr(const char* path, const char* name, void* value,
                              std::size_t size) noexcept {
  return yielding<std::size_t>(
      kLgetxattr, traced(
                      kLgetxattr, [&] { return invoke(SYS_lgetxattr, path, name, value, size); },
                      text(path), text(name), number(signed_size(size))));
}

Result<std::size_t> llistxattr(const char* path, char* names, std::size_t size) noexcept {
  return yielding<std::size_t>(
      kLlistxattr, traced(
                       kLlistxattr, [&] { return invoke(SYS_llistxattr, path, names, size); },
                       text(path), number(signed_size(size))));
}

Result<> removexattr(const char* path, const char* name) noexcept {
  return done(kRemovexattr, traced(
                                kRemovexattr, [&] { return invoke(SYS_removexattr, path, name); },
                                text(path), text(name)));
}

Result<> chdir(const char* path) noexcept {
  return done(kChdir, traced(kChdir, [&] { return invoke(SYS_chdir, path); }, text(path)));
}

Result<> fchdir(int file) noexcept {
  return done(kFchdir, traced(kFchdir, [&] { return invoke(SYS_fchdir, file); }, fd(file)));
}

Result<std::size_t> getcwd(char* buffer, std::size_t size) noexcept {
  return yielding<std::size_t>(
      kGetcwd,
      traced(kGetcwd, [&] { return invoke(SYS_getcwd, buffer, size); }, number(signed_size(size))));
}

Result<mode_t> umask(mode_t mask) noexcept {
  return yielding<mode_t>(kUmask,
                          traced(kUmask, [&] { return invoke(SYS_umask, mask); }, octal(mask)));
}

}  // namespace minidocker::sys
