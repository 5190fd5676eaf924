#pragma once
/// \file
/// The values of -e and --env-file.

#include <string>
#include <string_view>
#include <vector>

namespace minidocker::cli {

/// `NAME=value`; `NAME` takes the value of our own environment, or removes the variable from the
/// image's where we have none. Throws UsageError.
[[nodiscard]] std::string parse_env(const std::string& text);
/// The lines of an --env-file: comments and empty lines left out, a `NAME` without a value taken
/// from our own environment, or left out too. `path` names it in errors. Throws UsageError.
[[nodiscard]] std::vector<std::string> parse_env_file(std::string_view text,
                                                      const std::string& path);
/// The same of a file. Throws UsageError.
[[nodiscard]] std::vector<std::string> read_env_file(const std::string& path);

}  // namespace minidocker::cli
