#include "minidocker/spec/defaults.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace minidocker::spec {
namespace {

std::vector<Mount> default_mounts() {
  return {
      {"/proc", "proc", "proc", {}},
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      {"/dev/pts",
       "devpts",
       "devpts",
       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
      {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
      {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
  };
}

Process default_process() {
  Process process;
  process.terminal = true;
  process.args = {"sh"};
  process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  process.cwd = "/";
  const std::vector<std::string> names = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  process.capabilities = Capabilities{names, names, {}, names, names};
  process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
  process.no_new_privileges = true;
  return process;
}

Linux default_linux() {
  Linux config;
  config.resources.devices = {{false, 'a', {}, {}, "rwm"}};
  config.namespaces = {{NamespaceType::pid, ""},
                       {NamespaceType::network, ""},
                       {NamespaceType::ipc, ""},
                       {NamespaceType::uts, ""},
                       {NamespaceType::mount, ""}};
  config.masked_paths = {"/proc/acpi",        "/proc/asound",        "/proc/kcore",
                         "/proc/keys",        "/proc/latency_stats", "/proc/timer_list",
                         "/proc/timer_stats", "/proc/sched_debug",   "/sys/firmware",
                         "/proc/scsi"};
  config.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                           "/proc/sysrq-trigger"};
  return config;
}

}  // namespace

Spec default_spec() {
  Spec spec;
  spec.oci_version = kOciVersion;
  spec.root = {"rootfs", true};
  spec.mounts = default_mounts();
  spec.process = default_process();
  spec.hostname = "mini-runc";
  spec.linux_ = default_linux();
  return spec;
}

Spec rootless_spec(uid_t uid, gid_t gid) {
  Spec spec = default_spec();
  Linux& config = spec.linux_;
  // Without an own network namespace the kernel refuses a new sysfs, and without a group 5 a
  // devpts of that group.
  std::erase_if(config.namespaces,
                [](const Namespace& entry) { return entry.type == NamespaceType::network; });
  config.namespaces.push_back({NamespaceType::user, ""});
  config.uid_mappings = {{0, uid, 1}};
  config.gid_mappings = {{0, gid, 1}};
  config.resources = {};
  for (Mount& mount : spec.mounts) {
    std::erase(mount.options, "gid=5");
    if (mount.destination == "/sys") {
      mount = {"/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}};
    }
  }
  return spec;
}

}  // namespace minidocker::spec
