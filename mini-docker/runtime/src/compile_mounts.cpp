#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "compiler.hpp"
#include "mapped_mounts.hpp"
#include "minidocker/cgroups/view.hpp"
#include "minidocker/namespaces/console.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/filesystems.hpp"
#include "minidocker/spec/destination.hpp"
#include "minidocker/spec/mount_options.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/unionfs/bind.hpp"
#include "minidocker/unionfs/remount.hpp"
#include "minidocker/unionfs/tmpfs.hpp"

namespace minidocker::runtime {
namespace {

/// A mount of the spec with its options sorted and its destination made absolute.
struct MountPlan {
  const spec::Mount& mount;
  spec::MountOptions options;
  std::string destination;
  std::string where;  // "config.json: /mounts/3"
};

bool lies_at_or_below(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

/// Remembers what is mounted where: a mount covers what was at its destination before.
void note_mount(Compiler& c, const std::string& destination, bool is_fresh_tmpfs) {
  std::erase_if(c.fresh,
                [&](const auto& entry) { return lies_at_or_below(entry.first, destination); });
  if (is_fresh_tmpfs) c.fresh[destination] = {c.plan.make<namespaces::OpenedTmpfs>()};
  c.mounted.push_back(destination);
}

/// The tmpfs at `path`, if an earlier mount has put one there; opened when it is asked for first.
const namespaces::OpenedTmpfs* find_fresh_tmpfs(Compiler& c, const std::string& path) {
  const auto found = c.fresh.find(path);
  if (found == c.fresh.end()) return nullptr;
  FreshTmpfs& tmpfs = found->second;
  if (!std::exchange(tmpfs.opened, true)) {
    c.plan.add(namespaces::OpenTmpfs{c.root, c.plan.copy(path), tmpfs.slot});
  }
  return tmpfs.slot;
}

/// The tmpfs in which `destination` will be a new name; null if it is not like that.
const namespaces::OpenedTmpfs* find_tmpfs_around(Compiler& c, const std::string& destination) {
  const bool taken = std::any_of(c.mounted.begin(), c.mounted.end(), [&](const std::string& at) {
    return lies_at_or_below(at, destination);
  });
  if (taken) return nullptr;
  return find_fresh_tmpfs(c, destination.substr(0, destination.rfind('/')));
}

void add_bind(Compiler& c, const MountPlan& m) {
  const std::string source =
      m.mount.source.starts_with('/') ? m.mount.source : c.options().bundle + "/" + m.mount.source;
  unionfs::BindMount bind{};
  bind.root = c.root;
  bind.source = c.plan.copy(source);
  bind.destination = c.plan.copy(m.destination);
  bind.recursion =
      m.options.is_recursive_bind() ? unionfs::Recursion::tree : unionfs::Recursion::top;
  bind.attributes = unionfs::to_attributes(m.options.set, m.options.clear);
  bind.tree_attributes = {m.options.recursive_set, m.options.recursive_clear};
  if (m.options.id_mapped != spec::IdMapped::no || !m.mount.uid_mappings.empty()) {
    c.recipe.mounts.push_back(make_mapped_mount(c.spec(), m.mount, m.options, source, m.where));
    bind.tree = c.plan.make<int>(c.recipe.mounts.back().get());
  }
  c.plan.add(bind);
}

void add_propagation(Compiler& c, const MountPlan& m) {
  for (const std::uint64_t propagation : m.options.propagation) {
    c.plan.add(unionfs::ChangePropagation{c.root, c.plan.copy(m.destination), propagation});
  }
}

/// v2: the tree itself, as far as the container may see it.
void add_cgroup2(Compiler& c, const char* destination, unsigned long flags) {
  const bool makes_own = c.spec().linux_.makes(spec::NamespaceType::cgroup);
  const bool joins_one = !makes_own && c.spec().linux_.find(spec::NamespaceType::cgroup) != nullptr;
  if (makes_own || (joins_one && !c.in_user_namespace())) {
    c.plan.add(
        namespaces::MountFilesystem{c.root, destination, "cgroup2", "cgroup", flags, nullptr});
    return;
  }
  // Without a cgroup namespace of its own a mount sets the options of the host's (nsdelegate, which
  // systemd has set, would be gone); in a user namespace it is EPERM.
  unionfs::BindMount bind{};
  bind.root = c.root;
  bind.source = "/sys/fs/cgroup";
  bind.destination = destination;
  bind.recursion = unionfs::Recursion::tree;
  bind.attributes = unionfs::to_attributes(flags, 0);
  c.plan.add(bind);
}

/// What the options say of a mount and, as the groups are mounts below it, of those with it.
unionfs::MountAttributes tree_attributes(const spec::MountOptions& options) {
  unionfs::MountAttributes attributes = unionfs::to_attributes(options.set, options.clear);
  attributes.set |= options.recursive_set;
  attributes.clear |= options.recursive_clear;
  // relatime is what a tmpfs and the host's groups have anyway.
  const bool relatime = (attributes.set & MOUNT_ATTR__ATIME) == MOUNT_ATTR_RELATIME;
  if (relatime) attributes.clear &= ~std::uint64_t{MOUNT_ATTR__ATIME};
  return attributes;
}

/// v1: a tmpfs, and in it the container's own group of each hierarchy.
void add_cgroup1(Compiler& c, const char* destination, const spec::MountOptions& options) {
  const unsigned long writable = options.set & ~static_cast<unsigned long>(MS_RDONLY);
  c.plan.add(
      namespaces::MountFilesystem{c.root, destination, "tmpfs", "cgroup", writable, "mode=755"});
  std::vector<std::string> names;
  std::vector<std::string> groups;
  for (const cgroups::GroupView& view : cgroups::views_of(c.input.location)) {
    names.push_back(view.name);
    groups.push_back(view.group);
  }
  const std::vector<cgroups::ControllerLink> links = cgroups::links_of(c.input.location);
  if (!links.empty()) {
    int* dir = c.plan.make<int>(-1);
    c.plan.add(namespaces::OpenDir{c.root, destination, dir});
    for (const cgroups::ControllerLink& link : links) {
      c.plan.add(namespaces::MakeSymlink{dir, c.plan.copy(link.name), c.plan.copy(link.target)});
    }
  }
  const unionfs::MountAttributes attributes = tree_attributes(options);
  c.plan.add(cgroups::BindGroups{c.root, destination, c.plan.copy_array(names),
                                 c.plan.copy_array(groups), names.size(), attributes.set,
                                 attributes.clear});
}

/// Only that much of the cgroup trees as the container is in.
void add_cgroup(Compiler& c, const MountPlan& m) {
  const char* destination = c.plan.copy(m.destination);
  if (!m.options.data.empty()) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}/options: {}: a mount of type {} takes no options of a filesystem",
                            m.where, quoted(m.options.data), m.mount.type));
  }
  if (c.input.location.mode == cgroups::Mode::v2) {
    add_cgroup2(c, destination, m.options.set);
  } else {
    add_cgroup1(c, destination, m.options);
  }
}

