#pragma once
/// \file
/// What every `sys::` wrapper returns: a value or an errno, and the name of the call.

#include <string_view>
#include <utility>

namespace minidocker::sys {

/// A system call as the tracer and the errors name it. Static storage only: records keep the
/// address, also across a clone.
struct CallInfo {
  const char* name;  ///< the kernel's name, as strace prints it
  const char* man;   ///< the page that explains it, e.g. "mount(2)"
};

/// Throws SystemError for a failed call; out of line, so that Result stays small.
[[noreturn]] void throw_failure(const CallInfo& call, int error, std::string_view object,
                                std::string_view hint);

/// The outcome of one system call. Parent code says `.or_throw(object)`; child code, which may
/// not throw, looks at ok() and hands error() on.
template <class T = void>
class [[nodiscard]] Result {
 public:
  /// A call that succeeded with `value`.
  Result(const CallInfo& call, T value) noexcept : value_(std::move(value)), call_(&call) {}

  /// A call that failed with errno `error`.
  [[nodiscard]] static Result failure(const CallInfo& call, int error) noexcept {
    Result result(call, T{});
    result.error_ = error;
    return result;
  }

  [[nodiscard]] bool ok() const noexcept { return error_ == 0; }          ///< did it succeed?
  explicit operator bool() const noexcept { return ok(); }                ///< same as ok()
  [[nodiscard]] int error() const noexcept { return error_; }             ///< errno, 0 if ok
  [[nodiscard]] const CallInfo& call() const noexcept { return *call_; }  ///< which call it was
  [[nodiscard]] T& value() & noexcept { return value_; }                  ///< only if ok()
  [[nodiscard]] const T& value() const& noexcept { return value_; }       ///< only if ok()
  [[nodiscard]] T&& value() && noexcept { return std::move(value_); }     ///< only if ok()

  /// The value; throws SystemError naming the call, `object` and `hint` if it failed.
  T or_throw(std::string_view object = {}, std::string_view hint = {}) && {
    if (!ok()) throw_failure(*call_, error_, object, hint);
    return std::move(value_);
  }

 private:
  T value_;
  int error_ = 0;
  const CallInfo* call_;
};

/// The outcome of a call that yields nothing.
template <>
class [[nodiscard]] Result<void> {
 public:
  /// A call that succeeded.
  explicit Result(const CallInfo& call) noexcept : call_(&call) {}
  /// What `other` says, without its value.
  template <class T>
  explicit Result(const Result<T>& other) noexcept : error_(other.error()), call_(&other.call()) {}

  /// A call that failed with errno `error`.
  [[nodiscard]] static Result failure(const CallInfo& call, int error) noexcept {
    Result result(call);
    result.error_ = error;
    return result;
  }

  [[nodiscard]] bool ok() const noexcept { return error_ == 0; }          ///< did it succeed?
  explicit operator bool() const noexcept { return ok(); }                ///< same as ok()
  [[nodiscard]] int error() const noexcept { return error_; }             ///< errno, 0 if ok
  [[nodiscard]] const CallInfo& call() const noexcept { return *call_; }  ///< which call it was

  /// Throws SystemError naming the call, `object` and `hint` if it failed.
  void or_throw(std::string_view object = {}, std::string_view hint = {}) && {
    if (!ok()) throw_failure(*call_, error_, object, hint);
  }

 private:
  int error_ = 0;
  const CallInfo* call_;
};

}  // namespace minidocker::sys
