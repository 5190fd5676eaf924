#pragma once
/// \file
/// Processes and namespaces: clone, wait, exec, setns.

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cstdint>
#include <span>
#include <utility>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::sys {

/// The kernel's names of CLONE_* flags.
extern const trace::FlagName kCloneFlagNames[];

/// What clone3(2) shall make.
struct CloneArgs {
  std::uint64_t flags = 0;    ///< CLONE_NEW*, CLONE_PARENT; CLONE_PIDFD is added
  int exit_signal = SIGCHLD;  ///< sent to the parent when the child ends; with CLONE_PARENT it must
                              ///< be 0, as a sibling's parent is told as it was told to be of us
  int cgroup = -1;            ///< directory of a v2 cgroup to be born in (CLONE_INTO_CGROUP), or -1
};

/// Both sides of a clone3: `pid` is 0 in the child.
struct Cloned {
  pid_t pid = -1;  ///< the child, in the caller's PID namespace; 0 in the child
  UniqueFd pidfd;  ///< the child's pidfd; none in the child
};

/// clone3(2) without CLONE_VM: the child is a copy of the caller, as after fork(2), and returns
/// from here with pid 0. Meant for single-threaded callers and for ChildPlan's interpreter; the
/// child must not rely on glibc's cached ids.
Result<Cloned> clone3(const CloneArgs& args) noexcept;
/// execve(2): returns only if it failed.
Result<> execve(const char* path, char* const argv[], char* const envp[]) noexcept;
/// _exit(2), all threads.
[[noreturn]] void exit_group(int code) noexcept;
/// unshare(2).
Result<> unshare(std::uint64_t flags) noexcept;
/// setns(2): `fd` is a namespace file with its type, or a pidfd with any set of CLONE_NEW*.
Result<> setns(int fd, std::uint64_t type) noexcept;
/// ioctl_ns(2) NS_GET_NSTYPE: the CLONE_NEW* of an open namespace file.
Result<std::uint64_t> ns_type(int fd) noexcept;
/// ioctl_ns(2) NS_GET_USERNS: the user namespace that owns an open namespace.
Result<UniqueFd> ns_owner(int fd) noexcept;

/// pidfd_open(2), kernel 5.3.
Result<UniqueFd> pidfd_open(pid_t pid) noexcept;
/// pidfd_send_signal(2), kernel 5.1.
Result<> pidfd_send_signal(int pidfd, int signal) noexcept;
/// waitid(2) on a pidfd (P_PIDFD): reaps (WEXITED) unless WNOWAIT. si_pid is 0 with WNOHANG when
/// nothing has happened.
Result<siginfo_t> wait_pidfd(int pidfd, int options) noexcept;
/// waitid(2) P_ALL: any child; ECHILD when there is none.
Result<siginfo_t> wait_any(int options) noexcept;
/// waitid(2) P_PID: reaps a child of ours that has no pidfd.
Result<siginfo_t> wait_child(pid_t pid) noexcept;
/// posix_spawnp(3): `argv` runs with `moves` (ours, theirs) as its descriptors, an empty signal
/// mask and default dispositions. `envp` null: ours. glibc makes it of clone3(CLONE_VM|CLONE_VFORK)
/// and execve, which the tracer therefore shows as one call.
Result<pid_t> spawn(char* const argv[], char* const envp[],
                    std::span<const std::pair<int, int>> moves) noexcept;
/// kill(2). Only for pids that cannot be reused, such as our own children before they are reaped.
Result<> kill(pid_t pid, int signal) noexcept;
/// getpid(2), not cached.
pid_t getpid() noexcept;
/// getpid(2), asked once a process: the answer is kept in memory that the kernel wipes in every
/// child (MADV_WIPEONFORK of madvise(2), kernel 4.14), however it was made. For owners, which ask
/// whether it was this process that made what they own.
pid_t own_pid() noexcept;
/// getpgrp(2): our process group; 0 if it is outside of our PID namespace.
pid_t getpgrp() noexcept;
/// setsid(2).
Result<> setsid() noexcept;
/// setpgid(2).
Result<> setpgid(pid_t pid, pid_t group) noexcept;
/// prlimit64(2) on `pid` (0: ourselves).
Result<> set_rlimit(pid_t pid, int resource, const struct rlimit& limit) noexcept;
/// sethostname(2).
Result<> sethostname(const char* name, std::size_t size) noexcept;
/// setdomainname(2).
Result<> setdomainname(const char* name, std::size_t size) noexcept;
/// rt_sigprocmask(2) SIG_SETMASK: the mask before.
Result<sigset_t> set_signal_mask(const sigset_t& mask) noexcept;
/// rt_sigaction(2): the default action for `signal`.
Result<> default_signal(int signal) noexcept;
/// rt_sigaction(2): ignores `signal`.
Result<> ignore_signal(int signal) noexcept;

}  // namespace minidocker::sys
