/// \file
/// Times whole commands against each other: `starts N -- A... -- B... -- C...` runs A, B, C, A, B,
/// C, ... N times each and prints the least, the median and the greatest time from posix_spawn to
/// the end of the process, and the ratio of the medians to that of the last command.
///
/// Alternating puts whatever else the machine does on all of them alike. Words NAME=VALUE before a
/// command go into its environment, as with env(1) but without a process for it. Standard input
/// and output are /dev/null; a command that fails ends the run, as its time would mean nothing.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr int kWarmUps = 5;

struct Command {
  std::string name;                // what the table calls it
  std::vector<char*> environment;  // ends with nullptr
  std::vector<char*> arguments;    // ends with nullptr
  std::vector<double> times;       // milliseconds, sorted before they are read
};

bool is_assignment(std::string_view word) {
  const size_t equals = word.find('=');
  return equals != std::string_view::npos && equals > 0 && word.find('/') > equals;
}

/// One command out of the words between two "--".
Command make_command(const std::vector<char*>& words) {
  Command command;
  size_t next = 0;
  while (next < words.size() && is_assignment(words[next])) {
    command.environment.push_back(words[next++]);
  }
  if (next == words.size()) throw std::invalid_argument("a command is empty");
  for (char** variable = environ; *variable != nullptr; ++variable) {
    command.environment.push_back(*variable);
  }
  command.environment.push_back(nullptr);
  const std::string_view program = words[next];
  command.name = program.substr(program.rfind('/') + 1);
  command.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
  command.arguments.push_back(nullptr);
  return command;
}

std::vector<Command> parse_commands(int argc, char** argv) {
  std::vector<Command> commands;
  std::vector<char*> words;
  for (int i = 3; i < argc; ++i) {
    if (std::strcmp(argv[i], "--") == 0) {
      commands.push_back(make_command(words));
      words.clear();
    } else {
      words.push_back(argv[i]);
    }
  }
  commands.push_back(make_command(words));
  return commands;
}

/// Runs the command once; milliseconds. \throws std::runtime_error if it does not end with 0.
double run_once(const Command& command, const posix_spawn_file_actions_t& files) {
  pid_t pid = -1;
  int status = 0;
  const Clock::time_point begin = Clock::now();
  const int error = posix_spawnp(&pid, command.arguments[0], &files, nullptr,
                                 command.arguments.data(), command.environment.data());
  if (error != 0) {
    throw std::runtime_error(
        fmt::format("cannot start {}: {}", command.arguments[0], std::strerror(error)));
  }
  if (waitpid(pid, &status, 0) != pid) throw std::runtime_error("waitpid failed");
  const Milliseconds took = Clock::now() - begin;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error(
        fmt::format("{} ended with wait status {:#x}", command.arguments[0], status));
  }
  return took.count();
}

void run_all(std::vector<Command>& commands, int rounds) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  for (int round = -kWarmUps; round < rounds; ++round) {
    for (Command& command : commands) {
      const double time = run_once(command, files);
      if (round >= 0) command.times.push_back(time);
    }
  }
  posix_spawn_file_actions_destroy(&files);
}

double median_of(const std::vector<double>& sorted) {
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

void print_table(std::vector<Command>& commands) {
  for (Command& command : commands) std::ranges::sort(command.times);
  const Command& last = commands.back();
  fmt::print("{:<16}{:>8}{:>10}{:>10}{:>10}  {}\n", "ms", "runs", "min", "median", "max",
             "x " + last.name);
  for (const Command& command : commands) {
    const double median = median_of(command.times);
    fmt::print("{:<16}{:>8}{:>10.3f}{:>10.3f}{:>10.3f}  {:.2f}\n", command.name,
               command.times.size(), command.times.front(), median, command.times.back(),
               median / median_of(last.times));
  }
}

}  // namespace

int main(int argc, char** argv) try {
  int rounds = 0;
  const std::string_view count = argc > 1 ? argv[1] : "";
  std::from_chars(count.data(), count.data() + count.size(), rounds);
  if (argc < 4 || rounds < 1 || std::strcmp(argv[2], "--") != 0) {
    fmt::print(stderr, "usage: starts N -- [NAME=VALUE...] COMMAND [ARG...] [-- COMMAND...]...\n");
    return 2;
  }
  std::vector<Command> commands = parse_commands(argc, argv);
  run_all(commands, rounds);
  print_table(commands);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "starts: {}\n", error.what());
  return 1;
}
