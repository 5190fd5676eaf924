// nsrun: a program in new namespaces. The chapter's mechanisms and nothing else; what a container
// needs besides (a root, limits, fewer capabilities) is in the other chapters.

#include <unistd.h>

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/namespaces/run.hpp"
#include "minidocker/namespaces/subordinate_ids.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace {

namespace ns = minidocker::namespaces;
using minidocker::trace::Format;

constexpr int kFailed = 125;  // as docker: what failed is nsrun, not the program

/// The command line as it was given.
struct Arguments {
  std::map<ns::Kind, bool> kinds;
  std::string hostname;
  std::string uid_map;
  std::string gid_map;
  bool subordinate = false;
  bool init = false;
  std::optional<std::int64_t> monotonic;
  std::optional<std::int64_t> boottime;
  std::string explain;
  std::string root;
  std::optional<pid_t> join;
  std::vector<std::string> command;
};

/// Joining makes nothing, so nothing can be asked for that is made.
void define_join(CLI::App& app, Arguments& arguments) {
  CLI::Option* const join =
      app.add_option("--join", arguments.join,
                     "no new namespaces: this process's, of the kinds named or all that differ")
          ->check(CLI::PositiveNumber);
  for (const char* making : {"--hostname", "--uid-map", "--gid-map", "--subids", "--init",
                             "--monotonic", "--boottime", "--root"}) {
    join->excludes(app.get_option(making));
  }
}

void define(CLI::App& app, Arguments& arguments) {
  for (const ns::Kind kind : ns::all_kinds()) {
    app.add_flag(fmt::format("--{}", ns::proc_name(kind)), arguments.kinds[kind],
                 fmt::format("a new {} namespace", ns::proc_name(kind)));
  }
  app.add_option("--hostname", arguments.hostname, "host name inside; needs --uts");
  app.add_option("--uid-map", arguments.uid_map, "INSIDE:OUTSIDE:COUNT[,...]; needs --user");
  app.add_option("--gid-map", arguments.gid_map, "INSIDE:OUTSIDE:COUNT[,...]; needs --user");
  app.add_flag("--subids", arguments.subordinate, "map all ids of /etc/subuid and /etc/subgid");
  app.add_flag("--init", arguments.init, "run mini-init as PID 1; needs --pid");
  app.add_option("--monotonic", arguments.monotonic, "seconds to shift CLOCK_MONOTONIC by");
  app.add_option("--boottime", arguments.boottime, "seconds to shift CLOCK_BOOTTIME by");
  app.add_option("--root", arguments.root, "directory to make /; needs --mnt")
      ->check(CLI::ExistingDirectory);
  app.add_flag("--explain{text}", arguments.explain, "tell every kernel step; --explain=json")
      ->check(CLI::IsMember({"text", "json"}));
  define_join(app, arguments);
  app.prefix_command();  // what follows is the program, options and all
}

/// mini-init stands beside us.
std::string init_path() {
  std::string path(4096, '\0');
  path.resize(minidocker::sys::readlinkat(AT_FDCWD, "/proc/self/exe", path.data(), path.size())
                  .or_throw("/proc/self/exe"));
  return path.substr(0, path.rfind('/')) + "/mini-init";
}

void choose_id_maps(const Arguments& arguments, ns::RunOptions& options) {
  if (arguments.subordinate) {
    const uid_t uid = minidocker::sys::geteuid();
    const ns::RootlessMaps maps =
        ns::rootless_maps(uid, minidocker::sys::getegid(), ns::subordinate_ids(uid));
    options.uids = maps.uids;
    options.gids = maps.gids;
  }
  if (!arguments.uid_map.empty())
    options.uids = ns::parse_id_mappings(arguments.uid_map, "--uid-map");
  if (!arguments.gid_map.empty())
    options.gids = ns::parse_id_mappings(arguments.gid_map, "--gid-map");
}

std::uint64_t kinds_of(const Arguments& arguments) {
  std::uint64_t kinds = 0;
  for (const auto& [kind, wanted] : arguments.kinds) {
    if (wanted) kinds |= ns::clone_flag(kind);
  }
  return kinds;
}

ns::RunOptions to_options(const Arguments& arguments) {
  ns::RunOptions options;
  options.kinds = kinds_of(arguments);
  options.hostname = arguments.hostname;
  options.root = arguments.root;
  if (arguments.init) options.init = init_path();
  choose_id_maps(arguments, options);
  if (arguments.monotonic) {
    options.time_offsets.push_back({ns::Clock::monotonic, *arguments.monotonic, 0});
  }
  if (arguments.boottime) {
    options.time_offsets.push_back({ns::Clock::boottime, *arguments.boottime, 0});
  }
  return options;
}

int run(const Arguments& arguments) {
  std::unique_ptr<minidocker::trace::Sink> sink;
  if (!arguments.explain.empty()) {
    const Format format = arguments.explain == "json" ? Format::json : Format::text;
    sink = minidocker::trace::make_writer(format, STDERR_FILENO, "nsrun");
  }
  const minidocker::trace::Session session(sink.get());
  if (arguments.join) {
    return ns::run_in_namespaces_of(*arguments.join, kinds_of(arguments), arguments.command);
  }
  return ns::run_in_namespaces(to_options(arguments), arguments.command);
}

int parse_and_run(int argc, char** argv) {
  minidocker::prepare_process();
  CLI::App app("Runs a program in new namespaces.", "nsrun");
  Arguments arguments;
  define(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  arguments.command = minidocker::take_command("nsrun", app.remaining());
  return run(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const minidocker::ProgramError& error) {
    return minidocker::complain("nsrun", error.what(), error.exit_code());
  } catch (const std::exception& error) {
    return minidocker::complain("nsrun", error.what(), kFailed);
  }
}
