#include "scope_helper.hpp"

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace fs = std::filesystem;

namespace minidocker::runtime {
namespace {

std::string own_directory() {
  std::string path(4096, '\0');
  path.resize(sys::readlinkat(AT_FDCWD, "/proc/self/exe", path.data(), path.size())
                  .or_throw("/proc/self/exe"));
  return fs::path(path).parent_path();
}

}  // namespace

std::string find_scope_helper() {
  const fs::path ours = own_directory();
  for (const fs::path& directory : {ours, ours / "../libexec/mini-docker"}) {
    const std::string program = (directory / "mini-scope").lexically_normal();
    if (exists(program)) return program;
  }
  const char* told = std::getenv(kScopeVariable);
  return told != nullptr ? told : (ours / "mini-scope").string();
}

}  // namespace minidocker::runtime
