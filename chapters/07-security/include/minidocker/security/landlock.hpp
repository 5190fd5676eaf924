#pragma once
/// \file
/// Landlock: a process fences itself in, for good and without any privilege (landlock(7),
/// Documentation/userspace-api/landlock.rst). What is checked is the opening of files, not the
/// using of what is open; and not chmod, chown, setxattr or utime, for which read_only_world.hpp is
/// there.

#include <cstdint>
#include <span>
#include <string>

namespace minidocker::security {

/// What a gate lets pass.
enum class GateAccess : std::uint8_t {
  read,    ///< files are read, directories listed
  change,  ///< all but executing, sockets, and ioctl(2) on devices
};

/// A hole in the fence.
struct Gate {
  std::string path;   ///< a file, or a directory with all beneath it; links are followed
  GateAccess access;  ///< what may be done there
};

/// The ABI of the kernel's Landlock; 0 if it has none or does not let us.
[[nodiscard]] int landlock_abi() noexcept;

/// The least ABI that a fence can be made of (kernel 5.19): before it, no file may be renamed from
/// one directory into another, wherever they are.
inline constexpr int kLeastLandlockAbi = 2;

/// From here on this thread, and those that it starts, open, make, rename, remove and execute only
/// what a gate allows. A gate to something that is not there is none. What a newer kernel offers is
/// taken: ABI 3 (6.2) minds truncate(2), 5 (6.10) ioctl(2) on devices, 6 (6.12) keeps signals and
/// abstract sockets inside. ptrace(2) of who is outside is refused always. `abi` is what
/// landlock_abi() said, at least kLeastLandlockAbi. Needs no_new_privs. Throws SystemError.
void fence_files(int abi, std::span<const Gate> gates);

}  // namespace minidocker::security
