#include "group_files.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::cgroups {
namespace {

constexpr std::size_t kShownPids = 8;
constexpr std::size_t kPage = 4096;

/// What an errno of mkdir(2) means in a hierarchy; empty for one that speaks for itself.
const char* hint_for_mkdir(int error) {
  switch (error) {
    case EROFS:
      return "cgroups are mounted read-only here, as inside of a container";
    case EACCES:
    case EPERM:
      return "the group above must be delegated to us (systemd: Delegate=yes)";
    case EAGAIN:
      return "a group above allows no more, or no deeper, groups (cgroup.max.descendants, "
             "cgroup.max.depth)";
    default:
      return "";
  }
}

/// What an errno of writing a pid to cgroup.procs means.
const char* hint_for_attach(int error) {
  switch (error) {
    case EBUSY:
      return "the group hands controllers down: processes go into the groups below";
    case EOPNOTSUPP:
      return "the group is invalid, as one above it is threaded: see its cgroup.type";
    case ENOSPC:
      return "its cpuset has no CPUs, or no memory nodes";
    case EACCES:
    case EPERM:
      return "who moves must be allowed to write cgroup.procs of the first group above both places";
    case EROFS:
      return "cgroups are mounted read-only here, as inside of a container";
    default:
      return "";
  }
}

}  // namespace

bool holds_word(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (text.substr(0, end) == word) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

std::optional<std::string> read_control(const std::string& path) {
  sys::Result<UniqueFd> opened = sys::open(path.c_str(), O_RDONLY);
  if (opened.error() == ENOENT) return std::nullopt;
  const UniqueFd fd = std::move(opened).or_throw(quoted(path));
  std::string text(kPage, '\0');
  const sys::Result<std::size_t> got = sys::read(fd.get(), text.data(), text.size());
  if (got.error() == ENODEV) return std::nullopt;  // removed between open and read
  text.resize(sys::Result(got).or_throw(quoted(path)));
  if (text.size() == kPage) text += read_all(fd.get(), path);
  return text;
}

std::vector<std::string> names_in(const std::string& path, unsigned char type) {
  std::vector<std::string> names;
  sys::Result<UniqueFd> directory = sys::open(path.c_str(), O_RDONLY | O_DIRECTORY);
  if (directory.error() == ENOENT) return names;
  const UniqueFd fd = std::move(directory).or_throw(quoted(path));
  alignas(struct dirent64) std::array<char, 8192> buffer;
  while (true) {
    const sys::Result<std::size_t> got = sys::getdents64(fd.get(), buffer.data(), buffer.size());
    // A group that is removed while we look at it has no subgroups.
    if (!got || got.value() == 0) return names;
    for (std::size_t at = 0; at < got.value();) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const std::string_view name(entry->d_name);
      if (entry->d_type == type && name != "." && name != "..") names.emplace_back(name);
    }
  }
}

std::vector<std::string> subgroups(const std::string& path) { return names_in(path, DT_DIR); }

std::vector<pid_t> parse_pids(std::string_view text) {
  std::vector<pid_t> pids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    if (error == std::errc{}) pids.push_back(pid);
    at = std::find(next, end, '\n');
    if (at < end) ++at;
  }
  return pids;
}

std::vector<pid_t> processes_in(const std::string& path) {
  const std::optional<std::string> text = read_control(path + "/cgroup.procs");
  if (!text) return {};
  std::vector<pid_t> pids = parse_pids(*text);
  for (const std::string& name : subgroups(path)) {
    const std::vector<pid_t> below = processes_in(path + "/" + name);
    pids.insert(pids.end(), below.begin(), below.end());
  }
  return pids;
}

std::string pids_in_words(const std::vector<pid_t>& pids) {
  const auto shown = static_cast<std::ptrdiff_t>(std::min(pids.size(), kShownPids));
  return fmt::format("{}{}", fmt::join(pids.begin(), pids.begin() + shown, ", "),
                     pids.size() > kShownPids ? ", ..." : "");
}

std::vector<std::string> ancestors(const Directory& directory) {
  std::vector<std::string> paths;
  for (std::size_t at = directory.group.find('/'); at != std::string::npos;
       at = directory.group.find('/', at + 1)) {
    paths.push_back(directory.mount + directory.group.substr(0, at));
  }
  return paths;
}

int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Deadline::clock::now());
  return left.count() < 0 ? 0 : static_cast<int>(left.count());
}

bool was_made(sys::Result<> mkdir, const std::string& path) {
  const int error = mkdir.error();
  if (error != EEXIST) std::move(mkdir).or_throw(quoted(path), hint_for_mkdir(error));
  return error == 0;
}

void attach_to(const Directory& directory, pid_t pid) {
  const std::string file = directory.path() + "/cgroup.procs";
  sys::Result<> moved = write_control_at(AT_FDCWD, file.c_str(), std::to_string(pid));
  const int error = moved.error();
  std::move(moved).or_throw(fmt::format("{}, {}", quoted(file), pid), hint_for_attach(error));
}

void give_up_killing(const Directory& directory) {
  throw Error(ErrorKind::unavailable,
              fmt::format("kill all in {}: processes {} do not end; hint: they may be stuck in a "
                          "system call, or belong to another PID namespace (0)",
                          directory.path(), pids_in_words(processes_in(directory.path()))));
}

void give_up_freezing(const Directory& directory) {
  throw Error(
      ErrorKind::unavailable,
      fmt::format("freeze {}: its processes do not all stop; hint: one is stuck in a system "
                  "call, or waits for a child of its vfork(2)",
                  directory.path()));
}

void give_up_thawing(const Directory& directory) {
  throw Error(
      ErrorKind::conflict,
      fmt::format("thaw {}: it stays frozen; hint: a group above it is frozen", directory.path()));
}

void require_empty(const Directory& directory) {
  const std::vector<pid_t> pids = processes_in(directory.path());
  if (pids.empty()) return;
  throw Error(ErrorKind::conflict,
              fmt::format("container's cgroup is not empty: {} holds {} process(es): {}; hint: "
                          "another container has this cgroup path, or one was not deleted",
                          directory.path(), pids.size(), pids_in_words(pids)));
}

std::string why_not_handed_down(int error) {
  if (error == EBUSY) return ", as that group holds processes itself";
  if (error == EOPNOTSUPP)
    return ", as that group is threaded, and this is no controller of threads";
  return "";
}

}  // namespace minidocker::cgroups
