#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "compiler.hpp"
#include "exec_alone.hpp"
#include "minidocker/namespaces/console.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/loopback.hpp"
#include "minidocker/namespaces/names.hpp"
#include "minidocker/security/capabilities.hpp"
#include "minidocker/security/dumpable.hpp"
#include "minidocker/security/no_new_privs.hpp"
#include "minidocker/security/paths.hpp"
#include "minidocker/security/process_limits.hpp"
#include "minidocker/security/users.hpp"
#include "minidocker/security/workdir.hpp"
#include "minidocker/spec/destination.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/linux_names.hpp"

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
  if (c.options().user_name.empty()) return nullptr;
  const char* name = c.plan.copy(c.options().user_name);
  c.recipe.lookup_user = c.plan.size();
  c.plan.add(security::LookupUser{c.root, name, c.user});
  return name;
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
  if (c.options().user_name.empty()) {
    c.plan.add(security::LookupHome{c.root, c.user});
  }
  c.plan.add(security::FillHome{c.user, home});
  return array;
}

security::ProcessCapabilities five_sets(const Compiler& c) {
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
    return spec::normal_destination(mount.destination) == "/proc";
  };
  const auto last = std::find_if(spec.mounts.rbegin(), spec.mounts.rend(), at_proc);
  return last != spec.mounts.rend() && last->type == "proc";
}

/// Is the program to run as somebody that we are not yet? Who we are stands in the auxiliary
/// vector: no call needs to ask.
bool changes_ids(const Compiler& c) {
  const spec::User& user = c.spec().process.user;
  if (user.uid != 0 || user.gid != 0 || !c.options().user_name.empty()) return true;
  if (c.in_user_namespace()) return false;  // BecomeRootInside was there
  constexpr std::array kWhoWeAre{AT_UID, AT_EUID, AT_GID, AT_EGID};
  return std::any_of(kWhoWeAre.begin(), kWhoWeAre.end(),
                     [](unsigned long type) { return ::getauxval(type) != 0; });
}

void add_ids(Compiler& c, const char* user_name) {
  c.plan.add(security::SetGroups{c.user, c.in_user_namespace()
                                             ? security::GroupsDenied::is_accepted
                                             : security::GroupsDenied::is_an_error});
  if (!changes_ids(c)) return;
  c.plan.add(security::OwnStdio{c.user});
  c.plan.add(security::KeepCapabilities{});
  c.plan.add(security::SetIds{c.user, user_name});
}

/// The directory is entered before the ids change, as root, or else after it, as the user.
void add_enter_workdir(Compiler& c, bool* entered, security::EnterDirectory::Try when) {
  if (c.spec().process.cwd == "/") return;  // pivot_root has left us there
  c.plan.add(security::EnterDirectory{c.plan.copy(c.spec().process.cwd), entered, when});
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
  security::OpenDevNull open{null};
  if (const auto found = c.fresh.find("/dev"); found != c.fresh.end() && !c.in_user_namespace()) {
    open.made_in = &found->second.slot->dir;
    open.alone = &found->second.slot->plain;
  }
  c.plan.add(open);
  for (const std::string& path : masked) {
    c.plan.add(security::MaskPath{c.plan.copy(path), null});
  }
}

void add_limits(Compiler& c, Limits which) {
  const spec::Process& process = c.spec().process;
  if (process.oom_score_adj && which != Limits::of_descriptors) {
    c.plan.add(security::SetOomScore{*process.oom_score_adj});
  }
  for (const spec::Rlimit& limit : process.rlimits) {
    // validate() knows the names too.
    const int resource = rlimit_number(limit.type).value();
    const bool of_descriptors = resource == RLIMIT_NOFILE;
    if (which == Limits::of_descriptors && !of_descriptors) continue;
    // The hard limit takes privileges; the soft one would bind our own steps.
    const bool hard_only = which == Limits::privileged && of_descriptors;
    c.plan.add(security::SetRlimit{{resource, hard_only ? limit.hard : limit.soft, limit.hard}});
  }
}

void add_workdir(Compiler& c) {
  const std::string& cwd = c.spec().process.cwd;
  if (cwd != "/") c.plan.add(security::MakeDirectory{c.root, c.plan.copy(cwd)});
}

void add_privileges(Compiler& c) {
  using Try = security::EnterDirectory::Try;
  const spec::Process& process = c.spec().process;
  const security::ProcessCapabilities sets = five_sets(c);
  c.plan.add(namespaces::SetUmask{process.user.umask.value_or(kDefaultUmask)});
  if (process.no_new_privileges) c.plan.add(security::SetNoNewPrivs{});
  const char* user_name = add_user(c);
  c.environment = add_environment(c);
  auto* entered = c.plan.make<bool>(false);
  add_enter_workdir(c, entered, Try::first);
  c.plan.add(security::DropBounding{sets.bounding, present_bounding(c)});
  c.plan.add(security::HideFromOthers{});  // from here on others may have our privileges
  add_ids(c, user_name);
  c.plan.add(security::SetCapabilities{sets.effective, sets.permitted, sets.inheritable});
  c.plan.add(security::ClearAmbient{});
  // The kernel takes only what is inheritable and permitted too; `runc spec` writes an ambient set
  // beside an empty inheritable one, and runc leaves it then.
  const security::CapabilitySet raise = sets.ambient & sets.inheritable & sets.permitted;
  if (!raise.empty()) c.plan.add(security::RaiseAmbient{raise});
  add_enter_workdir(c, entered, Try::last);
  // A change of ids has cleared it.
  if (c.options().lifetime == Lifetime::parent && changes_ids(c)) {
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
  if (c.options().start != Start::at_once) {
    c.plan.add(Sync{SyncPoint::ready, "record the container"});
  }
  if (c.input.fifo >= 0) c.plan.add(WaitFifo{c.input.fifo});
  c.plan.add(CloseFrom{3 + c.options().preserve_fds});
  c.recipe.exec = c.plan.size();
  const Exec exec{c.program, argv, c.environment};
  if (c.input.fifo < 0) return c.plan.add(exec);
  c.plan.add(ExecAlone{exec, c.plan.copy(quoted(process.args.front()))});
}

}  // namespace minidocker::runtime
