#pragma once
/// \file
/// What is done with the bytes of clients, for the fuzzer and for the corpus that is replayed as a
/// test.

#include <string_view>

namespace minidocker::http {

/// Takes the bytes for a request with its body, in one piece and in two, and for a Range: each must
/// end in a value or in a StatusError. Throws std::logic_error if the pieces make a difference, or
/// if a value is out of its bounds.
void fuzz_message(std::string_view bytes);

}  // namespace minidocker::http
