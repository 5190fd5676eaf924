#pragma once
/// \file
/// What the chapter's tests share: steps run in this process or in a child, and holders: programs
/// that do nothing but keep their namespaces alive.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "minidocker/namespaces/run.hpp"
#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/testing/steps.hpp"
#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::namespaces::testing {

/// Fails the test for what it leaves behind. This chapter makes no cgroups; those of tests that run
/// beside it are none of its business.
class Leaks : public minidocker::testing::LeakCheck {
 public:
  Leaks() : LeakCheck({.cgroups = {}}) {}  ///< takes the picture before
};

using minidocker::testing::as_user;
using minidocker::testing::error_of;
using minidocker::testing::run_here;
using minidocker::testing::succeeds;

/// A program that lives until it is killed.
inline std::vector<std::string> holder() { return {"/bin/sleep", "1000"}; }

/// A holder in new namespaces of these kinds.
inline Process hold(std::uint64_t kinds) {
  RunOptions options;
  options.kinds = kinds;
  return start_in_namespaces(options, holder());
}

/// Appends a holder to a plan.
inline void add_holder(ChildPlan& plan) {
  const std::vector<std::string> argv = holder();
  static char* no_environment[] = {nullptr};
  plan.add(Exec{plan.copy(argv[0]), plan.copy_array(argv), no_environment});
}

/// Runs a plan in a child made with these CLONE_* flags.
inline Process start(const ChildPlan& plan, std::uint64_t flags = 0) {
  StartedChild child = StartedChild::start(plan, {.flags = flags});
  child.wait_for_exec();
  return child.release();
}

}  // namespace minidocker::namespaces::testing
