#include "minidocker/toolbox/mount.hpp"

#include <cerrno>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker {
namespace {

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

std::string in_words(const std::string& text) { return text.empty() ? "NULL" : quoted(text); }

/// mount(2) has more causes than errnos: what each most often hides.
std::string_view hint_for(int error) {
  switch (error) {
    case ENODEV:
      return "this kernel has no filesystem of that type";
    case EINVAL:
      return "an option the filesystem refuses, a wrong superblock, or a mount point "
             "that is locked or of the wrong propagation; dmesg may say which";
    case EPERM:
      return "needs CAP_SYS_ADMIN in the user namespace that owns this mount namespace, "
             "and of a new proc that all of the old one is visible";
    case EBUSY:
      return "the source is mounted elsewhere with other options, or the target is in use";
    case ENOTDIR:
      return "a directory can only be mounted on a directory, a file on a file";
    default:
      return {};
  }
}

}  // namespace

Mount::Mount(Mount&& other) noexcept
    : target_(std::exchange(other.target_, {})), maker_(other.maker_) {}

Mount& Mount::operator=(Mount&& other) noexcept {
  if (this == &other) return *this;
  // The swapped temporary detaches what we owned, under the pid that made it.
  Mount taken(std::move(other));
  std::swap(target_, taken.target_);
  std::swap(maker_, taken.maker_);
  return *this;
}

Mount::~Mount() {
  if (target_.empty() || maker_ != sys::own_pid()) return;
  (void)sys::umount2(target_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
}

Mount Mount::make(const std::string& source, const std::string& target, const std::string& type,
                  unsigned long flags, const std::string& data) {
  sys::Result<> made =
      sys::mount(or_null(source), target.c_str(), or_null(type), flags, or_null(data));
  if (!made) {
    const int error = made.error();
    std::move(made).or_throw(
        fmt::format("{}, {}, {}, {}, {}", in_words(source), quoted(target), in_words(type),
                    trace::flags_in_words(sys::kMountFlagNames, flags), in_words(data)),
        hint_for(error));
  }
  Mount mount;
  mount.target_ = target;
  mount.maker_ = sys::own_pid();
  return mount;
}

void Mount::unmount() {
  const std::string target = std::exchange(target_, {});
  if (target.empty()) return;
  sys::umount2(target.c_str(), UMOUNT_NOFOLLOW).or_throw(quoted(target));
}

}  // namespace minidocker
