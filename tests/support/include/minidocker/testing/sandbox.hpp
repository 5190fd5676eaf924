#pragma once
/// \file
/// A test's body in a process of its own, with namespaces of its own: whatever it mounts, starts
/// or configures ends with it.

#include <sched.h>

#include <functional>
#include <string>
#include <vector>

namespace minidocker::testing {

/// What the sandbox shall be.
struct SandboxOptions {
  /// CLONE_NEW* flags; 0 is a plain child. Without privileges CLONE_NEWUSER is added to any
  /// others, with our ids mapped to root.
  unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET;
  bool as_user = false;  ///< become unprivileged_user() before the body (when we are root)
};

/// Runs `body` in the sandbox and tells its failures, its skip, or its violent death to the
/// running test. All mounts are private there, /proc is its own PID namespace's, and /tmp an empty
/// tmpfs (each if the namespace is new). Assertions may be used in `body`; memory changed by it is
/// not seen outside.
void in_sandbox(const std::function<void()>& body, SandboxOptions options = {});

/// Mounts an empty tmpfs on each of `dirs`: what programs keep there the host shall not see. Only
/// in a sandbox with mounts of its own. Throws std::runtime_error.
void mount_empty(const std::vector<std::string>& dirs);

/// Runs `body` in a plain child: for what cannot be undone, such as dropping privileges.
inline void in_child(const std::function<void()>& body) { in_sandbox(body, {.flags = 0}); }

}  // namespace minidocker::testing
