#include "minidocker/toolbox/sys/mount.hpp"
#include "overlay_forms.hpp"

namespace minidocker::unionfs {

sys::Result<> mount_classic(const char* target, const char* options) noexcept {
  return sys::mount("overlay", target, "overlay", 0, options);
}

}  // namespace minidocker::unionfs
