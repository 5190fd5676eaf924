#pragma once
/// \file
/// Warnings, which end nothing.

#include <cstdio>
#include <string>
#include <vector>

namespace minidocker::cli {

/// Prints each on a line of standard error.
inline void warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    std::fputs(("mini-docker: warning: " + warning + "\n").c_str(), stderr);
  }
}

}  // namespace minidocker::cli
