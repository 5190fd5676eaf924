#include "minidocker/toolbox/sys/mount.hpp"

#include <fcntl.h>

#include "traced.hpp"

namespace minidocker::sys {

using trace::fd;
using trace::flags;
using trace::hex;
using trace::text;

const trace::FlagName kMountFlagNames[] = {
    {MS_RDONLY, "MS_RDONLY"},
    {MS_NOSUID, "MS_NOSUID"},
    {MS_NODEV, "MS_NODEV"},
    {MS_NOEXEC, "MS_NOEXEC"},
    {MS_SYNCHRONOUS, "MS_SYNCHRONOUS"},
    {MS_REMOUNT, "MS_REMOUNT"},
    {MS_MANDLOCK, "MS_MANDLOCK"},
    {MS_DIRSYNC, "MS_DIRSYNC"},
    {MS_NOSYMFOLLOW, "MS_NOSYMFOLLOW"},
    {MS_NOATIME, "MS_NOATIME"},
    {MS_NODIRATIME, "MS_NODIRATIME"},
    {MS_BIND, "MS_BIND"},
    {MS_MOVE, "MS_MOVE"},
    {MS_REC, "MS_REC"},
    {MS_SILENT, "MS_SILENT"},
    {MS_UNBINDABLE, "MS_UNBINDABLE"},
    {MS_PRIVATE, "MS_PRIVATE"},
    {MS_SLAVE, "MS_SLAVE"},
    {MS_SHARED, "MS_SHARED"},
    {MS_RELATIME, "MS_RELATIME"},
    {MS_I_VERSION, "MS_I_VERSION"},
    {MS_STRICTATIME, "MS_STRICTATIME"},
    {MS_LAZYTIME, "MS_LAZYTIME"},
    {0, nullptr},
};

namespace {

constexpr trace::FlagName kUmountFlags[] = {{MNT_FORCE, "MNT_FORCE"},
                                            {MNT_DETACH, "MNT_DETACH"},
                                            {MNT_EXPIRE, "MNT_EXPIRE"},
                                            {UMOUNT_NOFOLLOW, "UMOUNT_NOFOLLOW"},
                                            {0, nullptr}};
constexpr trace::FlagName kMountAttributes[] = {
    {MOUNT_ATTR_RDONLY, "MOUNT_ATTR_RDONLY"},
    {MOUNT_ATTR_NOSUID, "MOUNT_ATTR_NOSUID"},
    {MOUNT_ATTR_NODEV, "MOUNT_ATTR_NODEV"},
    {MOUNT_ATTR_NOEXEC, "MOUNT_ATTR_NOEXEC"},
    {MOUNT_ATTR__ATIME, "MOUNT_ATTR__ATIME", MOUNT_ATTR__ATIME},
    {MOUNT_ATTR_NOATIME, "MOUNT_ATTR_NOATIME", MOUNT_ATTR__ATIME},
    {MOUNT_ATTR_STRICTATIME, "MOUNT_ATTR_STRICTATIME", MOUNT_ATTR__ATIME},
    {MOUNT_ATTR_NODIRATIME, "MOUNT_ATTR_NODIRATIME"},
    {MOUNT_ATTR_IDMAP, "MOUNT_ATTR_IDMAP"},
    {MOUNT_ATTR_NOSYMFOLLOW, "MOUNT_ATTR_NOSYMFOLLOW"},
    {0, nullptr},
};
constexpr trace::FlagName kTreeFlags[] = {{OPEN_TREE_CLONE, "OPEN_TREE_CLONE"},
                                          {OPEN_TREE_CLOEXEC, "OPEN_TREE_CLOEXEC"},
                                          {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
                                          {AT_RECURSIVE, "AT_RECURSIVE"},
                                          {AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
                                          {AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
                                          {0, nullptr}};
constexpr trace::FlagName kMoveFlags[] = {{MOVE_MOUNT_F_SYMLINKS, "MOVE_MOUNT_F_SYMLINKS"},
                                          {MOVE_MOUNT_F_EMPTY_PATH, "MOVE_MOUNT_F_EMPTY_PATH"},
                                          {MOVE_MOUNT_T_SYMLINKS, "MOVE_MOUNT_T_SYMLINKS"},
                                          {MOVE_MOUNT_T_EMPTY_PATH, "MOVE_MOUNT_T_EMPTY_PATH"},
                                          {0, nullptr}};
constexpr trace::FlagName kFsconfigCommands[] = {{FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG", 0xff},
                                                 {FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING", 0xff},
                                                 {FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE", 0xff},
                                                 {0, nullptr}};
constexpr trace::FlagName kFsopenFlags[] = {{FSOPEN_CLOEXEC, "FSOPEN_CLOEXEC"}, {0, nullptr}};
constexpr trace::FlagName kFsmountFlags[] = {{FSMOUNT_CLOEXEC, "FSMOUNT_CLOEXEC"}, {0, nullptr}};

constexpr CallInfo kMount{"mount", "mount(2)"};
constexpr CallInfo kUmount{"umount2", "umount(2)"};
constexpr CallInfo kPivotRoot{"pivot_root", "pivot_root(2)"};
constexpr CallInfo kChroot{"chroot", "chroot(2)"};
constexpr CallInfo kFsopen{"fsopen", "fsopen(2)"};
constexpr CallInfo kFsconfig{"fsconfig", "fsconfig(2)"};
constexpr CallInfo kFsmount{"fsmount", "fsmount(2)"};
constexpr CallInfo kOpenTree{"open_tree", "open_tree(2)"};
constexpr CallInfo kMoveMount{"move_mount", "move_mount(2)"};
constexpr CallInfo kMountSetattr{"mount_setattr", "mount_setattr(2)"};

Result<> fsconfig(int fs, unsigned command, const char* key, const char* value) noexcept {
  return done(kFsconfig,
              traced(
                  kFsconfig, [&] { return invoke(SYS_fsconfig, fs, command, key, value, 0); },
                  fd(fs), flags(kFsconfigCommands, command), text(key), text(value)));
}

}  // namespace

Result<> mount(const char* source, const char* target, const char* type, unsigned long how,
               const char* data) noexcept {
  return done(kMount,
              traced(
                  kMount, [&] { return invoke(SYS_mount, source, target, type, how, data); },
                  text(source), text(target), text(type), flags(kMountFlagNames, how), text(data)));
}

Result<> umount2(const char* target, int how) noexcept {
  return done(kUmount, traced(
                           kUmount, [&] { return invoke(SYS_umount2, target, how); }, text(target),
                           flags(kUmountFlags, static_cast<unsigned>(how))));
}

Result<> pivot_root(const char* new_root, const char* put_old) noexcept {
  return done(kPivotRoot, traced(
                              kPivotRoot, [&] { return invoke(SYS_pivot_root, new_root, put_old); },
                              text(new_root), text(put_old)));
}

Result<> chroot(const char* path) noexcept {
  return done(kChroot, traced(kChroot, [&] { return invoke(SYS_chroot, path); }, text(path)));
}

Result<UniqueFd> fsopen(const char* type) noexcept {
  return owning(kFsopen, traced(
                             kFsopen, [&] { return invoke(SYS_fsopen, type, FSOPEN_CLOEXEC); },
                             text(type), flags(kFsopenFlags, FSOPEN_CLOEXEC)));
}

Result<> fsconfig_string(int fs, const char* key, const char* value) noexcept {
  return fsconfig(fs, FSCONFIG_SET_STRING, key, value);
}
Result<> fsconfig_flag(int fs, const char* key) noexcept {
  return fsconfig(fs, FSCONFIG_SET_FLAG, key, nullptr);
}
Result<> fsconfig_create(int fs) noexcept {
  return fsconfig(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr);
}

Result<UniqueFd> fsmount(int fs, unsigned attributes) noexcept {
  return owning(
      kFsmount,
      traced(
          kFsmount, [&] { return invoke(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes); }, fd(fs),
          flags(kFsmountFlags, FSMOUNT_CLOEXEC), flags(kMountAttributes, attributes)));
}

Result<UniqueFd> open_tree(int dirfd, const char* path, unsigned how) noexcept {
  how |= OPEN_TREE_CLOEXEC;
  return owning(kOpenTree, traced(
                               kOpenTree, [&] { return invoke(SYS_open_tree, dirfd, path, how); },
                               fd(dirfd), text(path), flags(kTreeFlags, how)));
}

Result<> move_mount(int from_fd, const char* from, int to_fd, const char* to,
                    unsigned how) noexcept {
  return done(kMoveMount,
              traced(
                  kMoveMount, [&] { return invoke(SYS_move_mount, from_fd, from, to_fd, to, how); },
                  fd(from_fd), text(from), fd(to_fd), text(to), flags(kMoveFlags, how)));
}

Result<> mount_setattr(int dirfd, const char* path, unsigned how, std::uint64_t set,
                       std::uint64_t clear, std::uint64_t propagation) noexcept {
  struct mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  return done(
      kMountSetattr,
      traced(
          kMountSetattr,
          [&] {
            return invoke(SYS_mount_setattr, dirfd, path, how, &attributes, sizeof(attributes));
          },
          fd(dirfd), text(path), flags(kTreeFlags, how), flags(kMountAttributes, set, "attr_set"),
          flags(kMountAttributes, clear, "attr_clr"),
          flags(kMountFlagNames, propagation, "propagation")));
}

Result<> map_mount_ids(int mount, unsigned how, int user_namespace) noexcept {
  how |= AT_EMPTY_PATH;
  struct mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(user_namespace);
  return done(
      kMountSetattr,
      traced(
          kMountSetattr,
          [&] {
            return invoke(SYS_mount_setattr, mount, "", how, &attributes, sizeof(attributes));
          },
          fd(mount), text(""), flags(kTreeFlags, how),
          flags(kMountAttributes, MOUNT_ATTR_IDMAP, "attr_set"), fd(user_namespace, "userns_fd")));
}

}  // namespace minidocker::sys
