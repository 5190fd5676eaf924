#include "control.hpp"

#include <fmt/format.h>

#include "cgroup_values.hpp"
#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/systemd_scope.hpp"
#include "minidocker/runtime/state.hpp"
#include "minidocker/toolbox/error.hpp"
#include "scope_helper.hpp"
#include "stats_json.hpp"

namespace minidocker::runtime {
namespace {

[[noreturn]] void refuse(const char* why) { throw Error(ErrorKind::conflict, why); }

cgroups::Cgroup group_of(const State& state) {
  if (state.cgroup.empty()) {
    throw Error(
        ErrorKind::unavailable,
        fmt::format("container {} has no cgroup: none was delegated to who made it", state.id));
  }
  return cgroups::Cgroup::reopen(cgroups::Location::from_text(state.cgroup));
}

/// The group of a container that has not ended, and its status.
struct Living {
  cgroups::Cgroup group;
  Status status;
};
Living get_living(const std::string& root, const std::string& id) {
  const State state = get_state(root, id);
  const Status status = status_of(root, state);
  if (status == Status::stopped || status == Status::creating) refuse("container not running");
  return {group_of(state), status};
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

}  // namespace minidocker::runtime
