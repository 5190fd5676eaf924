#include "minidocker/toolbox/process.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> array;
  for (const std::string& text : texts) array.push_back(const_cast<char*>(text.c_str()));
  array.push_back(nullptr);
  return array;
}

}  // namespace

Process::Process(pid_t pid, UniqueFd pidfd) noexcept
    : pid_(pid), pidfd_(std::move(pidfd)), maker_(sys::own_pid()) {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)), maker_(other.maker_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    destroy();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
    maker_ = other.maker_;
  }
  return *this;
}

Process::~Process() { destroy(); }

void Process::destroy() noexcept {
  if (pid_ <= 0 || sys::own_pid() != maker_) return;
  static_cast<void>(sys::pidfd_send_signal(pidfd_.get(), SIGKILL));
  static_cast<void>(sys::wait_pidfd(pidfd_.get(), WEXITED));
  pid_ = -1;
}

Process Process::spawn(const std::vector<std::string>& argv,
                       std::span<const std::pair<int, int>> fds,
                       const std::vector<std::string>* env) {
  std::vector<UniqueFd> copies;
  std::vector<std::pair<int, int>> moves;
  // Copies above all targets: a target must not overwrite what is still to be passed on.
  int above = STDERR_FILENO + 1;
  for (const auto& [ours, theirs] : fds) above = std::max(above, theirs + 1);
  for (const auto& [ours, theirs] : fds) {
    copies.push_back(sys::dup(ours, above).or_throw(fmt::format("descriptor {}", ours)));
    moves.emplace_back(copies.back().get(), theirs);
  }
  std::vector<char*> args = pointers(argv);
  std::vector<char*> variables = env != nullptr ? pointers(*env) : std::vector<char*>{};
  const pid_t pid = sys::spawn(args.data(), env != nullptr ? variables.data() : nullptr, moves)
                        .or_throw(quoted(argv.at(0)));
  // Not reaped yet, so the pid cannot mean anybody else.
  sys::Result<UniqueFd> pidfd = sys::pidfd_open(pid);
  if (!pidfd) {
    static_cast<void>(sys::kill(pid, SIGKILL));
    static_cast<void>(sys::wait_child(pid));
  }
  return {pid, std::move(pidfd).or_throw(fmt::format("{}", pid))};
}

ExitStatus Process::wait() {
  const siginfo_t info =
      sys::wait_pidfd(pidfd_.get(), WEXITED).or_throw(fmt::format("process {}", pid_));
  pid_ = -1;
  return ExitStatus::of(info);
}

std::optional<ExitStatus> Process::try_wait() {
  const siginfo_t info =
      sys::wait_pidfd(pidfd_.get(), WEXITED | WNOHANG).or_throw(fmt::format("process {}", pid_));
  if (info.si_pid == 0) return std::nullopt;
  pid_ = -1;
  return ExitStatus::of(info);
}

std::optional<ExitStatus> Process::wait_for(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<struct pollfd, 1> ended{{{pidfd_.get(), POLLIN, 0}}};
    const int wait_ms = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    sys::Result<int> ready = sys::poll(ended, wait_ms);
    if (ready.error() == EINTR) continue;
    if (std::move(ready).or_throw(fmt::format("process {}", pid_)) > 0) return wait();
    if (wait_ms == 0) return std::nullopt;
  }
}

void Process::send(int signal) const {
  sys::Result<> sent = sys::pidfd_send_signal(pidfd_.get(), signal);
  if (!sent && sent.error() == ESRCH) return;
  std::move(sent).or_throw(fmt::format("process {}, signal {}", pid_, signal));
}

std::pair<pid_t, UniqueFd> Process::release() noexcept {
  return {std::exchange(pid_, -1), std::move(pidfd_)};
}

}  // namespace minidocker
