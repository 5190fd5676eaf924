#pragma once
/// \file
/// mini-docker as a user at a shell calls it, on a state directory that holds the test image.
/// Everything that is asserted is seen from outside the code under test.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::system_test {

using testing::CommandOptions;
using testing::CommandResult;
using Words = std::vector<std::string>;

/// A state directory with the image `busybox`, made once for all tests of a program.
class State {
 public:
  /// `as_user`: of an unprivileged user, who also runs the commands.
  explicit State(bool as_user);
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  [[nodiscard]] const std::string& dir() const { return dir_; }  ///< absolute
  /// Runs `mini-docker --root DIR args...`.
  [[nodiscard]] CommandResult call(const Words& args, CommandOptions options = {}) const;
  /// The words that call() runs.
  [[nodiscard]] Words command(const Words& args) const;
  /// Options that make a command run as this state's user.
  [[nodiscard]] CommandOptions as_owner(CommandOptions options) const;

 private:
  std::string dir_;
  bool as_user_;
};

/// Base of all: a test leaves no process, mount, cgroup, descriptor, and no container.
class MiniDockerTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// The state that this suite uses.
  [[nodiscard]] virtual const State& state() const;
  /// `mini-docker args...`
  [[nodiscard]] CommandResult docker(const Words& args, CommandOptions options = {}) const {
    return state().call(args, std::move(options));
  }
  /// `mini-docker run --rm flags... busybox sh -c SCRIPT`
  [[nodiscard]] CommandResult run(Words flags, const std::string& script,
                                  CommandOptions options = {}) const;
  /// What that printed; the test fails if it did not exit with 0.
  [[nodiscard]] std::string output(const Words& flags, const std::string& script) const;
  /// Ids of all containers.
  [[nodiscard]] Words ids() const;

 private:
  std::unique_ptr<testing::LeakCheck> leaks_;
};

/// Expects one line on standard error that holds `words`, and this exit code.
void expect_refused(const CommandResult& result, int exit_code, const std::string& words);

}  // namespace minidocker::system_test
