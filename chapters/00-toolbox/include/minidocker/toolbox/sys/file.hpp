#pragma once
/// \file
/// Files and descriptors. Every function is noexcept, traced, retries EINTR where the call did
/// nothing, and returns Result; every descriptor is born close-on-exec.

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::sys {

/// openat(2). O_CLOEXEC is added always; `dirfd` may be AT_FDCWD.
Result<UniqueFd> openat(int dirfd, const char* path, int flags, mode_t mode = 0) noexcept;
/// openat(2) from the working directory.
Result<UniqueFd> open(const char* path, int flags, mode_t mode = 0) noexcept;
/// openat2(2): openat with `resolve` rules (RESOLVE_IN_ROOT, RESOLVE_BENEATH, ...). O_CLOEXEC is
/// added. Kernel 5.6.
Result<UniqueFd> openat2(int dirfd, const char* path, std::uint64_t flags, std::uint64_t resolve,
                         mode_t mode = 0) noexcept;
/// close(2). Used by UniqueFd; nobody else should need it.
Result<> close(int fd) noexcept;
/// read(2): up to `size` bytes; 0 is the end.
Result<std::size_t> read(int fd, void* buffer, std::size_t size) noexcept;
/// write(2): may write less than `size`.
Result<std::size_t> write(int fd, const void* data, std::size_t size) noexcept;
/// lseek(2).
Result<off_t> lseek(int fd, off_t offset, int whence) noexcept;
/// ftruncate(2): a file that grows this way has a hole at its end.
Result<> ftruncate(int fd, off_t size) noexcept;
/// ioctl_ficlone(2): the empty file `to` shares all content of `from` until either is written to.
/// EOPNOTSUPP, EINVAL or ENOTTY: the filesystem cannot; EXDEV: it is not the same one.
Result<> clone_file(int to, int from) noexcept;
/// copy_file_range(2) at both descriptors' positions: how many bytes were copied, 0 at the end. Of
/// two filesystems EXDEV.
Result<std::size_t> copy_file_range(int from, int to, std::size_t size) noexcept;
/// fsync(2).
Result<> fsync(int fd) noexcept;
/// syncfs(2): all of the filesystem that holds `fd`.
Result<> syncfs(int fd) noexcept;
/// fcntl(2) F_DUPFD_CLOEXEC: a second descriptor of the same open file, at least `lowest`.
Result<UniqueFd> dup(int fd, int lowest = 3) noexcept;
/// dup3(2) *without* close-on-exec: `target` becomes a copy that survives execve. This is the one
/// way to pass a descriptor on. With fd == target the flag is cleared instead.
Result<> pass_on_as(int fd, int target) noexcept;
/// fcntl(2) F_GETFD/F_SETFD: sets or clears close-on-exec of a foreign descriptor.
Result<> set_cloexec(int fd, bool on) noexcept;
/// fcntl(2) F_GETFL/F_SETFL: sets or clears O_NONBLOCK.
Result<> set_nonblocking(int fd, bool on) noexcept;
/// fcntl(2) F_GETFD: is the number an open descriptor? EBADF if not.
Result<> probe_fd(int fd) noexcept;
/// close_range(2) for all descriptors from `first` on; `flags` may be CLOSE_RANGE_CLOEXEC.
/// Kernel 5.9 (CLOEXEC: 5.11).
Result<> close_range_from(unsigned first, unsigned flags) noexcept;
/// fstat(2).
Result<struct stat> fstat(int fd) noexcept;
/// newfstatat(2); `flags` e.g. AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH.
Result<struct stat> fstatat(int dirfd, const char* path, int flags) noexcept;
/// fstatfs(2): filesystem type and mount flags.
Result<struct statfs> fstatfs(int fd) noexcept;
/// faccessat(2) with AT_EACCESS: may the effective ids do `mode` (R_OK, W_OK, X_OK, F_OK)?
Result<> faccessat(int dirfd, const char* path, int mode) noexcept;
/// readlinkat(2): the number of bytes; not NUL-terminated.
Result<std::size_t> readlinkat(int dirfd, const char* path, char* buffer,
                               std::size_t size) noexcept;
/// getdents64(2): bytes filled with struct dirent64 records; 0 is the end.
Result<std::size_t> getdents64(int fd, void* buffer, std::size_t size) noexcept;
/// memfd_create(2) with MFD_CLOEXEC and `flags` (MFD_ALLOW_SEALING).
Result<UniqueFd> memfd_create(const char* name, unsigned flags) noexcept;
/// flock(2): LOCK_SH, LOCK_EX, LOCK_UN, or'ed with LOCK_NB.
Result<> flock(int fd, int operation) noexcept;
/// fcntl_locking(2) F_OFD_SETLKW: waits for the write lock of `length` bytes from `offset`, which
/// need not exist. It belongs to the open file, as flock's does, and ends with its last descriptor.
Result<> lock_range(int fd, off_t offset, off_t length) noexcept;
/// fcntl_locking(2) F_OFD_SETLK: the same, without waiting. EAGAIN: somebody else holds some of it.
Result<> try_lock_range(int fd, off_t offset, off_t length) noexcept;
/// mmap(2) MAP_SHARED|MAP_ANONYMOUS, readable and writable: memory shared with later children.
Result<void*> map_shared(std::size_t size) noexcept;
/// munmap(2).
Result<> munmap(void* address, std::size_t size) noexcept;

}  // namespace minidocker::sys
