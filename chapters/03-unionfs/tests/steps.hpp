#pragma once
/// \file
/// Steps run in this process, for tests that are in a sandbox already.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::unionfs::testing {

/// What the step answers.
template <ChildStep S>
StepResult run_here(const S& step) {
  ChildContext context;
  return step.run(context);
}

/// `step` succeeds; if not, the message says which call failed.
template <ChildStep S>
::testing::AssertionResult succeeds(const S& step) {
  const StepResult result = run_here(step);
  if (result) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << step.describe() << ": " << (result.call != nullptr ? result.call->name : "-") << " "
         << errno_name(result.error);
}

/// The errno of a step that fails; 0 if it does not.
template <ChildStep S>
int error_of(const S& step) {
  return run_here(step).error;
}

/// Runs `body` as an ordinary user who is root of his own user namespace.
inline void in_user_namespace(const std::function<void()>& body) {
  minidocker::testing::in_sandbox(
      [&body] {
        // Changing ids has made us undumpable, and the id maps of our children root's.
        sys::set_dumpable(true).or_throw("make ourselves dumpable");
        minidocker::testing::in_sandbox(body);
      },
      {.flags = 0, .as_user = true});
}

/// Runs `body` as root in a sandbox, and once more in_user_namespace.
inline void as_root_and_as_user(const std::function<void()>& body) {
  {
    SCOPED_TRACE("as root");
    minidocker::testing::in_sandbox(body);
  }
  SCOPED_TRACE("as an ordinary user");
  in_user_namespace(body);
}

/// Opens /tmp/root, made if missing, as the root of a container.
inline int container_root() {
  make_dirs("/tmp/root");
  return sys::open("/tmp/root", O_PATH | O_DIRECTORY).or_throw("/tmp/root").release();
}

}  // namespace minidocker::unionfs::testing
