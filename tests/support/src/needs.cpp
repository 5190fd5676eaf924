#include "minidocker/testing/needs.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "skips.hpp"

namespace minidocker::testing {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_executable(const std::string& path) {
  struct stat status{};
  return ::access(path.c_str(), X_OK) == 0 && ::stat(path.c_str(), &status) == 0 &&
         S_ISREG(status.st_mode);
}

std::string find_in_path(const std::string& name) {
  std::stringstream path(environment("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin");
  for (std::string dir; std::getline(path, dir, ':');) {
    if (!dir.empty() && is_executable(dir + "/" + name)) return dir + "/" + name;
  }
  return {};
}

/// Build trees that may hold what a script has unpacked: presets other than release build below
/// build/, which holds it for all of them.
std::vector<std::string> build_dirs() {
  std::vector<std::string> dirs;
  if (!environment("MD_BUILD_DIR").empty()) dirs.push_back(environment("MD_BUILD_DIR"));
  dirs.emplace_back(MD_BINARY_DIR);
  dirs.emplace_back(MD_SOURCE_DIR "/build");
  return dirs;
}

std::string find_in_build(const std::string& relative) {
  for (const std::string& dir : build_dirs()) {
    if (::access((dir + "/" + relative).c_str(), F_OK) == 0) return dir + "/" + relative;
  }
  return {};
}

/// Runs `trial` in a child; its return value is an errno, 0 for success.
int try_in_child(const std::function<int()>& trial) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(trial());
  int status = 0;
  while (pid > 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (pid < 0) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

std::string words(int error, const std::string& what) {
  return error == 0 ? "" : what + ": " + std::strerror(error);
}

void write_once(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
  ::close(fd);
}

int try_overlay() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) != 0) return errno;
  if (uid != 0) {
    write_once("/proc/self/setgroups", "deny");
    write_once("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
    write_once("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  if (::mount("none", "/tmp", "tmpfs", 0, nullptr) != 0) return errno;
  for (const char* dir : {"/tmp/l", "/tmp/u", "/tmp/w", "/tmp/m"}) {
    if (::mkdir(dir, 0755) != 0) return errno;
  }
  const char* options = "lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w,userxattr";
  return ::mount("none", "/tmp/m", "overlay", 0, options) == 0 ? 0 : errno;
}

std::string missing_cgroup1() {
  for (const char* name : {"memory", "cpu", "pids"}) {
    struct statfs status{};
    const std::string dir = std::string("/sys/fs/cgroup/") + name;
    if (::statfs(dir.c_str(), &status) != 0 || status.f_type != CGROUP_SUPER_MAGIC) {
      return dir + " is no v1 hierarchy";
    }
  }
  return {};
}

/// Which of `controllers` is not in `file`, a group's cgroup.controllers; empty if all are.
std::string lacking(const std::string& file, std::initializer_list<std::string> controllers) {
  std::stringstream list(find_text(file).value_or(""));
  std::set<std::string> found;
  for (std::string name; list >> name;) found.insert(name);
  for (const std::string& name : controllers) {
    if (!found.contains(name)) return "no controller " + name + " in " + file;
  }
  return {};
}

std::string missing_cgroup2() {
  return lacking("/sys/fs/cgroup/cgroup.controllers", {"memory", "cpu", "pids"});
}

std::string missing_disk() { return path_of("disk").empty() ? "no block device in /dev" : ""; }

/// systemd manages this machine: what sd_booted(3) looks for.
std::string missing_systemd() {
  return ::access("/run/systemd/system", F_OK) == 0 ? "" : "systemd is not this machine's init";
}

/// An ordinary user's own systemd answers on the user's bus and was given controllers.
std::string missing_delegated() {
  if (::geteuid() == 0) return "running as root, not in an ordinary user's session";
  const std::string bus = environment("XDG_RUNTIME_DIR") + "/bus";
  if (::access(bus.c_str(), W_OK) != 0) return words(errno, "the user's bus, " + bus);
  const std::string uid = std::to_string(::geteuid());
  const std::string file = "/sys/fs/cgroup/user.slice/user-" + uid + ".slice/user@" + uid +
                           ".service/cgroup.controllers";
  return lacking(file, {"memory", "pids"});
}

std::string missing_tty() {
  const int fd = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return words(errno, "posix_openpt");
  ::close(fd);
  return {};
}

std::string missing_file(const std::string& need) {
  return path_of(need).empty() ? "not found" : "";
}

std::string missing_debian_root() {
  if (!path_of("debian-root").empty()) return {};
  return "not found; `make prepare` makes it, as root, where debootstrap is installed";
}

std::string missing_fuse_overlayfs() {
  if (::access("/dev/fuse", R_OK | W_OK) != 0) return words(errno, "/dev/fuse");
  return missing_file("fuse-overlayfs");
}

const std::map<std::string, std::function<std::string()>>& known() {
  static const std::map<std::string, std::function<std::string()>> kKnown{
      {"root", [] { return ::geteuid() == 0 ? "" : "not running as root"; }},
      {"user",
       [] {
         const User user = unprivileged_user();
         if (::geteuid() != 0) return std::string();
         return words(try_in_child([user] { return ::setuid(user.uid) == 0 ? 0 : errno; }),
                      "setuid");
       }},
      {"userns",
       [] {
         return words(try_in_child([] { return ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno; }),
                      "unshare(CLONE_NEWUSER)");
       }},
      {"overlay", [] { return words(try_in_child(try_overlay), "overlay with userxattr"); }},
      {"cgroup1", missing_cgroup1},
      {"cgroup2", missing_cgroup2},
      {"disk", missing_disk},
      {"systemd", missing_systemd},
      {"delegated", missing_delegated},
      {"tty", missing_tty},
      {"strace", [] { return missing_file("strace"); }},
      {"crun", [] { return missing_file("crun"); }},
      {"runc", [] { return missing_file("runc"); }},
      {"docker-registry", [] { return missing_file("docker-registry"); }},
      {"dockerd", [] { return missing_file("dockerd"); }},
      {"skopeo", [] { return missing_file("skopeo"); }},
      {"podman", [] { return missing_file("podman"); }},
      {"buildah", [] { return missing_file("buildah"); }},
      {"fuse-overlayfs", missing_fuse_overlayfs},
      {"mkfs.btrfs", [] { return missing_file("mkfs.btrfs"); }},
      {"bsdtar", [] { return missing_file("bsdtar"); }},
      {"igzip", [] { return missing_file("igzip"); }},
      {"umoci", [] { return missing_file("umoci"); }},
      {"python3", [] { return missing_file("python3"); }},
      {"busybox", [] { return missing_file("busybox"); }},
      {"debian-root", missing_debian_root},
      {"qemu", [] { return missing_file("qemu"); }},
      {"newuidmap", [] { return missing_file("newuidmap"); }},
      {"clang-format-19", [] { return missing_file("clang-format-19"); }},
  };
  return kKnown;
}

bool is_required(const std::string& need) {
  std::string list = environment("MD_REQUIRE");
  for (char& c : list) {
    if (c == ',') c = ' ';
  }
  std::stringstream required(list);
  for (std::string word; required >> word;) {
    if (word == need) return true;
  }
  return false;
}

/// The node of the first block device.
std::string find_disk() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block", error)) {
    const std::string node = "/dev/" + entry.path().filename().string();
    if (std::filesystem::is_block_file(node, error)) return node;
  }
  return "";
}

}  // namespace

