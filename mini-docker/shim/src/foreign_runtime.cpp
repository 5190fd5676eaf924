#include "foreign_runtime.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "minidocker/runtime/container.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::shim {

ForeignRuntime::ForeignRuntime(std::string program, std::string state_root, std::string log)
    : program_(std::move(program)), state_root_(std::move(state_root)), log_(std::move(log)) {}

void ForeignRuntime::call(std::string_view command, const std::vector<std::string>& args,
                          const ProgramStreams& streams) const {
  std::vector<std::string> argv{program_, "--root", state_root_};
  if (!log_.empty()) argv.insert(argv.end(), {"--log", log_, "--log-format", "json"});
  if (systemd_) argv.emplace_back("--systemd-cgroup");
  argv.emplace_back(command);
  argv.insert(argv.end(), args.begin(), args.end());
  const UniqueFd null = sys::open("/dev/null", O_RDWR).or_throw("/dev/null");
  const auto or_null = [&](int fd) { return fd < 0 ? null.get() : fd; };
  const std::array<std::pair<int, int>, 3> fds{
      {{or_null(streams.in), 0}, {or_null(streams.out), 1}, {or_null(streams.err), 2}}};
  const ExitStatus status = Process::spawn(argv, fds).wait();
  if (status.shell_code() == 0) return;

  const std::string words = last_error(find_file(log_).value_or(""));
  const std::string message =
      fmt::format("{} {}: {}", program_, command,
                  words.empty() ? fmt::format("exit code {}", status.shell_code()) : words);
  const int code = exit_code_of(words);
  if (code != 125) throw runtime::ProgramError(code, message);
  throw Error(ErrorKind::internal, message);
}

void ForeignRuntime::remove(const std::string& id) const { call("delete", {"--force", id}); }

std::string last_error(std::string_view log) {
  std::string last;
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    if (line.empty()) continue;
    const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object()) {
      last = line;
    } else if (entry.value("level", "error") == "error") {
      last = entry.value("msg", std::string(line));
    }
  }
  return last;
}

int exit_code_of(std::string_view message) noexcept {
  const auto says = [&](std::string_view words) {
    return message.find(words) != std::string_view::npos;
  };
  if (says("executable file not found") || says("executable file `")) return 127;
  if (says("no such file or directory") || says("No such file or directory")) return 127;
  if (says("permission denied") || says("Permission denied") || says("is a directory")) return 126;
  return 125;
}

}  // namespace minidocker::shim
