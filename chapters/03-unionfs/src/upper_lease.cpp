#include "minidocker/unionfs/upper_lease.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::unionfs {

UpperLease UpperLease::take(const std::string& upper) {
  UniqueFd directory = sys::open(upper.c_str(), O_RDONLY | O_DIRECTORY).or_throw(quoted(upper));
  sys::Result<> locked = sys::flock(directory.get(), LOCK_EX | LOCK_NB);
  if (locked.error() == EWOULDBLOCK) {
    throw Error(ErrorKind::conflict,
                fmt::format("{}: another overlay writes to it; hint: it is free when that one is "
                            "unmounted",
                            quoted(upper)));
  }
  std::move(locked).or_throw(quoted(upper));
  return UpperLease(std::move(directory));
}

}  // namespace minidocker::unionfs