std::string path_of(const std::string& need) {
  for (const char* peer : {"crun", "runc", "docker-registry", "dockerd", "skopeo", "podman",
                           "buildah", "fuse-overlayfs", "mkfs.btrfs", "bsdtar", "igzip", "umoci"}) {
    if (need == peer) return find_in_build("peers/bin/" + need);
  }
  if (need == "busybox") {
    return find_in_build("images/busybox/index.json").empty() ? ""
                                                              : find_in_build("images/busybox");
  }
  if (need == "debian-root") return find_in_build("cache/debian-root.tar");
  if (need == "disk") return find_disk();
  if (need == "qemu") return find_in_path("qemu-system-x86_64");
  return find_in_path(need);
}

std::string missing(const std::string& need) {
  auto entry = known().find(need);
  if (entry == known().end()) throw std::invalid_argument("unknown need: " + need);
  return entry->second();
}

std::vector<std::string> missing_of(const std::vector<std::string>& needs) {
  std::vector<std::string> lines;
  for (const std::string& need : needs) {
    const std::string reason = missing(need);
    if (!reason.empty()) lines.push_back(need + ": " + reason);
  }
  return lines;
}

void report_missing(const std::string& need_and_reason) {
  std::printf("[  NEED  ] %s\n", need_and_reason.c_str());
  std::fflush(stdout);
  const std::string need = need_and_reason.substr(0, need_and_reason.find(':'));
  count_skip(need);
  if (is_required(need)) {
    ADD_FAILURE() << "MD_REQUIRE says that this machine has it: " << need_and_reason;
  }
}

}  // namespace minidocker::testing
