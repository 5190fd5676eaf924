#include <signal.h>
#include <sys/auxv.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "compiler.hpp"
#include "minidocker/namespaces/console.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/filesystems.hpp"
#include "minidocker/namespaces/loopback.hpp"
#include "minidocker/namespaces/names.hpp"
#include "minidocker/security/capabilities.hpp"
#include "minidocker/security/no_new_privs.hpp"
#include "minidocker/security/paths.hpp"
#include "minidocker/security/process_limits.hpp"
#include "minidocker/security/users.hpp"
#include "minidocker/security/workdir.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::runtime {
namespace {

constexpr mode_t kDefaultUmask = 022;

const char* find_variable(Compiler& c, std::string_view name) {
  for (const std::string& variable : c.spec().process.env) {
    if (variable.starts_with(name) && variable.size() > name.size() &&
        variable[name.size()] == '=') {
      return c.plan.copy(variable.substr(name.size() + 1));
    }
  }
  return nullptr;
}

/// Who the program is: numbers of the spec, or a name that the child looks up.
const char* add_user(Compiler& c) {
  const spec::User& user = c.spec().process.user;
  security::UserSlot slot;
  slot.uid = user.uid;
  slot.gid = user.gid;
  if (user.additional_gids.size() > slot.groups.size()) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("config.json: /process/user/additionalGids: {} groups, at most {} are "
                            "supported",
                            user.additional_gids.size(), slot.groups.size()));
  }
  for (const std::uint32_t gid : user.additional_gids) slot.groups[slot.group_count++] = gid;
  c.user = c.plan.make<security::UserSlot>(slot);
  if (user.username.empty()) return nullptr;
  const char* name = c.plan.copy(user.username);
  c.recipe.lookup_user = c.plan.size();
  c.plan.add(security::LookupUser{c.root, name, c.user});
  return name;
}

/// An ordinary user's id map goes with `deny` in setgroups: who may not map groups may not drop
/// them either.
security::Groups groups_of(const Compiler& c) {
  if (!c.spec().linux_.makes(spec::NamespaceType::user)) return security::Groups::set;
  return c.input.denies_setgroups ? security::Groups::denied : security::Groups::set;
}

/// The environment; HOME comes from the container's own passwd where the spec has none.
char** add_environment(Compiler& c) {
  const std::vector<std::string>& env = c.spec().process.env;
  if (find_variable(c, "HOME") != nullptr) return c.plan.copy_array(env);
  std::vector<std::string> with_home = env;
  with_home.emplace_back("HOME=/");
  char** array = c.plan.copy_array(with_home);
  auto* home = c.plan.make<security::HomeVariable>();
  array[env.size()] = home->text.data();
  if (c.spec().process.user.username.empty()) {
    c.plan.add(security::LookupHome{c.root, c.user});
  }
  c.plan.add(security::FillHome{c.user, home});
  return array;
}

security::CapabilitySets5 five_sets(const Compiler& c) {
  if (!c.spec().process.capabilities) return {};
  const spec::Capabilities& names = *c.spec().process.capabilities;
  std::vector<std::string> unknown;  // validate() has warned of them
  return {security::parse_capabilities(names.bounding, &unknown),
          security::parse_capabilities(names.effective, &unknown),
          security::parse_capabilities(names.permitted, &unknown),
          security::parse_capabilities(names.inheritable, &unknown),
          security::parse_capabilities(names.ambient, &unknown)};
}

/// A process in a new user namespace starts with all that the kernel knows. Elsewhere it has ours:
/// to read /proc for which those are would cost more than to drop one that is not there.
security::CapabilitySet present_bounding(const Compiler& c) {
  return c.in_user_namespace() ? security::kernel_capabilities() : security::kAllKnown;
}

/// Will /proc be a procfs of the container's own? The last mount there counts; below it nothing may
/// be mounted that could stand in for /proc/self.
bool mounts_proc(const spec::Spec& spec) {
  const auto at_proc = [](const spec::Mount& mount) {
    return namespaces::normal_destination(mount.destination) == "/proc";
  };
  const auto last = std::find_if(spec.mounts.rbegin(), spec.mounts.rend(), at_proc);
  return last != spec.mounts.rend() && last->type == "proc";
}

