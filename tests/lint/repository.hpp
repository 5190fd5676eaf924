#pragma once
/// \file
/// The repository under test, read once.

#include <string>

#include "finding.hpp"
#include "house.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// All files of the source tree this test was built from.
[[nodiscard]] const SourceTree& repository();

/// The include table of its docs/architecture.md.
[[nodiscard]] const House& repository_house();

/// The messages of `findings`, one a line: easier to match than whole findings.
[[nodiscard]] std::string messages_of(const Findings& findings);

}  // namespace minidocker::lint
