#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/numbers.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "shim.hpp"

namespace minidocker::shim {
namespace {

/// Fourth field of /proc/PID/stat (proc_pid_stat(5)); the second one may hold anything.
std::optional<pid_t> parent_of(const std::string& process) {
  const std::optional<std::string> stat = find_file("/proc/" + process + "/stat");
  if (!stat) return std::nullopt;
  const std::size_t name_end = stat->rfind(") ");
  if (name_end == std::string::npos || name_end + 4 > stat->size()) return std::nullopt;
  const std::string_view rest = std::string_view(*stat).substr(name_end + 4);  // behind the state
  return parse_number<pid_t>(rest.substr(0, rest.find(' ')));
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const std::string& name : list_dir("/proc")) {
    const std::optional<pid_t> pid = parse_number<pid_t>(name);
    if (pid && parent_of(name) == parent) children.push_back(*pid);
  }
  return children;
}

bool end(pid_t child) {
  const sys::Result<UniqueFd> pidfd = sys::pidfd_open(child);
  if (!pidfd.ok()) return false;
  return sys::pidfd_send_signal(pidfd.value().get(), SIGKILL).ok() &&
         sys::wait_pidfd(pidfd.value().get(), WEXITED).ok();
}

}  // namespace

void reap_orphans(pid_t keep) {
  for (;;) {
    const sys::Result<siginfo_t> seen = sys::wait_any(WEXITED | WNOHANG | WNOWAIT);
    if (!seen.ok() || seen.value().si_pid == 0 || seen.value().si_pid == keep) return;
    const sys::Result<UniqueFd> pidfd = sys::pidfd_open(seen.value().si_pid);
    if (!pidfd.ok() || !sys::wait_pidfd(pidfd.value().get(), WEXITED).ok()) return;
  }
}

void end_orphans() {
  // Most containers leave none, and then nobody has to look through /proc.
  while (sys::wait_any(WEXITED | WNOHANG | WNOWAIT).ok()) {
    bool ended_one = false;
    for (const pid_t child : children_of(sys::getpid())) ended_one = end(child) || ended_one;
    if (!ended_one) return;
  }
}

}  // namespace minidocker::shim
