#pragma once
/// \file
/// A credential helper `test` that is a shell script.

#include <stdlib.h>
#include <sys/stat.h>

#include <functional>
#include <string>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {

/// A directory first in PATH with a helper that is this script; the body runs in a child, as PATH
/// is the whole process's, and is told of the directory.
inline void with_helper(const std::string& script,
                        const std::function<void(const std::string&)>& body) {
  const TempDir dir;
  const std::string helper = dir.path() + "/docker-credential-test";
  testing::write_text(helper, "#!/bin/sh\n" + script + "\n");
  ::chmod(helper.c_str(), 0755);
  testing::in_child([&] {
    ::setenv("PATH", (dir.path() + ":/usr/bin:/bin").c_str(), 1);
    body(dir.path());
  });
}

}  // namespace minidocker::registry
