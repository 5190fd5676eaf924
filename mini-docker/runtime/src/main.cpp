/// \file
/// mini-runc: an OCI runtime. This file turns the command line into a call of commands.hpp.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "control_main.hpp"
#include "log.hpp"
#include "minidocker/spec/spec.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/program.hpp"

namespace {

using minidocker::Error;
using minidocker::ErrorKind;
using minidocker::runtime::GlobalOptions;
using minidocker::runtime::LogFormat;
using minidocker::runtime::MakeOptions;

/// Everything the command line can say.
struct CommandLine {
  GlobalOptions global;
  MakeOptions make;
  std::string list_format = "table";
  std::string signal = "TERM";
  std::string ignored;  ///< accepted: who we are decides
  bool all = false;
  bool force = false;
  bool quiet = false;
  bool rootless_spec = false;
  bool accepted = false;  ///< flags of runc that mean nothing here
  std::function<int()> action;
};

[[noreturn]] void refuse_value(std::string_view option, std::string_view value,
                               std::string_view expected) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: {}: expected {}", option, minidocker::quoted(value), expected));
}

/// Go programs accept `-root` for `--root` and `-b=DIR` for `-b DIR`, and callers of runc use it;
/// CLI11 would read letters.
std::vector<std::string> normalised(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (std::string argument : std::vector<std::string>(argv + 1, argv + argc)) {
    const bool one_dash = argument.size() > 2 && argument[0] == '-' && argument[1] != '-';
    if (one_dash && argument[2] == '=') {
      arguments.push_back(argument.substr(0, 2));
      argument.erase(0, 3);
    } else if (one_dash) {
      argument.insert(0, "-");
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

/// Before the command, where `--root DIR` is two arguments, makes it one: `--root=DIR`.
void join_globals(std::vector<std::string>& arguments) {
  constexpr std::array<std::string_view, 5> kWithValue = {"--root", "--log", "--log-format",
                                                          "--rootless", "--cgroup-manager"};
  for (std::size_t i = 0; i + 1 < arguments.size() && arguments[i].starts_with("-"); ++i) {
    if (std::ranges::find(kWithValue, arguments[i]) == kWithValue.end()) continue;
    arguments[i] += "=" + arguments[i + 1];
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
}

/// Takes `OPTION` or `OPTION=VALUE` from before the command out, the last one if there are several;
/// nothing if there is none.
std::optional<std::string> take_global(std::vector<std::string>& arguments,
                                       const std::string& option) {
  std::optional<std::string> value;
  for (auto it = arguments.begin(); it != arguments.end() && it->starts_with("-");) {
    if (*it != option && !it->starts_with(option + "=")) {
      ++it;
      continue;
    }
    value = it->size() > option.size() ? it->substr(option.size() + 1) : std::string();
    it = arguments.erase(it);
  }
  return value;
}

/// What must be known before the rest is looked at: an error in that is told where and how it was
/// asked for.
void take_log(std::vector<std::string>& arguments, GlobalOptions& global) {
  global.log = take_global(arguments, "--log").value_or("");
  const std::string format = take_global(arguments, "--log-format").value_or("text");
  if (format == "json") {
    global.log_format = LogFormat::json;
  } else if (format != "text") {
    refuse_value("--log-format", format, "text or json");
  }
}

/// By hand, as an option whose value is optional would take the command for its value.
void take_explain(std::vector<std::string>& arguments, GlobalOptions& global) {
  const std::optional<std::string> format = take_global(arguments, "--explain");
  if (!format) return;
  if (!format->empty() && *format != "text" && *format != "json") {
    refuse_value("--explain", *format, "text or json");
  }
  global.explain =
      *format == "json" ? minidocker::trace::Format::json : minidocker::trace::Format::text;
}

void choose_cgroup_manager(const std::string& manager, GlobalOptions& global) {
  global.systemd_cgroup = manager == "systemd";
  if (manager == "cgroupfs" || manager == "systemd") return;
  if (manager != "disabled") {
    refuse_value("--cgroup-manager", manager, "cgroupfs, disabled or systemd");
  }
  throw Error(
      ErrorKind::unavailable,
      fmt::format("--cgroup-manager {} is not supported yet; hint: leave it out, groups are "
                  "made below the hierarchies' own directories",
                  manager));
}

void add_globals(CLI::App& app, CommandLine& line) {
  app.add_option("--root", line.global.root, "directory of the containers' state");
  // Taken out by take_log() and take_explain(); here for --help.
  app.add_option("--log", line.ignored, "append errors to this file");
  app.add_option("--log-format", line.ignored, "text or json");
  app.add_flag("--explain", line.accepted, "tell every kernel step (--explain=json: for tools)");
  app.add_flag("--debug", line.global.debug, "tell warnings, too; --explain tells more");
  app.add_option("--rootless", line.ignored, "true, false or auto: who we are decides");
  app.add_option_function<std::string>(
      "--cgroup-manager",
      [&line](const std::string& name) { choose_cgroup_manager(name, line.global); },
      "who makes groups: cgroupfs (we) or systemd");
  app.add_flag("--systemd-cgroup", line.global.systemd_cgroup,
               "the same as --cgroup-manager systemd");
}

void add_make_options(CLI::App& command, CommandLine& line) {
  command.add_option("-b,--bundle", line.make.bundle, "directory with config.json");
  command.add_option("--console-socket", line.make.console_socket, "who gets the terminal");
  command.add_option("--pidfd-socket", line.make.pidfd_socket, "who gets a pidfd of it");
  command.add_option("--pid-file", line.make.pid_file, "write the first process's pid here");
  command.add_flag("--no-pivot", line.make.no_pivot, "move and chroot, for an initramfs");
  command.add_flag("--no-new-keyring", line.make.no_new_keyring, "keep the session keyring");
  command.add_option("--preserve-fds", line.make.preserve_fds, "pass descriptors 3 to 2+N on");
  command.add_option("id", line.make.id, "the container's id")->required();
}

CLI::App* add_command(CLI::App& app, CommandLine& line, const char* name, const char* what,
                      std::function<int()> action) {
  CLI::App* command = app.add_subcommand(name, what);
  command->positionals_at_end();
  command->final_callback([&line, action = std::move(action)] { line.action = action; });
  return command;
}

void add_make_commands(CLI::App& app, CommandLine& line) {
  using namespace minidocker::runtime;
  CLI::App* create = add_command(app, line, "create", "make a container; `start` runs it",
                                 [&] { return create_command(line.global, line.make); });
  add_make_options(*create, line);
  CLI::App* run = add_command(app, line, "run", "make a container and run it",
                              [&] { return run_command(line.global, line.make); });
  add_make_options(*run, line);
  run->add_flag("-d,--detach", line.make.detach, "do not wait for its end");
  run->add_flag("--keep", line.make.keep, "do not delete it at its end");
  run->add_flag("--no-subreaper", line.accepted,
                "accepted: detached containers are nobody's children anyway");
  CLI::App* plan = add_command(app, line, "plan", "print the steps without running them", [&] {
    line.make.id = "plan";
    return plan_command(line.global, line.make);
  });
  plan->add_option("bundle", line.make.bundle, "directory with config.json")->required();
  CLI::App* spec = add_command(app, line, "spec", "write a config.json to begin with",
                               [&] { return spec_command(line.make.bundle, line.rootless_spec); });
  spec->add_option("-b,--bundle", line.make.bundle, "directory to write to");
  spec->add_flag("--rootless", line.rootless_spec, "for an ordinary user");
}

void add_other_commands(CLI::App& app, CommandLine& line) {
  using namespace minidocker::runtime;
  const auto with_id = [&line](CLI::App* command) {
    command->add_option("id", line.make.id, "the container's id")->required();
    return command;
  };
  with_id(add_command(app, line, "start", "run a container that was created",
                      [&] { return start_command(line.global, line.make.id); }));
  with_id(add_command(app, line, "state", "print its state as JSON",
                      [&] { return state_command(line.global, line.make.id); }));
  CLI::App* kill = with_id(add_command(app, line, "kill", "send it a signal", [&] {
    return kill_command(line.global, line.make.id, line.signal, line.all);
  }));
  kill->add_option("signal", line.signal, "number or name; TERM");
  kill->add_flag("-a,--all", line.all, "to all its processes");
  CLI::App* remove = with_id(add_command(app, line, "delete", "remove it", [&] {
    return delete_command(line.global, line.make.id, line.force);
  }));
  remove->add_flag("-f,--force", line.force, "kill it first; absent is no error");
  CLI::App* list = add_command(app, line, "list", "list all containers", [&] {
    return list_command(line.global, line.list_format, line.quiet);
  });
  list->add_option("-f,--format", line.list_format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  list->add_flag("-q,--quiet", line.quiet, "ids only");
}

/// What is not there yet is refused by name.
void add_refused_commands(CLI::App& app) {
  for (const char* name : {"checkpoint", "exec", "features", "ps", "restore"}) {
    CLI::App* command = app.add_subcommand(name, "not supported yet");
    command->prefix_command();
    command->final_callback([name] {
      throw Error(ErrorKind::unavailable, fmt::format("{} is not supported yet", name));
    });
  }
}

/// The first three lines are read by engines: containerd takes what follows "runc version ".
std::string version_text() {
  return fmt::format("runc version {0}\ncommit: mini-docker {0}\nspec: {1}", MD_VERSION,
                     minidocker::spec::kOciVersion);
}

void parse(std::vector<std::string> arguments, CommandLine& line, CLI::App& app) {
  app.set_version_flag("-v,--version", version_text());
  app.require_subcommand(1);
  add_globals(app, line);
  add_make_commands(app, line);
  add_other_commands(app, line);
  minidocker::runtime::add_control_commands(app, line.global.root, line.action);
  add_refused_commands(app);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  app.parse(arguments);
}

int act(CommandLine& line) {
  if (line.global.root.empty()) line.global.root = minidocker::runtime::default_root();
  std::unique_ptr<minidocker::trace::Sink> sink;
  if (line.global.explain) {
    sink = minidocker::trace::make_writer(*line.global.explain, 2, "runtime");
  }
  const minidocker::trace::Session session(sink.get());
  return line.action();
}

int run(int argc, char** argv, CommandLine& line) {
  line.global.argv = argv;
  line.global.ignored_signals = minidocker::prepare_process();
  std::vector<std::string> arguments = normalised(argc, argv);
  join_globals(arguments);
  take_log(arguments, line.global);
  take_explain(arguments, line.global);
  CLI::App app("mini-runc: an OCI runtime that explains itself", "mini-runc");
  try {
    parse(std::move(arguments), line, app);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    throw Error(ErrorKind::invalid_argument, error.what());
  }
  return act(line);
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  try {
    return run(argc, argv, line);
  } catch (const std::exception& error) {
    minidocker::runtime::log_error(line.global.log, line.global.log_format, error.what());
    return 1;
  }
}
