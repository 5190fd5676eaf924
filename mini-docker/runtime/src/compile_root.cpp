#include <sys/mount.h>

#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "compiler.hpp"
#include "minidocker/namespaces/propagation.hpp"
#include "minidocker/namespaces/root.hpp"
#include "minidocker/spec/mount_options.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "minidocker/unionfs/remount.hpp"

namespace minidocker::runtime {
namespace {

/// Its mounts must be made where nobody else lives.
void check_mount_namespace(const Compiler& c) {
  if (c.spec().linux_.makes(spec::NamespaceType::mount)) return;
  const bool joined = c.spec().linux_.find(spec::NamespaceType::mount) != nullptr;
  throw Error(
      ErrorKind::invalid_argument,
      fmt::format(
          "config.json: /linux/namespaces: a container {} would mount into the tree of "
          "others; hint: {{\"type\":\"mount\"}} without a path",
          joined ? "that joins a mount namespace" : "without a mount namespace of its own"));
}

bool is_shared(const Compiler& c) {
  return c.spec().linux_.rootfs_propagation.find("shared") != std::string::npos;
}

void add_overlay(Compiler& c, const OverlayRoot& root) {
  const unionfs::OverlayLayers layers{
      root.lowers, root.upper, root.work,
      root.is_volatile ? unionfs::UpperSync::never : unionfs::UpperSync::on_unmount};
  c.plan.add(unionfs::make_mount_overlay(c.plan, layers, root.target));
}

void add_move(Compiler& c) {
  const std::vector<std::string> mounts =
      namespaces::full_kernel_mounts(read_mountinfo(), target_of(c.options().root));
  c.plan.add(namespaces::MoveRoot{c.root, c.plan.copy_array(mounts), mounts.size()});
}

/// What "/" is made before anything is mounted. Slave: mounts come in, none goes out. Shared only
/// where it is asked for: then those of the container are seen on the host, and unmounts, too.
void add_propagation(Compiler& c, bool shared) {
  if (!shared) {
    const std::string& word = c.spec().linux_.rootfs_propagation;
    const bool is_private = word == "private" || word == "rprivate";
    const unsigned long flags = (is_private ? MS_PRIVATE : MS_SLAVE) | MS_REC;
    c.plan.add(namespaces::SetPropagation{"/", flags});
    return;
  }
  c.plan.add(namespaces::SetPropagation{"/", MS_SHARED | MS_REC});
  // pivot_root refuses a new root whose parent mount is shared.
  const std::vector<MountEntry> mounts = read_mountinfo();
  const MountEntry* parent = find_mount(mounts, target_of(c.options().root));
  if (parent == nullptr) return;
  c.plan.add(namespaces::SetPropagation{c.plan.copy(parent->target), MS_PRIVATE});
}

}  // namespace

void add_root(Compiler& c) {
  c.root = c.plan.make<int>(-1);
  const char* target = c.plan.copy(target_of(c.options().root));
  check_mount_namespace(c);
  add_propagation(c, is_shared(c));
  if (const auto* overlay = std::get_if<OverlayRoot>(&c.options().root)) {
    add_overlay(c, *overlay);
  } else {
    c.plan.add(namespaces::BindRoot{target});
  }
  c.plan.add(namespaces::OpenRoot{target, c.root});
}

void add_pivot(Compiler& c) {
  if (c.options().pivot_root) {
    c.plan.add(namespaces::PivotRoot{
        c.root, is_shared(c) ? namespaces::OldRoot::shared : namespaces::OldRoot::slave});
  } else {
    add_move(c);
  }
  const std::string& word = c.spec().linux_.rootfs_propagation;
  if (word.find("shared") != std::string::npos || word.find("unbindable") != std::string::npos) {
    c.plan.add(namespaces::SetPropagation{"/", spec::propagation_flags(word)});
  }
}

void add_readonly(Compiler& c) {
  // A tmpfs was mounted writable so that mount points could be made in it.
  for (const spec::Mount& mount : c.spec().mounts) {
    const spec::MountOptions options = spec::parse_mount_options(mount.options);
    if (mount.type != "tmpfs" || options.is_bind() || (options.set & MS_RDONLY) == 0) continue;
    c.plan.add(unionfs::ChangeMount{c.root, c.plan.copy(mount.destination),
                                    unionfs::to_attributes(MS_RDONLY, 0)});
  }
  if (c.spec().root.readonly) {
    c.plan.add(unionfs::ChangeMount{c.root, nullptr, unionfs::to_attributes(MS_RDONLY, 0)});
  }
}

}  // namespace minidocker::runtime
