#include <sys/mount.h>

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "compiler.hpp"
#include "minidocker/namespaces/console.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/loopback.hpp"
#include "minidocker/namespaces/names.hpp"
#include "minidocker/security/capabilities.hpp"
#include "minidocker/security/no_new_privs.hpp"
#include "minidocker/security/paths.hpp"
#include "minidocker/security/process.hpp"
#include "minidocker/security/rlimits.hpp"
#include "minidocker/security/workdir.hpp"
#include "minidocker/toolbox/child_steps.hpp"

namespace minidocker::runtime {
namespace {

constexpr mode_t kDefaultUmask = 022;

security::CapabilityMask mask_of(const std::vector<std::string>& names) {
  security::CapabilityMask mask = 0;
  for (const std::string& name : names) {
    // Unknown names were warned of by validate().
    if (const auto capability = security::find_capability(name)) {
      mask |= security::CapabilityMask{1} << *capability;
    }
  }
  return mask;
}

const char* find_variable(Compiler& c, std::string_view name) {
  for (const std::string& variable : c.spec().process.env) {
    if (variable.starts_with(name) && variable.size() > name.size() &&
        variable[name.size()] == '=') {
      return c.plan.copy(variable.substr(name.size() + 1));
    }
  }
  return nullptr;
}

void add_ids(Compiler& c) {
  const spec::User& user = c.spec().process.user;
  security::UserSlot slot;
  slot.uid = user.uid;
  slot.gid = user.gid;
  for (const std::uint32_t gid : user.additional_gids) slot.add_group(gid);
  c.user = c.plan.make<security::UserSlot>(slot);
  if (!user.username.empty()) {
    c.plan.add(security::LookupUser{c.root, c.plan.copy(user.username), c.user});
  }
}

/// The environment; HOME comes from the container's own passwd where the spec has none.
char** add_environment(Compiler& c) {
  std::vector<std::string> env = c.spec().process.env;
  const bool needs_home = find_variable(c, "HOME") == nullptr;
  if (needs_home) env.emplace_back("HOME=/");
  char** array = c.plan.copy_array(env);
  if (needs_home) c.plan.add(security::FillHome{c.root, c.user, &array[env.size() - 1]});
  return array;
}

void add_capability_sets(Compiler& c, const security::FiveSets& sets) {
  c.plan.add(security::SetCapabilities{sets.effective, sets.permitted, sets.inheritable});
  c.plan.add(security::SetAmbient{sets.ambient});
}

security::FiveSets five_sets(const Compiler& c) {
  if (!c.spec().process.capabilities) return {};
  const spec::Capabilities& names = *c.spec().process.capabilities;
  return {mask_of(names.bounding), mask_of(names.effective), mask_of(names.inheritable),
          mask_of(names.permitted), mask_of(names.ambient)};
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
    c.plan.add(security::MakeReadonly{c.root, c.plan.copy(path)});
  }
  const std::vector<std::string>& masked = c.spec().linux_.masked_paths;
  if (masked.empty()) return;
  int* null = c.plan.make<int>(-1);
  c.plan.add(security::OpenDevNull{c.root, null});
  for (const std::string& path : masked) {
    c.plan.add(security::MaskPath{c.root, c.plan.copy(path), null});
  }
  c.plan.add(namespaces::CloseSlot{null, "/dev/null"});
}

void add_limits(Compiler& c) {
  const spec::Process& process = c.spec().process;
  if (process.oom_score_adj) c.plan.add(security::SetOomScore{*process.oom_score_adj});
  for (const spec::Rlimit& limit : process.rlimits) {
    c.plan.add(security::make_rlimit(limit.type, limit.soft, limit.hard));
  }
}

void add_privileges(Compiler& c) {
  const spec::Process& process = c.spec().process;
  const security::FiveSets sets = five_sets(c);
  c.plan.add(namespaces::SetUmask{process.user.umask.value_or(kDefaultUmask)});
  if (process.no_new_privileges) c.plan.add(security::SetNoNewPrivs{});
  add_ids(c);
  const char* cwd = c.plan.copy(process.cwd);
  c.plan.add(security::MakeDirectory{c.root, cwd});
  c.plan.add(security::DropBounding{sets.bounding, security::own_bounding()});
  c.plan.add(security::KeepCapabilities{});
  c.plan.add(security::SetIds{c.user});
  c.recipe.enter_cwd = c.plan.size();
  c.plan.add(security::EnterDirectory{cwd});
  add_capability_sets(c, sets);
  // A change of ids has cleared it.
  if (c.options().lifetime == Lifetime::parent) c.plan.add(security::DieWithParent{SIGKILL});
}

void add_program(Compiler& c) {
  const spec::Process& process = c.spec().process;
  const Stdio& stdio = c.options().stdio;
  if (!process.terminal && (stdio.in != 0 || stdio.out != 1 || stdio.err != 2)) {
    c.plan.add(namespaces::StdioTo{{stdio.in, stdio.out, stdio.err}});
  }
  char** env = add_environment(c);
  char** argv = c.plan.copy_array(process.args);
  c.program = static_cast<char*>(static_cast<void*>(
      c.plan.make<std::array<char, FindProgram::kMaxPath>>()));
  c.recipe.find_program = c.plan.size();
  c.plan.add(FindProgram{argv[0], find_variable(c, "PATH"), c.program});
  c.plan.add(Sync{SyncPoint::ready, "record the container"});
  if (c.input.fifo >= 0) c.plan.add(WaitFifo{c.input.fifo});
  c.plan.add(CloseFrom{3 + c.options().preserve_fds});
  c.recipe.exec = c.plan.size();
  c.plan.add(Exec{c.program, argv, env});
}

}  // namespace minidocker::runtime
