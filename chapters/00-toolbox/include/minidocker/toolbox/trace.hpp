#pragma once
/// \file
/// Narration: each kernel call is recorded as data where it happens and put into words where
/// there is time for it. Off, it costs one test of a pointer a call.

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "minidocker/toolbox/result.hpp"

namespace minidocker::trace {

/// A bit (or, with `mask`, a field of bits) of a flag word and the kernel's name for it.
struct FlagName {
  std::uint64_t value;     ///< the bits
  const char* name;        ///< e.g. "MS_NOSUID"
  std::uint64_t mask = 0;  ///< 0: `value` itself; else the field that must equal `value`
};

/// A flag word's names; tables end with a null name.
using FlagTable = const FlagName*;

/// `MS_NOSUID|MS_NODEV|0x1000000`: known bits by name, unknown ones in hex, nothing as "0".
[[nodiscard]] std::string flags_in_words(FlagTable table, std::uint64_t value);

/// One argument of a call, trivially copyable. Text is copied into the record, as the memory of
/// a child that has become another program cannot be read any more.
struct Arg {
  /// How to print it.
  enum class Kind : std::uint8_t { number, octal, hex, fd, text, flags };
  Kind kind = Kind::number;     ///< how to print it
  const char* label = nullptr;  ///< field name for a member of a struct, else null
  std::uint64_t value = 0;      ///< the number; for text 1 if there is one, 0 for NULL
  const char* text = nullptr;   ///< borrowed; only until Record::add has copied it
  FlagTable table = nullptr;    ///< names for Kind::flags
  std::uint16_t offset = 0;     ///< where in the record the text begins
  std::uint16_t length = 0;     ///< how much of the text was kept
  bool cut = false;             ///< was the text longer than there was room?
};

/// \name Makers of arguments
///@{
/// `text` may be null; the `label` is for members of a struct, as in `{flags=CLONE_NEWNS}`.
[[nodiscard]] Arg number(std::int64_t value, const char* label = nullptr) noexcept;
[[nodiscard]] Arg octal(std::uint64_t value, const char* label = nullptr) noexcept;
[[nodiscard]] Arg hex(std::uint64_t value, const char* label = nullptr) noexcept;
[[nodiscard]] Arg fd(int value, const char* label = nullptr) noexcept;
[[nodiscard]] Arg text(const char* value, const char* label = nullptr) noexcept;
[[nodiscard]] Arg bytes(const void* data, std::size_t size, const char* label = nullptr) noexcept;
[[nodiscard]] Arg flags(FlagTable table, std::uint64_t value, const char* label = nullptr) noexcept;
///@}

/// One finished call. Fixed size, no pointers into the caller's memory but to static data: it can
/// be written by a child into shared memory and read by its parent.
struct Record {
  static constexpr std::size_t kMaxArgs = 6;      ///< as many as a system call has
  static constexpr std::size_t kTextBytes = 400;  ///< room for the text of all arguments

  const sys::CallInfo* call = nullptr;  ///< which call
  pid_t pid = 0;                        ///< who made it, in its own PID namespace
  std::int32_t step = -1;               ///< index in the child's plan, -1 outside of one
  std::int64_t begin_ns = 0;            ///< CLOCK_MONOTONIC before the call
  std::int64_t end_ns = 0;              ///< CLOCK_MONOTONIC after it
  std::int64_t result = 0;              ///< what it returned, -1 for an error
  std::int32_t error = 0;               ///< errno, 0 if it succeeded
  std::uint8_t arg_count = 0;           ///< how many of args are set
  std::uint16_t text_used = 0;          ///< how much of text is used
  std::array<Arg, kMaxArgs> args;       ///< in the call's order
  std::array<char, kTextBytes> text;    ///< the arguments' text, one after the other

  /// Appends an argument and copies its text; never fails, cuts long text.
  void add(const Arg& arg) noexcept;
};
static_assert(std::is_trivially_copyable_v<Record>);

/// `mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV, NULL)`: as strace(1) prints it.
[[nodiscard]] std::string format_call(const Record& record);
/// ` = 0` or ` = -1 EPERM (operation not permitted)`.
[[nodiscard]] std::string format_result(const Record& record);

/// A step of the story: what is done, why, and which chapter explains it.
struct Step {
  std::string_view chapter;  ///< "02-cgroups"
  std::string_view what;     ///< "mount a new proc on /proc (nosuid,nodev,noexec)"
  std::string_view why;      ///< one sentence; may be empty
};

/// Where records go. One a thread; see Scope and Session.
class Sink {
 public:
  virtual ~Sink() = default;
  /// A step of the story begins; calls that follow belong to it.
  virtual void enter(const Step& step) = 0;
  /// The step ends.
  virtual void leave() = 0;
  /// A call is done. Must not throw and, in a child, not allocate.
  virtual void call(const Record& record) noexcept = 0;
  /// The call recorded last, an exec thought to succeed, has failed after all.
  virtual void amend(const Record& record) noexcept { call(record); }
};

/// This thread's sink; null when nobody listens. Read by every `sys::` wrapper.
inline constinit thread_local Sink* current_sink = nullptr;

/// Makes `sink` this thread's sink for as long as it lives; the one before comes back after.
class Session {
 public:
  explicit Session(Sink* sink) noexcept : before_(current_sink) { current_sink = sink; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { current_sink = before_; }

 private:
  Sink* before_;
};

/// Opens a step of the story for as long as it lives. Costs nothing when nobody listens.
class Scope {
 public:
  Scope(const char* chapter, std::string_view what, std::string_view why = {})
      : sink_(current_sink) {
    if (sink_ != nullptr) sink_->enter({chapter, what, why});
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() {
    if (sink_ != nullptr) sink_->leave();
  }

 private:
  Sink* sink_;
};

}  // namespace minidocker::trace
