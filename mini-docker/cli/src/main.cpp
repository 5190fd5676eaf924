// mini-docker: the command line. Until a daemon stands between them it calls the engine in its
// own process.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foreground.hpp"
#include "minidocker/engine/engine.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "parse_words.hpp"
#include "run_flags.hpp"
#include "tables.hpp"
#include "transfer_command.hpp"
#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {
namespace {

using Words = std::vector<std::string>;

constexpr int kCannotRun = 125;
constexpr int kFailed = 1;

constexpr const char* kUsage =
    "Usage: mini-docker [OPTIONS] COMMAND\n"
    "\n"
    "Commands:\n"
    "  run     make a container from an image and run a command in it\n"
    "  ps      list containers\n"
    "  rm      remove containers\n"
    "  diff    list what a container has changed of its image's files\n"
    "  images  list images\n"
    "  pull    fetch an image from its registry\n"
    "  push    give an image to its registry\n"
    "  load    load an image from an archive or an OCI layout\n"
    "\n"
    "Options:\n"
    "  --root DIR              keep everything below DIR (also MINI_DOCKER_ROOT)\n"
    "  --storage-driver NAME   how new containers get their root, from now on: overlay,\n"
    "                          fuse-overlayfs or vfs (also MINI_DOCKER_STORAGE_DRIVER)\n"
    "  --cgroup-driver NAME    who makes their cgroups: cgroupfs or systemd (also\n"
    "                          MINI_DOCKER_CGROUP_DRIVER); else whoever owns the tree\n"
    "  --explain[=json]        narrate every kernel step on standard error\n"
    "  --version               print the version\n"
    "  --help                  print this; `mini-docker COMMAND --help` prints a command's "
    "options\n";

/// What stands before the command.
struct Globals {
  std::optional<std::string> root;
  std::optional<std::string> storage_driver;
  std::string cgroup_driver;
  std::optional<trace::Format> explain;
};

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

engine::Engine open_engine(const Globals& globals) {
  engine::Engine engine(engine::Paths::choose(globals.root), globals.storage_driver);
  warn(engine.warnings());
  return engine;
}

void require_no_words(const Words& words, const std::string& command) {
  if (!words.empty()) {
    throw UsageError(fmt::format("'mini-docker {}' accepts no arguments", command), kFailed);
  }
}

int run(const Globals& globals, const Words& args) {
  engine::CreateRequest request = parse_run(args);
  request.cgroup_driver = globals.cgroup_driver;
  engine::Engine engine = open_engine(globals);
  engine::StartOptions options;
  options.explain = globals.explain;
  pull_if_missing(engine, request.image);
  return run_in_foreground(engine, request, options);
}

int ps(const Globals& globals, const Words& args) {
  bool all = false;
  bool quiet = false;
  bool whole = false;
  CLI::App app("List containers", "mini-docker ps");
  app.add_flag("-a,--all", all, "also those that do not run");
  app.add_flag("-q,--quiet", quiet, "only ids");
  app.add_flag("--no-trunc", whole, "do not cut anything");
  require_no_words(parse_words(app, args), "ps");

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

int images(const Globals& globals, const Words& args) {
  bool quiet = false;
  bool whole = false;
  CLI::App app("List images", "mini-docker images");
  app.add_flag("-q,--quiet", quiet, "only ids");
  app.add_flag("--no-trunc", whole, "do not cut anything");
  require_no_words(parse_words(app, args), "images");

  const engine::ImageList found = open_engine(globals).images();
  warn(found.warnings);
  const std::vector<engine::ImageSummary>& list = found.images;
  if (!quiet) {
    print(images_table(list, std::time(nullptr), whole ? Cut::no : Cut::yes));
    return 0;
  }
  for (const auto& entry : list) {
    print((whole ? "sha256:" + entry.id : entry.id.substr(0, 12)) + "\n");
  }
  return 0;
}

int rm(const Globals& globals, const Words& args) {
  bool force = false;
  CLI::App app("Remove containers", "mini-docker rm");
  app.add_flag("-f,--force", force, "also those that run: kill them");
  const Words names = parse_words(app, args);
  if (names.empty()) throw UsageError("'mini-docker rm' requires at least 1 argument", kFailed);

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
  CLI::App app("List what a container has changed of its image's files: added, changed, deleted",
               "mini-docker diff");
  const Words names = parse_words(app, args);
  if (names.size() != 1) throw UsageError("'mini-docker diff' requires 1 argument", kFailed);

  std::string text;
  for (const engine::PathChange& change : open_engine(globals).changes(names.front())) {
    text += fmt::format("{} {}\n", change.kind, change.path);
  }
  print(text);
  return 0;
}

int load(const Globals& globals, const Words& args) {
  std::string input = "-";
  CLI::App app("Load an image from an archive or an OCI layout", "mini-docker load");
  app.add_option("-i,--input", input, "file or directory; else standard input");
  require_no_words(parse_words(app, args), "load");

  const engine::LoadedImages loaded = open_engine(globals).load(input);
  warn(loaded.warnings);
  for (const std::string& name : loaded.names) {
    const bool is_id = name.starts_with("sha256:");
    print(fmt::format("Loaded image{}: {}\n", is_id ? " ID" : "", name));
  }
  return 0;
}

/// The words of `pull` and `push`.
struct TransferWords {
  engine::TransferRequest request;
  bool quiet = false;
};

TransferWords parse_transfer(const std::string& verb, const std::string& what, const Words& args) {
  TransferWords words;
  CLI::App app(what, "mini-docker " + verb);
  app.add_flag("-q,--quiet", words.quiet, "only the name, when it is done");
  app.add_flag("--plain-http", words.request.plain_http, "the registry speaks no TLS");
  const Words names = parse_words(app, args);
  if (names.size() != 1) {
    throw UsageError(fmt::format("'mini-docker {}' requires exactly 1 argument", verb), kFailed);
  }
  words.request.image = names.front();
  words.request.docker_config = docker_config_file();
  return words;
}

int pull(const Globals& globals, const Words& args) {
  const TransferWords words = parse_transfer("pull", "Fetch an image from its registry", args);
  engine::Engine engine = open_engine(globals);
  if (!words.quiet) {
    pull_loudly(engine, words.request, STDOUT_FILENO);
    return 0;
  }
  const engine::PulledImage pulled = engine.pull(words.request, [](const auto&) {});
  warn(pulled.warnings);
  print((pulled.name.empty() ? words.request.image : pulled.name) + "\n");
  return 0;
}

int push(const Globals& globals, const Words& args) {
  const TransferWords words = parse_transfer("push", "Give an image to its registry", args);
  engine::Engine engine = open_engine(globals);
  if (!words.quiet) {
    push_loudly(engine, words.request, STDOUT_FILENO);
    return 0;
  }
  static_cast<void>(engine.push(words.request, [](const auto&) {}));
  print(words.request.image + "\n");
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
  CLI::App app;
  app.add_option("--root", root)->expected(1)->allow_extra_args(false);
  app.add_option("--storage-driver", driver)->expected(1)->allow_extra_args(false);
  app.add_option("--cgroup-driver", cgroups)->expected(1)->allow_extra_args(false);
  app.add_flag("--explain{text}", explain);
  app.add_flag("--version", version);
  const Words rest = parse_words(app, args);
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

constexpr std::array<Command, 8> kCommands{{{"run", run, kCannotRun},
                                            {"ps", ps, kFailed},
                                            {"images", images, kFailed},
                                            {"rm", rm, kFailed},
                                            {"diff", diff, kFailed},
                                            {"load", load, kFailed},
                                            {"pull", pull, kFailed},
                                            {"push", push, kFailed}}};

const Command& find_command(const std::string& name) {
  const auto* place = std::ranges::find(kCommands, name, &Command::name);
  if (place != kCommands.end()) return *place;
  throw UsageError(fmt::format("unknown command: mini-docker {}; see mini-docker --help", name),
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
  const Command& command = find_command(words.front());
  return run_command(command, globals, Words(words.begin() + 1, words.end()));
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
