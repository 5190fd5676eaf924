/// \file
/// What overlay costs: mounting and unmounting it, by the number of layers and by what is written
/// in between. Run as root, or as an ordinary user with user namespaces.

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include <benchmark/benchmark.h>

#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/unionfs/overlay.hpp"

namespace minidocker::unionfs {
namespace {

// A mount namespace of our own, once for the whole program.
void enter_own_namespace() {
  static const bool kEntered = [] {
    sys::unshare(CLONE_NEWNS).or_throw("a mount namespace (run it as root)");
    sys::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr).or_throw("/");
    return true;
  }();
  static_cast<void>(kEntered);
}

OverlayLayers make_layers(const TempDir& dir, std::size_t count, UpperSync sync) {
  OverlayLayers layers{{}, dir / "upper", dir / "work", sync};
  for (std::size_t i = 0; i < count; ++i) {
    layers.lowers.push_back(dir / fmt::format("{:064x}", i));
    make_dirs(layers.lowers.back());
  }
  make_dirs(layers.upper);
  make_dirs(layers.work);
  make_dirs(dir / "merged");
  return layers;
}

void mount_and_unmount(benchmark::State& state) {
  enter_own_namespace();
  const TempDir dir;
  const OverlayLayers layers =
      make_layers(dir, static_cast<std::size_t>(state.range(0)), UpperSync::never);
  const std::string merged = dir / "merged";
  for (auto _ : state) {
    // A volatile overlay leaves a mark that forbids its work directory to be used again.
    state.PauseTiming();
    remove_tree(layers.work);
    make_dirs(layers.work);
    ChildPlan plan;
    const MountOverlay step = make_mount_overlay(plan, layers, merged);
    ChildContext context;
    state.ResumeTiming();
    if (!step.run(context)) state.SkipWithError("mount failed");
    sys::umount2(merged.c_str(), 0).or_throw(merged);
  }
}
BENCHMARK(mount_and_unmount)->Arg(1)->Arg(10)->Arg(127)->Unit(benchmark::kMicrosecond);

void unmount_after_writing(benchmark::State& state) {
  enter_own_namespace();
  const UpperSync sync = state.range(0) == 0 ? UpperSync::on_unmount : UpperSync::never;
  const TempDir dir;
  const OverlayLayers layers = make_layers(dir, 2, sync);
  const std::string merged = dir / "merged";
  const std::string content(std::size_t{8} * 1024 * 1024, 'x');
  for (auto _ : state) {
    state.PauseTiming();
    remove_tree(layers.work);
    make_dirs(layers.work);
    ChildPlan plan;
    const MountOverlay step = make_mount_overlay(plan, layers, merged);
    ChildContext context;
    if (!step.run(context)) state.SkipWithError("mount failed");
    write_atomically(merged + "/file", content);
    state.ResumeTiming();
    sys::umount2(merged.c_str(), 0).or_throw(merged);
  }
  state.SetLabel(sync == UpperSync::never ? "volatile" : "synced");
}
BENCHMARK(unmount_after_writing)->Arg(0)->Arg(1)->Iterations(10)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace minidocker::unionfs

BENCHMARK_MAIN();
