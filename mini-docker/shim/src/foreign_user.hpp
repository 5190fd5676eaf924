#pragma once
/// \file
/// Other OCI runtimes know users by number only: names are looked up before they are called.

#include <string>

#include "minidocker/spec/spec.hpp"

namespace minidocker::shim {

/// Fills ids, groups, capabilities and, if the environment has none, HOME of `process` with who
/// `user`, `USER[:GROUP]` or empty for root, is in the files of the directory `root`, which is not
/// trusted.
/// Throws Error(invalid_argument) in docker's words for one who is not there.
void resolve_user(spec::Process& process, const std::string& user, const std::string& root);

}  // namespace minidocker::shim
