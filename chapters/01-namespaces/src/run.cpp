#include "minidocker/namespaces/run.hpp"

#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/filesystems.hpp"
#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/namespaces/loopback.hpp"
#include "minidocker/namespaces/names.hpp"
#include "minidocker/namespaces/propagation.hpp"
#include "minidocker/namespaces/root.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::namespaces {
namespace {

bool wants(const RunOptions& options, Kind kind) { return (options.kinds & clone_flag(kind)) != 0; }

void check(const RunOptions& options, const std::vector<std::string>& argv) {
  const auto refuse = [](const char* what, const char* needed) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{} needs a {} namespace", what, needed));
  };
  if (argv.empty()) throw Error(ErrorKind::invalid_argument, "no program to run was given");
  if (!options.hostname.empty() && !wants(options, Kind::uts)) refuse("a host name", "uts");
  const bool maps = !options.uids.empty() || !options.gids.empty();
  if (maps && !wants(options, Kind::user)) refuse("an id map", "user");
  if (!options.time_offsets.empty() && !wants(options, Kind::time)) refuse("a time offset", "time");
  if (!options.init.empty() && !wants(options, Kind::pid)) refuse("an init", "pid");
  if (!options.root.empty() && !wants(options, Kind::mnt)) refuse("a root", "mnt");
  if (options.root == "/") {
    throw Error(ErrorKind::invalid_argument, "the root is / already; give another directory");
  }
  if (!options.root.empty() && !options.init.empty()) {
    throw Error(ErrorKind::invalid_argument, "an init of the host is not there in another root");
  }
}

/// What the first clone makes. A time namespace is entered only by a child of the one who made it,
/// so with one of these the process that shall be PID 1 is made by the second clone.
std::uint64_t first_clone(const RunOptions& options) {
  if (!wants(options, Kind::time)) return options.kinds;
  return options.kinds & ~(clone_flag(Kind::time) | clone_flag(Kind::pid));
}

void add_user(ChildPlan& plan) { plan.add(Sync{SyncPoint::id_maps, "write the id maps"}); }

void add_time(ChildPlan& plan, const RunOptions& options) {
  plan.add(UnshareNamespaces{clone_flag(Kind::time)});
  if (!options.time_offsets.empty()) {
    plan.add(WriteTimeOffsets{plan.copy(format_time_offsets(options.time_offsets))});
  }
  plan.add(CloneSibling{options.kinds & clone_flag(Kind::pid)});
}

