// cgrun: a program in a group of its own, with limits; tells what it uses of them while it runs.

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/oom_watch.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "usage.hpp"

namespace {

namespace cg = minidocker::cgroups;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kFailed = 125;  // as docker: what failed is cgrun, not the program

/// The command line as it was given.
struct Arguments {
  std::string memory;
  double cpus = 0;
  std::optional<std::int64_t> pids;
  std::string group;
  int every_ms = 500;
  std::string explain;
  std::vector<std::string> command;
};

void define(CLI::App& app, Arguments& arguments) {
  app.add_option("--memory", arguments.memory, "at most so much, e.g. 64m");
  app.add_option("--cpus", arguments.cpus, "at most so much time of them, e.g. 0.5")
      ->check(CLI::PositiveNumber);
  app.add_option("--pids", arguments.pids, "at most so many processes and threads")
      ->check(CLI::PositiveNumber);
  app.add_option("--group", arguments.group, "name of the group; /mini-docker/cgrun-PID");
  app.add_option("--every", arguments.every_ms, "look each so many milliseconds; 500")
      ->check(CLI::PositiveNumber);
  app.add_flag("--explain{text}", arguments.explain, "tell every kernel step; --explain=json")
      ->check(CLI::IsMember({"text", "json"}));
  app.prefix_command();  // what follows is the program, options and all
}

cg::Limits limits_of(const Arguments& arguments) {
  using std::chrono::microseconds;
  constexpr microseconds kPeriod{100'000};
  cg::Limits limits;
  if (!arguments.memory.empty()) {
    limits.memory.limit = minidocker::parse_bytes(arguments.memory, "--memory");
  }
  if (arguments.cpus > 0) {
    limits.cpu.period = kPeriod;
    limits.cpu.quota = microseconds(static_cast<std::int64_t>(arguments.cpus * 100'000));
  }
  limits.pids = arguments.pids;
  return limits;
}

/// Signals that would end us: the program ends first, and we tell how it went. Those of the
/// terminal it gets itself, as it is of our process group; another process's we hand on.
class Signals {
 public:
  Signals() {
    sigset_t taken;
    ::sigemptyset(&taken);
    for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) ::sigaddset(&taken, signal);
    minidocker::sys::set_signal_mask(taken).or_throw("signals");
    queue_ = minidocker::sys::signalfd(taken).or_throw("signals");
  }
  [[nodiscard]] int fd() const { return queue_.get(); }
  void hand_on(const minidocker::Process& program) const {
    struct signalfd_siginfo info{};
    const auto got = minidocker::sys::read(queue_.get(), &info, sizeof info);
    if (got.ok() && info.ssi_code == SI_USER) program.send(static_cast<int>(info.ssi_signo));
  }

 private:
  minidocker::UniqueFd queue_;
};

void tell(const std::string& text) { minidocker::write_all(STDERR_FILENO, text, "standard error"); }

/// Draws on a terminal over what it drew before; anywhere else it adds a line.
class Display {
 public:
  explicit Display(const cg::Limits& limits)
      : limits_(limits), is_terminal_(minidocker::sys::tcgetattr(STDERR_FILENO).ok()) {}

  void show(const cg::demo::Sample& now) {
    if (!is_terminal_) {
      tell("cgrun: " + cg::demo::as_line(before_.value_or(now), now, limits_));
    } else {
      const std::string up = before_ ? fmt::format("\x1b[{}A\x1b[J", cg::demo::kBars) : "";
      tell(up + cg::demo::as_bars(before_.value_or(now), now, limits_));
    }
    before_ = now;
  }
  /// What stands there stays.
  void keep() { before_.reset(); }

 private:
  const cg::Limits& limits_;
  bool is_terminal_;
  std::optional<cg::demo::Sample> before_;
};

void tell_kills(cg::OomWatch& watch, Display& display) {
  const std::uint64_t kills = watch.take();
  if (kills == 0) return;
  display.keep();
  tell(
      fmt::format("cgrun: at its memory limit the kernel has killed {} of its processes\n", kills));
}

/// The program, born in the group.
minidocker::Process start(cg::Cgroup& group, const std::vector<std::string>& command,
                          minidocker::SignalSet ignored) {
  using Path = std::array<char, minidocker::FindProgram::kMaxPath>;
  minidocker::ChildPlan plan;
  minidocker::sys::CloneArgs clone;
  group.enter_by(plan, clone);
  plan.add(minidocker::ResetSignals{ignored});
  char** const argv = plan.copy_array(command);
  char* const found = plan.make<Path>()->data();
  plan.add(minidocker::CloseFrom{3});
  plan.add(minidocker::FindProgram{argv[0], ::getenv("PATH"), found});
  plan.add(minidocker::Exec{found, argv, environ});
  minidocker::StartedChild child = minidocker::StartedChild::start(plan, clone);
  child.wait_for_exec();
  return child.release();
}

/// Looks at program and group until the program has ended.
minidocker::ExitStatus attend(minidocker::Process& program, const cg::Cgroup& group,
                              const Signals& signals, Display& display, milliseconds every) {
  std::optional<cg::OomWatch> kills;
  if (group.location().find("memory") != nullptr) kills = cg::OomWatch::of(group.location());
  steady_clock::time_point next = steady_clock::now() + every;
  while (true) {
    std::array<struct pollfd, 3> wait{{{program.pidfd(), POLLIN, 0},
                                       {signals.fd(), POLLIN, 0},
                                       {kills ? kills->fd() : -1, POLLIN, 0}}};
    const auto left = std::chrono::ceil<milliseconds>(next - steady_clock::now());
    (void)minidocker::sys::poll(wait, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (wait[1].revents != 0) signals.hand_on(program);
    if (wait[2].revents != 0) tell_kills(*kills, display);
    if (wait[0].revents != 0) return program.wait();
    if (steady_clock::now() < next) continue;
    display.show({steady_clock::now(), group.stats()});
    next += every;
  }
}

int run(const Arguments& arguments, minidocker::SignalSet ignored) {
  const cg::Limits limits = limits_of(arguments);
  const std::string path = arguments.group.empty()
                               ? fmt::format("/mini-docker/cgrun-{}", minidocker::sys::own_pid())
                               : arguments.group;
  cg::Cgroup group = cg::Cgroup::create(cg::locate(cg::detect(), path));
  group.apply(limits);
  const Signals signals;
  minidocker::Process program = start(group, arguments.command, ignored);
  Display display(limits);
  const minidocker::ExitStatus end =
      attend(program, group, signals, display, milliseconds(arguments.every_ms));
  const cg::Stats stats = group.stats();
  group.kill_all();  // what the program has left running ends with it
  group.remove();
  tell(cg::demo::summary(stats, limits));
  return end.shell_code();
}

int run_explained(const Arguments& arguments, minidocker::SignalSet ignored) {
  using minidocker::trace::Format;
  std::unique_ptr<minidocker::trace::Sink> sink;
  if (!arguments.explain.empty()) {
    const Format format = arguments.explain == "json" ? Format::json : Format::text;
    sink = minidocker::trace::make_writer(format, STDERR_FILENO, "cgrun");
  }
  const minidocker::trace::Session session(sink.get());
  return run(arguments, ignored);
}

int parse_and_run(int argc, char** argv) {
  const minidocker::SignalSet ignored = minidocker::prepare_process();
  CLI::App app("Runs a program in a cgroup of its own and shows what it uses.", "cgrun");
  Arguments arguments;
  define(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  arguments.command = minidocker::take_command("cgrun", app.remaining());
  return run_explained(arguments, ignored);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const minidocker::ProgramError& error) {
    return minidocker::complain("cgrun", error.what(), error.exit_code());
  } catch (const std::exception& error) {
    return minidocker::complain("cgrun", error.what(), kFailed);
  }
}
