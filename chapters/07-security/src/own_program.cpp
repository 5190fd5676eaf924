#include "minidocker/security/own_program.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <utility>

#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"

namespace minidocker::security {

UniqueFd read_only_program(const std::string& path) {
  sys::Result<UniqueFd> tree = sys::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE);
  if (!tree.ok() && tree.error() == EPERM) return {};
  UniqueFd program = std::move(tree).or_throw(path);
  sys::mount_setattr(program.get(), "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, 0).or_throw(path);
  return program;
}

bool own_program_is_read_only() {
  constexpr char kOwnProgram[] = "/proc/self/exe";
  const UniqueFd program = sys::open(kOwnProgram, O_PATH).or_throw(kOwnProgram);
  return (sys::fstatfs(program.get()).or_throw(kOwnProgram).f_flags & ST_RDONLY) != 0;
}

}  // namespace minidocker::security
