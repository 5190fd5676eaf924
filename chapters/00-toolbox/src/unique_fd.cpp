#include "minidocker/toolbox/unique_fd.hpp"

#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker {

void UniqueFd::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old >= 0) static_cast<void>(sys::close(old));
}

}  // namespace minidocker
