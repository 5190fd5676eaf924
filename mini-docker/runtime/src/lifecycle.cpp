#include "minidocker/runtime/lifecycle.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "recorded_cgroup.hpp"

namespace minidocker::runtime {
namespace {

std::string fifo_path(const std::string& root, const std::string& id) {
  return root + "/" + id + "/exec.fifo";
}

/// Waits until nobody holds the FIFO open for reading any more: execve has closed it, or the
/// process has ended.
void wait_for_readers_gone(int fifo) {
  std::array<struct pollfd, 1> wait{{{fifo, 0, 0}}};
  while (!sys::poll(wait, -1)) continue;
}

/// How long a killed process may take to be gone: it may be in the middle of a disk access.
constexpr int kPatienceMs = 10'000;

bool ends_in_time(int pidfd) {
  std::array<struct pollfd, 1> wait{{{pidfd, POLLIN, 0}}};
  sys::Result<int> ready = sys::poll(wait, kPatienceMs);
  while (!ready) ready = sys::poll(wait, kPatienceMs);
  return ready.value() > 0;
}

/// Was there anybody to kill?
bool kill_and_wait(const State& state) {
  const std::optional<UniqueFd> process = open_process(state);
  if (!process) return false;
  sys::Result<> sent = sys::pidfd_send_signal(process->get(), SIGKILL);
  if (!sent && sent.error() == ESRCH) return true;
  std::move(sent).or_throw(fmt::format("process {}, SIGKILL", state.pid));
  thaw_if_frozen(state.cgroup);
  if (ends_in_time(process->get())) return true;
  throw Error(ErrorKind::unavailable,
              fmt::format("container init process {} is still there 10 s after SIGKILL; hint: it "
                          "waits for others in its PID namespace, whose own parents must reap them",
                          state.pid));
}

[[noreturn]] void throw_already_running() {
  throw Error(ErrorKind::conflict, "cannot start an already running container");
}

/// Lets the process that reads the FIFO at `path` go on.
///
/// First the byte, then the name: a start that is killed in between has started the container, and
/// leaves a name at which nobody reads. Taking the name away is the claim: of any number of starts
/// at once exactly one can, and the container reads no more than one byte.
void open_the_gate(const std::string& path) {
  sys::ignore_signal(SIGPIPE).or_throw("SIGPIPE");  // another start was faster: EPIPE tells
  sys::Result<UniqueFd> opened = sys::open(path.c_str(), O_WRONLY | O_NONBLOCK);
  if (opened.error() == ENOENT || opened.error() == ENXIO) throw_already_running();
  const UniqueFd fifo = std::move(opened).or_throw(quoted(path));
  sys::Result<std::size_t> written = sys::write(fifo.get(), "0", 1);
  if (written.error() == EPIPE) throw_already_running();
  std::move(written).or_throw(quoted(path));
  sys::Result<> claimed = sys::unlink(path.c_str());
  if (claimed.error() == ENOENT) throw_already_running();
  std::move(claimed).or_throw(quoted(path));
  wait_for_readers_gone(fifo.get());
}

void signal_init(const State& state, int signal) {
  const std::optional<UniqueFd> process = open_process(state);
  if (!process) throw Error(ErrorKind::conflict, "container not running");
  sys::pidfd_send_signal(process->get(), signal)
      .or_throw(fmt::format("process {}, signal {}", state.pid, signal));
  if (signal == SIGKILL) thaw_if_frozen(state.cgroup);
}

/// Without a group the kernel knows a container's processes by their PID namespace only, and how to
/// end them all by its first one.
void signal_all(const State& state, int signal) {
  if (!state.cgroup.empty()) return signal_members(state.cgroup, signal);
  if (!state.own_pids) {
    throw Error(ErrorKind::unavailable,
                "kill --all: the container has neither a cgroup nor a PID namespace of its own, so "
                "nobody knows all its processes; hint: without --all the first one is reached");
  }
  if (open_process(state)) signal_init(state, signal);
}

/// The group of a container that has ended may be another's by now.
void remove_group(const State& state, bool was_alive, Force force) {
  if (!state.fault.empty()) return remove_empty_default(state.id);
  if (state.cgroup.empty()) return;
  // One that never was recorded as created may still be in there on its way.
  const bool are_ours = was_alive || !state.own_pids || state.pid == 0;
  try {
    remove_recorded(state.cgroup, are_ours ? Members::kill : Members::spare);
  } catch (const Error& error) {
    if (are_ours || force == Force::no || error.kind() != ErrorKind::conflict) throw;
    const trace::Scope scope("02-cgroups", "leave the group to those who are in it", error.what());
  }
}

}  // namespace

void start_created(const std::string& root, const std::string& id) {
  const State state = get_state(root, id);
  switch (status_of(root, state)) {
    case Status::created:
      break;
    case Status::stopped:
      throw Error(ErrorKind::conflict, "cannot start a container that has stopped");
    case Status::creating:
      throw Error(ErrorKind::conflict, "cannot start a container that was never fully created");
    default:
      throw_already_running();
  }
  const trace::Scope scope("runtime", "let the container's process go on to execve",
                           "it reads one byte from the FIFO and is the program then");
  open_the_gate(fifo_path(root, id));
}

void kill_container(const std::string& root, const std::string& id, int signal,
                    Recipients recipients) {
  const State state = get_state(root, id);
  if (recipients == Recipients::all) return signal_all(state, signal);
  signal_init(state, signal);
}

void delete_container(const std::string& root, const std::string& id, Force force) {
  const std::optional<State> found = find_state(root, id);
  if (!found && force == Force::yes) return;
  const State state = found && force == Force::yes ? *found : get_state(root, id);
  const Status status = status_of(root, state);
  const bool deletable = status == Status::stopped || status == Status::created;
  if (!deletable && force == Force::no) {
    throw Error(
        ErrorKind::conflict,
        fmt::format("cannot delete container {} that is not stopped: {}", id, name_of(status)));
  }
  const trace::Scope scope("runtime", fmt::format("delete the container {}", id),
                           "the state goes last: it tells what else there is");
  const bool was_alive = kill_and_wait(state);
  remove_group(state, was_alive, force);
  remove_tree(root + "/" + id);
}

int parse_signal(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (number > 0 && number < NSIG) return number;
  }
  std::string name = text;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    if (abbreviation != nullptr && name == abbreviation) return signal;
  }
  throw Error(ErrorKind::invalid_argument,
              fmt::format("unknown signal {}; hint: a number from 1 to {}, or a name such as TERM",
                          quoted(text), NSIG - 1));
}

}  // namespace minidocker::runtime
