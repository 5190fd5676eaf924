#include "call_names.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <map>

namespace minidocker::testing {

// A name for each call that the runtime makes or may come to make.
#define MD_CALL(name) {SYS_##name, #name}

// lint: flat (a table)
std::string call_name(long number) {
  static const std::map<long, const char*> kNames{
      MD_CALL(access),
      MD_CALL(arch_prctl),
      MD_CALL(bpf),
      MD_CALL(brk),
      MD_CALL(capget),
      MD_CALL(capset),
      MD_CALL(chdir),
      MD_CALL(chmod),
      MD_CALL(chown),
      MD_CALL(chroot),
      MD_CALL(clone),
      MD_CALL(clone3),
      MD_CALL(close),
      MD_CALL(close_range),
      MD_CALL(dup),
      MD_CALL(dup2),
      MD_CALL(dup3),
      MD_CALL(execve),
      MD_CALL(exit),
      MD_CALL(exit_group),
      MD_CALL(faccessat),
      MD_CALL(faccessat2),
      MD_CALL(fchdir),
      MD_CALL(fchmod),
      MD_CALL(fchmodat),
      MD_CALL(fchown),
      MD_CALL(fchownat),
      MD_CALL(fcntl),
      MD_CALL(flock),
      MD_CALL(fsconfig),
      MD_CALL(fsmount),
      MD_CALL(fsopen),
      MD_CALL(fstat),
      MD_CALL(fstatfs),
      MD_CALL(fsync),
      MD_CALL(ftruncate),
      MD_CALL(futex),
      MD_CALL(getcwd),
      MD_CALL(getdents64),
      MD_CALL(getegid),
      MD_CALL(geteuid),
      MD_CALL(getgid),
      MD_CALL(getpid),
      MD_CALL(getppid),
      MD_CALL(getrandom),
      MD_CALL(getresuid),
      MD_CALL(gettid),
      MD_CALL(getuid),
      MD_CALL(ioctl),
      MD_CALL(keyctl),
      MD_CALL(kill),
      MD_CALL(lgetxattr),
      MD_CALL(linkat),
      MD_CALL(lseek),
      MD_CALL(lsetxattr),
      MD_CALL(madvise),
      MD_CALL(mkdir),
      MD_CALL(mkdirat),
      MD_CALL(mknodat),
      MD_CALL(mmap),
      MD_CALL(mount),
      MD_CALL(mount_setattr),
      MD_CALL(move_mount),
      MD_CALL(mprotect),
      MD_CALL(mremap),
      MD_CALL(munmap),
      MD_CALL(newfstatat),
      MD_CALL(open),
      MD_CALL(open_tree),
      MD_CALL(openat),
      MD_CALL(openat2),
      MD_CALL(pidfd_open),
      MD_CALL(pidfd_send_signal),
      MD_CALL(pipe2),
      MD_CALL(pivot_root),
      MD_CALL(poll),
      MD_CALL(ppoll),
      MD_CALL(prctl),
      MD_CALL(pread64),
      MD_CALL(prlimit64),
      MD_CALL(read),
      MD_CALL(readlink),
      MD_CALL(readlinkat),
      MD_CALL(recvmsg),
      MD_CALL(renameat),
      MD_CALL(renameat2),
      MD_CALL(rmdir),
      MD_CALL(rseq),
      MD_CALL(rt_sigaction),
      MD_CALL(rt_sigprocmask),
      MD_CALL(rt_sigreturn),
      MD_CALL(seccomp),
      MD_CALL(sendmsg),
      MD_CALL(set_robust_list),
      MD_CALL(set_tid_address),
      MD_CALL(setdomainname),
      MD_CALL(setgroups),
      MD_CALL(sethostname),
      MD_CALL(setns),
      MD_CALL(setresgid),
      MD_CALL(setresuid),
      MD_CALL(setsid),
      MD_CALL(signalfd4),
      MD_CALL(socket),
      MD_CALL(socketpair),
      MD_CALL(stat),
      MD_CALL(statfs),
      MD_CALL(statx),
      MD_CALL(symlinkat),
      MD_CALL(tgkill),
      MD_CALL(umask),
      MD_CALL(umount2),
      MD_CALL(unlink),
      MD_CALL(unlinkat),
      MD_CALL(unshare),
      MD_CALL(utimensat),
      MD_CALL(wait4),
      MD_CALL(waitid),
      MD_CALL(write),
      MD_CALL(writev),
  };
  const auto found = kNames.find(number);
  return found != kNames.end() ? found->second : "call " + std::to_string(number);
}

#undef MD_CALL

bool is_of_the_library(long number) {
  static constexpr std::array kLibrary{
      SYS_brk,          SYS_mmap,       SYS_munmap,          SYS_mprotect,        SYS_madvise,
      SYS_mremap,       SYS_arch_prctl, SYS_set_tid_address, SYS_set_robust_list, SYS_rseq,
      SYS_getrandom,    SYS_futex,      SYS_readlink,        SYS_exit_group,      SYS_exit,
      SYS_rt_sigreturn, SYS_tgkill,     SYS_gettid,
  };
  return std::find(kLibrary.begin(), kLibrary.end(), number) != kLibrary.end();
}

}  // namespace minidocker::testing
