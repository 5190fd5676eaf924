#include "plan.hpp"

#include <utility>
#include <variant>

#include "compiler.hpp"

namespace minidocker::runtime {

// The order is runc's and the specification's; where a step cannot stand elsewhere, a comment
// says why.
Recipe compile(ChildPlan& plan, const PlanInput& input) {
  Compiler c{plan, input, {}};
  add_birth(c);  // its cgroup before its cgroup namespace: that one's root is where it is
  const bool in_user_namespace = c.in_user_namespace();
  if (in_user_namespace) add_limits(c, Limits::privileged);
  add_namespaces(c);
  add_root(c);
  add_mounts(c);  // while the host's paths and its /proc can still be named
  add_devices(c);
  add_console(c);  // its devpts must be mounted
  add_pivot(c);
  add_names(c);
  add_hidden_paths(c);  // after pivot_root: their names are the container's
  add_workdir(c);       // while the root may be written
  add_readonly(c);      // last of the mounts: everything in it has been made
  add_limits(c, in_user_namespace ? Limits::of_descriptors : Limits::all);
  add_privileges(c);
  add_program(c);
  return std::move(c.recipe);
}

namespaces::Kind kind_of(spec::NamespaceType type) noexcept {
  switch (type) {
    case spec::NamespaceType::pid:
      return namespaces::Kind::pid;
    case spec::NamespaceType::network:
      return namespaces::Kind::net;
    case spec::NamespaceType::ipc:
      return namespaces::Kind::ipc;
    case spec::NamespaceType::mount:
      return namespaces::Kind::mnt;
    case spec::NamespaceType::uts:
      return namespaces::Kind::uts;
    case spec::NamespaceType::user:
      return namespaces::Kind::user;
    case spec::NamespaceType::cgroup:
      return namespaces::Kind::cgroup;
    case spec::NamespaceType::time:
      return namespaces::Kind::time;
  }
  return namespaces::Kind::pid;
}

bool Compiler::in_user_namespace() const {
  return spec().linux_.find(spec::NamespaceType::user) != nullptr;
}

const std::string& target_of(const RootSource& root) {
  if (const auto* directory = std::get_if<DirectoryRoot>(&root)) return directory->path;
  return std::get<OverlayRoot>(root).target;
}

}  // namespace minidocker::runtime