/// May SetIds change an id, which clears the parent's death signal? Who we are stands in the
/// auxiliary vector: no call needs to ask.
bool changes_ids(const spec::User& user) {
  return user.uid != 0 || user.gid != 0 || !user.username.empty() || ::getauxval(AT_EUID) != 0 ||
         ::getauxval(AT_EGID) != 0;
}

}  // namespace

void add_names(Compiler& c) {
  const spec::Spec& spec = c.spec();
  if (!spec.hostname.empty()) c.plan.add(namespaces::SetHostname{c.plan.copy(spec.hostname)});
  if (!spec.domainname.empty()) {
    c.plan.add(namespaces::SetDomainname{c.plan.copy(spec.domainname)});
  }
  if (spec.linux_.makes(spec::NamespaceType::network)) {
    c.plan.add(namespaces::BringUpLoopback{});
  }
}

void add_hidden_paths(Compiler& c) {
  for (const std::string& path : c.spec().linux_.readonly_paths) {
    c.plan.add(security::MakeReadonly{c.plan.copy(path)});
  }
  const std::vector<std::string>& masked = c.spec().linux_.masked_paths;
  if (masked.empty()) return;
  auto* null = c.plan.make<security::NullDevice>({.proc_fd_works = mounts_proc(c.spec())});
  c.plan.add(security::OpenDevNull{null});
  for (const std::string& path : masked) {
    c.plan.add(security::MaskPath{c.plan.copy(path), null});
  }
}

void add_limits(Compiler& c) {
  const spec::Process& process = c.spec().process;
  if (process.oom_score_adj) c.plan.add(security::SetOomScore{*process.oom_score_adj});
  for (const spec::Rlimit& limit : process.rlimits) {
    // validate() knows the names too.
    const int resource = security::find_rlimit(limit.type).value();
    c.plan.add(security::SetRlimit{{resource, limit.soft, limit.hard}});
  }
}

void add_privileges(Compiler& c) {
  const spec::Process& process = c.spec().process;
  const security::CapabilitySets5 sets = five_sets(c);
  c.plan.add(namespaces::SetUmask{process.user.umask.value_or(kDefaultUmask)});
  if (process.no_new_privileges) c.plan.add(security::SetNoNewPrivs{});
  const char* user_name = add_user(c);
  c.environment = add_environment(c);
  const char* cwd = c.plan.copy(process.cwd);
  if (process.cwd != "/") c.plan.add(security::MakeDirectory{c.root, cwd});
  c.plan.add(security::DropBounding{sets.bounding, present_bounding(c)});
  if (user_name != nullptr || process.user.uid != 0) c.plan.add(security::KeepCapabilities{});
  c.plan.add(security::SetIds{c.user, groups_of(c), user_name});
  c.plan.add(security::SetCapabilities{sets.effective, sets.permitted, sets.inheritable});
  c.plan.add(security::ClearAmbient{});
  // The kernel takes only what is inheritable and permitted too; `runc spec` writes an ambient set
  // beside an empty inheritable one, and runc leaves it then.
  const security::CapabilitySet raise = sets.ambient & sets.inheritable & sets.permitted;
  if (!raise.empty()) c.plan.add(security::RaiseAmbient{raise});
  c.plan.add(security::EnterDirectory{cwd});
  if (c.options().lifetime == Lifetime::parent && changes_ids(process.user)) {
    c.plan.add(ParentDeathSignal{SIGKILL});
  }
}

void add_program(Compiler& c) {
  const spec::Process& process = c.spec().process;
  const Stdio& stdio = c.options().stdio;
  if (!process.terminal && (stdio.in != 0 || stdio.out != 1 || stdio.err != 2)) {
    c.plan.add(namespaces::StdioTo{{stdio.in, stdio.out, stdio.err}});
  }
  char** argv = c.plan.copy_array(process.args);
  c.program = static_cast<char*>(
      static_cast<void*>(c.plan.make<std::array<char, FindProgram::kMaxPath>>()));
  c.recipe.find_program = c.plan.size();
  c.plan.add(FindProgram{argv[0], find_variable(c, "PATH"), c.program});
  c.plan.add(Sync{SyncPoint::ready, "record the container"});
  if (c.input.fifo >= 0) c.plan.add(WaitFifo{c.input.fifo});
  c.plan.add(CloseFrom{3 + c.options().preserve_fds});
  c.recipe.exec = c.plan.size();
  c.plan.add(Exec{c.program, argv, c.environment});
}

}  // namespace minidocker::runtime
