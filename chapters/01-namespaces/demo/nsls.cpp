// nsls: who shares which namespace with whom.

#include <unistd.h>

#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/namespaces/inspect.hpp"
#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/toolbox/files.hpp"

namespace {

namespace ns = minidocker::namespaces;

constexpr std::size_t kCommandWidth = 48;

std::string shorten(const std::string& command) {
  if (command.size() <= kCommandWidth) return command;
  return command.substr(0, kCommandWidth - 3) + "...";
}

std::string table(const std::vector<ns::Population>& populations) {
  std::string text = fmt::format("{:<7}{:>11} {:>10} {:>8}  {}\n", "KIND", "INODE", "PROCESSES",
                                 "LOWEST", "COMMAND");
  for (const ns::Population& population : populations) {
    text += fmt::format("{:<7}{:>11} {:>10} {:>8}  {}\n", ns::proc_name(population.kind),
                        population.id.ino, population.processes, population.lowest,
                        shorten(population.command));
  }
  return text;
}

int run(const std::vector<pid_t>& pids) {
  // A pid given by hand that does not exist is an error; one met in /proc that ends is not.
  for (const pid_t pid : pids) (void)ns::identify(pid, ns::Kind::pid);
  minidocker::write_all(STDOUT_FILENO, table(pids.empty() ? ns::survey() : ns::survey_of(pids)),
                        "standard output");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Lists namespaces and who is in them; with pids, only theirs.", "nsls");
  std::vector<pid_t> pids;
  app.add_option("pid", pids, "show the namespaces of these processes only")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(pids);
  } catch (const std::exception& error) {
    minidocker::write_all(STDERR_FILENO, fmt::format("nsls: {}\n", error.what()), "standard error");
    return 1;
  }
}
