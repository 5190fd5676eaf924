// What the tools of this room cost: a child from clone to exec, a call with and without somebody
// listening, a path resolved by openat2.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>

#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker {
namespace {

/// Hears everything and keeps nothing: the cost of making records, not of writing them.
class DeafSink final : public trace::Sink {
 public:
  void enter(const trace::Step&) override {}
  void leave() override {}
  void call(const trace::Record& record) noexcept override {
    benchmark::DoNotOptimize(record.result);
  }
};

void add_program(ChildPlan& plan) {
  const std::vector<std::string> argv{"/bin/true"};
  const std::vector<std::string> env;
  char** arguments = plan.copy_array(argv);
  plan.add(Exec{arguments[0], arguments, plan.copy_array(env)});
}

void start_and_wait(const sys::CloneArgs& clone) {
  ChildPlan plan;
  add_program(plan);
  StartedChild child = StartedChild::start(plan, clone);
  child.wait_for_exec();
  benchmark::DoNotOptimize(child.release().wait());
}

void ClonePlanExec(benchmark::State& state) {
  for (auto _ : state) start_and_wait({});
}
BENCHMARK(ClonePlanExec)->Unit(benchmark::kMicrosecond)->UseRealTime();

void ClonePlanExecTraced(benchmark::State& state) {
  DeafSink sink;
  const trace::Session session(&sink);
  for (auto _ : state) start_and_wait({});
}
BENCHMARK(ClonePlanExecTraced)->Unit(benchmark::kMicrosecond)->UseRealTime();

void ClonePlanExecInNewNamespaces(benchmark::State& state) {
  const std::uint64_t flags =
      CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
  for (auto _ : state) start_and_wait({.flags = flags});
}
BENCHMARK(ClonePlanExecInNewNamespaces)->Unit(benchmark::kMicrosecond)->UseRealTime();

/// What the plan competes with: the libc's own way to start a program.
void PosixSpawn(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Process::spawn({"/bin/true"}).wait());
}
BENCHMARK(PosixSpawn)->Unit(benchmark::kMicrosecond)->UseRealTime();

void CallUnheard(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(sys::probe_fd(0).ok());
}
BENCHMARK(CallUnheard);

void CallHeard(benchmark::State& state) {
  DeafSink sink;
  const trace::Session session(&sink);
  for (auto _ : state) benchmark::DoNotOptimize(sys::probe_fd(0).ok());
}
BENCHMARK(CallHeard);

/// The same call without any wrapper: the floor.
void CallBare(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(::fcntl(0, F_GETFD));
}
BENCHMARK(CallBare);

void OpenByPath(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(sys::open("/usr/bin/env", O_PATH).ok());
}
BENCHMARK(OpenByPath);

void OpenInRoot(benchmark::State& state) {
  const UniqueFd root = sys::open("/", O_PATH | O_DIRECTORY).or_throw("/");
  for (auto _ : state) {
    benchmark::DoNotOptimize(open_in_root(root.get(), "/usr/bin/env", O_PATH).ok());
  }
}
BENCHMARK(OpenInRoot);

}  // namespace
}  // namespace minidocker

BENCHMARK_MAIN();