void mount_proc(ChildPlan& plan, const int* root) {
  plan.add(
      MountFilesystem{root, "/proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr});
}

/// The host's tree stays, but is ours to change.
void add_private_mounts(ChildPlan& plan, const RunOptions& options) {
  plan.add(SetPropagation{"/", MS_REC | MS_PRIVATE});
  if (!wants(options, Kind::pid)) return;
  // The old proc goes on showing the old namespace: it belongs to the one who mounted it.
  int* const root = plan.make<int>(-1);
  plan.add(OpenRoot{"/", root});
  mount_proc(plan, root);
}

void add_devices(ChildPlan& plan, const RunOptions& options, const int* root) {
  plan.add(MountFilesystem{root, "/dev", "tmpfs", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755"});
  int* const dev = plan.make<int>(-1);
  plan.add(OpenDir{root, "/dev", dev});
  for (const DefaultDevice& device : default_devices()) {
    if (wants(options, Kind::user)) {
      plan.add(BindDevice{plan.copy(fmt::format("/dev/{}", device.name)), dev, device.name});
    } else {
      plan.add(
          MakeDevice{dev, device.name, device.mode, makedev(device.major, device.minor), 0, 0});
    }
  }
  for (const DefaultLink& link : default_links())
    plan.add(MakeSymlink{dev, link.name, link.target});
  plan.add(MountFilesystem{root, "/dev/pts", "devpts", "devpts", MS_NOSUID | MS_NOEXEC,
                           "newinstance,ptmxmode=0666,mode=0620"});
}

/// The host's tree goes, but for what `root` has of it.
void add_new_root(ChildPlan& plan, const RunOptions& options) {
  int* const root = plan.make<int>(-1);
  const char* const path = plan.copy(options.root);
  plan.add(SetPropagation{"/", MS_REC | MS_SLAVE});
  plan.add(BindRoot{path});
  plan.add(OpenRoot{path, root});
  plan.add(SetUmask{0});
  if (wants(options, Kind::pid)) mount_proc(plan, root);
  // A user namespace may show the devices of a network namespace only if it owns that.
  if (wants(options, Kind::net)) {
    plan.add(MountFilesystem{root, "/sys", "sysfs", "sysfs",
                             MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, nullptr});
  }
  add_devices(plan, options, root);
  plan.add(SetUmask{022});
  plan.add(PivotRoot{root});
}

void add_program(ChildPlan& plan, const RunOptions& options, std::vector<std::string> argv) {
  using Path = std::array<char, FindProgram::kMaxPath>;
  if (!options.init.empty()) argv.insert(argv.begin(), {options.init, "--"});
  const char* const path = std::getenv("PATH");
  char* const found = plan.make<Path>()->data();
  plan.add(
      FindProgram{plan.copy(argv.front()), path == nullptr ? nullptr : plan.copy(path), found});
  plan.add(Exec{found, plan.copy_array(argv), environ});
}

void make_plan(ChildPlan& plan, const RunOptions& options, const std::vector<std::string>& argv) {
  if (wants(options, Kind::user)) add_user(plan);
  if (wants(options, Kind::time)) add_time(plan, options);
  if (wants(options, Kind::user)) plan.add(BecomeRootInside{});
  if (wants(options, Kind::net)) plan.add(BringUpLoopback{});
  if (!options.hostname.empty()) plan.add(SetHostname{plan.copy(options.hostname)});
  if (!options.root.empty()) {
    add_new_root(plan, options);
  } else if (wants(options, Kind::mnt)) {
    add_private_mounts(plan, options);
  }
  add_program(plan, options, argv);
}

/// The parent's part of Sync{id_maps}.
void map_ids(StartedChild& child, const RunOptions& options) {
  child.wait_for(SyncPoint::id_maps);
  const std::vector<IdMapping> own_uid{{0, sys::geteuid(), 1}};
  const std::vector<IdMapping> own_gid{{0, sys::getegid(), 1}};
  write_id_maps(child.process().pid(), options.uids.empty() ? own_uid : options.uids,
                options.gids.empty() ? own_gid : options.gids);
  child.resume();
}

/// The parent's part of CloneSibling.
void meet_sibling(StartedChild& child) {
  UniqueFd pidfd = child.receive_fd();
  const pid_t pid = pid_of_pidfd(pidfd.get());
  child.replace_process(Process(pid, std::move(pidfd)));
}

/// The last two steps are about the program and not about us.
void wait_for_program(StartedChild& child, const ChildPlan& plan) {
  try {
    child.wait_for_exec();
  } catch (const StepError& error) {
    if (error.step() + 2 >= plan.size()) throw ProgramError(error);
    throw;
  }
}

}  // namespace

Process start_in_namespaces(const RunOptions& options, const std::vector<std::string>& argv) {
  check(options, argv);
  ChildPlan plan;
  make_plan(plan, options, argv);
  StartedChild child = StartedChild::start(plan, {.flags = first_clone(options)});
  if (wants(options, Kind::user)) map_ids(child, options);
  if (wants(options, Kind::time)) meet_sibling(child);
  wait_for_program(child, plan);
  return child.release();
}

int run_in_namespaces(const RunOptions& options, const std::vector<std::string>& argv) {
  return start_in_namespaces(options, argv).wait().shell_code();
}

}  // namespace minidocker::namespaces
