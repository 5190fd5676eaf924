#include "minidocker/testing/run_command.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <stdexcept>

namespace minidocker::testing {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

struct Ends {
  int read = -1;
  int write = -1;
};

Ends make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  return {ends[0], ends[1]};
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment(const CommandOptions& options) {
  std::vector<std::string> env;
  for (char** at = environ; !options.empty_env && *at != nullptr; ++at) {
    const std::string name = std::string(*at).substr(0, std::string(*at).find('=') + 1);
    bool replaced = false;
    for (const std::string& added : options.env) replaced |= added.rfind(name, 0) == 0;
    if (!replaced) env.emplace_back(*at);
  }
  env.insert(env.end(), options.env.begin(), options.env.end());
  return env;
}

/// write(2) that reports a reader who is gone by EPIPE only: the signal that comes with it, which
/// would end the test, is taken back.
ssize_t write_quietly(int fd, const std::string& text) {
  sigset_t pipe_signal;
  sigset_t before;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::sigprocmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = errno;
  if (written < 0 && error == EPIPE) {
    const struct timespec at_once{};
    ::sigtimedwait(&pipe_signal, nullptr, &at_once);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

struct ChildEnds {
  int in;
  int out;
  int err;
};

/// In the child: all that may fail before execvpe. Returns only on failure, with errno set.
void become(const CommandOptions& options, const ChildEnds& ends, char** argv, char** env) {
  if (::setsid() < 0) return;
  if (options.pty && ::ioctl(ends.in, TIOCSCTTY, 0) != 0) return;
  // What leaked to us from our own caller shall not leak on.
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return;
  // Targets may collide with sources, so everything moves out of the way first.
  std::vector<std::pair<int, int>> moves{{ends.in, 0}, {ends.out, 1}, {ends.err, 2}};
  moves.insert(moves.end(), options.fds.begin(), options.fds.end());
  for (auto& [ours, theirs] : moves) ours = ::fcntl(ours, F_DUPFD_CLOEXEC, 100);
  for (auto& [ours, theirs] : moves) {
    if (::dup2(ours, theirs) < 0) return;
  }
  if (!options.cwd.empty() && ::chdir(options.cwd.c_str()) != 0) return;
  if (options.user && ::geteuid() == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(options.user->gid) != 0 ||
        ::setuid(options.user->uid) != 0) {
      return;
    }
  }
  for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvpe(argv[0], argv, env);
}

std::pair<int, int> make_terminal() {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) fail("posix_openpt");
  const struct winsize size{24, 80, 0, 0};
  ::ioctl(master, TIOCSWINSZ, &size);
  const int slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) fail("open the terminal's slave");
  return {master, slave};
}

}  // namespace

User unprivileged_user() {
  if (::geteuid() != 0) return {::geteuid(), ::getegid()};
  User found{65534, 65534};
  ::setpwent();
  for (const struct passwd* entry = ::getpwent(); entry != nullptr; entry = ::getpwent()) {
    if (entry->pw_uid >= 1000 && entry->pw_uid < 60000) {
      found = {entry->pw_uid, entry->pw_gid};
      break;
    }
  }
  ::endpwent();
  return found;
}

std::string CommandResult::in_words() const {
  std::stringstream words;
  if (timed_out) words << "ran into its time limit, ";
  if (signal != 0) {
    words << "killed by signal " << signal;
  } else {
    words << "exit code " << exit_code;
  }
  words << "\nstdout: " << out << "\nstderr: " << err;
  return words.str();
}

