#pragma once
/// \file
/// What is done with texts of registries and of people, for the fuzzer and for the corpus that is
/// replayed as a test.

#include <string_view>

namespace minidocker::registry {

/// Takes the text for a reference, a challenge, a URL, a location and a file of credentials: each
/// must end in a value or in an Error. Throws std::logic_error if what was written cannot be read
/// back.
void fuzz_text(std::string_view text);

}  // namespace minidocker::registry
