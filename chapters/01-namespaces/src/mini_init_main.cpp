// mini-init -- CMD ARGS: the smallest init that does its duties. Bound at /sbin/docker-init in
// containers that were started with --init.

#include <exception>
#include <string>
#include <vector>

#include "minidocker/namespaces/init.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/started_child.hpp"

namespace {

using minidocker::complain;

constexpr const char* kName = "mini-init";
constexpr int kUsage = 125;

int run(std::vector<std::string> arguments) {
  minidocker::prepare_process();
  if (!arguments.empty() && arguments.front() == "--") arguments.erase(arguments.begin());
  if (arguments.empty()) {
    return complain(kName, "usage: mini-init [--] COMMAND [ARGUMENT...]", kUsage);
  }
  try {
    return minidocker::namespaces::run_init(arguments);
  } catch (const minidocker::ProgramError& error) {
    return complain(kName, error.what(), error.exit_code());
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    return complain(kName, error.what(), kUsage);
  }
}
