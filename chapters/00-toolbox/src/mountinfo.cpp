#include "minidocker/toolbox/mountinfo.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker {
namespace {

[[noreturn]] void refuse(std::string_view line, std::string_view why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("mountinfo line {}: {}", quoted(line), why));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

/// The kernel writes space, tab, newline, backslash and '#' as a backslash and three digits.
std::string unescape(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                  is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!escape) {
      plain += text[i];
      continue;
    }
    int value = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
    plain += static_cast<char>(value);
    i += 3;
  }
  return plain;
}

template <class T>
T number(std::string_view text, std::string_view line) {
  const std::optional<T> value = parse_number<T>(text);
  if (!value) refuse(line, fmt::format("{} is no number", quoted(text)));
  return *value;
}

/// `36 35 98:0 /root /target rw,noatime master:1 - ext4 /dev/root rw`; between the options and
/// the dash stand any number of optional fields.
MountEntry parse_line(std::string_view line) {
  const std::vector<std::string_view> fields = split(line, ' ');
  constexpr std::size_t kFixed = 6;
  if (fields.size() < kFixed) refuse(line, "too few fields");
  auto dash = std::find(fields.begin() + kFixed, fields.end(), "-");
  if (fields.end() - dash < 4) refuse(line, "no type, source and options after a \"-\"");
  std::size_t colon = fields[2].find(':');
  if (colon == std::string_view::npos) refuse(line, "the device is not MAJOR:MINOR");

  MountEntry entry;
  entry.id = number<int>(fields[0], line);
  entry.parent = number<int>(fields[1], line);
  entry.major = number<unsigned>(fields[2].substr(0, colon), line);
  entry.minor = number<unsigned>(fields[2].substr(colon + 1), line);
  entry.root = unescape(fields[3]);
  entry.target = unescape(fields[4]);
  for (std::string_view option : split(fields[5], ',')) entry.options.emplace_back(option);
  for (auto field = fields.begin() + kFixed; field != dash; ++field) {
    entry.optional.emplace_back(*field);
  }
  entry.type = unescape(dash[1]);
  entry.source = unescape(dash[2]);
  entry.super_options = unescape(dash[3]);
  return entry;
}

/// Does mount point `target` hold `path`? "/a" holds "/a" and "/a/b", but not "/ab".
bool holds(std::string_view target, std::string_view path) {
  if (target == "/") return path.starts_with('/');
  return path.starts_with(target) && (path.size() == target.size() || path[target.size()] == '/');
}

}  // namespace

bool MountEntry::has_option(std::string_view option) const {
  return std::find(options.begin(), options.end(), option) != options.end();
}

bool MountEntry::is_shared() const {
  return std::any_of(optional.begin(), optional.end(),
                     [](const std::string& field) { return field.starts_with("shared:"); });
}

std::vector<MountEntry> parse_mountinfo(std::string_view text) {
  std::vector<MountEntry> entries;
  for (std::string_view line : split(text, '\n')) {
    if (!line.empty()) entries.push_back(parse_line(line));
  }
  return entries;
}

std::vector<MountEntry> read_mountinfo(pid_t pid) {
  return parse_mountinfo(read_file(pid == 0 ? std::string("/proc/self/mountinfo")
                                            : fmt::format("/proc/{}/mountinfo", pid)));
}

const MountEntry* find_mount(const std::vector<MountEntry>& mounts, std::string_view path) {
  const MountEntry* best = nullptr;
  for (const MountEntry& mount : mounts) {
    // ">=": a later mount on the same target lies on top of the earlier one.
    bool closer = best == nullptr || mount.target.size() >= best->target.size();
    if (closer && holds(mount.target, path)) best = &mount;
  }
  return best;
}

}  // namespace minidocker
