#include "container_scope.hpp"

#include <sys/auxv.h>

#include <cstdint>

#include <fmt/format.h>

#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/systemd_names.hpp"
#include "minidocker/cgroups/systemd_scope.hpp"
#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::runtime {
namespace {

/// Who `inside` is for the systemd of the user, which lives outside of our user namespace.
uid_t outer_id(uid_t inside) {
  const std::string text = read_file("/proc/self/uid_map");
  for (const namespaces::IdMapping& map : namespaces::parse_id_map_file(text)) {
    if (inside >= map.inside && inside - map.inside < map.count) {
      return map.outside + (inside - map.inside);
    }
  }
  return inside;
}

}  // namespace

cgroups::Location choose_scope(const spec::Spec& spec, const CreateOptions& options) {
  const auto who = static_cast<uid_t>(::getauxval(AT_EUID));
  const uid_t outside = outer_id(who);
  const cgroups::Manager manager =
      who == 0 && outside == 0 ? cgroups::Manager::system : cgroups::Manager::user;
  const std::string& wanted = spec.linux_.cgroups_path;
  const std::string path =
      wanted.empty() ? fmt::format("{}:mini-docker:{}", options.cgroup_parent, options.id) : wanted;
  const cgroups::ScopeName name = cgroups::parse_scope_path(path, cgroups::default_slice(manager));
  return cgroups::locate_scope(cgroups::detect(), name, manager, outside);
}

}  // namespace minidocker::runtime
