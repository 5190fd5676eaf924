#pragma once
/// \file
/// How every wrapper is built: make the call, and if somebody listens, record it.

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <type_traits>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::sys {

/// The kernel's sigset: 64 bits, not glibc's 1024.
constexpr std::size_t kKernelSigsetSize = 8;

/// What the kernel answered: the value, or -1 and an errno.
struct Answer {
  long value;
  int error;
};

/// Nanoseconds of CLOCK_MONOTONIC (from the vDSO: no system call).
inline std::int64_t now_ns() noexcept {
  struct timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

/// An argument as a whole register: syscall(2) is variadic and would pass half of one for an int.
template <class T>
auto in_register(T arg) noexcept {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<long>(arg);
  } else {
    return arg;
  }
}

/// Makes system call `number`; `args` are what it takes.
template <class... Args>
Answer invoke(long number, Args... args) noexcept {
  const long value = ::syscall(number, in_register(args)...);
  return {value, value == -1 ? errno : 0};
}

/// As invoke, and again while it is interrupted by a signal before it did anything.
template <class... Args>
Answer invoke_again(long number, Args... args) noexcept {
  Answer answer{};
  do {
    answer = invoke(number, args...);
  } while (answer.error == EINTR);
  return answer;
}

/// Makes the call `kernel` and records it with `args` when this thread has a sink.
template <class Kernel, class... Args>
Answer traced(const CallInfo& call, Kernel kernel, const Args&... args) noexcept {
  static_assert(sizeof...(args) <= trace::Record::kMaxArgs, "the record would lose some");
  trace::Sink* sink = trace::current_sink;
  if (sink == nullptr) [[likely]]
    return kernel();

  trace::Record record;
  record.call = &call;
  (record.add(args), ...);
  record.begin_ns = now_ns();
  const Answer answer = kernel();
  record.end_ns = now_ns();
  record.pid = own_pid();
  record.result = answer.value;
  record.error = answer.error;
  sink->call(record);
  return answer;
}

/// An answer without a value.
inline Result<> done(const CallInfo& call, Answer answer) noexcept {
  return answer.error == 0 ? Result<>(call) : Result<>::failure(call, answer.error);
}

/// An answer whose value is the result.
template <class T>
Result<T> yielding(const CallInfo& call, Answer answer) noexcept {
  if (answer.error != 0) return Result<T>::failure(call, answer.error);
  return Result<T>(call, static_cast<T>(answer.value));
}

/// An answer that is a new descriptor.
inline Result<UniqueFd> owning(const CallInfo& call, Answer answer) noexcept {
  if (answer.error != 0) return Result<UniqueFd>::failure(call, answer.error);
  return Result<UniqueFd>(call, UniqueFd(static_cast<int>(answer.value)));
}

/// An answer together with a value that the call filled in.
template <class T>
Result<T> filling(const CallInfo& call, Answer answer, const T& value) noexcept {
  if (answer.error != 0) return Result<T>::failure(call, answer.error);
  return Result<T>(call, value);
}

}  // namespace minidocker::sys
