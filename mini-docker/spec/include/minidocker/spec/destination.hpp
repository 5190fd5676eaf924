#pragma once
/// \file
/// Where in a container something goes.

#include <string>
#include <string_view>

namespace minidocker::spec {

/// `path` as an absolute one without ".", ".." and double slashes; ".." stops at "/". Just text:
/// links are met later, by descriptor.
[[nodiscard]] std::string normal_destination(std::string_view path);

/// May something be mounted on `normal`, a normal_destination()? Not on what lies in /proc, but for
/// files that tell a container about its own share of the machine: all else there is how the kernel
/// is steered, and how masks and labels are put on (CVE-2019-16884, CVE-2019-19921).
[[nodiscard]] bool is_coverable(std::string_view normal) noexcept;

}  // namespace minidocker::spec
