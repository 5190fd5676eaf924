#pragma once
/// \file
/// Paths of /proc and /sys that a container must not read, or not write (config-linux.md
/// #masked-paths, #readonly-paths). All steps run when the container's root is "/" already, so that
/// no path and no link can lead out of it, and before capabilities are dropped (CAP_SYS_ADMIN).

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::security {

/// The null device, proven to be it, as a source for binds.
struct NullDevice {
  int fd = -1;            ///< O_PATH of it, or of the directory it is in; OpenDevNull fills it
  const char* name = "";  ///< its name in that directory
  /// Is /proc a procfs that we mounted ourselves? Who makes the plan knows: an image's directory
  /// /proc can hold "files" self/fd/5, which must never be bound.
  bool proc_fd_works = false;
};

/// Opens /dev/null and proves that it is the null device (character 1:3): an image, or a container
/// that shares the volume, may have put anything there, and a mask made of it would be the opposite
/// of one (CVE-2025-31133). ENODEV if it is something else. Nothing has to be proven of one that
/// this plan has made where nobody else can reach.
struct OpenDevNull {
  static constexpr StepInfo kInfo{"07-security", "files are masked with it, so it must be true"};
  NullDevice* null;              ///< filled
  const int* made_in = nullptr;  ///< slot: the directory in which this plan has made "null", or -1
  const bool* alone = nullptr;   ///< slot: is it of this plan alone?
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Hides what is at `path`: a file behind the null device, a directory behind an empty read-only
/// tmpfs. Nothing there: nothing to hide. One call for a file, two for a directory; without a /proc
/// a file takes two and the third that closes the copy.
struct MaskPath {
  static constexpr StepInfo kInfo{"07-security", "it tells about the host, or reaches into it"};
  const char* path;        ///< absolute, in the container
  const NullDevice* null;  ///< from OpenDevNull
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Makes what is at `path` read-only by a mount of its own, with all other flags of the mount it
/// lies on. Nothing there: nothing to do. A mount below it keeps its own flags. Kernel 5.12
/// (mount_setattr needs no statfs to keep flags).
struct MakeReadonly {
  static constexpr StepInfo kInfo{"07-security", "writing there changes the host's kernel"};
  const char* path;  ///< absolute, in the container
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
