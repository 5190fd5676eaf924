#pragma once
/// \file
/// The values of --memory, --cpus, --pids-limit and --ulimit.

#include <cstdint>
#include <optional>
#include <string>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// `512m`; nothing for 0, which docker takes for "no limit". Throws UsageError.
[[nodiscard]] std::optional<Bytes> parse_memory(const std::string& text);
/// `1.5`, in billionths of a CPU; nothing for 0. Throws UsageError.
[[nodiscard]] std::optional<std::int64_t> parse_cpus(const std::string& text);
/// A number; -1 is unlimited; nothing for 0. Throws UsageError.
[[nodiscard]] std::optional<std::int64_t> parse_pids_limit(const std::string& text);
/// `nofile=1024[:4096]`; -1 is unlimited. Throws UsageError.
[[nodiscard]] engine::Ulimit parse_ulimit(const std::string& text);

}  // namespace minidocker::cli
