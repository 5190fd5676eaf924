// What a container's cgroups cost: looking for the hierarchies, making and removing a group, device
// rules. Needs root; groups lie below mini-docker-bench.
#include <benchmark/benchmark.h>

#include <exception>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/device_program.hpp"

namespace minidocker::cgroups {
namespace {

/// Runs `body` for the benchmark; a host without cgroups, or without rights, skips it.
template <class Body>
void run(benchmark::State& state, Body body) {
  try {
    Cgroup prefix = Cgroup::create(locate(detect(), "/mini-docker-bench"));
    body(locate(detect(), "/mini-docker-bench/web"));
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
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
BENCHMARK(create_and_remove);

void set_limits(benchmark::State& state) {
  run(state, [&](const Location& location) {
    const Cgroup group = Cgroup::create(location);
    const Limits limits{.memory = {.limit = Bytes{64 << 20}}, .cpu = {.shares = 512}, .pids = 100};
    for (auto _ : state) group.apply(limits);
  });
}
BENCHMARK(set_limits);

void set_device_rules(benchmark::State& state) {
  run(state, [&](const Location& location) {
    const Cgroup group = Cgroup::create(location);
    const std::vector<DeviceRule> rules = default_device_rules();
    for (auto _ : state) group.apply_devices(rules);
  });
}
BENCHMARK(set_device_rules);

void compile_device_rules(benchmark::State& state) {
  const std::vector<DeviceRule> rules = default_device_rules();
  for (auto _ : state) benchmark::DoNotOptimize(compile_devices(rules));
}
BENCHMARK(compile_device_rules);

}  // namespace
}  // namespace minidocker::cgroups

BENCHMARK_MAIN();
