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
    const std::string time = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
    const std::string line = log_line(format, "error", message, time);
    if (file.empty()) {
      write_all(STDERR_FILENO, line, "standard error");
      return;
    }
    write_all(STDERR_FILENO, fmt::format("{}\n", message), "standard error");
    const UniqueFd log =
        sys::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644).or_throw(quoted(file));
    write_all(log.get(), line, quoted(file));
  } catch (const std::exception&) {
    // Nobody is left to tell.
  }
}

}  // namespace minidocker::runtime
