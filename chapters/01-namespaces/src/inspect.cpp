#include "minidocker/namespaces/inspect.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
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

/// The pid a name in /proc stands for; nothing for "self", "meminfo" ...
std::optional<pid_t> parse_pid(std::string_view name) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  for (const std::string& name : list_dir("/proc")) {
    if (const std::optional<pid_t> pid = parse_pid(name)) pids.push_back(*pid);
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

void add_process(std::map<std::pair<Kind, NamespaceId>, Population>& found, pid_t pid) {
  for (const Kind kind : all_kinds()) {
    const std::optional<NamespaceId> id = find_namespace(pid, kind);
    if (!id) continue;
    Population& population = found[{kind, *id}];
    if (population.processes++ == 0) population = {kind, *id, 1, pid, command_of(pid)};
  }
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

std::string to_text(Kind kind, NamespaceId id) {
  return fmt::format("{}:[{}]", proc_name(kind), id.ino);
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
      if (const std::optional<pid_t> pid = parse_pid(rest.substr(0, blank))) pids.push_back(*pid);
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

std::vector<Population> survey() {
  std::map<std::pair<Kind, NamespaceId>, Population> found;
  for (const pid_t pid : all_pids()) add_process(found, pid);
  std::vector<Population> populations;
  for (auto& [key, population] : found) populations.push_back(std::move(population));
  std::sort(populations.begin(), populations.end(), [](const Population& a, const Population& b) {
    return std::pair(a.kind, a.lowest) < std::pair(b.kind, b.lowest);
  });
  return populations;
}

std::vector<Population> survey_of(const std::vector<pid_t>& pids) {
  std::vector<Population> populations = survey();
  std::erase_if(populations, [&pids](const Population& population) {
    return std::none_of(pids.begin(), pids.end(), [&population](pid_t pid) {
      return find_namespace(pid, population.kind) == population.id;
    });
  });
  return populations;
}

}  // namespace minidocker::namespaces
