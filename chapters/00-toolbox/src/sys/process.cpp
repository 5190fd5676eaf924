#include "minidocker/toolbox/sys/process.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <atomic>
#include <csignal>

#include "traced.hpp"

namespace minidocker::sys {

using trace::bytes;
using trace::fd;
using trace::flags;
using trace::number;
using trace::text;

const trace::FlagName kCloneFlagNames[] = {
    {CLONE_NEWTIME, "CLONE_NEWTIME"},
    {CLONE_VM, "CLONE_VM"},
    {CLONE_FS, "CLONE_FS"},
    {CLONE_FILES, "CLONE_FILES"},
    {CLONE_PIDFD, "CLONE_PIDFD"},
    {CLONE_VFORK, "CLONE_VFORK"},
    {CLONE_PARENT, "CLONE_PARENT"},
    {CLONE_NEWNS, "CLONE_NEWNS"},
    {CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
    {CLONE_NEWUTS, "CLONE_NEWUTS"},
    {CLONE_NEWIPC, "CLONE_NEWIPC"},
    {CLONE_NEWUSER, "CLONE_NEWUSER"},
    {CLONE_NEWPID, "CLONE_NEWPID"},
    {CLONE_NEWNET, "CLONE_NEWNET"},
    {CLONE_INTO_CGROUP, "CLONE_INTO_CGROUP"},
    {0, nullptr},
};

namespace {

constexpr trace::FlagName kWaitFlags[] = {{WNOHANG, "WNOHANG"},
                                          {WEXITED, "WEXITED"},
                                          {WSTOPPED, "WSTOPPED"},
                                          {WNOWAIT, "WNOWAIT"},
                                          {0, nullptr}};

constexpr CallInfo kClone3{"clone3", "clone(2)"};
constexpr CallInfo kExecve{"execve", "execve(2)"};
constexpr CallInfo kUnshare{"unshare", "unshare(2)"};
constexpr CallInfo kSetns{"setns", "setns(2)"};
constexpr CallInfo kIoctl{"ioctl", "ioctl_ns(2)"};
constexpr CallInfo kPidfdOpen{"pidfd_open", "pidfd_open(2)"};
constexpr CallInfo kPidfdSendSignal{"pidfd_send_signal", "pidfd_send_signal(2)"};
constexpr CallInfo kWaitid{"waitid", "waitid(2)"};
constexpr CallInfo kSpawn{"posix_spawn", "posix_spawn(3)"};
constexpr CallInfo kKill{"kill", "kill(2)"};
constexpr CallInfo kSetsid{"setsid", "setsid(2)"};
constexpr CallInfo kSetpgid{"setpgid", "setpgid(2)"};
constexpr CallInfo kPrlimit{"prlimit64", "prlimit(2)"};
constexpr CallInfo kSethostname{"sethostname", "sethostname(2)"};
constexpr CallInfo kSetdomainname{"setdomainname", "setdomainname(2)"};
constexpr CallInfo kSigprocmask{"rt_sigprocmask", "sigprocmask(2)"};
constexpr CallInfo kSigaction{"rt_sigaction", "sigaction(2)"};

/// rt_sigaction(2)'s own struct; glibc's has the fields in another order.
struct KernelSigaction {
  void (*handler)(int);
  unsigned long action_flags;
  void (*restorer)();
  std::uint64_t mask;
};

Result<> set_signal_handler(int signal, void (*handler)(int), const char* name) noexcept {
  const KernelSigaction action{handler, 0, nullptr, 0};
  return done(
      kSigaction,
      traced(
          kSigaction,
          [&] { return invoke(SYS_rt_sigaction, signal, &action, nullptr, kKernelSigsetSize); },
          number(signal), text(name, "handler")));
}

Result<siginfo_t> wait_for(idtype_t type, int id, int options) noexcept {
  siginfo_t info{};
  const Answer answer = traced(
      kWaitid, [&] { return invoke_again(SYS_waitid, type, id, &info, options, nullptr); },
      text(type == P_PIDFD ? "P_PIDFD"
           : type == P_PID ? "P_PID"
                           : "P_ALL"),
      number(id), flags(kWaitFlags, static_cast<unsigned>(options)));
  return filling(kWaitid, answer, info);
}

/// Memory of this process alone: see own_pid(). A whole page, as that is what the kernel wipes.
struct alignas(4096) OwnPidPage {
  std::atomic<pid_t> pid{0};
};
constinit OwnPidPage own_pid_page;

/// The child comes back through here too: it must not tell its parent's sink, whose buffers it
/// only has a copy of.
Answer traced_clone(struct clone_args& args) noexcept {
  trace::Sink* const sink = trace::current_sink;
  if (sink == nullptr) return invoke(SYS_clone3, &args, sizeof(args));
  trace::Record record;
  record.call = &kClone3;
  record.add(flags(kCloneFlagNames, args.flags, "flags"));
  record.add(number(static_cast<std::int64_t>(args.exit_signal), "exit_signal"));
  if ((args.flags & CLONE_INTO_CGROUP) != 0) {
    record.add(number(static_cast<std::int64_t>(args.cgroup), "cgroup"));
  }
  record.begin_ns = now_ns();
  const Answer answer = invoke(SYS_clone3, &args, sizeof(args));
  if (answer.value == 0) return answer;
  record.end_ns = now_ns();
  record.pid = own_pid();
  record.result = answer.value;
  record.error = answer.error;
  sink->call(record);
  return answer;
}

}  // namespace

Result<Cloned> clone3(const CloneArgs& args) noexcept {
  int pidfd = -1;
  struct clone_args kernel_args{};
  kernel_args.flags = args.flags | CLONE_PIDFD;
  kernel_args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  kernel_args.exit_signal = static_cast<std::uint64_t>(args.exit_signal);
  if (args.cgroup >= 0) {
    kernel_args.flags |= CLONE_INTO_CGROUP;
    kernel_args.cgroup = static_cast<std::uint64_t>(args.cgroup);
  }
  const Answer answer = traced_clone(kernel_args);
  if (answer.error != 0) return Result<Cloned>::failure(kClone3, answer.error);
  if (answer.value == 0) return {kClone3, Cloned{0, UniqueFd()}};
  return {kClone3, Cloned{static_cast<pid_t>(answer.value), UniqueFd(pidfd)}};
}

Result<> execve(const char* path, char* const argv[], char* const envp[]) noexcept {
  const auto kernel = [&] { return invoke(SYS_execve, path, argv, envp); };
  trace::Sink* const sink = trace::current_sink;
  if (sink == nullptr) return done(kExecve, kernel());
  trace::Record record;
  record.call = &kExecve;
  record.add(text(path));
  record.add(text(argv[0]));
  record.begin_ns = record.end_ns = now_ns();
  record.pid = own_pid();
  // One that succeeds never returns: it is recorded as a success and amended.
  sink->call(record);
  const Answer answer = kernel();
  record.end_ns = now_ns();
  record.result = answer.value;
  record.error = answer.error;
  sink->amend(record);
  return done(kExecve, answer);
}

void exit_group(int code) noexcept {
  for (;;) ::syscall(SYS_exit_group, code);
}

Result<> unshare(std::uint64_t what) noexcept {
  return done(
      kUnshare,
      traced(kUnshare, [&] { return invoke(SYS_unshare, what); }, flags(kCloneFlagNames, what)));
}

Result<> setns(int file, std::uint64_t type) noexcept {
  return done(kSetns, traced(
                          kSetns, [&] { return invoke(SYS_setns, file, type); }, fd(file),
                          flags(kCloneFlagNames, type)));
}

Result<std::uint64_t> ns_type(int file) noexcept {
  return yielding<std::uint64_t>(
      kIoctl, traced(
                  kIoctl, [&] { return invoke(SYS_ioctl, file, NS_GET_NSTYPE); }, fd(file),
                  text("NS_GET_NSTYPE")));
}

Result<UniqueFd> ns_owner(int file) noexcept {
  return owning(kIoctl, traced(
                            kIoctl, [&] { return invoke(SYS_ioctl, file, NS_GET_USERNS); },
                            fd(file), text("NS_GET_USERNS")));
}

Result<UniqueFd> pidfd_open(pid_t pid) noexcept {
  return owning(
      kPidfdOpen,
      traced(kPidfdOpen, [&] { return invoke(SYS_pidfd_open, pid, 0); }, number(pid), number(0)));
}

Result<> pidfd_send_signal(int pidfd, int signal) noexcept {
  return done(kPidfdSendSignal,
              traced(
                  kPidfdSendSignal,
                  [&] { return invoke(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0); },
                  fd(pidfd), number(signal)));
}

Result<siginfo_t> wait_pidfd(int pidfd, int options) noexcept {
  return wait_for(P_PIDFD, pidfd, options);
}

Result<siginfo_t> wait_any(int options) noexcept { return wait_for(P_ALL, 0, options); }

Result<siginfo_t> wait_child(pid_t pid) noexcept { return wait_for(P_PID, pid, WEXITED); }

Result<pid_t> spawn(char* const argv[], char* const envp[],
                    std::span<const std::pair<int, int>> moves) noexcept {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t mask;
  pid_t pid = -1;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  for (const auto& [ours, theirs] : moves) {
    ::posix_spawn_file_actions_adddup2(&actions, ours, theirs);
  }
  ::sigemptyset(&mask);
  ::posix_spawnattr_setsigmask(&attributes, &mask);
  ::sigfillset(&mask);
  ::posix_spawnattr_setsigdefault(&attributes, &mask);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const Answer answer = traced(
      kSpawn,
      [&]() -> Answer {
        const int error = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv,
                                         envp != nullptr ? envp : environ);
        return {error == 0 ? pid : -1, error};
      },
      text(argv[0]));
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return yielding<pid_t>(kSpawn, answer);
}

Result<> kill(pid_t pid, int signal) noexcept {
  return done(
      kKill,
      traced(kKill, [&] { return invoke(SYS_kill, pid, signal); }, number(pid), number(signal)));
}

pid_t getpid() noexcept { return static_cast<pid_t>(::syscall(SYS_getpid)); }

pid_t own_pid() noexcept {
  pid_t pid = own_pid_page.pid.load(std::memory_order_relaxed);
  if (pid != 0) return pid;
  pid = getpid();
  // In a page that is not wiped a child would find its parent's pid: better ask every time.
  const Answer wiped = invoke(SYS_madvise, &own_pid_page, sizeof(own_pid_page), MADV_WIPEONFORK);
  if (wiped.error == 0) own_pid_page.pid.store(pid, std::memory_order_relaxed);
  return pid;
}

pid_t getpgrp() noexcept { return static_cast<pid_t>(::syscall(SYS_getpgid, 0)); }

Result<> setsid() noexcept {
  return done(kSetsid, traced(kSetsid, [] { return invoke(SYS_setsid); }));
}

Result<> setpgid(pid_t pid, pid_t group) noexcept {
  return done(kSetpgid, traced(
                            kSetpgid, [&] { return invoke(SYS_setpgid, pid, group); }, number(pid),
                            number(group)));
}

Result<> set_rlimit(pid_t pid, int resource, const struct rlimit& limit) noexcept {
  return done(kPrlimit,
              traced(
                  kPrlimit, [&] { return invoke(SYS_prlimit64, pid, resource, &limit, nullptr); },
                  number(pid), number(resource),
                  number(static_cast<std::int64_t>(limit.rlim_cur), "rlim_cur"),
                  number(static_cast<std::int64_t>(limit.rlim_max), "rlim_max")));
}

Result<> sethostname(const char* name, std::size_t size) noexcept {
  return done(kSethostname, traced(
                                kSethostname, [&] { return invoke(SYS_sethostname, name, size); },
                                bytes(name, size), number(static_cast<std::int64_t>(size))));
}

Result<> setdomainname(const char* name, std::size_t size) noexcept {
  return done(kSetdomainname,
              traced(
                  kSetdomainname, [&] { return invoke(SYS_setdomainname, name, size); },
                  bytes(name, size), number(static_cast<std::int64_t>(size))));
}

Result<sigset_t> set_signal_mask(const sigset_t& mask) noexcept {
  sigset_t before;
  ::sigemptyset(&before);
  const Answer answer = traced(
      kSigprocmask,
      [&] { return invoke(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, kKernelSigsetSize); },
      text("SIG_SETMASK"));
  return filling(kSigprocmask, answer, before);
}

Result<> default_signal(int signal) noexcept {
  return set_signal_handler(signal, SIG_DFL, "SIG_DFL");
}

Result<> ignore_signal(int signal) noexcept {
  return set_signal_handler(signal, SIG_IGN, "SIG_IGN");
}

}  // namespace minidocker::sys
