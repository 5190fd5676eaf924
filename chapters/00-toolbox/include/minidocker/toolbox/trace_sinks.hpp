#pragma once
/// \file
/// The sinks: text for people, JSON lines for tools, a recording for tests, and shared memory for
/// a child that may neither write nor allocate.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::trace {

/// How `--explain` writes.
enum class Format { text, json };

/// A sink that writes to `fd` (borrowed) in `format`; `who` names the process in the text, e.g.
/// "runtime" or "shim". A call appears when it returns, as one write(2).
[[nodiscard]] std::unique_ptr<Sink> make_writer(Format format, int fd, std::string who);

/// Keeps everything: tests assert the sequence.
class Recording final : public Sink {
 public:
  /// Either a step that begins or a call.
  struct Entry {
    std::string step;  ///< the step's `what`, empty for a call
    Record record;     ///< set for a call
  };

  void enter(const Step& step) override;              ///< keeps the step's words
  void leave() override {}                            ///< nothing to keep
  void call(const Record& record) noexcept override;  ///< keeps the record

  /// What was seen, in order.
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  /// How often the call of that name was made.
  [[nodiscard]] std::size_t count(std::string_view name) const;

 private:
  std::vector<Entry> entries_;
};

/// A preallocated array in shared memory: the child appends, the parent reads. Appending is one
/// atomic add and a copy; what finds no room is counted and reported, never silently lost.
class SharedRecords final : public Sink {
 public:
  /// Maps room for `capacity` records, shared with children cloned later. Throws SystemError.
  explicit SharedRecords(std::uint32_t capacity);
  SharedRecords(const SharedRecords&) = delete;
  SharedRecords& operator=(const SharedRecords&) = delete;
  ~SharedRecords() override;

  void enter(const Step&) override {}                  ///< a child's steps are its plan's
  void leave() override {}                             ///< likewise
  void call(const Record& record) noexcept override;   ///< appends; safe in a child
  void amend(const Record& record) noexcept override;  ///< overwrites the last one

  /// Child: calls from now on belong to step `index` of the plan.
  void set_step(std::int32_t index) noexcept { step_ = index; }

  /// Parent: the records appended so far.
  [[nodiscard]] std::vector<Record> drain();
  /// How many records found no room.
  [[nodiscard]] std::uint32_t lost() const noexcept;

 private:
  struct Shared;
  Shared* shared_;
  std::uint32_t capacity_;
  std::uint32_t drained_ = 0;
  std::int32_t step_ = -1;
  std::int32_t last_ = -1;
};

}  // namespace minidocker::trace
