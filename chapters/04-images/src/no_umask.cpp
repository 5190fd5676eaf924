#include "minidocker/images_unpack/no_umask.hpp"

#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::images_unpack {

NoUmask::NoUmask() : before_(sys::umask(0)) {}

NoUmask::~NoUmask() { static_cast<void>(sys::umask(before_.ok() ? before_.value() : 022)); }

}  // namespace minidocker::images_unpack
