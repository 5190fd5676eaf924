// cgtop: the groups below a group, by what they use.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/detect.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "usage.hpp"

namespace {

namespace cg = minidocker::cgroups;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kFailed = 1;

/// The command line as it was given.
struct Arguments {
  std::string group = "/mini-docker";
  int every_ms = 1000;
  bool once = false;
  std::string by = "cpu";
};

bool is_directory(const std::string& path) {
  const auto status = minidocker::sys::fstatat(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW);
  return status.ok() && S_ISDIR(status.value().st_mode);
}

/// The group where it is: on v1 it need not be in every hierarchy.
cg::Location location_of(const cg::Layout& layout, const std::string& group) {
  cg::Location location{layout.mode, {}};
  for (const cg::Hierarchy& hierarchy : layout.hierarchies) {
    const cg::Directory directory{hierarchy.controllers, hierarchy.mount, group};
    if (is_directory(directory.path())) location.directories.push_back(directory);
  }
  return location;
}

/// `group` and all below it. One that goes meanwhile is not there.
void add_groups(const cg::Layout& layout, const std::string& group, std::set<std::string>& groups) {
  const cg::Location location = location_of(layout, group);
  if (location.directories.empty() || !groups.insert(group).second) return;
  for (const cg::Directory& directory : location.directories) {
    std::vector<std::string> names;
    try {
      names = minidocker::list_dir(directory.path());
    } catch (const minidocker::Error&) {
      continue;
    }
    for (const std::string& name : names) {
      const std::string below = (group == "/" ? "" : group) + "/" + name;
      if (is_directory(directory.mount + below)) add_groups(layout, below, groups);
    }
  }
}

using Samples = std::map<std::string, cg::demo::Sample>;

Samples look(const cg::Layout& layout, const std::string& group) {
  std::set<std::string> groups;
  add_groups(layout, group, groups);
  if (groups.empty()) {
    throw minidocker::Error(minidocker::ErrorKind::not_found,
                            fmt::format("there is no cgroup {}", minidocker::quoted(group)));
  }
  Samples samples;
  for (const std::string& name : groups) {
    const cg::Location location = location_of(layout, name);
    if (location.directories.empty()) continue;
    samples[name] = {steady_clock::now(), cg::Cgroup::reopen(location).stats()};
  }
  return samples;
}

/// A line of the table.
struct Row {
  std::string group;
  double cpus = 0;
  std::uint64_t memory = 0;
  std::string text;
};

Row row_of(const std::string& group, const cg::demo::Sample& before, const cg::demo::Sample& now) {
  const auto in_words = [](const auto& value) {
    return value ? fmt::format("{}", *value) : std::string("-");
  };
  const cg::MemoryStats& memory = now.stats.memory;
  const std::optional<double> cpus = cg::demo::busy_cpus(before, now);
  Row row{group, cpus.value_or(0), memory.usage.value_or(minidocker::Bytes{}).value, ""};
  row.text = fmt::format("{:>5} {:>6} {:>9} {:>9}  {}\n", in_words(now.stats.pids.current),
                         cpus ? fmt::format("{:.1f}", *cpus * 100) : "-",
                         memory.usage ? minidocker::in_words(*memory.usage) : "-",
                         memory.limit ? minidocker::in_words(*memory.limit) : "-", group);
  return row;
}

std::string table(const Samples& before, const Samples& now, const std::string& by) {
  std::vector<Row> rows;
  for (const auto& [group, sample] : now) {
    const auto earlier = before.find(group);
    rows.push_back(row_of(group, earlier == before.end() ? sample : earlier->second, sample));
  }
  std::ranges::sort(rows, [&](const Row& a, const Row& b) {
    if (by == "name") return a.group < b.group;
    if (by == "memory") return a.memory > b.memory;
    return a.cpus > b.cpus;
  });
  std::string text =
      fmt::format("{:>5} {:>6} {:>9} {:>9}  {}\n", "TASKS", "%CPU", "MEMORY", "LIMIT", "GROUP");
  for (const Row& row : rows) text += row.text;
  return text;
}

/// Waits for the time of the next look; false if it is time to go.
bool wait_for_next(int signals, milliseconds every) {
  std::array<struct pollfd, 1> wait{{{signals, POLLIN, 0}}};
  (void)minidocker::sys::poll(wait, static_cast<int>(every.count()));
  return wait[0].revents == 0;
}

minidocker::UniqueFd take_interrupts() {
  sigset_t taken;
  ::sigemptyset(&taken);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&taken, signal);
  minidocker::sys::set_signal_mask(taken).or_throw("signals");
  return minidocker::sys::signalfd(taken).or_throw("signals");
}

void show(const Arguments& arguments) {
  const cg::Layout layout = cg::detect();
  const minidocker::UniqueFd signals = take_interrupts();
  const bool again = !arguments.once && minidocker::sys::tcgetattr(STDOUT_FILENO).ok();
  const std::string clear = again ? "\x1b[H\x1b[J" : "";
  Samples before = look(layout, arguments.group);
  while (wait_for_next(signals.get(), milliseconds(arguments.every_ms))) {
    const Samples now = look(layout, arguments.group);
    minidocker::write_all(STDOUT_FILENO, clear + table(before, now, arguments.by),
                          "standard output");
    if (!again) return;
    before = now;
  }
}

int parse_and_show(int argc, char** argv) {
  minidocker::prepare_process();
  CLI::App app("Shows the cgroups below one by what they use; without a terminal once.", "cgtop");
  Arguments arguments;
  app.add_option("group", arguments.group, "where to begin; /mini-docker");
  app.add_option("--every", arguments.every_ms, "look each so many milliseconds; 1000")
      ->check(CLI::PositiveNumber);
  app.add_flag("--once", arguments.once, "look once");
  app.add_option("--by", arguments.by, "sort by cpu, memory or name; cpu")
      ->check(CLI::IsMember({"cpu", "memory", "name"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  show(arguments);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_show(argc, argv);
  } catch (const std::exception& error) {
    return minidocker::complain("cgtop", error.what(), kFailed);
  }
}