RunningCommand::RunningCommand(const std::vector<std::string>& argv, CommandOptions options,
                               Input input)
    : pending_(options.input),
      close_after_text_(input == Input::close_after_text),
      is_pty_(options.pty),
      deadline_(std::chrono::steady_clock::now() + options.limit) {
  std::vector<std::string> arguments = argv;
  std::vector<std::string> env = environment(options);
  std::vector<char*> argument_pointers = pointers(arguments);
  std::vector<char*> env_pointers = pointers(env);

  Ends in;
  Ends out;
  Ends err;
  Ends report = make_pipe();
  if (options.pty) {
    const auto [master, slave] = make_terminal();
    in = {slave, master};
    out = {::fcntl(master, F_DUPFD_CLOEXEC, 3), ::fcntl(slave, F_DUPFD_CLOEXEC, 3)};
    err = {-1, ::fcntl(slave, F_DUPFD_CLOEXEC, 3)};
  } else {
    in = make_pipe();
    out = make_pipe();
    err = make_pipe();
  }

  pid_ = ::fork();
  if (pid_ == 0) {
    become(options, {in.read, out.write, err.write}, argument_pointers.data(), env_pointers.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t told = ::write(report.write, &error, sizeof(error));
    ::_exit(127);
  }
  const int fork_error = errno;
  for (int* fd : {&in.read, &out.write, &err.write, &report.write}) close_fd(*fd);
  input_ = in.write;
  output_ = out.read;
  errors_ = err.read;
  int error = fork_error;
  const bool started = pid_ > 0 && ::read(report.read, &error, sizeof(error)) == 0;
  close_fd(report.read);
  if (!started) {
    close_all();
    errno = error;
    fail("run " + argv[0]);
  }
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  for (int fd : {input_, output_, errors_}) {
    if (fd >= 0) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
}

RunningCommand::~RunningCommand() { close_all(); }

void RunningCommand::close_all() {
  if (pid_ > 0 && !ended_) {
    // Not reaped yet, so neither the pid nor its group can have become somebody else's.
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    ended_ = true;
  }
  for (int* fd : {&pidfd_, &input_, &output_, &errors_}) close_fd(*fd);
}

void RunningCommand::write(const std::string& text) { pending_ += text; }

void RunningCommand::close_input() {
  while (!pending_.empty() && input_ >= 0 && !ended_) step();
  if (!is_pty_) close_fd(input_);
}

void RunningCommand::signal(int number) {
  if (pidfd_ >= 0) ::syscall(SYS_pidfd_send_signal, pidfd_, number, nullptr, 0);
}

/// Reads what is there. False at the end of the file.
bool RunningCommand::drain(int& fd, std::string& into) {
  char buffer[16384];
  while (fd >= 0) {
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got > 0) {
      into.append(buffer, static_cast<std::size_t>(got));
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return true;
    } else {
      close_fd(fd);  // 0, or EIO of a terminal whose other side is closed
    }
  }
  return false;
}

/// Waits for one event and handles all that is ready.
void RunningCommand::step() {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline_ - std::chrono::steady_clock::now());
  if (left.count() <= 0) {
    result_.timed_out = true;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
  }
  const bool writes = !pending_.empty() && input_ >= 0;
  if (pending_.empty() && close_after_text_ && !is_pty_) close_fd(input_);
  struct pollfd polls[] = {{pidfd_, POLLIN, 0},
                           {output_, POLLIN, 0},
                           {errors_, POLLIN, 0},
                           {writes ? input_ : -1, POLLOUT, 0}};
  ::poll(polls, 4, result_.timed_out ? -1 : static_cast<int>(left.count()) + 1);
  if (polls[3].revents != 0) {
    const ssize_t put = write_quietly(input_, pending_);
    if (put > 0) pending_.erase(0, static_cast<std::size_t>(put));
    if (put < 0 && errno != EAGAIN && errno != EINTR) pending_.clear();  // nobody reads it
  }
  drain(output_, result_.out);
  drain(errors_, result_.err);
  if (polls[0].revents == 0) return;

  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) fail("waitpid");
  ended_ = true;
  result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  drain(output_, result_.out);
  drain(errors_, result_.err);
}

bool RunningCommand::read_until(const std::string& text) {
  while (result_.out.find(text) == std::string::npos && !ended_) step();
  return result_.out.find(text) != std::string::npos;
}

CommandResult RunningCommand::wait() {
  close_after_text_ = true;
  while (!ended_) step();
  close_all();
  return result_;
}

CommandResult run_command(const std::vector<std::string>& argv, CommandOptions options) {
  return RunningCommand(argv, std::move(options), RunningCommand::Input::close_after_text).wait();
}

}  // namespace minidocker::testing
