#include <fcntl.h>
#include <linux/mount.h>

#include <string_view>

#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "overlay_forms.hpp"

namespace minidocker::unionfs {
namespace {

// fsconfig(2) takes strings below 256 bytes.
constexpr std::size_t kMaxConfigString = 255;

// A directory is given by descriptor where its name is too long for fsconfig(2), or holds a
// backslash, which the kernel takes away from an `upperdir` and leaves in a `lowerdir+`.
sys::Result<> configure_directory(int fs, const char* key, const char* path) noexcept {
  const std::string_view name(path);
  if (name.size() <= kMaxConfigString && name.find('\\') == name.npos) {
    return sys::fsconfig_string(fs, key, path);
  }
  const sys::Result<UniqueFd> opened = sys::open(path, O_PATH | O_DIRECTORY);
  if (!opened) return sys::Result<>(opened);
  return sys::fsconfig_string(fs, key, FdPath(opened.value().get()).c_str());
}

sys::Result<> configure(int fs, const OverlayStrings& strings) noexcept {
  for (const char* const* lower = strings.lowers; *lower != nullptr; ++lower) {
    if (sys::Result<> done = configure_directory(fs, "lowerdir+", *lower); !done) return done;
  }
  if (strings.upper != nullptr) {
    if (sys::Result<> done = configure_directory(fs, "upperdir", strings.upper); !done) return done;
    if (sys::Result<> done = configure_directory(fs, "workdir", strings.work); !done) return done;
    if (strings.sync == UpperSync::never) {
      if (sys::Result<> done = sys::fsconfig_flag(fs, "volatile"); !done) return done;
    }
  }
  if (sys::Result<> done = sys::fsconfig_flag(fs, "userxattr"); !done) return done;
  return sys::fsconfig_create(fs);
}

}  // namespace

sys::Result<UniqueFd> make_overlay(const OverlayStrings& strings) noexcept {
  sys::Result<UniqueFd> fs = sys::fsopen("overlay");
  if (!fs) return fs;
  const int fd = fs.value().get();
  const sys::Result<> configured = configure(fd, strings);
  if (!configured) {
    return sys::Result<UniqueFd>::failure(configured.call(), configured.error());
  }
  return sys::fsmount(fd, 0);
}

}  // namespace minidocker::unionfs
