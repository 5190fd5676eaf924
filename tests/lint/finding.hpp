#pragma once
/// \file
/// What a rule has to say about a file.

#include <cstddef>
#include <string>
#include <vector>

namespace minidocker::lint {

/// One breach of one rule.
struct Finding {
  std::string path;     ///< file, relative to the repository
  std::size_t line;     ///< 1-based; 0 if it is about the whole file
  std::string message;  ///< what is wrong and what to do instead
};

/// All findings of a rule; empty means clean.
using Findings = std::vector<Finding>;

/// `path:line: message` for each finding, one a line: what a failed test prints.
[[nodiscard]] std::string to_text(const Findings& findings);

}  // namespace minidocker::lint
