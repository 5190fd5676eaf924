#include "minidocker/toolbox/signals.hpp"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker {

namespace {

/// The set in the line that begins with `key`.
std::optional<SignalSet> find_set(std::string_view status, std::string_view key) {
  const std::size_t begin = status.find(key);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view rest = status.substr(begin + key.size());
  SignalSet set = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), set, 16);
  if (error != std::errc{} || end == rest.data() + rest.size() || *end != '\n') return std::nullopt;
  return set;
}

}  // namespace

std::optional<InheritedSignals> parse_inherited_signals(std::string_view status) {
  const std::optional<SignalSet> blocked = find_set(status, "\nSigBlk:\t");
  const std::optional<SignalSet> ignored = find_set(status, "\nSigIgn:\t");
  if (!blocked || !ignored) return std::nullopt;
  return InheritedSignals{*ignored, *blocked};
}

InheritedSignals inherited_signals() {
  const trace::Scope scope("00-toolbox", "see which signals our caller ignored or blocked",
                           "both are inherited through execve");
  constexpr const char* kStatus = "/proc/self/status";
  sys::Result<UniqueFd> opened = sys::open(kStatus, O_RDONLY);
  if (opened.error() == ENOENT) return {kAllSignals, kAllSignals};
  const UniqueFd file = std::move(opened).or_throw(kStatus);
  std::string text;
  while (true) {
    // One read does, unless we are in thousands of groups, which stand before the line.
    constexpr std::size_t kChunk = 4096;
    const std::size_t used = text.size();
    text.resize(used + kChunk);
    const std::size_t got = sys::read(file.get(), text.data() + used, kChunk).or_throw(kStatus);
    text.resize(used + got);
    if (const std::optional<InheritedSignals> found = parse_inherited_signals(text)) return *found;
    if (got == 0)
      throw Error(ErrorKind::internal, "/proc/self/status: no lines \"SigBlk:\" and \"SigIgn:\"");
  }
}

}  // namespace minidocker
