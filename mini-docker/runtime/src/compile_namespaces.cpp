#include <signal.h>

#include <cstdint>
#include <string>
#include <vector>

#include "compiler.hpp"
#include "minidocker/namespaces/console.hpp"
#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/namespaces/join.hpp"
#include "minidocker/namespaces/time_offsets.hpp"
#include "minidocker/security/keyring.hpp"
#include "minidocker/toolbox/child_steps.hpp"

namespace minidocker::runtime {
namespace {

using namespaces::Kind;

bool joins(const Compiler& c, Kind kind) {
  for (const JoinedNamespace& joined : c.input.join) {
    if (joined.kind == kind) return true;
  }
  return false;
}

/// A process cannot be in a PID or time namespace that it joins or unshares, only its child can;
/// and what it joins as root of the host it must join before its own user namespace is made.
bool needs_stage(const Compiler& c) {
  const spec::Linux& l = c.spec().linux_;
  return joins(c, Kind::pid) || joins(c, Kind::time) || joins(c, Kind::user) ||
         l.makes(spec::NamespaceType::time) ||
         (l.makes(spec::NamespaceType::user) && !c.input.join.empty());
}

void add_joins(Compiler& c) {
  std::vector<namespaces::NamespaceToJoin> wanted;
  for (const JoinedNamespace& joined : c.input.join) {
    wanted.push_back({joined.kind, joined.fd.get()});
  }
  for (const std::size_t i : namespaces::join_order(wanted)) {
    c.plan.add(namespaces::JoinNamespace{wanted[i].fd, wanted[i].kind});
  }
}

void add_id_maps(Compiler& c) {
  c.recipe.id_maps = true;
  c.plan.add(Sync{SyncPoint::id_maps, "write the id maps"});
  c.plan.add(namespaces::BecomeRootInside{});
}

void add_time_namespace(Compiler& c) {
  c.plan.add(namespaces::UnshareNamespaces{namespaces::clone_flag(Kind::time)});
  std::vector<namespaces::TimeOffset> offsets;
  const spec::Linux& l = c.spec().linux_;
  if (l.monotonic) {
    offsets.push_back({namespaces::Clock::monotonic, l.monotonic->secs, l.monotonic->nanosecs});
  }
  if (l.boottime) {
    offsets.push_back({namespaces::Clock::boottime, l.boottime->secs, l.boottime->nanosecs});
  }
  if (offsets.empty()) return;
  c.plan.add(namespaces::WriteTimeOffsets{c.plan.copy(namespaces::format_time_offsets(offsets))});
}

/// The long way: a stage process joins and unshares, then clones the one that goes on.
void add_stage(Compiler& c, std::uint64_t flags) {
  const spec::Linux& l = c.spec().linux_;
  add_joins(c);
  const std::uint64_t user = namespaces::clone_flag(Kind::user);
  if ((flags & user) != 0) {
    c.plan.add(namespaces::UnshareNamespaces{user});
    add_id_maps(c);
  } else if (joins(c, Kind::user)) {
    c.plan.add(namespaces::BecomeRootInside{});
  }
  if (l.makes(spec::NamespaceType::time)) add_time_namespace(c);
  c.plan.add(namespaces::CloneSibling{flags & ~user});
  c.recipe.sibling = true;
}

}  // namespace

std::uint64_t new_namespaces(const spec::Spec& spec) {
  std::uint64_t flags = 0;
  for (const spec::Namespace& ns : spec.linux_.namespaces) {
    const Kind kind = kind_of(ns.type);
    // The cgroup namespace is unshared once the process is in its cgroup, the time namespace
    // before its first child.
    if (!ns.path.empty() || kind == Kind::cgroup || kind == Kind::time) continue;
    flags |= namespaces::clone_flag(kind);
  }
  return flags;
}

void add_birth(Compiler& c) {
  c.plan.add(ResetSignals{c.options().ignored_signals});
  c.plan.add(namespaces::SetUmask{0});  // modes are meant as they are written, whoever called us
  if (c.input.location.manager != cgroups::Manager::nobody) {
    c.recipe.scope = true;
    c.plan.add(Sync{SyncPoint::cgroup, "have systemd put it into its scope"});
    return;
  }
  if (c.input.cgroup == nullptr) return;
  c.input.cgroup->enter_by(c.plan, c.recipe.clone);
  if (c.recipe.clone.cgroup < 0) return;
  // A directory of the host's: with a program named /proc/self/fd/N/../.. it would be a way out.
  c.plan.add(namespaces::CloseSlot{c.plan.make<int>(c.recipe.clone.cgroup),
                                   "the directory of the host's cgroup"});
}

void add_namespaces(Compiler& c) {
  const std::uint64_t flags = new_namespaces(c.spec());
  if (needs_stage(c)) {
    add_stage(c, flags);
  } else {
    c.recipe.clone.flags = flags;
    if (c.spec().linux_.makes(spec::NamespaceType::user)) add_id_maps(c);
    add_joins(c);
  }
  // Of the sibling, not of the stage: the signal comes when *its* parent dies, and a session is
  // its own.
  if (c.options().lifetime == Lifetime::parent) c.plan.add(ParentDeathSignal{SIGKILL});
  if (c.spec().linux_.makes(spec::NamespaceType::cgroup)) {
    c.plan.add(namespaces::UnshareNamespaces{namespaces::clone_flag(Kind::cgroup)});
  }
  c.plan.add(namespaces::NewSession{});
  if (c.options().session_keyring) {
    c.plan.add(security::JoinKeyring{c.plan.copy("_ses." + c.options().id)});
  }
}

}  // namespace minidocker::runtime
