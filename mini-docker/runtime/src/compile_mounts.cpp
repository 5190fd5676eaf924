#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>

#include <fmt/format.h>

#include "compiler.hpp"
#include "minidocker/cgroups/view.hpp"
#include "minidocker/namespaces/console.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/filesystems.hpp"
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
  for (const std::uint64_t propagation : m.options.propagation) bind.propagation = propagation;
  c.plan.add(bind);
}

/// v2: the tree itself, as far as the container may see it.
void add_cgroup2(Compiler& c, const char* destination, unsigned long flags) {
  if (!c.in_user_namespace() || c.spec().linux_.makes(spec::NamespaceType::cgroup)) {
    c.plan.add(
        namespaces::MountFilesystem{c.root, destination, "cgroup2", "cgroup", flags, nullptr});
    return;
  }
  // In a user namespace without a cgroup namespace of its own, mounting cgroup2 is EPERM.
  unionfs::BindMount bind{};
  bind.root = c.root;
  bind.source = "/sys/fs/cgroup";
  bind.destination = destination;
  bind.recursion = unionfs::Recursion::tree;
  bind.attributes = unionfs::to_attributes(flags, 0);
  c.plan.add(bind);
}

/// v1: a tmpfs, and in it the container's own group of each hierarchy.
void add_cgroup1(Compiler& c, const char* destination, unsigned long flags) {
  const unsigned long writable = flags & ~static_cast<unsigned long>(MS_RDONLY);
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
  c.plan.add(cgroups::BindGroups{c.root, destination, c.plan.copy_array(names),
                                 c.plan.copy_array(groups), names.size(),
                                 unionfs::to_attributes(flags, 0).set});
}

/// Only that much of the cgroup trees as the container is in.
void add_cgroup(Compiler& c, const MountPlan& m) {
  const char* destination = c.plan.copy(m.destination);
  if (c.input.location.mode == cgroups::Mode::v2) {
    add_cgroup2(c, destination, m.options.set);
  } else {
    add_cgroup1(c, destination, m.options.set);
  }
}

void add_mount(Compiler& c, const MountPlan& m) {
  namespaces::check_destination(m.destination, m.where + "/destination");
  if (m.options.copy_up) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}/options: tmpcopyup is not supported yet", m.where));
  }
  if (m.options.is_bind() || m.mount.type == "bind") {
    add_bind(c, m);
    return;
  }
  if (m.mount.type == "cgroup" || m.mount.type == "cgroup2") {
    add_cgroup(c, m);
    return;
  }
  const char* destination = c.plan.copy(m.destination);
  const char* data = m.options.data.empty() ? nullptr : c.plan.copy(m.options.data);
  if (m.mount.type == "tmpfs") {
    c.plan.add(unionfs::MountTmpfs{c.root, destination,
                                   m.options.set & ~static_cast<unsigned long>(MS_RDONLY), data});
  } else {
    c.plan.add(namespaces::MountFilesystem{c.root, destination, c.plan.copy(m.mount.type),
                                           c.plan.copy(m.mount.source), m.options.set, data});
  }
  if ((m.options.recursive_set | m.options.recursive_clear) != 0) {
    c.plan.add(unionfs::ChangeMount{c.root,
                                    destination,
                                    {m.options.recursive_set, m.options.recursive_clear},
                                    unionfs::Recursion::tree});
  }
  for (const std::uint64_t propagation : m.options.propagation) {
    c.plan.add(unionfs::ChangePropagation{c.root, destination, propagation});
  }
}

bool dev_is_bound(const Compiler& c) {
  for (const spec::Mount& mount : c.spec().mounts) {
    if (namespaces::normal_destination(mount.destination) != "/dev") continue;
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
  const std::string path = namespaces::normal_destination(device.path);
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
                  namespaces::normal_destination(mount.destination),
                  fmt::format("config.json: /mounts/{}", index++)});
  }
}

void add_devices(Compiler& c) {
  if (dev_is_bound(c)) return;
  c.dev = c.plan.make<int>(-1);
  c.plan.add(namespaces::OpenDir{c.root, "dev", c.dev});
  c.plan.add(namespaces::SetUmask{0});
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
