#include "minidocker/toolbox/signals.hpp"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <string>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker {

std::optional<SignalSet> parse_ignored_signals(std::string_view status) {
  constexpr std::string_view kKey = "\nSigIgn:\t";
  const std::size_t begin = status.find(kKey);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view rest = status.substr(begin + kKey.size());
  SignalSet ignored = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), ignored, 16);
  if (error != std::errc{} || end == rest.data() + rest.size() || *end != '\n') return std::nullopt;
  return ignored;
}

SignalSet ignored_signals() {
  const trace::Scope scope("00-toolbox", "see which signals we were told to ignore",
                           "ignoring is inherited through execve");
  constexpr const char* kStatus = "/proc/self/status";
  sys::Result<UniqueFd> opened = sys::open(kStatus, O_RDONLY);
  if (opened.error() == ENOENT) return kAllSignals;
  const UniqueFd file = std::move(opened).or_throw(kStatus);
  std::string text;
  while (true) {
    // One read does, unless we are in thousands of groups, which stand before the line.
    constexpr std::size_t kChunk = 4096;
    const std::size_t used = text.size();
    text.resize(used + kChunk);
    const std::size_t got = sys::read(file.get(), text.data() + used, kChunk).or_throw(kStatus);
    text.resize(used + got);
    if (const std::optional<SignalSet> ignored = parse_ignored_signals(text)) return *ignored;
    if (got == 0) throw Error(ErrorKind::internal, "/proc/self/status: no line \"SigIgn:\"");
  }
}

}  // namespace minidocker
