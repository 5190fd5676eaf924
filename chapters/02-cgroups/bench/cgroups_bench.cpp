// What a container's cgroups cost: looking for the hierarchies, making, entering, limiting,
// reading, ending and removing a group, by driver. Needs root; groups lie below mini-docker-bench.
// A hybrid host has both drivers, but its v2 has no limits. Where systemd is init, scopes, too:
// tests/vm/run --systemd build/bench/cgroups_bench --benchmark_filter='group|systemd'
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <string>
#include <vector>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/device_program.hpp"
#include "minidocker/cgroups/systemd_scope.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::cgroups {
namespace {

/// The hierarchy of v2 wherever it is mounted, or those that limit containers here.
Layout layout_of(bool wants_v2) {
  const Layout layout = detect();
  if (!wants_v2 || layout.mode == Mode::v2) return layout;
  for (const MountEntry& mount : read_mountinfo()) {
    if (mount.type == "cgroup2") return {Mode::v2, {{"", mount.target, "/", false}}};
  }
  return {};
}

/// Runs `body` with a group; a host without cgroups, or without rights, skips it.
template <class Body>
void run(benchmark::State& state, Body body) {
  try {
    const Layout layout = layout_of(state.range(0) == 2);
    state.SetLabel(layout.mode == Mode::v2 ? "v2" : "v1");
    Cgroup prefix = Cgroup::create(locate(layout, "/mini-docker-bench"));
    body(locate(layout, "/mini-docker-bench/web"));
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

/// What a benchmark's child does.
struct Behave {
  static constexpr StepInfo kInfo{"02-cgroups", "a benchmark"};
  void (*body)();
  StepResult run(ChildContext&) const noexcept {
    body();
    ::_exit(0);
  }
  [[nodiscard]] std::string describe() const { return "behave"; }
};

Process start_in(Cgroup& group, void (*body)()) {
  ChildPlan plan;
  sys::CloneArgs clone;
  group.enter_by(plan, clone);
  plan.add(Behave{body});
  return StartedChild::start(plan, clone).release();
}

void detect_layout(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(detect());
}
BENCHMARK(detect_layout);

void create_and_remove(benchmark::State& state) {
  run(state, [&](const Location& location) {
    for (auto _ : state) Cgroup::create(location).remove();
  });
}
BENCHMARK(create_and_remove)->Arg(1)->Arg(2);

/// A child that enters and ends, above one that only ends (no_group).
void enter_and_end(benchmark::State& state) {
  run(state, [&](const Location& location) {
    Cgroup group = Cgroup::create(location);
    for (auto _ : state) benchmark::DoNotOptimize(start_in(group, [] {}).wait());
  });
}
BENCHMARK(enter_and_end)->Arg(1)->Arg(2);

void no_group(benchmark::State& state) {
  for (auto _ : state) {
    ChildPlan plan;
    plan.add(Behave{[] {}});
    benchmark::DoNotOptimize(StartedChild::start(plan, {}).release().wait());
  }
}
BENCHMARK(no_group);

/// The whole life of a group in which a child ends, made by us.
void live_in_group(benchmark::State& state) {
  run(state, [&](const Location& location) {
    for (auto _ : state) {
      Cgroup group = Cgroup::create(location);
      benchmark::DoNotOptimize(start_in(group, [] {}).wait());
      group.remove();
    }
  });
}
BENCHMARK(live_in_group)->Arg(1)->Arg(2);

/// The same of a scope, which systemd makes and removes.
void live_in_systemd_scope(benchmark::State& state) {
  try {
    const Location location = locate_scope(detect(), {"system.slice", "mini-docker-bench.scope"},
                                           Manager::system, ::geteuid());
    for (auto _ : state) {
      ChildPlan plan;
      plan.add(Sync{SyncPoint::cgroup, "have systemd put it into its scope"});
      plan.add(Behave{[] {}});
      StartedChild child = StartedChild::start(plan, {});
      child.wait_for(SyncPoint::cgroup);
      const ScopeHelper helper{MD_BINARY_DIR "/bin/mini-scope"};
      Cgroup scope = start_scope(helper, location, {}, child.process().pid());
      child.resume();
      benchmark::DoNotOptimize(child.process().wait());
      scope.remove();
    }
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}
BENCHMARK(live_in_systemd_scope);

/// Moving a process that is there already, from group to group.
void attach(benchmark::State& state) {
  run(state, [&](const Location& location) {
    Cgroup group = Cgroup::create(location);
    Location next = location;
    for (Directory& directory : next.directories) directory.group += "-next";
    const Cgroup other = Cgroup::create(next);
    const Process child = start_in(group, [] { ::pause(); });
    const Cgroup* to = &other;
    for (auto _ : state) {
      to->attach(child.pid());
      to = to == &other ? &group : &other;
    }
  });
}
BENCHMARK(attach)->Arg(1)->Arg(2);

void set_limits(benchmark::State& state) {
  run(state, [&](const Location& location) {
    const Cgroup group = Cgroup::create(location);
    const Limits limits{.memory = {.limit = Bytes{64 << 20}}, .cpu = {.shares = 512}, .pids = 100};
    for (auto _ : state) group.apply(limits);
    state.SetItemsProcessed(3 * state.iterations());
  });
}
BENCHMARK(set_limits)->Arg(1)->Arg(2);

void read_stats(benchmark::State& state) {
  run(state, [&](const Location& location) {
    const Cgroup group = Cgroup::create(location);
    for (auto _ : state) benchmark::DoNotOptimize(group.stats());
  });
}
BENCHMARK(read_stats)->Arg(1)->Arg(2);

void freeze_and_thaw(benchmark::State& state) {
  run(state, [&](const Location& location) {
    Cgroup group = Cgroup::create(location);
    const Process child = start_in(group, [] { ::pause(); });
    for (auto _ : state) {
      group.freeze();
      group.thaw();
    }
  });
}
BENCHMARK(freeze_and_thaw)->Arg(1)->Arg(2);

/// A hundred processes that fork for ever, each one child at a time.
void fork_for_ever() {
  for (int i = 0; i < 99 && ::fork() != 0; ++i) {
  }
  while (true) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
  }
}

void kill_fork_bomb(benchmark::State& state) {
  run(state, [&](const Location& location) {
    sys::set_child_subreaper(true).or_throw("subreaper");
    for (auto _ : state) {
      state.PauseTiming();
      Cgroup group = Cgroup::create(location);
      const Process child = start_in(group, fork_for_ever);
      while (group.processes().size() < 100) ::poll(nullptr, 0, 1);
      state.ResumeTiming();
      group.kill_all();
      state.PauseTiming();
      while (::waitpid(-1, nullptr, 0) > 0) {
      }
      group.remove();
      state.ResumeTiming();
    }
  });
}
BENCHMARK(kill_fork_bomb)->Arg(1)->Arg(2)->Iterations(20);

void set_device_rules(benchmark::State& state) {
  run(state, [&](const Location& location) {
    const Cgroup group = Cgroup::create(location);
    const std::vector<DeviceRule> rules = default_device_rules();
    for (auto _ : state) group.apply_devices(rules);
  });
}
BENCHMARK(set_device_rules)->Arg(1)->Arg(2);

void compile_device_rules(benchmark::State& state) {
  const std::vector<DeviceRule> rules = default_device_rules();
  for (auto _ : state) benchmark::DoNotOptimize(compile_devices(rules));
}
BENCHMARK(compile_device_rules);

}  // namespace
}  // namespace minidocker::cgroups

BENCHMARK_MAIN();
