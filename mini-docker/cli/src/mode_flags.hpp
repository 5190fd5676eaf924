#pragma once
/// \file
/// The values of --pid, --ipc, --uts, --network and --security-opt.

#include <string>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// \name Parsers
/// Modes of docker that are not supported yet are refused by name. Each throws UsageError.
///@{
[[nodiscard]] engine::NamespaceMode parse_pid_mode(const std::string& text);
[[nodiscard]] engine::NamespaceMode parse_uts_mode(const std::string& text);
[[nodiscard]] engine::NamespaceMode parse_network_mode(const std::string& text);
[[nodiscard]] engine::IpcMode parse_ipc_mode(const std::string& text);
/// Changes the request as `--security-opt text` says.
void apply_security_option(engine::CreateRequest& request, const std::string& text);
///@}

}  // namespace minidocker::cli
