#pragma once
/// \file
/// What becomes of the five sets when a program is executed: the kernel's rules as a function
/// (capabilities(7), "Transformation of capabilities during execve()"). Nothing here changes
/// anything; a test asks the kernel whether it is true.

#include <optional>
#include <string_view>

#include <sys/types.h>

#include "minidocker/security/capabilities.hpp"

namespace minidocker::security {

/// What setcap(8) has written beside a program (the attribute security.capability).
struct FileCapabilities {
  CapabilitySet permitted;    ///< given to whoever executes it
  CapabilitySet inheritable;  ///< given to who has them in the inheritable set
  bool effective = false;     ///< are they effective from the first instruction on?
};

/// Who executes what.
struct Execution {
  std::optional<FileCapabilities> file;  ///< nothing: a program without capabilities, as most are
  bool as_root = false;                  ///< is user 0 who executes it?
  bool no_new_privs = false;             ///< has the process promised not to gain any?
};

/// The sets that a program begins with, executed by a process with the sets `before` and the
/// default securebits. Nothing if execve(2) fails with EPERM: the file wants its capabilities
/// effective at once, and the bounding set lacks one of them.
[[nodiscard]] std::optional<ProcessCapabilities> after_execve(const ProcessCapabilities& before,
                                                              const Execution& how) noexcept;

/// The sets in the text of a /proc/PID/status (proc_pid_status(5)). Throws Error(invalid_argument)
/// if one is missing.
[[nodiscard]] ProcessCapabilities parse_process_capabilities(std::string_view status);

/// The sets of a process; 0 means ourselves. Throws SystemError.
[[nodiscard]] ProcessCapabilities process_capabilities(pid_t pid = 0);

}  // namespace minidocker::security
