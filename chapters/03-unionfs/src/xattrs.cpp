#include "xattrs.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace minidocker::unionfs {
namespace {

bool is_the_files_own(std::string_view name) noexcept {
  if (is_overlay_xattr(name)) return false;
  return !name.starts_with("security.") || name == "security.capability";
}

// Whatever may grow between asking for the size and reading is asked again.
template <class Ask>
std::string read_growing(Ask ask, const std::string& what) {
  std::string text(256, '\0');
  while (true) {
    sys::Result<std::size_t> got = ask(text.data(), text.size());
    if (got.error() != ERANGE) {
      text.resize(std::move(got).or_throw(quoted(what)));
      return text;
    }
    text.resize(text.size() * 4);
  }
}

}  // namespace

Xattrs read_xattrs(int dir, const char* name, const std::string& what) {
  const FdPath path = name == nullptr ? FdPath(dir, ".") : FdPath(dir, name);
  const auto list = [&](char* buffer, std::size_t size) {
    sys::Result<std::size_t> got = sys::llistxattr(path.c_str(), buffer, size);
    const bool none = got.error() == EOPNOTSUPP;
    return none ? sys::Result<std::size_t>(got.call(), 0) : got;
  };
  const std::string names = read_growing(list, what);
  Xattrs xattrs;
  for (std::size_t at = 0; at < names.size(); at += std::strlen(names.c_str() + at) + 1) {
    const char* one = names.c_str() + at;
    if (!is_the_files_own(one)) continue;
    xattrs[one] = read_growing(
        [&](char* buffer, std::size_t size) {
          return sys::lgetxattr(path.c_str(), one, buffer, size);
        },
        what);
  }
  return xattrs;
}

}  // namespace minidocker::unionfs
