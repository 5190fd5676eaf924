#include "minidocker/toolbox/sys/file.hpp"

#include <linux/close_range.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/mman.h>

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

constexpr trace::FlagName kOpenFlags[] = {
    {O_RDONLY, "O_RDONLY", O_ACCMODE},
    {O_WRONLY, "O_WRONLY", O_ACCMODE},
    {O_RDWR, "O_RDWR", O_ACCMODE},
    {O_CREAT, "O_CREAT"},
    {O_EXCL, "O_EXCL"},
    {O_NOCTTY, "O_NOCTTY"},
    {O_TRUNC, "O_TRUNC"},
    {O_APPEND, "O_APPEND"},
    {O_NONBLOCK, "O_NONBLOCK"},
    {O_TMPFILE, "O_TMPFILE", O_TMPFILE},
    {O_DIRECTORY, "O_DIRECTORY"},
    {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_CLOEXEC, "O_CLOEXEC"},
    {O_PATH, "O_PATH"},
    {O_NOATIME, "O_NOATIME"},
    {0, nullptr},
};
constexpr trace::FlagName kResolveFlags[] = {
    {RESOLVE_NO_XDEV, "RESOLVE_NO_XDEV"},         {RESOLVE_NO_MAGICLINKS, "RESOLVE_NO_MAGICLINKS"},
    {RESOLVE_NO_SYMLINKS, "RESOLVE_NO_SYMLINKS"}, {RESOLVE_BENEATH, "RESOLVE_BENEATH"},
    {RESOLVE_IN_ROOT, "RESOLVE_IN_ROOT"},         {0, nullptr},
};
constexpr trace::FlagName kAtFlags[] = {
    {AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
    {AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
    {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
    {AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
    {AT_EACCESS, "AT_EACCESS"},
    {0, nullptr},
};
constexpr trace::FlagName kCloseRangeFlags[] = {
    {CLOSE_RANGE_UNSHARE, "CLOSE_RANGE_UNSHARE"},
    {CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"},
    {0, nullptr},
};
constexpr trace::FlagName kMemfdFlags[] = {
    {MFD_CLOEXEC, "MFD_CLOEXEC"}, {MFD_ALLOW_SEALING, "MFD_ALLOW_SEALING"}, {0, nullptr}};

constexpr CallInfo kOpenat{"openat", "openat(2)"};
constexpr CallInfo kOpenat2{"openat2", "openat2(2)"};
constexpr CallInfo kClose{"close", "close(2)"};
constexpr CallInfo kRead{"read", "read(2)"};
constexpr CallInfo kWrite{"write", "write(2)"};
constexpr CallInfo kLseek{"lseek", "lseek(2)"};
constexpr CallInfo kFtruncate{"ftruncate", "ftruncate(2)"};
constexpr CallInfo kClone{"ioctl", "ioctl_ficlone(2)"};
constexpr CallInfo kCopyFileRange{"copy_file_range", "copy_file_range(2)"};
constexpr CallInfo kFsync{"fsync", "fsync(2)"};
constexpr CallInfo kSyncfs{"syncfs", "syncfs(2)"};
constexpr CallInfo kFcntl{"fcntl", "fcntl(2)"};
constexpr CallInfo kDup3{"dup3", "dup3(2)"};
constexpr CallInfo kCloseRange{"close_range", "close_range(2)"};
constexpr CallInfo kFstat{"fstat", "fstat(2)"};
constexpr CallInfo kFstatat{"newfstatat", "fstatat(2)"};
constexpr CallInfo kFstatfs{"fstatfs", "fstatfs(2)"};
constexpr CallInfo kFaccessat{"faccessat2", "faccessat2(2)"};
constexpr CallInfo kReadlinkat{"readlinkat", "readlinkat(2)"};
constexpr CallInfo kGetdents{"getdents64", "getdents64(2)"};
constexpr CallInfo kMemfd{"memfd_create", "memfd_create(2)"};
constexpr CallInfo kFlock{"flock", "flock(2)"};
constexpr CallInfo kMmap{"mmap", "mmap(2)"};
constexpr CallInfo kMunmap{"munmap", "munmap(2)"};

/// Does an open with these flags take a mode? O_TMPFILE is a bit of its own and O_DIRECTORY, which
/// alone creates nothing.
bool creates(std::uint64_t how) noexcept {
  return (how & O_CREAT) != 0 || (how & O_TMPFILE) == O_TMPFILE;
}

Answer fcntl_call(int file, int command, const char* name, long argument) noexcept {
  return traced(
      kFcntl, [&] { return invoke(SYS_fcntl, file, command, argument); }, fd(file), text(name),
      number(argument));
}

Answer write_lock(int file, int command, const char* name, off_t offset, off_t length) noexcept {
  struct flock range{};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = offset;
  range.l_len = length;
  return traced(
      kFcntl, [&] { return invoke_again(SYS_fcntl, file, command, &range); }, fd(file), text(name),
      number(offset, "l_start"), number(length, "l_len"));
}

/// Sets or clears `bit` in the flag word that fcntl's `get` reads and `set` writes.
Result<> change_bit(int file, int get, const char* get_name, int set, const char* set_name,
                    long bit, bool on) noexcept {
  const Answer before = fcntl_call(file, get, get_name, 0);
  if (before.error != 0) return done(kFcntl, before);
  const long after = on ? (before.value | bit) : (before.value & ~bit);
  if (after == before.value) return Result<>(kFcntl);
  return done(kFcntl, fcntl_call(file, set, set_name, after));
}

}  // namespace

Result<UniqueFd> openat(int dirfd, const char* path, int how, mode_t mode) noexcept {
  how |= O_CLOEXEC;
  const auto kernel = [&] { return invoke_again(SYS_openat, dirfd, path, how, mode); };
  const auto bits = static_cast<unsigned>(how);
  if (!creates(static_cast<std::uint64_t>(how))) {
    return owning(kOpenat, traced(kOpenat, kernel, fd(dirfd), text(path), flags(kOpenFlags, bits)));
  }
  return owning(kOpenat, traced(kOpenat, kernel, fd(dirfd), text(path), flags(kOpenFlags, bits),
                                octal(mode)));
}

Result<UniqueFd> open(const char* path, int how, mode_t mode) noexcept {
  return openat(AT_FDCWD, path, how, mode);
}

Result<UniqueFd> openat2(int dirfd, const char* path, std::uint64_t how_flags,
                         std::uint64_t resolve, mode_t mode) noexcept {
  struct open_how how{};
  how.flags = how_flags | O_CLOEXEC;
  how.resolve = resolve;
  // The kernel refuses a mode for a file that is not created.
  if (creates(how_flags)) how.mode = mode;
  return owning(kOpenat2,
                traced(
                    kOpenat2,
                    [&] {
                      // EAGAIN: a rename or mount raced with the walk; the kernel asks to retry.
                      Answer answer{};
                      for (int tries = 0; tries < 64; ++tries) {
                        answer = invoke_again(SYS_openat2, dirfd, path, &how, sizeof(how));
                        if (answer.error != EAGAIN) break;
                      }
                      return answer;
                    },
                    fd(dirfd), text(path), flags(kOpenFlags, how.flags, "flags"),
                    octal(how.mode, "mode"), flags(kResolveFlags, how.resolve, "resolve")));
}

Result<> close(int file) noexcept {
  // Never again after EINTR: on Linux the descriptor is gone even then.
  return done(kClose, traced(kClose, [&] { return invoke(SYS_close, file); }, fd(file)));
}

Result<std::size_t> read(int file, void* buffer, std::size_t size) noexcept {
  return yielding<std::size_t>(
      kRead, traced(
                 kRead, [&] { return invoke_again(SYS_read, file, buffer, size); }, fd(file),
                 number(static_cast<std::int64_t>(size))));
}

Result<std::size_t> write(int file, const void* data, std::size_t size) noexcept {
  return yielding<std::size_t>(
      kWrite, traced(
                  kWrite, [&] { return invoke_again(SYS_write, file, data, size); }, fd(file),
                  bytes(data, size), number(static_cast<std::int64_t>(size))));
}

Result<off_t> lseek(int file, off_t offset, int whence) noexcept {
  return yielding<off_t>(
      kLseek, traced(
                  kLseek, [&] { return invoke(SYS_lseek, file, offset, whence); }, fd(file),
                  number(offset), number(whence)));
}

Result<> ftruncate(int file, off_t size) noexcept {
  return done(kFtruncate, traced(
                              kFtruncate, [&] { return invoke_again(SYS_ftruncate, file, size); },
                              fd(file), number(size)));
}

Result<> clone_file(int to, int from) noexcept {
  return done(kClone, traced(
                          kClone, [&] { return invoke_again(SYS_ioctl, to, FICLONE, from); },
                          fd(to), text("FICLONE"), fd(from)));
}

Result<std::size_t> copy_file_range(int from, int to, std::size_t size) noexcept {
  return yielding<std::size_t>(
      kCopyFileRange,
      traced(
          kCopyFileRange,
          [&] { return invoke_again(SYS_copy_file_range, from, nullptr, to, nullptr, size, 0U); },
          fd(from), fd(to), number(static_cast<std::int64_t>(size))));
}

Result<> fsync(int file) noexcept {
  return done(kFsync, traced(kFsync, [&] { return invoke_again(SYS_fsync, file); }, fd(file)));
}

Result<> syncfs(int file) noexcept {
  return done(kSyncfs, traced(kSyncfs, [&] { return invoke_again(SYS_syncfs, file); }, fd(file)));
}

Result<UniqueFd> dup(int file, int lowest) noexcept {
  return owning(kFcntl, fcntl_call(file, F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC", lowest));
}

Result<> pass_on_as(int file, int target) noexcept {
  if (file == target) return set_cloexec(file, false);
  return done(kDup3, traced(
                         kDup3, [&] { return invoke_again(SYS_dup3, file, target, 0); }, fd(file),
                         fd(target), number(0)));
}

Result<> set_cloexec(int file, bool on) noexcept {
  return change_bit(file, F_GETFD, "F_GETFD", F_SETFD, "F_SETFD", FD_CLOEXEC, on);
}

Result<> set_nonblocking(int file, bool on) noexcept {
  return change_bit(file, F_GETFL, "F_GETFL", F_SETFL, "F_SETFL", O_NONBLOCK, on);
}

Result<> probe_fd(int file) noexcept {
  return done(kFcntl, fcntl_call(file, F_GETFD, "F_GETFD", 0));
}

Result<> close_range_from(unsigned first, unsigned how) noexcept {
  return done(kCloseRange,
              traced(
                  kCloseRange, [&] { return invoke(SYS_close_range, first, ~0U, how); },
                  number(first), hex(~0U), flags(kCloseRangeFlags, how)));
}

Result<struct stat> fstat(int file) noexcept {
  struct stat status{};
  const Answer answer = traced(kFstat, [&] { return invoke(SYS_fstat, file, &status); }, fd(file));
  return filling(kFstat, answer, status);
}

Result<struct stat> fstatat(int dirfd, const char* path, int how) noexcept {
  struct stat status{};
  const Answer answer = traced(
      kFstatat, [&] { return invoke(SYS_newfstatat, dirfd, path, &status, how); }, fd(dirfd),
      text(path), flags(kAtFlags, static_cast<unsigned>(how)));
  return filling(kFstatat, answer, status);
}

Result<struct statfs> fstatfs(int file) noexcept {
  struct statfs status{};
  const Answer answer =
      traced(kFstatfs, [&] { return invoke_again(SYS_fstatfs, file, &status); }, fd(file));
  return filling(kFstatfs, answer, status);
}

Result<> faccessat(int dirfd, const char* path, int mode) noexcept {
  return done(kFaccessat,
              traced(
                  kFaccessat, [&] { return invoke(SYS_faccessat2, dirfd, path, mode, AT_EACCESS); },
                  fd(dirfd), text(path), number(mode), flags(kAtFlags, AT_EACCESS)));
}

Result<std::size_t> readlinkat(int dirfd, const char* path, char* buffer,
                               std::size_t size) noexcept {
  return yielding<std::size_t>(
      kReadlinkat,
      traced(
          kReadlinkat, [&] { return invoke(SYS_readlinkat, dirfd, path, buffer, size); }, fd(dirfd),
          text(path), number(static_cast<std::int64_t>(size))));
}

Result<std::size_t> getdents64(int file, void* buffer, std::size_t size) noexcept {
  return yielding<std::size_t>(
      kGetdents, traced(
                     kGetdents, [&] { return invoke(SYS_getdents64, file, buffer, size); },
                     fd(file), number(static_cast<std::int64_t>(size))));
}

Result<UniqueFd> memfd_create(const char* name, unsigned how) noexcept {
  how |= MFD_CLOEXEC;
  return owning(kMemfd, traced(
                            kMemfd, [&] { return invoke(SYS_memfd_create, name, how); }, text(name),
                            flags(kMemfdFlags, how)));
}

Result<> flock(int file, int operation) noexcept {
  return done(kFlock, traced(
                          kFlock, [&] { return invoke_again(SYS_flock, file, operation); },
                          fd(file), number(operation)));
}

Result<> lock_range(int file, off_t offset, off_t length) noexcept {
  return done(kFcntl, write_lock(file, F_OFD_SETLKW, "F_OFD_SETLKW", offset, length));
}

Result<> try_lock_range(int file, off_t offset, off_t length) noexcept {
  return done(kFcntl, write_lock(file, F_OFD_SETLK, "F_OFD_SETLK", offset, length));
}

Result<void*> map_shared(std::size_t size) noexcept {
  const Answer answer = traced(
      kMmap,
      [&] {
        return invoke(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
      },
      number(static_cast<std::int64_t>(size)));
  // NOLINTNEXTLINE(performance-no-int-to-ptr): this is how the kernel answers mmap
  return filling(kMmap, answer, reinterpret_cast<void*>(answer.value));
}

Result<> munmap(void* address, std::size_t size) noexcept {
  return done(kMunmap, traced(
                           kMunmap, [&] { return invoke(SYS_munmap, address, size); },
                           number(static_cast<std::int64_t>(size))));
}

}  // namespace minidocker::sys
