// mini-init -- CMD ARGS: the smallest init that does its duties. Bound at /sbin/docker-init in
// containers that were started with --init.

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "minidocker/namespaces/init.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/started_child.hpp"

namespace {

constexpr int kUsage = 125;
constexpr int kCannotExecute = 126;
constexpr int kNotFound = 127;

int complain(const std::string& message, int code) {
  minidocker::write_all(STDERR_FILENO, fmt::format("mini-init: {}\n", message), "standard error");
  return code;
}

int run(std::vector<std::string> arguments) {
  if (!arguments.empty() && arguments.front() == "--") arguments.erase(arguments.begin());
  if (arguments.empty()) return complain("usage: mini-init [--] COMMAND [ARGUMENT...]", kUsage);
  try {
    return minidocker::namespaces::run_init(arguments);
  } catch (const minidocker::StepError& error) {
    return complain(error.what(), error.code() == ENOENT ? kNotFound : kCannotExecute);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    return complain(error.what(), kUsage);
  }
}
