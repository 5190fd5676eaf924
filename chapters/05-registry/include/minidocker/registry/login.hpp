#pragma once
/// \file
/// Whether a registry takes the credentials of a session: what `docker login` asks before it
/// remembers them.

#include "minidocker/registry/session.hpp"

namespace minidocker::registry {

/// Asks for `/v2/`, which is nobody's and everybody's. A registry that wants no credentials is
/// content with any. Throws permission if it, or its token server, is not, and as
/// Session::ask_patiently.
void check_login(Session& session);

}  // namespace minidocker::registry
