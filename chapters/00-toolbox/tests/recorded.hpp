#pragma once
/// \file
/// What the tracer says of the calls that a piece of code makes.

#include <string>
#include <string_view>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker {

/// The calls made by `code`, one a line, as the tracer words them; of results only errors are
/// told (` = EPERM`), as numbers differ from run to run. Calls of `close` are left out.
template <class Code>
std::string recorded(const Code& code) {
  trace::Recording recording;
  {
    const trace::Session session(&recording);
    code();
  }
  std::string lines;
  for (const trace::Recording::Entry& entry : recording.entries()) {
    if (entry.record.call == nullptr) continue;
    if (entry.record.call->name == std::string_view("close")) continue;
    if (!lines.empty()) lines += '\n';
    lines += trace::format_call(entry.record);
    if (entry.record.error != 0) lines += " = " + errno_name(entry.record.error);
  }
  return lines;
}

}  // namespace minidocker
