#include "mapped_mounts.hpp"

#include <sched.h>

#include <string>
#include <vector>

#include <fmt/format.h>

#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/namespaces/join.hpp"
#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/unionfs/detached.hpp"

namespace minidocker::runtime {
namespace {

std::vector<namespaces::IdMapping> maps_of(const std::vector<spec::IdMapping>& from) {
  std::vector<namespaces::IdMapping> maps;
  for (const spec::IdMapping& m : from) maps.push_back({m.container_id, m.host_id, m.size});
  return maps;
}

/// A user namespace with these maps. Nobody lives in it: it is kept by its descriptor, and the
/// kernel wants one where only the maps would do.
UniqueFd make_user_namespace(const std::vector<spec::IdMapping>& uids,
                             const std::vector<spec::IdMapping>& gids) {
  ChildPlan plan;
  plan.add(Sync{SyncPoint::id_maps, "write the id maps"});
  StartedChild child = StartedChild::start(plan, {.flags = CLONE_NEWUSER});
  child.wait_for(SyncPoint::id_maps);
  const pid_t pid = child.process().pid();
  namespaces::write_id_maps(pid, maps_of(uids), maps_of(gids));
  return namespaces::open_namespace(fmt::format("/proc/{}/ns/user", pid), namespaces::Kind::user);
}

UniqueFd user_namespace_for(const spec::Spec& spec, const spec::Mount& mount) {
  if (!mount.uid_mappings.empty()) {
    return make_user_namespace(mount.uid_mappings, mount.gid_mappings);
  }
  const spec::Namespace* user = spec.linux_.find(spec::NamespaceType::user);
  if (!user->path.empty()) {
    return namespaces::open_namespace(user->path, namespaces::Kind::user);
  }
  return make_user_namespace(spec.linux_.uid_mappings, spec.linux_.gid_mappings);
}

}  // namespace

UniqueFd make_mapped_mount(const spec::Spec& spec, const spec::Mount& mount,
                           const spec::MountOptions& options, const std::string& source,
                           const std::string& where) {
  const trace::Scope scope("03-unionfs", "clone " + source + " as a mount that maps ids",
                           "who owns a file on disk shall be somebody else in the container");
  const auto top = unionfs::Recursion::top;
  const auto tree = unionfs::Recursion::tree;
  UniqueFd cloned = unionfs::clone_mount(source, options.is_recursive_bind() ? tree : top);
  const UniqueFd ids = user_namespace_for(spec, mount);
  unionfs::map_ids(cloned.get(), ids.get(), options.id_mapped == spec::IdMapped::tree ? tree : top,
                   fmt::format("{}: {}", where, source));
  return cloned;
}

}  // namespace minidocker::runtime
