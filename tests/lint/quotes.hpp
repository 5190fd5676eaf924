#pragma once
/// \file
/// Rule: code in the text is quoted from compiled files, transcripts from golden files.
///
/// Right before a fenced block stands what it quotes, in a comment of its own line:
///
///     <!-- code: chapters/01-namespaces/src/pivot.cpp PivotRoot::run -->
///     <!-- code: chapters/01-namespaces/src/pivot.cpp #entering -->
///     <!-- transcript: pivot -->
///
/// The first names a definition (function, type, enum or table); the second a region, the lines
/// between `// quote: entering` and `// quote: end`; the third the file tests/golden/pivot.txt of
/// the room the page stands in (of the house, for pages that stand in no room). `make quote`
/// writes all of them anew.

#include <string>

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// The text that `spec` names ("path name" or "path #region"), common indentation removed, with a
/// line end. Throws std::runtime_error that says what is not there.
[[nodiscard]] std::string quoted_code(const SourceTree& tree, const std::string& spec);

/// `page` with every quoting block filled anew; a block whose source is not there is reported to
/// `findings` and left as it is.
[[nodiscard]] std::string refreshed(const SourceTree& tree, const SourceFile& page,
                                    Findings& findings);

/// Checks all Markdown files; C++ blocks of chapters that quote nothing are findings too.
[[nodiscard]] Findings check_quotes(const SourceTree& tree);

}  // namespace minidocker::lint
