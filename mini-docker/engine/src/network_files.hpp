#pragma once
/// \file
/// /etc/hosts, /etc/hostname and /etc/resolv.conf of a container, as texts.

#include <string>
#include <string_view>

namespace minidocker::engine {

/// /etc/hosts of a container whose only address is the loopback one.
[[nodiscard]] std::string hosts_text();
/// /etc/resolv.conf from the host's: without servers on the host's loopback, which nobody can
/// reach from another network namespace.
[[nodiscard]] std::string resolv_conf_text(std::string_view hosts_own);

}  // namespace minidocker::engine
