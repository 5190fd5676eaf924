#include "minidocker/namespaces/filesystems.hpp"

#include <linux/magic.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::namespaces {
namespace {

/// What other container tools cover with files that show the container's limits instead of the
/// host's. None of them is written to by whoever drops privileges.
constexpr std::array<std::string_view, 10> kHarmless{"/proc/cpuinfo",
                                                     "/proc/diskstats",
                                                     "/proc/meminfo",
                                                     "/proc/stat",
                                                     "/proc/swaps",
                                                     "/proc/uptime",
                                                     "/proc/loadavg",
                                                     "/proc/slabinfo",
                                                     "/proc/sys/kernel/ns_last_pid",
                                                     "/proc/sys/crypto/fips_enabled"};

sys::Result<UniqueFd> refuse_proc(sys::Result<UniqueFd> directory) noexcept {
  if (!directory) return directory;
  const sys::Result<struct statfs> status = sys::fstatfs(directory.value().get());
  if (!status) return sys::Result<UniqueFd>::failure(status.call(), status.error());
  if (status.value().f_type != PROC_SUPER_MAGIC) return directory;
  return sys::Result<UniqueFd>::failure(directory.call(), EPERM);
}

constexpr std::uint64_t kPlain = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;

sys::Result<UniqueFd> open_plain_dir(int root, const char* path) noexcept {
  return sys::openat2(root, path, O_PATH | O_DIRECTORY, kPlain);
}

/// mkdir of a last component whose parent is there, as is usual below a fresh /dev. What can be
/// made is never procfs: nobody can make a directory in that.
sys::Result<UniqueFd> make_last_dir(int root, const char* path) noexcept {
  const char* const slash = std::strrchr(path, '/');
  if (slash == nullptr) {
    const sys::Result<> made = sys::mkdirat(root, path, 0755);
    if (!made) return sys::Result<UniqueFd>::failure(made.call(), made.error());
    return open_plain_dir(root, path);
  }
  std::array<char, PATH_MAX> parent;
  const std::size_t length = static_cast<std::size_t>(slash - path);
  if (length >= parent.size()) return refuse_proc(make_dirs_in_root(root, path, 0755));
  if (length == 0) return make_last_dir(root, slash + 1);
  std::memcpy(parent.data(), path, length);
  parent[length] = '\0';
  sys::Result<UniqueFd> opened = open_plain_dir(root, parent.data());
  if (!opened) return refuse_proc(make_dirs_in_root(root, path, 0755));
  // execve closes it; a close for each mount would be many.
  return make_last_dir(std::move(opened).value().release(), slash + 1);
}

/// Without links on the way the path means what check_destination() has seen. Only images that have
/// links there, or lack the directory, take the longer ways, which look once more where they led.
sys::Result<UniqueFd> open_mount_point(int root, const char* path, bool links_allowed) noexcept {
  sys::Result<UniqueFd> plain = open_plain_dir(root, path);
  if (plain) return plain;
  if (plain.error() == ENOENT) return make_last_dir(root, path);
  if (plain.error() == ELOOP && links_allowed) {
    return refuse_proc(make_dirs_in_root(root, path, 0755));
  }
  return plain;
}

bool needs_real_directory(const char* type) noexcept {
  return std::strcmp(type, "proc") == 0 || std::strcmp(type, "sysfs") == 0;
}

}  // namespace

std::string normal_destination(std::string_view destination) {
  std::vector<std::string_view> parts;
  while (!destination.empty()) {
    const std::size_t slash = std::min(destination.find('/'), destination.size());
    const std::string_view part = destination.substr(0, slash);
    destination.remove_prefix(std::min(slash + 1, destination.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string normal;
  for (const std::string_view part : parts) normal.append("/").append(part);
  return normal.empty() ? "/" : normal;
}

void check_destination(std::string_view destination, std::string_view what) {
  const std::string path = normal_destination(destination);
  if (path == "/") {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: nothing can be mounted on the root itself, {}", what,
                            quoted(destination)));
  }
  if (!path.starts_with("/proc/")) return;
  if (std::find(kHarmless.begin(), kHarmless.end(), path) != kHarmless.end()) return;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: {} is inside /proc, where a mount could disarm the container's "
                          "protection; only files such as /proc/cpuinfo may be covered",
                          what, quoted(destination)));
}

StepResult MountFilesystem::run(ChildContext&) const noexcept {
  sys::Result<UniqueFd> point = open_mount_point(*root, destination, !needs_real_directory(type));
  if (!point) return point;
  const int where = std::move(point).value().release();  // execve closes it
  return sys::mount(source, FdPath(where).c_str(), type, flags, data);
}

std::string MountFilesystem::describe() const {
  std::string words = fmt::format("mount a {} on {}", type, quoted(destination));
  if (flags != 0) words += fmt::format(", {}", trace::flags_in_words(sys::kMountFlagNames, flags));
  if (data != nullptr && *data != '\0') words += fmt::format(", options {}", quoted(data));
  return words;
}

}  // namespace minidocker::namespaces
