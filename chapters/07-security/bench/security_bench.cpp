// What the privileges of a container cost to prepare: what the kernel knows, a user of a large
// passwd file.
#include <cstdint>

#include <benchmark/benchmark.h>

#include "minidocker/security/capabilities.hpp"
#include "minidocker/security/passwd.hpp"

namespace minidocker::security {
namespace {

void ask_for_the_kernels_capabilities(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(kernel_capabilities());
}
BENCHMARK(ask_for_the_kernels_capabilities);

void search_a_user_among(benchmark::State& state) {
  for (auto _ : state) {
    UserSlot slot;
    UserSearch search("wanted", slot);
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      search.take_passwd_line("somebody:x:1000:1000:Some Body,,,:/home/somebody:/bin/bash");
    }
    search.take_passwd_line("wanted:x:33:44::/var/www:/bin/sh");
    benchmark::DoNotOptimize(search.finish());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(search_a_user_among)->Arg(20)->Arg(1000);

}  // namespace
}  // namespace minidocker::security

BENCHMARK_MAIN();
