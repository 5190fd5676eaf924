#pragma once
/// \file
/// Child steps run in the process that tests them, for tests that are in a sandbox already. Needs
/// the toolbox, unlike the rest of the support library: it is about a type of it.

#include <gtest/gtest.h>

#include <functional>

#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::testing {

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

/// Runs `body` as an ordinary user. Changing ids has made the process undumpable, and the files in
/// /proc/PID of such a one, its children's id maps among them, are root's; after execve, as any
/// real user's program is, it is dumpable again.
inline void as_user(const std::function<void()>& body) {
  in_sandbox(
      [&body] {
        sys::set_dumpable(true).or_throw("make ourselves dumpable");
        body();
      },
      {.flags = 0, .as_user = true});
}

}  // namespace minidocker::testing
