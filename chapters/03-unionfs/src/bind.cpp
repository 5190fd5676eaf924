#include "minidocker/unionfs/bind.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <cerrno>

#include <utility>

#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"

namespace minidocker::unionfs {

namespace {

struct AttributeName {
  unsigned long flag;       // of mount(2)
  std::uint64_t attribute;  // of mount_setattr(2)
  const char* set;
  const char* clear;
};

constexpr AttributeName kAttributeNames[] = {
    {MS_RDONLY, MOUNT_ATTR_RDONLY, "ro", "rw"},
    {MS_NOSUID, MOUNT_ATTR_NOSUID, "nosuid", "suid"},
    {MS_NODEV, MOUNT_ATTR_NODEV, "nodev", "dev"},
    {MS_NOEXEC, MOUNT_ATTR_NOEXEC, "noexec", "exec"},
    {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow", "symfollow"},
    {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime"},
};

constexpr unsigned long kRecursive = MS_REC;
constexpr unsigned long kAtimeFlags = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;

// The access time setting is a field, not a set of bits: relatime is its zero.
std::uint64_t atime_of(unsigned long set) noexcept {
  if ((set & MS_NOATIME) != 0) return MOUNT_ATTR_NOATIME;
  if ((set & MS_STRICTATIME) != 0) return MOUNT_ATTR_STRICTATIME;
  return MOUNT_ATTR_RELATIME;
}

const char* atime_in_words(std::uint64_t set) noexcept {
  if ((set & MOUNT_ATTR__ATIME) == MOUNT_ATTR_NOATIME) return "noatime";
  if ((set & MOUNT_ATTR__ATIME) == MOUNT_ATTR_STRICTATIME) return "strictatime";
  return "relatime";
}

sys::Result<UniqueFd> make_destination(int root, const char* path, int source) noexcept {
  const sys::Result<struct stat> status = sys::fstat(source);
  if (!status) return sys::Result<UniqueFd>::failure(status.call(), status.error());
  constexpr mode_t kMode = 0755;
  return S_ISDIR(status.value().st_mode) ? make_dirs_in_root(root, path, kMode)
                                         : make_file_in_root(root, path, kMode);
}

StepResult change(int mount, unsigned flags, const MountAttributes& attributes) noexcept {
  if (attributes.none()) return StepResult::ok();
  return sys::mount_setattr(mount, "", AT_EMPTY_PATH | flags, attributes.set, attributes.clear, 0);
}

// The type of propagation is given after the mount has its place: being attached below a shared
// mount makes a mount shared.
StepResult change_propagation(int mount, unsigned long propagation) noexcept {
  if (propagation == 0) return StepResult::ok();
  const unsigned recursive = (propagation & kRecursive) != 0 ? AT_RECURSIVE : 0U;
  return sys::mount_setattr(mount, "", AT_EMPTY_PATH | recursive, 0, 0, propagation & ~kRecursive);
}

const char* propagation_in_words(unsigned long propagation) noexcept {
  switch (propagation & ~kRecursive) {
    case MS_PRIVATE:
      return "private";
    case MS_SLAVE:
      return "slave";
    case MS_SHARED:
      return "shared";
    default:
      return "unbindable";
  }
}

StepResult attach(int fd, const BindMount& step) noexcept {
  const sys::Result<UniqueFd> where = make_destination(*step.root, step.destination, fd);
  if (!where) return where;
  if (StepResult done = change(fd, AT_RECURSIVE, step.tree_attributes); !done) return done;
  if (StepResult done = change(fd, 0, step.attributes); !done) return done;
  constexpr unsigned kBothByDescriptor = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (StepResult done = sys::move_mount(fd, "", where.value().get(), "", kBothByDescriptor);
      !done) {
    return done;
  }
  return change_propagation(fd, step.propagation);
}

}  // namespace

MountAttributes to_attributes(unsigned long set, unsigned long clear) noexcept {
  MountAttributes attributes;
  for (const AttributeName& name : kAttributeNames) {
    if ((set & name.flag) != 0) attributes.set |= name.attribute;
    if ((clear & name.flag) != 0) attributes.clear |= name.attribute;
  }
  if (((set | clear) & kAtimeFlags) != 0) {
    attributes.set |= atime_of(set);
    attributes.clear |= MOUNT_ATTR__ATIME;  // the kernel wants the whole field cleared first
  }
  return attributes;
}

std::string attributes_in_words(const MountAttributes& attributes) {
  std::string words;
  const auto add = [&words](const char* word) {
    if (!words.empty()) words += ',';
    words += word;
  };
  for (const AttributeName& name : kAttributeNames) {
    if ((attributes.set & name.attribute) != 0) {
      add(name.set);
    } else if ((attributes.clear & name.attribute) != 0) {
      add(name.clear);
    }
  }
  if ((attributes.clear & MOUNT_ATTR__ATIME) != 0) add(atime_in_words(attributes.set));
  return words;
}

StepResult BindMount::run(ChildContext&) const noexcept {
  if (tree != nullptr) return attach(*tree, *this);
  const unsigned below = recursion == Recursion::tree ? AT_RECURSIVE : 0U;
  const sys::Result<UniqueFd> mount = sys::open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | below);
  if (!mount) return mount;
  return attach(mount.value().get(), *this);
}

std::string BindMount::describe() const {
  std::string what = fmt::format("bind {} to {}{}", source, destination,
                                 recursion == Recursion::tree ? " with the mounts below it" : "");
  std::string words = attributes_in_words(attributes);
  const auto add = [&words](const std::string& word) {
    if (!words.empty()) words += ',';
    words += word;
  };
  if (tree != nullptr) add("ids mapped");
  if (!tree_attributes.none()) add("tree: " + attributes_in_words(tree_attributes));
  if (propagation != 0) {
    add((propagation & kRecursive) != 0 ? std::string("r") + propagation_in_words(propagation)
                                        : propagation_in_words(propagation));
  }
  return words.empty() ? what : what + " (" + words + ")";
}

}  // namespace minidocker::unionfs
