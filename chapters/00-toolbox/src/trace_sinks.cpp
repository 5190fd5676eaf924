#include "minidocker/toolbox/trace_sinks.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::trace {
namespace {

/// Writes without being traced itself, and without caring: a narration that cannot be written
/// must not stop what it tells of.
void say(int fd, std::string_view text) noexcept {
  const Session silent(nullptr);
  while (!text.empty()) {
    const sys::Result<std::size_t> written = sys::write(fd, text.data(), text.size());
    if (!written || written.value() == 0) return;
    text.remove_prefix(written.value());
  }
}

double milliseconds(const Record& record) noexcept {
  return static_cast<double>(record.end_ns - record.begin_ns) / 1e6;
}

class TextWriter final : public Sink {
 public:
  TextWriter(int fd, std::string who) : fd_(fd), who_(std::move(who)) {}

  void enter(const Step& step) override {
    std::string text = fmt::format("{}{}: {}  [{}]\n", indent(), who_, step.what, step.chapter);
    ++depth_;
    if (!step.why.empty()) text += fmt::format("{}because {}\n", indent(), step.why);
    say(fd_, text);
  }
  void leave() override { depth_ = std::max(0, depth_ - 1); }
  void call(const Record& record) noexcept override {
    say(fd_, fmt::format("{}{}{}  <{:.3f} ms>  {}\n", indent(), format_call(record),
                         format_result(record), milliseconds(record), record.call->man));
  }

 private:
  [[nodiscard]] std::string indent() const {
    return std::string(static_cast<std::size_t>(depth_) * 2, ' ');
  }
  int fd_;
  std::string who_;
  int depth_ = 0;
};

class JsonWriter final : public Sink {
 public:
  JsonWriter(int fd, std::string who) : fd_(fd), who_(std::move(who)) {}

  void enter(const Step& step) override {
    line({{"event", "step"},
          {"who", who_},
          {"chapter", step.chapter},
          {"what", step.what},
          {"why", step.why}});
  }
  void leave() override { line({{"event", "end"}, {"who", who_}}); }
  void call(const Record& record) noexcept override {
    line({{"event", "call"},
          {"who", who_},
          {"name", record.call->name},
          {"call", format_call(record)},
          {"result", record.result},
          {"error", record.error == 0 ? "" : errno_name(record.error)},
          {"pid", record.pid},
          {"step", record.step},
          {"begin_ns", record.begin_ns},
          {"end_ns", record.end_ns},
          {"man", record.call->man}});
  }

 private:
  void line(const nlohmann::ordered_json& object) const noexcept {
    constexpr auto kReplaceBadUtf8 = nlohmann::ordered_json::error_handler_t::replace;
    say(fd_, object.dump(-1, ' ', false, kReplaceBadUtf8) + "\n");
  }
  int fd_;
  std::string who_;
};

}  // namespace

std::unique_ptr<Sink> make_writer(Format format, int fd, std::string who) {
  if (format == Format::json) return std::make_unique<JsonWriter>(fd, std::move(who));
  return std::make_unique<TextWriter>(fd, std::move(who));
}

void Recording::enter(const Step& step) { entries_.push_back({std::string(step.what), {}}); }
void Recording::call(const Record& record) noexcept { entries_.push_back({{}, record}); }

std::size_t Recording::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      entries_.begin(), entries_.end(),
      [&](const Entry& e) { return e.record.call != nullptr && e.record.call->name == name; }));
}

/// What child and parent share: the child adds to `next`, then fills its slot and marks it done.
struct SharedRecords::Shared {
  struct Slot {
    std::atomic<bool> done;
    Record record;
  };
  alignas(Slot) std::atomic<std::uint32_t> next;

  /// The slots lie behind this header in the same mapping.
  Slot& slot(std::uint32_t index) noexcept { return reinterpret_cast<Slot*>(this + 1)[index]; }
  static std::size_t size(std::uint32_t capacity) {
    return sizeof(Shared) + capacity * sizeof(Slot);
  }
};

SharedRecords::SharedRecords(std::uint32_t capacity) : capacity_(capacity) {
  const Session silent(nullptr);
  shared_ = static_cast<Shared*>(
      sys::map_shared(Shared::size(capacity)).or_throw("shared memory for trace records"));
}

SharedRecords::~SharedRecords() {
  const Session silent(nullptr);
  static_cast<void>(sys::munmap(shared_, Shared::size(capacity_)));
}

void SharedRecords::call(const Record& record) noexcept {
  const std::uint32_t index = shared_->next.fetch_add(1, std::memory_order_relaxed);
  last_ = -1;
  if (index >= capacity_) return;
  last_ = static_cast<std::int32_t>(index);
  shared_->slot(index).record = record;
  shared_->slot(index).record.step = step_;
  shared_->slot(index).done.store(true, std::memory_order_release);
}

void SharedRecords::amend(const Record& record) noexcept {
  if (last_ < 0) return;
  shared_->slot(static_cast<std::uint32_t>(last_)).record = record;
  shared_->slot(static_cast<std::uint32_t>(last_)).record.step = step_;
}

std::vector<Record> SharedRecords::drain() {
  std::vector<Record> records;
  const std::uint32_t end = std::min(shared_->next.load(std::memory_order_acquire), capacity_);
  for (; drained_ < end && shared_->slot(drained_).done.load(std::memory_order_acquire);
       ++drained_) {
    records.push_back(shared_->slot(drained_).record);
  }
  return records;
}

std::uint32_t SharedRecords::lost() const noexcept {
  const std::uint32_t next = shared_->next.load(std::memory_order_relaxed);
  return next > capacity_ ? next - capacity_ : 0;
}

}  // namespace minidocker::trace
