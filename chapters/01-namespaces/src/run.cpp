#include "minidocker/namespaces/run.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "attend.hpp"
#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/filesystems.hpp"
#include "minidocker/namespaces/inspect.hpp"
#include "minidocker/namespaces/join.hpp"
#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/namespaces/loopback.hpp"
#include "minidocker/namespaces/names.hpp"
#include "minidocker/namespaces/propagation.hpp"
#include "minidocker/namespaces/root.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::namespaces {
namespace {

bool wants(const RunOptions& options, Kind kind) { return (options.kinds & clone_flag(kind)) != 0; }

void check_program(const std::vector<std::string>& argv) {
  if (argv.empty()) throw Error(ErrorKind::invalid_argument, "no program to run was given");
}

void check(const RunOptions& options, const std::vector<std::string>& argv) {
  const auto refuse = [](const char* what, const char* needed) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{} needs a {} namespace", what, needed));
  };
  check_program(argv);
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

/// Nothing of ours but 0, 1 and 2 reaches the program.
void add_program(ChildPlan& plan, const std::vector<std::string>& argv) {
  using Path = std::array<char, FindProgram::kMaxPath>;
  const char* const path = std::getenv("PATH");
  char* const found = plan.make<Path>()->data();
  plan.add(ResetSignals{inherited_signals().ignored});
  plan.add(CloseFrom{3});
  plan.add(
      FindProgram{plan.copy(argv.front()), path == nullptr ? nullptr : plan.copy(path), found});
  plan.add(Exec{found, plan.copy_array(argv), environ});
}

void make_plan(ChildPlan& plan, const RunOptions& options, std::vector<std::string> argv) {
  if (wants(options, Kind::user)) add_user(plan);
  if (wants(options, Kind::time)) add_time(plan, options);
  if (wants(options, Kind::user)) plan.add(BecomeRootInside{});
  // A clone and a change of ids would clear it.
  plan.add(ParentDeathSignal{SIGKILL});
  if (wants(options, Kind::net)) plan.add(BringUpLoopback{});
  if (!options.hostname.empty()) plan.add(SetHostname{plan.copy(options.hostname)});
  if (!options.root.empty()) {
    add_new_root(plan, options);
  } else if (wants(options, Kind::mnt)) {
    add_private_mounts(plan, options);
  }
  if (!options.init.empty()) argv.insert(argv.begin(), {options.init, "--"});
  add_program(plan, argv);
}

void make_joining_plan(ChildPlan& plan, int pidfd, std::uint64_t kinds,
                       const std::vector<std::string>& argv) {
  plan.add(JoinProcess{pidfd, kinds});
  if ((kinds & clone_flag(Kind::pid)) != 0) plan.add(CloneSibling{0});
  if ((kinds & clone_flag(Kind::user)) != 0) plan.add(BecomeRootInside{});
  plan.add(ParentDeathSignal{SIGKILL});
  add_program(plan, argv);
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

/// Signals are taken before the program is there: none is lost, and none kills us between. With ^Z
/// we stop like any other process of our group.
template <class Start>
int attend_program(const Start& start) {
  sigset_t taken;
  ::sigfillset(&taken);
  ::sigdelset(&taken, SIGTSTP);
  ::sigdelset(&taken, SIGTTIN);
  std::optional<trace::Scope> preparing(
      std::in_place, "01-namespaces", "take all signals from a queue, see whose the terminal is",
      "who is killed can neither hand a signal on nor tell how the program ended");
  const SignalQueue signals(taken);
  const Foreground foreground;
  preparing.reset();
  Process program = start();
  return attend(program, signals, Forward::by_processes, [&program] { return program.try_wait(); })
      .shell_code();
}

}  // namespace

Process start_in_namespaces(const RunOptions& options, const std::vector<std::string>& argv) {
  check(options, argv);
  ChildPlan plan;
  make_plan(plan, options, argv);
  StartedChild child = StartedChild::start(plan, {.flags = first_clone(options)});
  if (wants(options, Kind::user)) map_ids(child, options);
  if (wants(options, Kind::time)) meet_sibling(child);
  child.wait_for_exec();
  return child.release();
}

int run_in_namespaces(const RunOptions& options, const std::vector<std::string>& argv) {
  return attend_program([&] { return start_in_namespaces(options, argv); });
}

Process start_in_namespaces_of(pid_t pid, std::uint64_t kinds,
                               const std::vector<std::string>& argv) {
  check_program(argv);
  // By the pidfd, so that a process that ends meanwhile is not taken for its successor.
  const UniqueFd pidfd = sys::pidfd_open(pid).or_throw(fmt::format("{}", pid));
  if (kinds == 0) kinds = differing_kinds(pid);
  if (kinds == 0) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("process {} is in the same namespaces as we are", pid));
  }
  ChildPlan plan;
  make_joining_plan(plan, pidfd.get(), kinds, argv);
  StartedChild child = StartedChild::start(plan, {});
  if ((kinds & clone_flag(Kind::pid)) != 0) meet_sibling(child);
  child.wait_for_exec();
  return child.release();
}

int run_in_namespaces_of(pid_t pid, std::uint64_t kinds, const std::vector<std::string>& argv) {
  return attend_program([&] { return start_in_namespaces_of(pid, kinds, argv); });
}

}  // namespace minidocker::namespaces
