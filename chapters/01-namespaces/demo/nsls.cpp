// nsls: who shares which namespace with whom.

#include <unistd.h>

#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "minidocker/namespaces/inspect.hpp"
#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/program.hpp"

namespace {

namespace ns = minidocker::namespaces;

constexpr int kFailed = 1;
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

/// The same process, as each PID namespace from ours to its own numbers it.
std::string numbers(const std::vector<pid_t>& pids) {
  std::string text;
  for (const pid_t pid : pids) {
    text += fmt::format("process {}: NSpid {}\n", pid, fmt::join(ns::ns_pids(pid), " "));
  }
  return text;
}

std::string hidden(std::size_t processes) {
  if (processes == 0) return {};
  return fmt::format(
      "{} processes more that we may not look at: it needs the right to ptrace them\n", processes);
}

void list(const std::vector<pid_t>& pids) {
  // A pid given by hand that does not exist is an error; one met in /proc that ends is not.
  for (const pid_t pid : pids) (void)ns::identify(pid, ns::Kind::pid);
  const ns::Survey found = pids.empty() ? ns::survey() : ns::survey_of(pids);
  minidocker::write_all(STDOUT_FILENO,
                        table(found.populations) + numbers(pids) + hidden(found.hidden),
                        "standard output");
}

int parse_and_list(int argc, char** argv) {
  minidocker::prepare_process();
  CLI::App app("Lists namespaces and who is in them; with pids, only theirs.", "nsls");
  std::vector<pid_t> pids;
  app.add_option("pid", pids, "show the namespaces of these processes only")
      ->check(CLI::PositiveNumber);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  list(pids);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_list(argc, argv);
  } catch (const std::exception& error) {
    return minidocker::complain("nsls", error.what(), kFailed);
  }
}
