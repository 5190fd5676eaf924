#pragma once
/// \file
/// The flags of `run` that limit what a container may use, and give it devices.

#include <span>
#include <string>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// A flag with a value.
struct LimitFlag {
  const char* spelling;  ///< as CLI11 declares it: "-m,--memory"
  const char* help;      ///< for --help
  /// Looks at one value, in the order in which they stand on the command line; of most flags the
  /// last one holds. Throws UsageError.
  void (*apply)(engine::CreateRequest& request, const std::string& text);
};

/// All of them.
[[nodiscard]] std::span<const LimitFlag> limit_flags() noexcept;

}  // namespace minidocker::cli
