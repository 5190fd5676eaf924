#include "faulty_run.hpp"

#include <fcntl.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {
namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

bool is_event(int status, int event) { return status >> 8 == (SIGTRAP | event << 8); }

/// Starts `argv`, stopped at the end of its execve.
pid_t start_traced(const std::vector<std::string>& argv, const std::string& err_path) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    const int null = ::open("/dev/null", O_RDWR);  // lint: inherited
    const int err_flags = O_WRONLY | O_CREAT | O_TRUNC;
    const int err = ::open(err_path.c_str(), err_flags, 0600);  // lint: inherited
    ::dup2(null, 0);
    ::dup2(null, 1);
    ::dup2(err, 2);
    ::close_range(3, ~0U, 0);
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::execv(words[0], words.data());
    ::_exit(126);
  }
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) fail(argv[0]);
  return pid;
}

/// One process that we trace, from a stop of it on.
class Tracee {
 public:
  Tracee(pid_t pid, const Strike& strike, FaultyRun& run) : pid_(pid), strike_(strike), run_(run) {}

  /// Lets it run until it is struck, ends, or has become another program.
  void run_until_struck() {
    int signal = 0;
    while (!run_.fired) {
      if (::ptrace(PTRACE_SYSCALL, pid_, nullptr, signal) < 0) return;
      signal = 0;
      if (!wait()) return;
      const int stopped_by = WSTOPSIG(status_);
      if (is_event(status_, PTRACE_EVENT_EXEC)) break;
      if (stopped_by == kSyscallStop) {
        at_call();
      } else if (stopped_by != SIGSTOP) {
        signal = stopped_by;
      }
    }
    if (alive_) ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
  }

  /// Lets it run freely until it makes a process; that one's id, or -1 if it never does.
  pid_t run_until_child() {
    int signal = 0;
    for (;;) {
      if (::ptrace(PTRACE_CONT, pid_, nullptr, signal) < 0 || !wait()) return -1;
      signal = 0;
      for (const int event : {PTRACE_EVENT_CLONE, PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK}) {
        if (!is_event(status_, event)) continue;
        unsigned long child = 0;
        ::ptrace(PTRACE_GETEVENTMSG, pid_, nullptr, &child);
        return static_cast<pid_t>(child);
      }
      signal = WSTOPSIG(status_);
    }
  }

 private:
  /// False if it has ended.
  bool wait() {
    while (::waitpid(pid_, &status_, __WALL) < 0) {
      if (errno != EINTR) fail("waitpid");
    }
    alive_ = WIFSTOPPED(status_);
    if (!alive_ && strike_.side == Side::parent) keep_end();
    return alive_;
  }

  void keep_end() {
    if (WIFEXITED(status_)) run_.exit_code = WEXITSTATUS(status_);
    if (WIFSIGNALED(status_)) run_.signal = WTERMSIG(status_);
  }

  void at_call() {
    struct __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof(info), &info) <= 0) return;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return;
    const long call = static_cast<long>(info.entry.nr);
    started_ = started_ || path_at(info.entry.args[1]).ends_with(strike_.from);
    if (!started_ || (strike_.counted && !strike_.counted(call))) return;
    if (++count_ < strike_.when) return;
    run_.fired = true;
    run_.call = call;
    run_.detail = what_about(call, info.entry.args);
    if (strike_.error == 0) {
      ::kill(pid_, SIGKILL);
      wait();
    } else {
      fail_call();
    }
  }

  /// No call at all instead of it, and the error where its result would be. Only close(2) is made:
  /// on Linux the descriptor is gone whatever close says.
  void fail_call() {
    struct user_regs_struct registers{};
    if (run_.call != SYS_close) {
      ::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers);
      registers.orig_rax = ~0ULL;
      ::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
    }
    if (::ptrace(PTRACE_SYSCALL, pid_, nullptr, nullptr) < 0 || !wait()) return;
    ::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers);
    registers.rax = static_cast<unsigned long long>(-static_cast<long long>(strike_.error));
    ::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
  }

  /// The text at an address if it looks like a path or a file's name.
  std::string path_at(unsigned long long address) const {
    std::array<char, 200> text{};
    struct iovec here{text.data(), 64};
    struct iovec there{reinterpret_cast<void*>(address), 64};
    if (::process_vm_readv(pid_, &here, 1, &there, 1, 0) <= 0) return {};
    std::string path(text.data());
    for (const char c : path) {
      if (c < '!' || c > '~') return {};
    }
    return path;
  }

  /// The path that a call names; else where its descriptor leads; else, of waitid, for whom.
  std::string what_about(long call, const std::uint64_t (&args)[6]) const {
    if (call == SYS_waitid) return args[0] == P_ALL ? "any" : "one";
    if (call == SYS_prctl) return args[0] == PR_CAPBSET_DROP ? "drop" : "";
    for (const int at : {1, 0}) {
      const std::string path = path_at(args[at]);
      if (!path.empty()) return path;
    }
    return call == SYS_rt_sigprocmask ? "" : descriptor_path(args[0]);
  }

  /// Where a descriptor leads; empty if it is none.
  std::string descriptor_path(unsigned long long fd) const {
    std::array<char, 300> path{};
    const std::string link = "/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(fd);
    return ::readlink(link.c_str(), path.data(), path.size() - 1) > 0 ? path.data() : "";
  }

  pid_t pid_;
  const Strike& strike_;
  FaultyRun& run_;
  int status_ = 0;
  int count_ = 0;
  bool started_ = strike_.from.empty();
  bool alive_ = true;
};

void strike_child(pid_t parent, const Strike& strike, FaultyRun& run) {
  const long events = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC |
                      PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
  ::ptrace(PTRACE_SETOPTIONS, parent, nullptr, events);
  const pid_t child = Tracee(parent, strike, run).run_until_child();
  if (child < 0) throw std::runtime_error("the program made no child");
  int status = 0;
  ::waitpid(child, &status, __WALL);  // its first stop, before its first instruction
  ::ptrace(PTRACE_DETACH, parent, nullptr, nullptr);
  // We are its tracer, not its parent: that one learns of its end after us.
  Tracee(child, strike, run).run_until_struck();
}

}  // namespace

FaultyRun run_struck(const std::vector<std::string>& argv, const Strike& strike,
                     const std::string& err_path) {
  FaultyRun run;
  const pid_t pid = start_traced(argv, err_path);
  if (strike.side == Side::child) {
    strike_child(pid, strike, run);
  } else {
    ::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    Tracee(pid, strike, run).run_until_struck();
  }
  int status = 0;
  if (run.exit_code < 0 && run.signal == 0 && ::waitpid(pid, &status, 0) == pid) {
    if (WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) run.signal = WTERMSIG(status);
  }
  run.err = find_text(err_path).value_or("");
  return run;
}

}  // namespace minidocker::testing