/// A filesystem of its own, on a directory that is there or is made.
void add_filesystem(Compiler& c, const MountPlan& m) {
  const char* destination = c.plan.copy(m.destination);
  const char* data = m.options.data.empty() ? nullptr : c.plan.copy(m.options.data);
  const bool is_tmpfs = m.mount.type == "tmpfs";
  // Its mount points are made in it before it becomes read-only: see add_readonly().
  const unsigned long writable = m.options.set & ~static_cast<unsigned long>(MS_RDONLY);
  const namespaces::OpenedTmpfs* around = find_tmpfs_around(c, m.destination);
  if (is_tmpfs && around == nullptr) {
    unionfs::MountTmpfs tmpfs{c.root, destination, writable, data, c.plan.copy(m.mount.source)};
    if (m.options.copy_up) tmpfs.content = unionfs::TmpfsContent::copy;
    c.plan.add(tmpfs);
  } else {
    c.plan.add(namespaces::MountFilesystem{c.root, destination, c.plan.copy(m.mount.type),
                                           c.plan.copy(m.mount.source),
                                           is_tmpfs ? writable : m.options.set, data, around});
  }
  if ((m.options.recursive_set | m.options.recursive_clear) != 0) {
    c.plan.add(unionfs::ChangeMount{c.root,
                                    destination,
                                    {m.options.recursive_set, m.options.recursive_clear},
                                    unionfs::Recursion::tree});
  }
}

