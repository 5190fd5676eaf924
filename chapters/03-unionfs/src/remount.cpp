#include "minidocker/unionfs/remount.hpp"

#include <fcntl.h>

#include <fmt/format.h>

#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/mount.hpp"

namespace minidocker::unionfs {

StepResult ChangeMount::run(ChildContext&) const noexcept {
  const unsigned flags = AT_EMPTY_PATH | (recursion == Recursion::tree ? AT_RECURSIVE : 0U);
  if (path == nullptr) {
    return sys::mount_setattr(*root, "", flags, attributes.set, attributes.clear, 0);
  }
  const sys::Result<UniqueFd> mount = open_in_root(*root, path, O_PATH);
  if (!mount) return mount;
  return sys::mount_setattr(mount.value().get(), "", flags, attributes.set, attributes.clear, 0);
}

std::string ChangeMount::describe() const {
  return fmt::format("make {}{} {}", path != nullptr ? path : "the root",
                     recursion == Recursion::tree ? " and all mounts below it" : "",
                     attributes_in_words(attributes));
}

StepResult ChangePropagation::run(ChildContext&) const noexcept {
  const sys::Result<UniqueFd> mount = open_in_root(*root, path, O_PATH);
  if (!mount) return mount;
  const unsigned recursive = (propagation & MS_REC) != 0 ? AT_RECURSIVE : 0U;
  return sys::mount_setattr(mount.value().get(), "", AT_EMPTY_PATH | recursive, 0, 0,
                            propagation & ~static_cast<unsigned long>(MS_REC));
}

std::string ChangePropagation::describe() const {
  return fmt::format("make {} {}", path, trace::flags_in_words(sys::kMountFlagNames, propagation));
}

}  // namespace minidocker::unionfs
