#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "spec_builder.hpp"

namespace minidocker::engine {
namespace {

using Options = std::vector<std::string>;

spec::Mount proc_mount(const CreateRequest& request, const Maker& maker) {
  // A user namespace may mount proc only for a PID namespace of its own.
  if (maker.is_rootless() && request.pid == NamespaceMode::host) {
    return {"/proc", "bind", "/proc", {"rbind", "nosuid", "noexec", "nodev", "rslave"}};
  }
  return {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}};
}

spec::Mount sys_mount(const CreateRequest& request, const Maker& maker) {
  // Likewise sysfs only for a network namespace of its own.
  if (maker.is_rootless() && request.network == NamespaceMode::host) {
    return {"/sys", "bind", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro", "rslave"}};
  }
  const char* access = request.privileged ? "rw" : "ro";
  return {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}};
}

spec::Mount devpts_mount(const Maker& maker) {
  Options options{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
  if (!maker.is_rootless()) options.emplace_back("gid=5");  // an unmapped id would be refused
  return {"/dev/pts", "devpts", "devpts", options};
}

void add_ipc_mounts(std::vector<spec::Mount>& mounts, IpcMode ipc) {
  if (ipc == IpcMode::host) {
    for (const char* path : {"/dev/mqueue", "/dev/shm"}) {
      if (exists(path)) mounts.push_back({path, "bind", path, {"rbind", "rprivate"}});
    }
    return;
  }
  mounts.push_back({"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}});
  if (ipc == IpcMode::none) return;
  mounts.push_back(
      {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=67108864"}});
}

std::vector<spec::Mount> default_mounts(const CreateRequest& request, const SpecInput& input) {
  std::vector<spec::Mount> mounts{
      proc_mount(request, input.maker),
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      devpts_mount(input.maker),
      sys_mount(request, input.maker)};
  if (!input.maker.is_rootless()) {
    const char* access = request.privileged ? "rw" : "ro";
    mounts.push_back({"/sys/fs/cgroup", "cgroup", "cgroup", {access, "nosuid", "noexec", "nodev"}});
  }
  add_ipc_mounts(mounts, request.ipc);
  return mounts;
}

spec::Mount bind_mount(const MountRequest& mount) {
  Options options{mount.recursive ? "rbind" : "bind", mount.propagation};
  // Read-only as a whole, not only the top mount.
  if (mount.read_only) options.emplace_back(mount.recursive ? "rro" : "ro");
  return {mount.target, "bind", mount.source, options};
}

/// docker's defaults come first, so that `exec` or `size=` of the caller win.
spec::Mount tmpfs_mount(const MountRequest& mount) {
  Options options{"noexec", "nosuid", "nodev"};
  options.insert(options.end(), mount.options.begin(), mount.options.end());
  if (mount.read_only) options.emplace_back("ro");
  return {mount.target, "tmpfs", "tmpfs", options};
}

void check_targets(const std::vector<MountRequest>& mounts) {
  std::set<std::string> seen;
  for (const MountRequest& mount : mounts) {
    if (!mount.target.starts_with('/')) {
      throw Error(
          ErrorKind::invalid_argument,
          fmt::format("invalid mount path: '{}' mount path must be absolute", mount.target));
    }
    if (mount.target == "/") {
      throw Error(ErrorKind::invalid_argument,
                  "invalid mount target: the destination can't be '/'");
    }
    if (!seen.insert(mount.target).second) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("Duplicate mount point: {}", mount.target));
    }
  }
}

void add_etc_files(std::vector<spec::Mount>& mounts, const HostFiles& files) {
  const Options options{"rbind", "rprivate"};
  mounts.push_back({"/etc/resolv.conf", "bind", files.resolv_conf, options});
  mounts.push_back({"/etc/hostname", "bind", files.hostname, options});
  mounts.push_back({"/etc/hosts", "bind", files.hosts, options});
}

/// What the caller mounts replaces ours; a /dev of the caller comes without our children.
void drop_replaced(std::vector<spec::Mount>& mounts, const std::vector<MountRequest>& requested) {
  for (const MountRequest& mine : requested) {
    std::erase_if(mounts, [&](const spec::Mount& mount) {
      return mount.destination == mine.target ||
             (mine.target == "/dev" && mount.destination.starts_with("/dev/"));
    });
  }
}

std::ptrdiff_t depth(const spec::Mount& mount) {
  return std::ranges::count(mount.destination, '/');
}

}  // namespace

std::vector<spec::Mount> build_mounts(const CreateRequest& request, const SpecInput& input) {
  std::vector<MountRequest> requested = request.mounts;
  for (MountRequest& mount : requested) {
    std::string target = std::filesystem::path(mount.target).lexically_normal();
    if (target.size() > 1 && target.ends_with('/')) target.pop_back();
    mount.target = target;
  }
  check_targets(requested);
  std::vector<spec::Mount> mounts = default_mounts(request, input);
  std::vector<spec::Mount> inner;
  add_etc_files(inner, input.files);
  drop_replaced(mounts, requested);
  drop_replaced(inner, requested);
  for (const MountRequest& mount : requested) {
    inner.push_back(mount.type == MountType::bind ? bind_mount(mount) : tmpfs_mount(mount));
  }
  // A mount must not hide one that lies deeper, such as a volume on /etc our /etc/hosts.
  std::ranges::stable_sort(inner, {}, depth);
  mounts.insert(mounts.end(), inner.begin(), inner.end());
  if (request.init) {
    mounts.push_back({"/sbin/docker-init", "bind", input.files.init, {"bind", "ro", "rprivate"}});
  }
  return mounts;
}

}  // namespace minidocker::engine
