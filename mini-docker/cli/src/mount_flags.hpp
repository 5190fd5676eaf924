#pragma once
/// \file
/// The values of -v, --mount and --tmpfs.

#include <string>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// `-v SOURCE:TARGET[:OPTIONS]`; a SOURCE that begins with "." is relative to the working
/// directory. Named and anonymous volumes are refused by name. Throws UsageError.
[[nodiscard]] engine::MountRequest parse_volume(const std::string& text);
/// `--mount type=bind|tmpfs,source=..,target=..[,readonly]...`. Throws UsageError.
[[nodiscard]] engine::MountRequest parse_mount(const std::string& text);
/// `--tmpfs TARGET[:OPTIONS]`. Throws UsageError.
[[nodiscard]] engine::MountRequest parse_tmpfs(const std::string& text);

}  // namespace minidocker::cli
