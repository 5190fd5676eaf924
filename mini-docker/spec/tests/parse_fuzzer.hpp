#pragma once
/// \file
/// The property that the fuzzer and the replay of its corpus check.

#include <string_view>

namespace minidocker::spec {

/// Parses, validates, writes and reads back. Throws std::logic_error if that is not the same;
/// input that is refused with an Error is fine.
void fuzz_parse(std::string_view text);

}  // namespace minidocker::spec
