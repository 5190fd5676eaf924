#pragma once
/// \file
/// Learning that processes of a group were killed for want of memory, without asking all the time.

#include <cstdint>
#include <map>
#include <string>

#include "minidocker/cgroups/location.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::cgroups {

/// Watches a group and all below it. v2: inotify on memory.events, which counts the groups below
/// too. v1: an eventfd for each group, made known by cgroup.event_control (cgroup-v1/memory.rst),
/// and inotify for groups that are made later. Move-only. Not thread-safe.
class OomWatch {
 public:
  /// Watches from now on. Throws Error(unavailable) if there is no memory controller, SystemError.
  static OomWatch of(const Location& location);

  /// Borrowed, for poll(2): readable (POLLIN) when take() may have something to tell.
  [[nodiscard]] int fd() const noexcept { return ready_.get(); }

  /// How many processes were killed since the last call. On v1 the news comes a moment before the
  /// kill: waits for it, 100 ms at most. A group that is gone tells nothing more. Throws
  /// SystemError.
  [[nodiscard]] std::uint64_t take();

 private:
  OomWatch(std::string path, Mode mode);
  /// A group of v1 that was not known yet.
  void watch_v1_group(const std::string& path);
  /// What the group at `path` and those below count beyond what was told.
  std::uint64_t count(const std::string& path);
  /// Empties the descriptors; true if v1 has announced a kill.
  bool drain() noexcept;

  std::string path_;  ///< of the watched group
  bool is_v1_;
  UniqueFd ready_;                               ///< v1: epoll over the two below; v2: inotify
  UniqueFd event_;                               ///< v1: eventfd of all groups
  UniqueFd new_groups_;                          ///< v1: inotify
  std::map<std::string, std::uint64_t> counts_;  ///< told, by group
};

}  // namespace minidocker::cgroups