void add_mount(Compiler& c, const MountPlan& m) {
  const bool is_bind = m.options.is_bind() || m.mount.type == "bind";
  const bool is_cgroup = m.mount.type == "cgroup" || m.mount.type == "cgroup2";
  if (is_bind) {
    add_bind(c, m);
  } else if (is_cgroup) {
    add_cgroup(c, m);
  } else {
    add_filesystem(c, m);
  }
  add_propagation(c, m);
  note_mount(c, m.destination, m.mount.type == "tmpfs" && !is_bind);
}

bool dev_is_bound(const Compiler& c) {
  for (const spec::Mount& mount : c.spec().mounts) {
    if (spec::normal_destination(mount.destination) != "/dev") continue;
    if (mount.type == "bind" || spec::parse_mount_options(mount.options).is_bind()) return true;
  }
  return false;
}

mode_t file_type(char type) {
  if (type == 'b') return S_IFBLK;
  return type == 'p' ? S_IFIFO : S_IFCHR;
}

/// A node below /dev; in a user namespace the host's own, as nobody may make one there.
void add_device(Compiler& c, const std::string& name, mode_t mode, dev_t device, uid_t uid,
                gid_t gid) {
  if (c.in_user_namespace()) {
    c.plan.add(namespaces::BindDevice{c.plan.copy("/dev/" + name), c.dev, c.plan.copy(name)});
  } else {
    c.plan.add(namespaces::MakeDevice{c.dev, c.plan.copy(name), mode, device, uid, gid});
  }
}

void add_spec_device(Compiler& c, const spec::Device& device, const std::string& where) {
  const std::string path = spec::normal_destination(device.path);
  if (!path.starts_with("/dev/")) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}/path: {}: only devices below /dev are supported", where,
                            quoted(device.path)));
  }
  add_device(c, path.substr(5), file_type(device.type) | device.file_mode.value_or(0666),
             makedev(device.major, device.minor), device.uid, device.gid);
}

}  // namespace

void add_mounts(Compiler& c) {
  std::size_t index = 0;
  for (const spec::Mount& mount : c.spec().mounts) {
    add_mount(c, {mount, spec::parse_mount_options(mount.options),
                  spec::normal_destination(mount.destination),
                  fmt::format("config.json: /mounts/{}", index++)});
  }
}

void add_devices(Compiler& c) {
  if (dev_is_bound(c)) return;
  if (const namespaces::OpenedTmpfs* tmpfs = find_fresh_tmpfs(c, "/dev")) {
    c.dev = &tmpfs->dir;
  } else {
    int* dev = c.plan.make<int>(-1);
    c.plan.add(namespaces::OpenDir{c.root, "dev", dev});
    c.dev = dev;
  }
  for (const namespaces::DefaultDevice& device : namespaces::default_devices()) {
    add_device(c, device.name, device.mode, makedev(device.major, device.minor), 0, 0);
  }
  std::size_t index = 0;
  for (const spec::Device& device : c.spec().linux_.devices) {
    add_spec_device(c, device, fmt::format("config.json: /linux/devices/{}", index++));
  }
  for (const namespaces::DefaultLink& link : namespaces::default_links()) {
    c.plan.add(namespaces::MakeSymlink{c.dev, link.name, link.target});
  }
}

void add_console(Compiler& c) {
  if (!c.spec().process.terminal) return;
  c.master = c.plan.make<int>(-1);
  c.slave = c.plan.make<int>(-1);
  struct winsize size{};
  if (c.spec().process.console_size) {
    size.ws_row = c.spec().process.console_size->height;
    size.ws_col = c.spec().process.console_size->width;
  }
  c.plan.add(namespaces::OpenConsole{c.root, "dev/console", size, c.master, c.slave});
  c.plan.add(SendFd{c.master, "the terminal's master side"});
  c.plan.add(namespaces::CloseSlot{c.master, "our copy of the terminal's master side"});
  c.plan.add(namespaces::TakeTerminal{c.slave});
  c.recipe.console = true;
}

}  // namespace minidocker::runtime
