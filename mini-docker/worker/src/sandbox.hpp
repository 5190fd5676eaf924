#pragma once
/// \file
/// What the worker can still do when it begins to read what came from outside.
///
/// | taken away                                 | by                       | lacking where      |
/// |--------------------------------------------|--------------------------|--------------------|
/// | gaining privileges                         | no_new_privs             |                    |
/// | root's power, but for unpacking            | capabilities             |                    |
/// | other files, executing, tracing, signals   | Landlock                 | Linux before 5.19  |
/// | owners, modes, attributes of other files   | read-only mounts         | no CAP_SYS_ADMIN   |
/// | opening devices that were made             | mounts with `nodev`      | no CAP_SYS_ADMIN   |
/// | sockets (but the internet's, if wanted)    | a filter of system calls |                    |

#include <linux/capability.h>

#include <string>
#include <vector>

#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/security/capabilities.hpp"
#include "minidocker/security/landlock.hpp"

namespace minidocker::worker {

/// What is kept of root's power: to give files their owners, modes and file capabilities, and to
/// make devices.
inline constexpr security::CapabilitySet kUnpackingCapabilities{
    (1U << CAP_CHOWN) | (1U << CAP_DAC_OVERRIDE) | (1U << CAP_FOWNER) | (1U << CAP_FSETID) |
    (1U << CAP_MKNOD) | (1U << CAP_SETFCAP)};

/// The holes of the fence: the request's directories, what it reads, and, for a registry, what
/// finding and trusting it needs.
[[nodiscard]] std::vector<security::Gate> gates_of(const images::WorkerRequest& request);

/// Gives up, for good, all that `request` does not need. Its directories must be there and its
/// paths absolute; no thread may have been started. Returns what could not be taken away, and why,
/// a line each. Throws SystemError.
std::vector<std::string> enter_sandbox(const images::WorkerRequest& request);

}  // namespace minidocker::worker
