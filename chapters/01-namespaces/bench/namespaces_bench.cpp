// What each kind of namespace costs: a child is cloned into new ones, exits at once and is reaped.
// The difference to no namespace at all is the price. Taking a network namespace down happens
// later, in a worker of the kernel, and is not in these numbers.

#include <linux/sched.h>

#include <cstdint>
#include <exception>
#include <string>

#include <benchmark/benchmark.h>

#include "minidocker/namespaces/inspect.hpp"
#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/namespaces/loopback.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace {

namespace ns = minidocker::namespaces;
using minidocker::ChildPlan;
using minidocker::StartedChild;

/// Starts a child with `plan` and waits for its end; false if that failed.
bool run(benchmark::State& state, const ChildPlan& plan, std::uint64_t flags) {
  try {
    StartedChild child = StartedChild::start(plan, {.flags = flags});
    child.wait_for_exec();
    (void)minidocker::Process(child.release()).wait();
    return true;
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
    return false;
  }
}

void clone_into(benchmark::State& state, std::uint64_t flags) {
  const ChildPlan plan;
  for (auto _ : state) {
    if (!run(state, plan, flags)) return;
  }
}

void clone_with_loopback(benchmark::State& state) {
  ChildPlan plan;
  plan.add(ns::BringUpLoopback{});
  for (auto _ : state) {
    if (!run(state, plan, CLONE_NEWNET)) return;
  }
}

void identify_all(benchmark::State& state) {
  for (auto _ : state) {
    for (const ns::Kind kind : ns::all_kinds()) benchmark::DoNotOptimize(ns::identify(0, kind));
  }
}

void survey_the_machine(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ns::survey());
}

void register_all() {
  benchmark::RegisterBenchmark("clone/none", clone_into, 0);
  for (const ns::Kind kind : ns::all_kinds()) {
    if (kind == ns::Kind::time) continue;  // not a flag of clone3: its bit is part of the signal
    const std::string name = std::string("clone/") + ns::proc_name(kind);
    benchmark::RegisterBenchmark(name.c_str(), clone_into, ns::clone_flag(kind));
  }
  benchmark::RegisterBenchmark(
      "clone/all_of_a_container", clone_into,
      CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP);
  benchmark::RegisterBenchmark("clone/net_with_lo_up", clone_with_loopback);
  benchmark::RegisterBenchmark("identify/all_kinds", identify_all);
  benchmark::RegisterBenchmark("survey", survey_the_machine);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
