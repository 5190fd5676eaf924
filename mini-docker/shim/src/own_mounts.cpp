#include "own_mounts.hpp"

#include <sched.h>
#include <sys/mount.h>

#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::shim {

void enter_own_mounts() {
  sys::unshare(CLONE_NEWNS).or_throw("mount namespace of the shim");
  sys::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr).or_throw("/, recursively a slave");
}

}  // namespace minidocker::shim
