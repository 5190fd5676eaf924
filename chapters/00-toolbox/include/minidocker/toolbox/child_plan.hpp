#pragma once
/// \file
/// Setup as data: what a new process does before execve is compiled by the parent into a plan and
/// interpreted by the child, which neither allocates nor throws.
///
/// ```
///   parent                                   child
///   plan.add(Step{...}) ...
///   StartedChild::start(plan, {flags}) ----> interprets step after step
///   child.wait_for(SyncPoint::x)      <----- Sync{x} reports and waits
///   child.resume()                    -----> goes on
///   child.wait_for_exec()             <----- end of file: the socket is close-on-exec
/// ```
/// A step that fails is reported with its index and errno; the child exits. When the parent dies,
/// the child finds the socket closed at its next Sync and exits too.

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker {

/// What a step answers: nothing went wrong, or which call failed with which errno, or that the
/// learner has not written this step yet.
struct [[nodiscard]] StepResult {
  int error = 0;                        ///< errno, 0 if the step succeeded
  const sys::CallInfo* call = nullptr;  ///< the call that failed, if one did
  const char* exercise = nullptr;       ///< "01.7" if the step is still to be written

  StepResult() noexcept = default;
  /// A failed call fails the step; a successful one does not.
  template <class T>
  StepResult(const sys::Result<T>& result) noexcept  // NOLINT(google-explicit-*): so that a step
                                                     // can `return sys::x(...)`
      : error(result.error()), call(result.ok() ? nullptr : &result.call()) {}

  /// The step is done.
  static StepResult ok() noexcept { return {}; }
  /// The step failed for a reason of its own.
  static StepResult failure(int error) noexcept {
    StepResult result;
    result.error = error;
    return result;
  }
  /// The learner has not written this step yet.
  static StepResult todo(const char* exercise) noexcept {
    StepResult result;
    result.error = ENOSYS;
    result.exercise = exercise;
    return result;
  }
  explicit operator bool() const noexcept { return error == 0; }  ///< did it succeed?
};

/// What a step finds around it in the child.
struct ChildContext {
  int report_fd = -1;      ///< the socket to the parent; steps of this header use it
  std::uint32_t step = 0;  ///< index of the step that runs
  trace::SharedRecords* records = nullptr;  ///< for its calls; null if nobody listens
};

/// What is constant about a kind of step.
struct StepInfo {
  const char* chapter;  ///< "01-namespaces"
  const char* why;      ///< one sentence: why the step exists
};

/// A step: a trivially copyable struct in its own chapter with
/// `StepResult run(ChildContext&) const noexcept`, `std::string describe() const` for the parent
/// (what it does, arguments in words) and `static constexpr StepInfo kInfo`.
template <class S>
concept ChildStep = std::is_trivially_copyable_v<S> && requires(const S& s, ChildContext& c) {
  { s.run(c) } noexcept -> std::same_as<StepResult>;
  { s.describe() } -> std::same_as<std::string>;
  { S::kInfo.chapter } -> std::convertible_to<const char*>;
};

/// A step as people read it.
struct StepDescription {
  std::string chapter;  ///< "01-namespaces"
  std::string what;     ///< "set the host name to \"web\""
  std::string why;      ///< one sentence
};

/// The steps and everything they point to. Nothing in it moves once made: steps keep plain
/// pointers to strings and slots, and the child finds them at the same addresses.
class ChildPlan {
 public:
  ChildPlan() = default;
  ChildPlan(const ChildPlan&) = delete;
  ChildPlan& operator=(const ChildPlan&) = delete;

  /// Appends a copy of `step`.
  template <ChildStep S>
  void add(const S& step) {
    void* where = arena_.allocate(sizeof(S), alignof(S));
    entries_.push_back({new (where) S(step), &run_step<S>, &describe_step<S>, &S::kInfo});
  }

  /// A NUL-terminated copy that lives as long as the plan. Throws invalid_argument if `text`
  /// holds a NUL byte.
  const char* copy(std::string_view text);
  /// A null-terminated array of copies, as execve(2) wants argv and envp.
  char** copy_array(std::span<const std::string> texts);
  /// A copy of `values`.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  std::span<const T> copy_values(std::span<const T> values) {
    auto* where = static_cast<T*>(arena_.allocate(values.size_bytes(), alignof(T)));
    for (std::size_t i = 0; i < values.size(); ++i) new (where + i) T(values[i]);
    return {where, values.size()};
  }
  /// A slot that one step fills for later ones, e.g. a descriptor or the ids of a user.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  T* make(T initial = {}) {
    return new (arena_.allocate(sizeof(T), alignof(T))) T(initial);
  }

  /// How many steps there are.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Is step `index` one of this kind?
  template <ChildStep S>
  [[nodiscard]] bool is(std::size_t index) const {
    return entries_.at(index).info == &S::kInfo;
  }
  /// Step `index` in words.
  [[nodiscard]] StepDescription describe(std::size_t index) const;
  /// All steps in words, in order.
  [[nodiscard]] std::vector<StepDescription> describe() const;

  /// Child: runs the steps until one fails. Returns then; a plan that ends in Exec returns only
  /// for failures. `context.step` tells how far it came.
  StepResult run(ChildContext& context) const noexcept;

 private:
  struct Entry {
    const void* step;
    StepResult (*run)(const void*, ChildContext&) noexcept;
    std::string (*describe)(const void*);
    const StepInfo* info;
  };
  template <class S>
  static StepResult run_step(const void* step, ChildContext& context) noexcept {
    return static_cast<const S*>(step)->run(context);
  }
  template <class S>
  static std::string describe_step(const void* step) {
    return static_cast<const S*>(step)->describe();
  }

  std::pmr::monotonic_buffer_resource arena_{16 * 1024};
  std::vector<Entry> entries_;
};

}  // namespace minidocker
