#include "kernel_calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "calls.hpp"
#include "includes.hpp"

namespace minidocker::lint {
namespace {

constexpr std::string_view kRooms[] = {"chapters/00-toolbox/",  "chapters/01-namespaces/",
                                       "chapters/02-cgroups/",  "chapters/03-unionfs/",
                                       "chapters/07-security/", "mini-docker/runtime/",
                                       "mini-docker/shim/"};

constexpr std::string_view kWrappers[] = {"chapters/00-toolbox/src/sys/",
                                          "chapters/00-toolbox/include/minidocker/toolbox/sys/"};

// Each reaches the kernel; a few (popen, system, getpwnam) reach far more than that.
constexpr std::string_view kCalls =
    "accept accept4 access bind bpf capget capset chdir chmod chown chroot clone clone3 close "
    "close_range closedir connect creat dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait "
    "epoll_wait eventfd execl execlp execv execve execveat execvp execvpe faccessat faccessat2 "
    "fchdir fchmod fchmodat fchown fchownat fcntl fdatasync fdopendir fgetxattr flock fopen "
    "fork fsconfig fsetxattr fsmount fsopen fstat fstatat fstatfs fsync ftruncate futimens "
    "getcwd getdents64 getegid geteuid getgid getgroups gethostname getpeername getpgid getpgrp "
    "getpid getppid getpwnam getpwnam_r getpwuid getrandom getresuid getrlimit getsid "
    "getsockopt gettid getuid getxattr grantpt inotify_add_watch inotify_init1 ioctl isatty "
    "kill lchown lgetxattr link linkat listen listxattr lseek lsetxattr lstat memfd_create "
    "mkdir mkdirat mkdtemp mkfifo mkfifoat mknod mknodat mkostemp mkstemp mmap mount "
    "mount_setattr move_mount mprotect munmap name_to_handle_at nanosleep open open_tree openat "
    "openat2 opendir openpty pause personality pidfd_getfd pidfd_open pidfd_send_signal pipe "
    "pipe2 pivot_root poll popen posix_openpt posix_spawn posix_spawnp ppoll prctl pread "
    "prlimit prlimit64 ptrace ptsname ptsname_r pwrite raise read readdir readlink readlinkat "
    "readv recv recvfrom recvmsg rename renameat renameat2 rmdir sched_setaffinity seccomp "
    "select send sendfile sendmsg sendto setdomainname setenv setfsgid setfsuid setgid "
    "setgroups sethostname setns setpgid setpriority setregid setresgid setresuid setreuid "
    "setrlimit setsid setsockopt settimeofday setuid setxattr shutdown sigaction signal "
    "signalfd sigprocmask socket socketpair splice stat statfs statvfs statx symlink symlinkat "
    "sync syncfs syscall sysinfo system tcgetattr tcsetattr tee tgkill timerfd_create "
    "timerfd_settime truncate umask umount umount2 uname unlink unlinkat unlockpt unshare "
    "utimensat vfork wait wait4 waitid waitpid write writev _exit";

// What std::filesystem does to the disk; the rest of it is arithmetic on names.
constexpr std::string_view kDiskCalls =
    "absolute canonical copy copy_file copy_symlink create_directories create_directory "
    "create_hard_link create_symlink current_path directory_iterator equivalent exists "
    "file_size hard_link_count is_block_file is_character_file is_directory is_empty is_fifo "
    "is_regular_file is_socket is_symlink last_write_time permissions read_symlink "
    "recursive_directory_iterator relative remove remove_all rename resize_file space status "
    "symlink_status temp_directory_path weakly_canonical";

bool starts_with_any(const SourceFile& file, std::span<const std::string_view> prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view p) { return file.starts_with(p); });
}

// A room may have functions of its own by a call's name (CgroupDir::kill), declared in the file or
// in what it includes: an unqualified use is then taken to mean that one. `::kill(` never is.
bool has_own(const SourceTree& tree, const SourceFile& file, std::string_view name,
             std::set<const SourceFile*>& seen) {
  if (starts_with_any(file, kWrappers) || !seen.insert(&file).second) return false;
  if (declares(file.views.code, name)) return true;
  return std::ranges::any_of(includes_of(tree, file), [&](const Include& include) {
    return include.target != nullptr && has_own(tree, *include.target, name, seen);
  });
}

class Checker {
 public:
  Checker(const SourceTree& tree, const SourceFile& file, Findings& findings)
      : tree_(tree), file_(file), findings_(findings) {}

  void run() {
    for (const std::string& name : words_of(kCalls)) check_call(name);
    for (const std::string& name : words_of(kDiskCalls)) check_disk_call(name);
    for (const std::size_t at : find_word(file_.views.code, "errno")) {
      report(at, "errno belongs to the sys:: wrappers; Result::error() has it");
    }
    for (const Include& include : includes_of(tree_, file_)) {
      if (include.name == "fstream") {
        findings_.push_back({file_.path, include.line, "<fstream> loses errno: use files.hpp"});
      }
    }
  }

 private:
  void check_call(std::string_view name) {
    for (const Call& call : find_calls(file_.views.code, name)) {
      std::set<const SourceFile*> seen;
      const bool raw = call.qualifier == "::" || call.qualifier == "std" ||
                       (call.qualifier.empty() && !has_own(tree_, file_, name, seen));
      if (raw) report(call.offset, fmt::format("{}() is not called here but in sys::", name));
    }
  }

  void check_disk_call(std::string_view name) {
    for (const Call& call : find_calls(file_.views.code, name)) {
      if (call.qualifier != "fs" && call.qualifier != "filesystem") continue;
      report(call.offset, fmt::format("filesystem::{} goes to the disk: <filesystem> is for path "
                                      "arithmetic only",
                                      name));
    }
  }

  void report(std::size_t offset, std::string message) {
    findings_.push_back({file_.path, line_of(file_.text, offset), std::move(message)});
  }

  const SourceTree& tree_;
  const SourceFile& file_;
  Findings& findings_;
};

}  // namespace

bool must_use_sys(const SourceFile& file) {
  const bool apart = file.is_test() || file.path.find("/bench/") != std::string::npos;
  return file.is_cpp() && !apart && starts_with_any(file, kRooms) &&
         !starts_with_any(file, kWrappers);
}

Findings check_kernel_calls(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (must_use_sys(file)) Checker(tree, file, findings).run();
  }
  return findings;
}

}  // namespace minidocker::lint
