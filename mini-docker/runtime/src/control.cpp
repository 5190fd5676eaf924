#include "control.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <optional>
#include <utility>

#include "cgroup_values.hpp"
#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/oom_watch.hpp"
#include "minidocker/cgroups/systemd_scope.hpp"
#include "minidocker/runtime/state.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "scope_helper.hpp"
#include "stats_json.hpp"

namespace minidocker::runtime {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void refuse(const char* why) { throw Error(ErrorKind::conflict, why); }

cgroups::Cgroup group_of(const State& state) {
  if (state.cgroup.empty()) {
    throw Error(
        ErrorKind::unavailable,
        fmt::format("container {} has no cgroup: none was delegated to who made it", state.id));
  }
  return cgroups::Cgroup::reopen(cgroups::Location::from_text(state.cgroup));
}

/// A container that has not ended: its group, its status, its first process.
struct Living {
  cgroups::Cgroup group;
  Status status;
  UniqueFd process;  ///< pidfd
};
Living get_living(const std::string& root, const std::string& id) {
  const State state = get_state(root, id);
  const Status status = status_of(root, state);
  std::optional<UniqueFd> process = open_process(state);
  if (status == Status::stopped || status == Status::creating || !process) {
    refuse("container not running");
  }
  return {group_of(state), status, std::move(*process)};
}

/// For poll(2), rounded up: asked too early it would be asked again at once.
int milliseconds_until(Clock::time_point time) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
  constexpr std::chrono::milliseconds kNever{INT_MAX};
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kNever).count());
}

}  // namespace

void pause_container(const std::string& root, const std::string& id) {
  const Living container = get_living(root, id);
  if (container.status == Status::paused) refuse("container not running");
  container.group.freeze();
}

void resume_container(const std::string& root, const std::string& id) {
  const Living container = get_living(root, id);
  if (container.status != Status::paused) refuse("container not paused");
  container.group.thaw();
}

void update_container(const std::string& root, const std::string& id,
                      const spec::Resources& resources) {
  const cgroups::Limits limits = limits_of(resources);
  const cgroups::Cgroup group = get_living(root, id).group;
  group.update(limits);
  if (group.location().manager == cgroups::Manager::nobody) return;
  cgroups::set_scope_limits({find_scope_helper()}, group.location(), limits);
}

std::string stats_of_container(const std::string& root, const std::string& id) {
  return stats_json(id, get_living(root, id).group.stats());
}

void follow_container(const std::string& root, const std::string& id,
                      std::chrono::nanoseconds interval,
                      const std::function<void(const std::string& line)>& tell) {
  const Living container = get_living(root, id);
  cgroups::OomWatch watch = cgroups::OomWatch::of(container.group.location());
  Clock::time_point next = Clock::now() + interval;
  for (bool has_ended = false; !has_ended;) {
    std::array<struct pollfd, 2> waits{
        {{container.process.get(), POLLIN, 0}, {watch.fd(), POLLIN, 0}}};
    if (!sys::poll(waits, milliseconds_until(next))) continue;
    has_ended = waits[0].revents != 0;
    // Of an end the news may come before that of its cause.
    const std::uint64_t kills = has_ended || waits[1].revents != 0 ? watch.take() : 0;
    for (std::uint64_t i = 0; i < kills; ++i) tell(oom_json(id));
    if (has_ended || Clock::now() < next) continue;
    tell(stats_json(id, container.group.stats()));
    next = std::max(next + interval, Clock::now());
  }
}

}  // namespace minidocker::runtime
