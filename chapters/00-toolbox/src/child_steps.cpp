#include "minidocker/toolbox/child_steps.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "child_protocol.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker {
namespace {

/// Can `path` be executed by who we are? A directory is "permission denied", as execve says.
StepResult check_executable(const char* path) noexcept {
  const sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, path, 0);
  if (!status) return status;
  if (!S_ISREG(status.value().st_mode)) return StepResult::failure(EACCES);
  return sys::faccessat(AT_FDCWD, path, X_OK);
}

/// `directory/name` into `found`; false if there is no room. An empty directory means ".".
bool join_path(std::string_view directory, std::string_view name, char* found) noexcept {
  if (directory.empty()) directory = ".";
  if (directory.size() + name.size() + 2 > FindProgram::kMaxPath) return false;
  std::memcpy(found, directory.data(), directory.size());
  found[directory.size()] = '/';
  std::memcpy(found + directory.size() + 1, name.data(), name.size());
  found[directory.size() + 1 + name.size()] = '\0';
  return true;
}

/// SIGRTMAX as the kernel has it.
constexpr int kLastSignal = 64;

/// "SIGPIPE"; the number of a real-time signal, which has no name.
std::string name_of(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("{}", signal);
}

}  // namespace

StepResult send_to_parent(const ChildContext& context, const ChildMessage& message,
                          int fd) noexcept {
  const std::span<const int> fds(&fd, fd >= 0 ? 1 : 0);
  return sys::send(context.report_fd, &message, sizeof(message), fds);
}

StepResult Sync::run(ChildContext& context) const noexcept {
  const ChildMessage message{
      ChildMessage::Kind::sync, static_cast<std::uint16_t>(point), context.step, {}};
  if (const StepResult sent = send_to_parent(context, message); !sent) return sent;
  char go = 0;
  const sys::Result<std::size_t> answer = sys::read(context.report_fd, &go, 1);
  if (!answer) return answer;
  // End of file: the parent is dead, and nobody would ever look after us.
  if (answer.value() == 0) return StepResult::failure(EPIPE);
  return go == kGoAhead ? StepResult::ok() : StepResult::failure(EPROTO);
}

std::string Sync::describe() const { return fmt::format("wait until the parent has: {}", what); }

StepResult SendFd::run(ChildContext& context) const noexcept {
  const ChildMessage message{ChildMessage::Kind::fd, 0, context.step, {}};
  return send_to_parent(context, message, *fd);
}

std::string SendFd::describe() const { return fmt::format("send the parent {}", what); }

StepResult WaitFifo::run(ChildContext&) const noexcept {
  char go = 0;
  const sys::Result<std::size_t> got = sys::read(fd, &go, 1);
  if (!got) return got;
  return got.value() == 1 ? StepResult::ok() : StepResult::failure(EPIPE);
}

std::string WaitFifo::describe() const { return "wait for the start command"; }

StepResult FindProgram::run(ChildContext&) const noexcept {
  const std::string_view program(name);
  if (program.empty()) return StepResult::failure(ENOENT);
  if (program.find('/') != std::string_view::npos) {
    if (program.size() + 1 > kMaxPath) return StepResult::failure(ENAMETOOLONG);
    std::memcpy(found, name, program.size() + 1);
    return check_executable(found);
  }
  // As execvp(3): go on after what may not be executed, but remember that there was something.
  StepResult worst = StepResult::failure(ENOENT);
  std::string_view rest(path != nullptr ? path : "");
  for (bool more = path != nullptr; more;) {
    const std::size_t colon = rest.find(':');
    more = colon != std::string_view::npos;
    const std::string_view directory = rest.substr(0, colon);
    if (more) rest.remove_prefix(colon + 1);
    if (!join_path(directory, program, found)) continue;
    const StepResult result = check_executable(found);
    if (result) return result;
    if (result.error == EACCES) worst = result;
  }
  return worst;
}

std::string FindProgram::describe() const {
  return fmt::format("find the program {} along PATH {}", quoted(name),
                     path != nullptr ? quoted(path) : "(none)");
}

StepResult CloseFrom::run(ChildContext&) const noexcept {
  return sys::close_range_from(first, CLOSE_RANGE_CLOEXEC);
}

std::string CloseFrom::describe() const {
  return fmt::format("let no descriptor from {} on survive execve", first);
}

StepResult ResetSignals::run(ChildContext&) const noexcept {
  sigset_t none;
  ::sigemptyset(&none);
  if (const sys::Result<sigset_t> mask = sys::set_signal_mask(none); !mask) return mask;
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    if ((ignored & signal_bit(signal)) == 0) continue;
    if (const sys::Result<> reset = sys::default_signal(signal); !reset) return reset;
  }
  return StepResult::ok();
}

std::string ResetSignals::describe() const {
  std::string words = "unblock all signals";
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    if ((ignored & signal_bit(signal)) == 0) continue;
    words += fmt::format(", default for {}", name_of(signal));
  }
  return words;
}

StepResult ParentDeathSignal::run(ChildContext& context) const noexcept {
  const sys::Result<> set = sys::set_parent_death_signal(signal);
  if (!set) return set;
  // It may have died before: then the other end of our socket is closed.
  std::array<struct pollfd, 1> parent{{{context.report_fd, 0, 0}}};
  const sys::Result<int> looked = sys::poll(parent, 0);
  if (!looked) return looked;
  return (parent[0].revents & POLLHUP) != 0 ? StepResult::failure(EPIPE) : StepResult::ok();
}

std::string ParentDeathSignal::describe() const {
  return fmt::format("get signal {} when the parent dies", signal);
}

StepResult Exec::run(ChildContext&) const noexcept { return sys::execve(path, argv, envp); }

std::string Exec::describe() const { return fmt::format("become the program {}", quoted(argv[0])); }

}  // namespace minidocker
