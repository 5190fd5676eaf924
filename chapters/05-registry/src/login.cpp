#include "minidocker/registry/login.hpp"

#include <fmt/format.h>

namespace minidocker::registry {

void check_login(Session& session) {
  Call call;
  call.target = "/v2/";
  call.tried = "login to " + session.domain();
  try {
    static_cast<void>(session.ask_patiently(call));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::permission) throw;
    // What it says elsewhere, that a repository may need a login, would be a riddle here.
    throw Error(ErrorKind::permission,
                fmt::format("{}: unauthorized: incorrect username or password", call.tried));
  }
}

}  // namespace minidocker::registry
