#pragma once
/// \file
/// The container that `mini-runc spec` proposes.

#include <sys/types.h>

#include "minidocker/spec/spec.hpp"

namespace minidocker::spec {

/// What `runc spec` writes: a shell on a terminal, five new namespaces, three capabilities, a
/// read-only root.
[[nodiscard]] Spec default_spec();

/// What `runc spec --rootless` writes for a user who may not make a container otherwise: a user
/// namespace that maps root to `uid` and `gid`, the caller's network, no cgroup limits.
[[nodiscard]] Spec rootless_spec(uid_t uid, gid_t gid);

}  // namespace minidocker::spec
