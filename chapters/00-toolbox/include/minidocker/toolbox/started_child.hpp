#pragma once
/// \file
/// The parent's end of a ChildPlan.

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker {

struct ChildMessage;

/// What an errno of clone3 or unshare with these flags may mean: a hint for errors.
[[nodiscard]] std::string_view clone_hint(std::uint64_t flags) noexcept;

/// A step of the plan failed in the child. The message names the step in words.
class StepError : public SystemError {
 public:
  StepError(std::size_t step, const StepDescription& description, const StepResult& result);
  /// Index of the step in the plan.
  [[nodiscard]] std::size_t step() const noexcept { return step_; }

 private:
  std::size_t step_;
};

/// All was set up, but the program itself could not be found or executed: FindProgram or Exec.
class ProgramError : public StepError {
 public:
  using StepError::StepError;
  /// As shells and docker tell it: 127 if it is not there, else 126.
  [[nodiscard]] int exit_code() const noexcept { return code() == ENOENT ? 127 : 126; }
};

/// A cloned child that interprets a plan, and the socket to it. Destroying it kills the child.
class StartedChild {
 public:
  /// Clones a child into the namespaces of `clone` and lets it run `plan`, which must outlive the
  /// setup. Throws SystemError. Needs a caller that is single-threaded or whose other threads
  /// hold no lock the steps need (they take none). When this thread traces, the child's calls are
  /// told to its sink as soon as the child is met.
  static StartedChild start(const ChildPlan& plan, const sys::CloneArgs& clone);

  StartedChild() = default;  ///< owns nothing
  StartedChild(StartedChild&&) noexcept = default;
  StartedChild& operator=(StartedChild&&) noexcept = default;
  ~StartedChild() = default;

  /// The child; after replace_process() the one that goes on with the plan.
  [[nodiscard]] const Process& process() const noexcept { return process_; }
  [[nodiscard]] Process& process() noexcept { return process_; }  ///< likewise
  /// Waits until the child reports `point`. Throws StepError if a step failed before,
  /// SystemError if the child died.
  void wait_for(SyncPoint point);
  /// Lets a child that waits in Sync go on.
  void resume();
  /// Takes the descriptor that a SendFd step sends.
  UniqueFd receive_fd();
  /// Waits until the plan has become the program. Throws StepError if it could not, ProgramError if
  /// that is the program's fault.
  void wait_for_exec();
  /// A step cloned a sibling (CLONE_PARENT) that goes on with the plan: own that one, reap the
  /// first.
  void replace_process(Process process);
  /// The child lives on by itself; its Process goes to the caller.
  Process release() noexcept { return std::move(process_); }

  /// Throws Error(internal) that says how the child ended, which it must have done.
  [[noreturn]] void fail_as_dead();

 private:
  std::optional<ChildMessage> next_message();
  [[noreturn]] void fail(const ChildMessage& message);
  void narrate();

  const ChildPlan* plan_ = nullptr;
  Process process_;
  UniqueFd socket_;
  UniqueFd pending_fd_;
  trace::Sink* sink_ = nullptr;
  std::unique_ptr<trace::SharedRecords> records_;
  std::int32_t narrated_step_ = -1;
};

}  // namespace minidocker
