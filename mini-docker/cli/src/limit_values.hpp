#pragma once
/// \file
/// The values of flags that limit. `flag` is the flag's name in errors. All throw UsageError; where
/// docker takes 0 for "not set", there is no value.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// `512m`.
[[nodiscard]] std::optional<Bytes> parse_size(const std::string& text, std::string_view flag);
/// --memory-swap: `1g`; -1 is unlimited.
[[nodiscard]] std::optional<std::int64_t> parse_swap(const std::string& text);
/// --memory-swappiness: 0 to 100; -1 is not set.
[[nodiscard]] std::optional<int> parse_swappiness(const std::string& text);
/// --cpus: `1.5`, in billionths of a CPU.
[[nodiscard]] std::optional<std::int64_t> parse_cpus(const std::string& text);
/// A number.
[[nodiscard]] std::optional<std::int64_t> parse_count(const std::string& text,
                                                      std::string_view flag);
/// --pids-limit: a number; -1 is unlimited.
[[nodiscard]] std::optional<std::int64_t> parse_pids_limit(const std::string& text);
/// --oom-score-adj: a number, and 0 is one.
[[nodiscard]] int parse_oom_score(const std::string& text);
/// --blkio-weight: a number.
[[nodiscard]] std::optional<std::uint16_t> parse_weight(const std::string& text);
/// --blkio-weight-device: `/dev/sda:500`.
[[nodiscard]] std::optional<engine::DeviceWeight> parse_weight_device(const std::string& text);
/// `/dev/sda:1mb`.
[[nodiscard]] engine::DeviceRate parse_bps(const std::string& text, std::string_view flag);
/// `/dev/sda:1000`.
[[nodiscard]] engine::DeviceRate parse_iops(const std::string& text, std::string_view flag);
/// --device: `SOURCE[:TARGET][:rwm]`.
[[nodiscard]] engine::DeviceRequest parse_device(const std::string& text);
/// --ulimit: `nofile=1024[:4096]`; -1 is unlimited.
[[nodiscard]] engine::Ulimit parse_ulimit(const std::string& text);

}  // namespace minidocker::cli
