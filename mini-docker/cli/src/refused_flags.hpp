#pragma once
/// \file
/// Flags of `docker run` that are not supported yet: known, so that they can be refused by name
/// rather than be taken for a typing error, or worse, for the image.

#include <span>
#include <string_view>

#include "flag_parser.hpp"

namespace minidocker::cli {

/// A flag of docker's.
struct RefusedFlag {
  std::string_view spelling;  ///< as CLI11 declares it: "-d,--detach", aliases last
  FlagKind kind;              ///< what follows it
  std::string_view reason;    ///< what it waits for; may be empty
};

/// All of them, sorted by long name.
[[nodiscard]] std::span<const RefusedFlag> refused_flags() noexcept;

}  // namespace minidocker::cli
