#pragma once
/// \file
/// Warnings, which end nothing.

#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace minidocker::cli {

/// Prints each on a line of standard error.
inline void warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    fmt::print(stderr, "mini-docker: warning: {}\n", warning);
  }
}

}  // namespace minidocker::cli
