#pragma once
/// \file
/// How mini-runc tells of an error: the way callers of runc read it.

#include <string>
#include <string_view>

namespace minidocker::runtime {

/// `--log-format`.
enum class LogFormat { text, json };

/// One line of a log: `time=".." level=error msg=".."`, or a JSON object.
[[nodiscard]] std::string log_line(LogFormat format, std::string_view level,
                                   std::string_view message, std::string_view time);

/// Tells of an error. With a log file: the formatted line is appended there (0644) and the bare
/// message goes to standard error; without one the formatted line goes to standard error.
/// conmon reads the file as one JSON value: nothing but the one error may stand there.
void log_error(const std::string& file, LogFormat format, std::string_view message) noexcept;
/// Tells of something less: the formatted line goes to the log file, or to standard error without
/// one. Only for who asked for more than errors, as conmon did not. Throws SystemError.
void log_warning(const std::string& file, LogFormat format, std::string_view message);

}  // namespace minidocker::runtime
