#include "log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#include <exception>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::runtime {
namespace {

std::string line_now(LogFormat format, std::string_view level, std::string_view message) {
  return log_line(format, level, message,
                  fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))));
}

void write_line(const std::string& file, const std::string& line) {
  if (file.empty()) return write_all(STDERR_FILENO, line, "standard error");
  const UniqueFd log =
      sys::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644).or_throw(quoted(file));
  write_all(log.get(), line, quoted(file));
}

}  // namespace

std::string log_line(LogFormat format, std::string_view level, std::string_view message,
                     std::string_view time) {
  if (format == LogFormat::text) {
    return fmt::format("time=\"{}\" level={} msg={}\n", time, level, quoted(message));
  }
  const nlohmann::ordered_json line = {{"level", level}, {"msg", message}, {"time", time}};
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void log_error(const std::string& file, LogFormat format, std::string_view message) noexcept {
  try {
    // First what always works: the log may be what is wrong.
    if (!file.empty()) write_all(STDERR_FILENO, fmt::format("{}\n", message), "standard error");
    write_line(file, line_now(format, "error", message));
  } catch (const std::exception&) {
    // Nobody is left to tell.
  }
}

void log_warning(const std::string& file, LogFormat format, std::string_view message) {
  write_line(file, line_now(format, "warning", message));
}

}  // namespace minidocker::runtime
