#include <sys/mount.h>

#include <variant>

#include "compiler.hpp"
#include "minidocker/namespaces/propagation.hpp"
#include "minidocker/namespaces/root.hpp"
#include "minidocker/spec/mount_options.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "minidocker/unionfs/remount.hpp"

namespace minidocker::runtime {
namespace {

bool own_mounts(const Compiler& c) {
  return c.spec().linux_.find(spec::NamespaceType::mount) != nullptr;
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

}  // namespace

void add_root(Compiler& c) {
  c.root = c.plan.make<int>(-1);
  const char* target = c.plan.copy(target_of(c.options().root));
  if (!own_mounts(c)) {
    throw Error(ErrorKind::invalid_argument,
                "config.json: /linux/namespaces: a container without a mount namespace of its own "
                "would mount into the host's tree; hint: add {\"type\":\"mount\"}");
  }
  // Slave or private, whatever the specification wants afterwards: what is mounted now must not
  // appear on the host, and pivot_root refuses shared mounts.
  const std::string& word = c.spec().linux_.rootfs_propagation;
  unsigned long flags = MS_SLAVE | MS_REC;
  if (word == "private" || word == "rprivate") flags = MS_PRIVATE | MS_REC;
  c.plan.add(namespaces::SetPropagation{"/", flags});
  if (const auto* overlay = std::get_if<OverlayRoot>(&c.options().root)) {
    add_overlay(c, *overlay);
  } else {
    c.plan.add(namespaces::BindRoot{target});
  }
  c.plan.add(namespaces::OpenRoot{target, c.root});
}

void add_pivot(Compiler& c) {
  if (c.options().pivot_root) {
    c.plan.add(namespaces::PivotRoot{c.root});
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
