#pragma once
/// \file
/// Compresses what tests need compressed.

#include <string>
#include <string_view>

namespace minidocker::images_unpack::testing {

/// One gzip member.
[[nodiscard]] std::string gzip(std::string_view text);
/// One zstd frame.
[[nodiscard]] std::string zstd(std::string_view text);

}  // namespace minidocker::images_unpack::testing
