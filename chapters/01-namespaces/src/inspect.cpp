#include "minidocker/namespaces/inspect.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/numbers.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::namespaces {
namespace {

std::string proc_dir(pid_t pid) {
  return pid == 0 ? std::string("/proc/self") : fmt::format("/proc/{}", pid);
}

sys::Result<struct stat> stat_namespace(pid_t pid, Kind kind) {
  // stat(2) follows the magic link to the namespace itself: no need to parse "net:[4026531840]".
  const std::string path = fmt::format("{}/ns/{}", proc_dir(pid), proc_name(kind));
  return sys::fstatat(AT_FDCWD, path.c_str(), 0);
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  for (const std::string& name : list_dir("/proc")) {
    if (const std::optional<pid_t> pid = parse_number<pid_t>(name)) pids.push_back(*pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

/// A file of a process that may end at any moment: then reading is ESRCH instead of ENOENT.
std::string read_of_process(pid_t pid, const char* file) {
  try {
    return read_file(fmt::format("{}/{}", proc_dir(pid), file));
  } catch (const SystemError&) {
    return {};
  }
}

std::string command_of(pid_t pid) {
  std::string command = read_of_process(pid, "cmdline");
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  if (!command.empty()) return command;
  std::string name = read_of_process(pid, "comm");
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return fmt::format("[{}]", name);
}

using Found = std::map<std::pair<Kind, NamespaceId>, Population>;

/// Adds what namespaces the process is in. Returns whether we may look at all.
bool add_process(Found& found, pid_t pid) {
  for (const Kind kind : all_kinds()) {
    const sys::Result<struct stat> status = stat_namespace(pid, kind);
    if (status.error() == EACCES || status.error() == EPERM) return false;
    if (!status) continue;
    const NamespaceId id{status.value().st_dev, status.value().st_ino};
    Population& population = found[{kind, id}];
    if (population.processes++ == 0) population = {kind, id, 1, pid, command_of(pid)};
  }
  return true;
}

}  // namespace

NamespaceId identify(pid_t pid, Kind kind) {
  const struct stat status =
      stat_namespace(pid, kind).or_throw(fmt::format("{}/ns/{}", proc_dir(pid), proc_name(kind)));
  return {status.st_dev, status.st_ino};
}

std::optional<NamespaceId> find_namespace(pid_t pid, Kind kind) {
  const sys::Result<struct stat> status = stat_namespace(pid, kind);
  if (!status) return std::nullopt;
  return NamespaceId{status.value().st_dev, status.value().st_ino};
}

std::uint64_t differing_kinds(pid_t pid) {
  std::uint64_t kinds = 0;
  for (const Kind kind : all_kinds()) {
    if (identify(pid, kind) != identify(0, kind)) kinds |= clone_flag(kind);
  }
  return kinds;
}

std::vector<pid_t> parse_ns_pids(std::string_view status) {
  constexpr std::string_view kKey = "\nNSpid:";
  const std::size_t begin = status.find(kKey);
  std::vector<pid_t> pids;
  if (begin != std::string_view::npos) {
    std::string_view rest = status.substr(begin + kKey.size());
    rest = rest.substr(0, rest.find('\n'));
    while (!rest.empty()) {
      const std::size_t blank = rest.find_first_of(" \t");
      if (const std::optional<pid_t> pid = parse_number<pid_t>(rest.substr(0, blank)))
        pids.push_back(*pid);
      rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
    }
  }
  if (pids.empty()) {
    throw Error(ErrorKind::invalid_argument, "status: no line \"NSpid:\" with numbers");
  }
  return pids;
}

std::vector<pid_t> ns_pids(pid_t pid) {
  return parse_ns_pids(read_file(fmt::format("{}/status", proc_dir(pid))));
}

Survey survey() {
  Survey result;
  Found found;
  for (const pid_t pid : all_pids()) {
    if (!add_process(found, pid)) ++result.hidden;
  }
  for (auto& [key, population] : found) result.populations.push_back(std::move(population));
  std::sort(result.populations.begin(), result.populations.end(),
            [](const Population& a, const Population& b) {
              return std::pair(a.kind, a.lowest) < std::pair(b.kind, b.lowest);
            });
  return result;
}

Survey survey_of(const std::vector<pid_t>& pids) {
  Survey result = survey();
  std::erase_if(result.populations, [&pids](const Population& population) {
    return std::none_of(pids.begin(), pids.end(), [&population](pid_t pid) {
      return find_namespace(pid, population.kind) == population.id;
    });
  });
  return result;
}

}  // namespace minidocker::namespaces
