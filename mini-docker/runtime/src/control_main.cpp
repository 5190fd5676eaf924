#include "control_main.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "control.hpp"
#include "duration.hpp"
#include "minidocker/spec/parse.hpp"
#include "minidocker/spec/validate.hpp"
#include "minidocker/toolbox/bytes.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::runtime {
namespace {

using Action = std::function<int()>;

CLI::App* add_command(CLI::App& app, const char* name, const char* what, std::string& id,
                      Action& action, Action does) {
  CLI::App* command = app.add_subcommand(name, what);
  command->positionals_at_end();
  command->add_option("id", id, "the container's id")->required();
  command->final_callback([&action, does = std::move(does)] { action = does; });
  return command;
}

/// `update`'s command line. What is absent stays as it is.
struct UpdateLine {
  std::string id;
  std::string file;
  std::string memory, memory_swap, memory_reservation;
  spec::Resources resources;
};

/// runc takes `64m` and -1 here.
std::optional<std::int64_t> amount(const std::string& text, const char* flag) {
  if (text.empty()) return std::nullopt;
  if (text == "-1") return -1;
  return static_cast<std::int64_t>(parse_bytes(text, flag).value);
}

/// All that can be asked for in a file is there; flags are exceptions from it.
spec::Resources resources_of(const UpdateLine& line) {
  const std::string name = line.file == "-" ? "standard input" : line.file;
  if (!line.file.empty()) {
    const std::string text = line.file == "-" ? read_all(STDIN_FILENO, name) : read_file(line.file);
    spec::Resources resources = spec::parse_resources(text, name);
    spec::validate(resources, name);
    if (resources.devices.empty()) return resources;
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: /devices: update changes limits, not device rules", name));
  }
  spec::Resources resources = line.resources;
  resources.memory.limit = amount(line.memory, "--memory");
  resources.memory.swap = amount(line.memory_swap, "--memory-swap");
  resources.memory.reservation = amount(line.memory_reservation, "--memory-reservation");
  spec::validate(resources, "update");
  return resources;
}

void add_update_flags(CLI::App& command, UpdateLine& line) {
  spec::CpuLimits& cpu = line.resources.cpu;
  command.add_option("-r,--resources", line.file, "JSON like linux.resources; - is standard input");
  command.add_option("--memory", line.memory, "memory limit; -1 is unlimited");
  command.add_option("--memory-swap", line.memory_swap, "limit of memory and swap together");
  command.add_option("--memory-reservation", line.memory_reservation, "what is left to it");
  command.add_option("--cpu-share", cpu.shares, "weight against others");
  command.add_option("--cpu-quota", cpu.quota, "microseconds in each period; -1 is unlimited");
  command.add_option("--cpu-period", cpu.period, "microseconds");
  command.add_option("--cpu-burst", cpu.burst, "microseconds of unused quota that are kept");
  command.add_option("--cpu-rt-runtime", cpu.realtime_runtime, "the same for realtime tasks");
  command.add_option("--cpu-rt-period", cpu.realtime_period, "the same for realtime tasks");
  command.add_option("--cpu-idle", cpu.idle, "1: run only when nobody else wants to");
  command.add_option("--cpuset-cpus", cpu.cpus, "CPUs it may run on");
  command.add_option("--cpuset-mems", cpu.mems, "memory nodes it may use");
  command.add_option("--pids-limit", line.resources.pids_limit, "tasks; -1 is unlimited");
  command.add_option("--blkio-weight", line.resources.block_io.weight, "10 to 1000");
}

/// `events`'s command line.
struct EventsLine {
  std::string id;
  bool once = false;
  std::string interval = "5s";
};

int print_events(const std::string& root, const EventsLine& line) {
  const auto print = [](const std::string& text) {
    write_all(STDOUT_FILENO, text + "\n", "standard output");
  };
  const std::chrono::nanoseconds interval = parse_duration(line.interval, "--interval");
  if (interval.count() <= 0) {
    throw Error(ErrorKind::invalid_argument, "duration interval must be greater than 0");
  }
  if (line.once) {
    print(stats_of_container(root, line.id));
  } else {
    follow_container(root, line.id, interval, print);
  }
  return 0;
}

void add_events(CLI::App& app, const std::string& root, Action& action) {
  const auto line = std::make_shared<EventsLine>();
  CLI::App* events =
      add_command(app, "events", "print what it uses, and kills for want of memory, as they come",
                  line->id, action, [&root, line] { return print_events(root, *line); });
  events->add_flag("--stats", line->once, "what it has used, once");
  events->add_option("--interval", line->interval, "how often: 5s, 1m30s, 200ms");
}

}  // namespace

void add_control_commands(CLI::App& app, const std::string& root, Action& action) {
  const auto id = std::make_shared<std::string>();
  add_command(app, "pause", "stop all its processes where they are", *id, action, [&root, id] {
    pause_container(root, *id);
    return 0;
  });
  add_command(app, "resume", "let a paused one go on", *id, action, [&root, id] {
    resume_container(root, *id);
    return 0;
  });
  const auto line = std::make_shared<UpdateLine>();
  CLI::App* update =
      add_command(app, "update", "change its limits", line->id, action, [&root, line] {
        update_container(root, line->id, resources_of(*line));
        return 0;
      });
  add_update_flags(*update, *line);
  add_events(app, root, action);
}

}  // namespace minidocker::runtime
