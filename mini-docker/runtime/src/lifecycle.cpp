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
#include <utility>

#include <fmt/format.h>

#include "container_cgroup.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"

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

void kill_and_wait(const State& state) {
  const std::optional<UniqueFd> process = open_process(state);
  if (!process) return;
  sys::Result<> sent = sys::pidfd_send_signal(process->get(), SIGKILL);
  if (!sent && sent.error() == ESRCH) return;
  std::move(sent).or_throw(fmt::format("process {}, SIGKILL", state.pid));
  if (ends_in_time(process->get())) return;
  throw Error(ErrorKind::unavailable,
              fmt::format("container init process {} is still there 10 s after SIGKILL; hint: it "
                          "waits for others in its PID namespace, whose own parents must reap them",
                          state.pid));
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
      throw Error(ErrorKind::conflict, "cannot start an already running container");
  }
  const trace::Scope scope("runtime", "let the container's process go on to execve",
                           "it reads one byte from the FIFO and is the program then");
  const std::string path = fifo_path(root, id);
  const UniqueFd fifo = sys::open(path.c_str(), O_WRONLY | O_NONBLOCK).or_throw(quoted(path));
  // Whoever removes the name has the right to write: two starts at once run it once.
  sys::Result<> claimed = sys::unlink(path.c_str());
  if (!claimed && claimed.error() == ENOENT) {
    throw Error(ErrorKind::conflict, "cannot start an already running container");
  }
  std::move(claimed).or_throw(quoted(path));
  sys::write(fifo.get(), "0", 1).or_throw(quoted(path));
  wait_for_readers_gone(fifo.get());
}

void kill_container(const std::string& root, const std::string& id, int signal,
                    Recipients recipients) {
  const State state = get_state(root, id);
  const Status status = status_of(root, state);
  if (recipients == Recipients::all) {
    signal_cgroup(state.cgroup, signal);
    return;
  }
  if (status == Status::stopped || status == Status::creating) {
    throw Error(ErrorKind::conflict, "container not running");
  }
  const std::optional<UniqueFd> process = open_process(state);
  if (!process) throw Error(ErrorKind::conflict, "container not running");
  sys::pidfd_send_signal(process->get(), signal)
      .or_throw(fmt::format("process {}, signal {}", state.pid, signal));
}

void delete_container(const std::string& root, const std::string& id, Force force) {
  const std::optional<State> found = find_state(root, id);
  if (!found && force == Force::yes) return;
  const State state = found ? *found : get_state(root, id);
  const Status status = status_of(root, state);
  const bool deletable = status == Status::stopped || status == Status::created;
  if (!deletable && force == Force::no) {
    throw Error(
        ErrorKind::conflict,
        fmt::format("cannot delete container {} that is not stopped: {}", id, name_of(status)));
  }
  const trace::Scope scope("runtime", fmt::format("delete the container {}", id),
                           "the state goes last: it tells what else there is");
  kill_and_wait(state);
  remove_cgroup(state.cgroup);
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
