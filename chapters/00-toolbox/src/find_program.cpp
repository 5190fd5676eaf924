#include "minidocker/toolbox/find_program.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <sstream>

#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker {
namespace {

bool is_program(const std::string& path) {
  const sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, path.c_str(), 0);
  return status.ok() && S_ISREG(status.value().st_mode) &&
         sys::faccessat(AT_FDCWD, path.c_str(), X_OK).ok();
}

std::string working_directory() {
  std::string path(PATH_MAX, '\0');
  path.resize(sys::getcwd(path.data(), path.size()).or_throw() - 1);
  return path;
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (!is_program(name)) return std::nullopt;
    return name.front() == '/' ? name : working_directory() + "/" + name;
  }
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = directory + "/" + name;
    if (directory.starts_with('/') && is_program(candidate)) return candidate;
  }
  return std::nullopt;
}

}  // namespace minidocker
