// mini-docker: the command line. Until a daemon stands between them it calls the engine in its
// own process.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "flag_parser.hpp"
#include "foreground.hpp"
#include "minidocker/engine/engine.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "run_flags.hpp"
#include "tables.hpp"
#include "transfer_command.hpp"
#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {
namespace {

constexpr int kCannotRun = 125;

constexpr const char* kUsage =
    "Usage: mini-docker [OPTIONS] COMMAND\n"
    "\n"
    "Commands:\n"
    "  run      make a container from an image and run a command in it\n"
    "  ps       list containers\n"
    "  rm       remove containers\n"
    "  diff     list what a container has changed of its image's files\n"
    "  export   write all files of a container as one archive\n"
    "  inspect  print all that is known of containers and images\n"
    "\n"
    "  images   list images\n"
    "  pull     fetch an image from its registry\n"
    "  push     give an image to its registry\n"
    "  login    authenticate to a registry\n"
    "  logout   forget who you are for a registry\n"
    "  load     load images from an archive or an OCI layout\n"
    "  save     write images to an archive\n"
    "  import   make an image of a packed root\n"
    "  tag      give an image one more name\n"
    "  rmi      remove images\n"
    "  history  show how an image came to be\n"
    "  image    check, history, import, inspect, load, ls, prune, pull, push, rm, save, tag, tree\n"
    "\n"
    "  system   df, prune: what images and containers take, and remove what nobody uses\n"
    "  registry serve: give images to others, and take theirs\n"
    "\n"
    "Options:\n"
    "  --root DIR              keep everything below DIR (also MINI_DOCKER_ROOT)\n"
    "  --storage-driver NAME   how new containers get their root, from now on: overlay,\n"
    "                          fuse-overlayfs or vfs (also MINI_DOCKER_STORAGE_DRIVER)\n"
    "  --cgroup-driver NAME    who makes their cgroups: cgroupfs or systemd (also\n"
    "                          MINI_DOCKER_CGROUP_DRIVER); else whoever owns the tree\n"
    "  --registry-mirror URL   ask there for images of Docker Hub first (can be given again)\n"
    "  --explain[=json]        narrate every kernel step on standard error\n"
    "  --version               print the version\n"
    "  --help                  print this; `mini-docker COMMAND --help` prints a command's "
    "options\n";

int run(const Globals& globals, const Words& args) {
  engine::CreateRequest request = parse_run(args);
  request.cgroup_driver = globals.cgroup_driver;
  engine::Engine engine = open_engine(globals);
  engine::StartOptions options;
  options.explain = globals.explain;
  pull_if_missing(engine, request.image, globals.mirrors);
  return run_in_foreground(engine, request, options);
}

int ps(const Globals& globals, const Words& args) {
  bool all = false;
  bool quiet = false;
  bool whole = false;
  FlagParser flags("List containers", "mini-docker ps");
  flags.add_switch("-a,--all", all, "also those that do not run");
  flags.add_switch("-q,--quiet", quiet, "only ids");
  flags.add_switch("--no-trunc", whole, "do not cut anything");
  require_count(flags.parse_names(args), 0, "ps");

  std::vector<engine::ContainerSummary> list = open_engine(globals).containers();
  if (!all) {
    std::erase_if(list, [](const auto& entry) { return entry.state != engine::State::running; });
  }
  if (!quiet) {
    print(containers_table(list, std::time(nullptr), whole ? Cut::no : Cut::yes));
    return 0;
  }
  for (const auto& entry : list) print((whole ? entry.id : entry.id.substr(0, 12)) + "\n");
  return 0;
}

int rm(const Globals& globals, const Words& args) {
  bool force = false;
  FlagParser flags("Remove containers", "mini-docker rm");
  flags.add_switch("-f,--force", force, "also those that run: kill them");
  const Words names = flags.parse_names(args);
  require_some(names, "rm");

  engine::Engine engine = open_engine(globals);
  int code = 0;
  for (const std::string& name : names) {
    try {
      engine.remove(name, force ? engine::Force::yes : engine::Force::no);
      print(name + "\n");
    } catch (const Error& error) {
      fmt::print(stderr, "mini-docker: {}\n", error.what());
      const bool is_fine = force && error.kind() == ErrorKind::not_found;
      if (!is_fine) code = kFailed;
    }
  }
  return code;
}

int diff(const Globals& globals, const Words& args) {
  FlagParser flags(
      "List what a container has changed of its image's files: added, changed, deleted",
      "mini-docker diff");
  const Words names = flags.parse_names(args);
  require_count(names, 1, "diff");

  std::string text;
  for (const engine::PathChange& change : open_engine(globals).changes(names.front())) {
    text += fmt::format("{} {}\n", change.kind, change.path);
  }
  print(text);
  return 0;
}

/// As everywhere with docker: an empty one is none.
std::optional<std::string> find_env(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

trace::Format parse_format(const std::string& word) {
  if (word == "text") return trace::Format::text;
  if (word == "json") return trace::Format::json;
  throw UsageError(
      fmt::format("invalid argument \"{}\" for \"--explain\" flag: text and json are "
                  "what can be chosen",
                  word));
}

/// Returns the words from the command on.
Words parse_globals(const Words& args, Globals& globals) {
  std::vector<std::string> root;
  std::vector<std::string> driver;
  std::vector<std::string> cgroups;
  std::string explain;
  bool version = false;
  FlagParser flags;
  flags.add_list("--root", root, "");
  flags.add_list("--storage-driver", driver, "");
  flags.add_list("--cgroup-driver", cgroups, "");
  flags.add_list("--registry-mirror", globals.mirrors, "");
  flags.add_optional_value("--explain", explain, "text");
  flags.add_switch("--version", version, "");
  const Words rest = flags.parse_words(args);
  if (version) throw HelpWanted{"mini-docker version " MD_VERSION "\n"};
  if (!root.empty()) globals.root = root.back();
  globals.storage_driver = driver.empty() ? find_env("MINI_DOCKER_STORAGE_DRIVER") : driver.back();
  globals.cgroup_driver =
      cgroups.empty() ? find_env("MINI_DOCKER_CGROUP_DRIVER").value_or("") : cgroups.back();
  if (!explain.empty()) globals.explain = parse_format(explain);
  return rest;
}

/// A command, and what it exits with when it fails: as docker's client, 125 if `run` could not even
/// start, 1 for others.
struct Command {
  std::string_view name;
  int (*run)(const Globals&, const Words&);
  int failure_code;
};

constexpr std::array kCommands{Command{"run", run, kCannotRun},
                               Command{"ps", ps, kFailed},
                               Command{"rm", rm, kFailed},
                               Command{"diff", diff, kFailed},
                               Command{"export", export_root, kFailed},
                               Command{"inspect", inspect, kFailed},
                               Command{"images", list_images, kFailed},
                               Command{"pull", pull, kFailed},
                               Command{"push", push, kFailed},
                               Command{"login", login, kFailed},
                               Command{"logout", logout, kFailed},
                               Command{"search", search, kFailed},
                               Command{"registry serve", serve_registry, kFailed},
                               Command{"load", load, kFailed},
                               Command{"save", save, kFailed},
                               Command{"import", import_root, kFailed},
                               Command{"tag", tag, kFailed},
                               Command{"rmi", remove_images, kFailed},
                               Command{"history", history, kFailed},
                               Command{"image check", check_images, kFailed},
                               Command{"image history", history, kFailed},
                               Command{"image import", import_root, kFailed},
                               Command{"image inspect", inspect_images, kFailed},
                               Command{"image load", load, kFailed},
                               Command{"image ls", list_images, kFailed},
                               Command{"image list", list_images, kFailed},
                               Command{"image prune", prune_images, kFailed},
                               Command{"image pull", pull, kFailed},
                               Command{"image push", push, kFailed},
                               Command{"image rm", remove_images, kFailed},
                               Command{"image remove", remove_images, kFailed},
                               Command{"image save", save, kFailed},
                               Command{"image tag", tag, kFailed},
                               Command{"image tree", image_tree, kFailed},
                               Command{"system df", disk_usage, kFailed},
                               Command{"system prune", prune_system, kFailed}};

/// The command that `words` begin with, which are cut off.
const Command& take_command(Words& words) {
  const auto taken = [&words](std::size_t count) {
    return fmt::format("{}",
                       fmt::join(words.begin(), words.begin() + static_cast<long>(count), " "));
  };
  for (std::size_t count = 1; count <= std::min<std::size_t>(2, words.size()); ++count) {
    const auto* place = std::ranges::find(kCommands, taken(count), &Command::name);
    if (place == kCommands.end()) continue;
    words.erase(words.begin(), words.begin() + static_cast<long>(count));
    return *place;
  }
  throw UsageError(fmt::format("unknown command: mini-docker {}; see mini-docker --help",
                               taken(std::min<std::size_t>(2, words.size()))),
                   kFailed);
}

int run_command(const Command& command, const Globals& globals, const Words& args) {
  std::unique_ptr<trace::Sink> sink;
  if (globals.explain) sink = trace::make_writer(*globals.explain, STDERR_FILENO, "engine");
  const trace::Session session(sink.get());
  try {
    return command.run(globals, args);
  } catch (const engine::StartError& error) {
    return complain("mini-docker", error.what(), error.exit_code());
  } catch (const Error& error) {
    return complain("mini-docker", error.what(), command.failure_code);
  }
}

int dispatch(const Words& args) {
  Globals globals;
  Words words;
  try {
    words = parse_globals(args, globals);
  } catch (const HelpWanted& help) {
    // The parser knows the options only; the commands are ours.
    print(help.text.starts_with("mini-docker version") ? help.text : kUsage);
    return 0;
  }
  if (words.empty()) {
    print(kUsage);
    return 0;
  }
  const Command& command = take_command(words);
  return run_command(command, globals, words);
}

int guarded_main(const Words& args) {
  try {
    prepare_process();
    // As docker's daemon has it: the caller's mask is about his own files, not about a container's.
    sys::umask(022).or_throw();
    return dispatch(args);
  } catch (const HelpWanted& help) {
    print(help.text);
    return 0;
  } catch (const UsageError& error) {
    return complain("mini-docker", error.what(), error.exit_code());
  } catch (const std::exception& error) {
    return complain("mini-docker", error.what(), kFailed);
  }
}

}  // namespace
}  // namespace minidocker::cli

int main(int argc, char** argv) { return minidocker::cli::guarded_main({argv + 1, argv + argc}); }
