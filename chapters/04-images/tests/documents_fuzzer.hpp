#pragma once
/// \file
/// What is done with foreign documents and names, for the fuzzer and for the corpus that is
/// replayed as a test.

#include <string_view>

namespace minidocker::images {

/// Takes the text for each kind of document, and for a name: each must end in a value or in an
/// Error. Throws std::logic_error if what was written cannot be read back.
void fuzz_document(std::string_view text);

}  // namespace minidocker::images
