#pragma once
/// \file
/// What is done with a foreign archive, for the fuzzer and for the corpus that is replayed as a
/// test.

#include <string_view>

namespace minidocker::images_unpack {

/// Decompresses what is compressed, and reads all members with their data and makes paths of their
/// names; it must end in members or in an Error. Throws std::logic_error where a promise to the
/// caller was broken.
void fuzz_tar(std::string_view bytes);

}  // namespace minidocker::images_unpack
