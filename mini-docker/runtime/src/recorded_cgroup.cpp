#include "recorded_cgroup.hpp"

#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "container_cgroup.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::runtime {
namespace {

using namespace std::chrono_literals;

/// How long a process that has ended may take to leave its group.
constexpr std::chrono::milliseconds kLeaving = 1s;
/// How many processes are held by pidfd at once; a descriptor each, of 1024 one usually has.
constexpr std::size_t kBatch = 256;

cgroups::Cgroup reopen(const std::string& location) {
  return cgroups::Cgroup::reopen(cgroups::Location::from_text(location));
}

/// A number may have gone to a stranger before a descriptor held it: who is in the group now, is
/// meant.
void signal_batch(const cgroups::Cgroup& cgroup, std::span<const pid_t> pids, int signal) {
  std::vector<std::pair<pid_t, UniqueFd>> held;
  for (const pid_t pid : pids) {
    sys::Result<UniqueFd> pidfd = sys::pidfd_open(pid);
    if (pidfd) held.emplace_back(pid, std::move(pidfd).value());
  }
  const std::vector<pid_t> members = cgroup.processes();
  for (const auto& [pid, pidfd] : held) {
    if (std::ranges::find(members, pid) == members.end()) continue;
    static_cast<void>(sys::pidfd_send_signal(pidfd.get(), signal));
  }
}

void kill_members(const cgroups::Cgroup& cgroup) {
  try {
    cgroup.kill_all(kLeaving);
  } catch (const Error& error) {
    // A signal is sent, not awaited: whoever sits in a disk access ends when that does.
    if (error.kind() != ErrorKind::unavailable) throw;
  }
}

}  // namespace

void signal_members(const std::string& location, int signal) {
  const cgroups::Cgroup cgroup = reopen(location);
  if (signal == SIGKILL) return kill_members(cgroup);
  const std::vector<pid_t> pids = cgroup.processes();
  for (std::span<const pid_t> rest = pids; !rest.empty();) {
    const std::size_t size = std::min(rest.size(), kBatch);
    signal_batch(cgroup, rest.first(size), signal);
    rest = rest.subspan(size);
  }
}

bool is_frozen(const std::string& location) {
  return !location.empty() && reopen(location).is_frozen();
}

void thaw_if_frozen(const std::string& location) {
  if (is_frozen(location)) reopen(location).thaw();
}

void remove_recorded(const std::string& location, Members members) {
  cgroups::Cgroup cgroup = reopen(location);
  if (members == Members::kill) cgroup.kill_all();
  try {
    cgroup.remove(kLeaving);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::conflict) throw;
    throw Error(ErrorKind::conflict,
                fmt::format("container's cgroup is not empty: {}", error.what()));
  }
}

void remove_empty_default(const std::string& id) {
  CreateOptions options;
  options.id = id;
  static_cast<void>(remove_empty_cgroup(choose_location(spec::Spec(), options)));
}

}  // namespace minidocker::runtime
