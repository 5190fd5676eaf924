#include "minidocker/toolbox/trace.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::trace {
namespace {

Arg make(Arg::Kind kind, std::uint64_t value, const char* label) noexcept {
  Arg arg;
  arg.kind = kind;
  arg.value = value;
  arg.label = label;
  return arg;
}

std::string value_in_words(const Record& record, const Arg& arg) {
  switch (arg.kind) {
    case Arg::Kind::number:
      return fmt::format("{}", static_cast<std::int64_t>(arg.value));
    case Arg::Kind::octal:
      return arg.value == 0 ? "0" : fmt::format("0{:o}", arg.value);
    case Arg::Kind::hex:
      return fmt::format("{:#x}", arg.value);
    case Arg::Kind::fd: {
      const auto fd = static_cast<std::int64_t>(arg.value);
      return fd == AT_FDCWD ? "AT_FDCWD" : fmt::format("{}", fd);
    }
    case Arg::Kind::flags:
      return flags_in_words(arg.table, arg.value);
    case Arg::Kind::text:
      break;
  }
  if (arg.value == 0) return "NULL";
  std::string words = quoted(std::string_view(record.text.data() + arg.offset, arg.length));
  if (arg.cut) words += "...";
  return words;
}

}  // namespace

Arg number(std::int64_t value, const char* label) noexcept {
  return make(Arg::Kind::number, static_cast<std::uint64_t>(value), label);
}
Arg octal(std::uint64_t value, const char* label) noexcept {
  return make(Arg::Kind::octal, value, label);
}
Arg hex(std::uint64_t value, const char* label) noexcept {
  return make(Arg::Kind::hex, value, label);
}
Arg fd(int value, const char* label) noexcept {
  return make(Arg::Kind::fd, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), label);
}
Arg bytes(const void* data, std::size_t size, const char* label) noexcept {
  Arg arg = make(Arg::Kind::text, data != nullptr ? 1 : 0, label);
  arg.text = static_cast<const char*>(data);
  // The record has less room than a length can say; add() cuts and says so.
  arg.length = static_cast<std::uint16_t>(std::min<std::size_t>(size, UINT16_MAX));
  return arg;
}
Arg text(const char* value, const char* label) noexcept {
  return bytes(value, value != nullptr ? std::strlen(value) : 0, label);
}
Arg flags(FlagTable table, std::uint64_t value, const char* label) noexcept {
  Arg arg = make(Arg::Kind::flags, value, label);
  arg.table = table;
  return arg;
}

void Record::add(const Arg& arg) noexcept {
  if (arg_count == kMaxArgs) return;
  Arg& mine = args[arg_count++];
  mine = arg;
  if (arg.kind != Arg::Kind::text || arg.text == nullptr) return;
  // One long argument must not swallow the room of the others: 200 bytes at most.
  constexpr std::size_t kLongest = 200;
  const std::size_t kept = std::min({std::size_t{arg.length}, kTextBytes - text_used, kLongest});
  std::memcpy(text.data() + text_used, arg.text, kept);
  mine.text = nullptr;
  mine.offset = text_used;
  mine.length = static_cast<std::uint16_t>(kept);
  mine.cut = kept < arg.length;
  text_used = static_cast<std::uint16_t>(text_used + kept);
}

std::string flags_in_words(FlagTable table, std::uint64_t value) {
  std::string words;
  const auto append = [&words](std::string_view word) {
    if (!words.empty()) words += '|';
    words += word;
  };
  std::uint64_t left = value;
  for (; table != nullptr && table->name != nullptr; ++table) {
    const std::uint64_t mask = table->mask != 0 ? table->mask : table->value;
    // A zero field, such as O_RDONLY, has a name too; a zero bit has none.
    if ((value & mask) != table->value || (table->mask == 0 && (left & mask) == 0)) continue;
    append(table->name);
    left &= ~mask;
  }
  if (left != 0) append(fmt::format("{:#x}", left));
  return words.empty() ? "0" : words;
}

std::string format_call(const Record& record) {
  std::string words = fmt::format("{}(", record.call->name);
  bool in_struct = false;
  for (std::size_t i = 0; i < record.arg_count; ++i) {
    const Arg& arg = record.args[i];
    const bool member = arg.label != nullptr;
    if (in_struct && !member) words += '}';
    if (i > 0) words += ", ";
    if (member && !in_struct) words += '{';
    in_struct = member;
    if (member) words += fmt::format("{}=", arg.label);
    words += value_in_words(record, arg);
  }
  if (in_struct) words += '}';
  return words + ')';
}

std::string format_result(const Record& record) {
  if (record.error == 0) return fmt::format(" = {}", record.result);
  return fmt::format(" = -1 {} ({})", errno_name(record.error), errno_words(record.error));
}

}  // namespace minidocker::trace
