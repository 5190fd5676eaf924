#pragma once
/// \file
/// What a fuzzer has found, tried again as a test.

#include <functional>
#include <string>
#include <string_view>

namespace minidocker::testing {

/// Gives each file below `directory`, a path from the repository's top, to `take`: as it is, cut
/// off at every byte, and with each byte, one at a time, changed to one of `others`. Fails the
/// running test where `take` throws, and if there are fewer than ten files: then it is the wrong
/// directory.
void replay_corpus(const std::string& directory, std::string_view others,
                   const std::function<void(std::string_view)>& take);

}  // namespace minidocker::testing
