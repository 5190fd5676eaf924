#include "minidocker/security/workdir.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::security {

StepResult EnterDirectory::run(ChildContext&) const noexcept {
  if (*entered) return StepResult::ok();
  const sys::Result<> result = sys::chdir(path);
  if (result.error() == EACCES && when == Try::first) return StepResult::ok();
  if (!result) return result;
  *entered = true;
  // The kernel writes "(unreachable)" before a path that does not lead to our root.
  std::array<char, 4096> cwd{};
  const sys::Result<std::size_t> size = sys::getcwd(cwd.data(), cwd.size());
  if (!size) return size;
  return cwd[0] == '/' ? StepResult::ok() : StepResult::failure(ENOENT);
}

std::string EnterDirectory::describe() const {
  return fmt::format("enter the working directory {}{}", quoted(path),
                     when == Try::first ? "" : ", if only the user may");
}

StepResult MakeDirectory::run(ChildContext&) const noexcept {
  const sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, path, 0);
  if (status) return status;
  return make_dirs_in_root(*root, path, 0755);
}

std::string MakeDirectory::describe() const {
  return fmt::format("make the directory {} if it is missing", quoted(path));
}

}  // namespace minidocker::security
