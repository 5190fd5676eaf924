#pragma once
/// \file
/// A mount namespace of the shim's own: what is mounted there is gone with it, however it ends.

namespace minidocker::shim {

/// Leaves the host's mount namespace for a copy of it that hears of the host's mounts and tells the
/// host of none. Throws SystemError.
void enter_own_mounts();

}  // namespace minidocker::shim
