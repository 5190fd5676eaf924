#include "probe.hpp"

#include <fmt/format.h>
#include <sched.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/unionfs/storage_driver.hpp"
#include "own_mounts.hpp"

namespace minidocker::shim {
namespace {

/// As the container of an ordinary user will be: root there is who he is outside.
void become_root_of_own_namespace() {
  const uid_t uid = sys::geteuid();
  const gid_t gid = sys::getegid();
  sys::unshare(CLONE_NEWUSER).or_throw("user namespace");
  write_control("/proc/self/setgroups", "deny");
  write_control("/proc/self/uid_map", fmt::format("0 {} 1", uid));
  write_control("/proc/self/gid_map", fmt::format("0 {} 1", gid));
}

}  // namespace

std::optional<std::string> probe(const std::string& name, const std::string& dir) {
  const unionfs::StorageDriver& driver = unionfs::storage_driver(name);
  if (driver.form() == unionfs::RootForm::directory) return driver.why_not(dir);
  try {
    if (sys::geteuid() != 0) {
      if (driver.form() == unionfs::RootForm::fuse) return "it serves containers of root only";
      become_root_of_own_namespace();
    }
    enter_own_mounts();
  } catch (const SystemError& error) {
    return error.what();
  }
  return driver.why_not(dir);
}

}  // namespace minidocker::shim
