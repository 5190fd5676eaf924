#include "minidocker/cgroups/systemd_scope.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "systemd_protocol.hpp"

namespace minidocker::cgroups {
namespace {

constexpr const char* kChapter = "02-cgroups";
/// A mini-scope that was started, and our end of its socket. Destroyed, it is killed.
struct RunningHelper {
  Process process;
  UniqueFd socket;
};

RunningHelper spawn_helper(const std::string& program) {
  SocketPair sockets = SocketPair::make();
  const std::array<std::pair<int, int>, 1> fds{{{sockets.theirs.get(), kScopeSocketFd}}};
  try {
    return {Process::spawn({program}, fds), std::move(sockets.ours)};
  } catch (const SystemError& error) {
    if (error.code() != ENOENT && error.code() != EACCES) throw;
    throw Error(
        ErrorKind::unavailable,
        fmt::format("systemd is asked by the program mini-scope, and {} cannot be executed: "
                    "{} ({}); hint: it belongs beside mini-runc, or into libexec/mini-docker",
                    quoted(program), errno_words(error.code()), errno_name(error.code())));
  }
}

[[noreturn]] void give_up(const ScopeHelper& with, const ScopeRequest& request) {
  throw Error(
      ErrorKind::unavailable,
      fmt::format("{}: systemd does not answer within {} ms; hint: systemctl status, and is "
                  "dbus-daemon running?",
                  request.unit, with.patience.count()));
}

[[noreturn]] void tell_death(RunningHelper& helper, const ScopeRequest& request) {
  const ExitStatus status = helper.process.wait();
  throw Error(ErrorKind::internal,
              fmt::format("{}: mini-scope died ({}) before it could answer", request.unit,
                          status.signal != 0 ? fmt::format("signal {}", status.signal)
                                             : fmt::format("exit code {}", status.code)));
}

/// Can something be read before `deadline`?
bool wait_readable(int fd, Deadline deadline) {
  std::array<struct pollfd, 1> wait{{{fd, POLLIN, 0}}};
  sys::Result<int> ready = sys::poll(wait, milliseconds_until(deadline));
  while (ready.error() == EINTR) ready = sys::poll(wait, milliseconds_until(deadline));
  return std::move(ready).or_throw("socket of mini-scope") > 0;
}

/// The group that systemd's unit has.
std::string ask(const ScopeHelper& with, const ScopeRequest& request) {
  const Deadline deadline = Deadline::clock::now() + with.patience;
  RunningHelper helper = spawn_helper(with.program);
  const int socket = helper.socket.get();
  std::string text = request.to_text();
  if (!sys::send(socket, text.data(), text.size())) tell_death(helper, request);
  if (!wait_readable(socket, deadline)) give_up(with, request);
  text.resize(kLongestScopeMessage);
  const sys::Result<sys::Received> received = sys::receive(socket, text.data(), text.size());
  if (!received || received.value().size == 0) tell_death(helper, request);
  text.resize(received.value().size);
  const ScopeAnswer answer = ScopeAnswer::from_text(text);
  if (answer.failure) throw Error(*answer.failure, answer.words);
  return answer.group;
}

std::string unit_of(const Location& location) {
  const std::string& group = location.directories.front().group;
  return group.substr(group.find_last_of('/') + 1);
}

std::string slice_of(const Location& location) {
  std::string above = location.directories.front().group;
  above.erase(above.find_last_of('/'));
  const std::string name = above.substr(above.find_last_of('/') + 1);
  return name.ends_with(".slice") ? name : "-.slice";
}

const char* whose(Manager manager) {
  return manager == Manager::user ? "the user's systemd" : "systemd";
}

/// The controllers that count are switched on by counting; `Delegate` lets us make groups below.
/// systemd forgets a scope when it is empty, also one whose processes were killed for memory.
std::vector<Property> scope_properties(const Limits& limits) {
  using Type = Property::Type;
  std::vector<Property> properties{
      {"Description", Type::text, "mini-docker container"},
      {"Delegate", Type::boolean, "true"},
      {"DefaultDependencies", Type::boolean, "false"},
      {"CollectMode", Type::text, "inactive-or-failed"},
      {"MemoryAccounting", Type::boolean, "true"},
      {"CPUAccounting", Type::boolean, "true"},
      {"IOAccounting", Type::boolean, "true"},
      {"TasksAccounting", Type::boolean, "true"},
  };
  for (Property& property : properties_of(v2_writes(limits))) {
    properties.push_back(std::move(property));
  }
  return properties;
}

/// No limit holds for a process that is not in there, whatever systemd says.
void require_member(const Cgroup& cgroup, pid_t pid) {
  const std::vector<pid_t> members = cgroup.processes();
  if (std::ranges::find(members, pid) != members.end()) return;
  throw Error(ErrorKind::internal,
              fmt::format("systemd made {}, and process {} is not in it; hint: has it ended?",
                          cgroup.location().directories.front().path(), pid));
}

/// The hint that a user's missing controller needs: systemd delegates what it was told to.
void apply_limits(const Cgroup& cgroup, const Limits& limits) {
  try {
    cgroup.apply(limits);
  } catch (const Error& error) {
    const bool missing = error.kind() == ErrorKind::unavailable;
    if (!missing || cgroup.location().manager != Manager::user) throw;
    throw Error(ErrorKind::unavailable,
                fmt::format("{}. systemd hands to users what /etc/systemd/system/user@.service.d/"
                            "delegate.conf names: [Service] Delegate=cpu cpuset io memory pids",
                            error.what()));
  }
}

}  // namespace

Manager find_manager(const Layout& layout, uid_t who, const std::string& runtime_dir) {
  if (layout.mode != Mode::v2 || !exists("/run/systemd/system")) return Manager::nobody;
  if (who == 0) return Manager::system;
  const bool has_own = !runtime_dir.empty() && exists(runtime_dir + "/systemd/private");
  return has_own ? Manager::user : Manager::nobody;
}

std::string default_slice(Manager manager) {
  return manager == Manager::user ? "user.slice" : "system.slice";
}

Location locate_scope(const Layout& layout, const ScopeName& name, Manager manager, uid_t who) {
  if (layout.mode != Mode::v2) {
    throw Error(
        ErrorKind::unavailable,
        fmt::format("cgroup {}: the systemd driver needs cgroup v2 alone, and this host has "
                    "{}; hint: boot with systemd.unified_cgroup_hierarchy=1, or leave "
                    "--systemd-cgroup away",
                    quoted(name.unit), layout.mode == Mode::none ? "none" : "v1"));
  }
  const std::string base = manager == Manager::user
                               ? fmt::format("/user.slice/user-{0}.slice/user@{0}.service", who)
                               : "";
  const std::string group = base + slice_path(name.slice) + "/" + name.unit;
  return {Mode::v2, {{"", layout.hierarchies.front().mount, group}}, manager};
}

Cgroup start_scope(const ScopeHelper& helper, const Location& location, const Limits& limits,
                   pid_t pid) {
  validate(limits);
  const std::string unit = unit_of(location);
  const std::string expected = location.directories.front().group;
  {
    const trace::Scope told(
        kChapter,
        fmt::format("have {} make {} with process {} in it", whose(location.manager), unit, pid),
        "on a host that systemd booted the tree is systemd's, and changed by nobody else");
    const std::string group = ask(helper, {ScopeRequest::Verb::start, location.manager, unit,
                                           slice_of(location), pid, scope_properties(limits)});
    if (group != expected) {
      throw Error(ErrorKind::internal, fmt::format("systemd made {} at {} and not at {}", unit,
                                                   quoted(group), quoted(expected)));
    }
  }
  Cgroup cgroup = Cgroup::take_over(location);
  require_member(cgroup, pid);
  apply_limits(cgroup, limits);
  return cgroup;
}

void set_scope_limits(const ScopeHelper& helper, const Location& location, const Limits& limits) {
  validate(limits);
  std::vector<Property> properties = properties_of(v2_writes(limits));
  if (properties.empty()) return;
  const std::string unit = unit_of(location);
  const trace::Scope told(kChapter,
                          fmt::format("tell {} of the limits of {}", whose(location.manager), unit),
                          "it writes what it knows, whenever it looks at the unit again");
  (void)ask(helper,
            {ScopeRequest::Verb::set, location.manager, unit, "", 0, std::move(properties)});
}

}  // namespace minidocker::cgroups
