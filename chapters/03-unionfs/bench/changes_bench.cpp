/// \file
/// What a list of changes costs, beside a bare walk through the same upper directory: reading each
/// directory and asking for the status of each name, as find(1) or du(1) do.

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/unionfs/changes.hpp"

namespace minidocker::unionfs {
namespace {

constexpr int kDirectories = 1000;
constexpr int kFilesEach = 100;

/// An upper directory of 100,000 files, and layers that have the same names.
struct Trees {
  TempDir dir;
  std::string upper = dir / "upper";
  std::vector<std::string> lowers;

  explicit Trees(std::size_t layers) {
    fill(upper);
    for (std::size_t i = 0; i < layers; ++i) {
      lowers.push_back(dir / fmt::format("lower-{}", i));
      // Only the lowest has the names: each search goes through all layers.
      if (i + 1 == layers) {
        fill(lowers.back());
      } else {
        for (int d = 0; d < kDirectories; ++d) make_dirs(directory(lowers.back(), d));
      }
    }
  }

  static std::string directory(const std::string& top, int number) {
    return fmt::format("{}/directory-{}", top, number);
  }
  static void fill(const std::string& top) {
    for (int d = 0; d < kDirectories; ++d) {
      const std::string path = directory(top, d);
      make_dirs(path);
      const UniqueFd fd = sys::open(path.c_str(), O_PATH | O_DIRECTORY).or_throw(path);
      for (int f = 0; f < kFilesEach; ++f) {
        const std::string name = fmt::format("file-{}", f);
        sys::openat(fd.get(), name.c_str(), O_WRONLY | O_CREAT, 0644).or_throw(name);
      }
    }
  }
};

template <std::size_t kLayers>
const Trees& trees_of() {
  static const Trees kTrees(kLayers);
  return kTrees;
}

const Trees& trees(std::size_t layers) {
  if (layers == 0) return trees_of<0>();
  return layers == 1 ? trees_of<1>() : trees_of<10>();
}

std::size_t walk(int dir) {
  std::size_t seen = 0;
  alignas(struct dirent64) std::array<char, 64 * 1024> buffer;
  while (const std::size_t size =
             sys::getdents64(dir, buffer.data(), buffer.size()).or_throw("getdents")) {
    for (std::size_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const std::string_view name(entry->d_name);
      if (name == "." || name == "..") continue;
      const struct stat status =
          sys::fstatat(dir, entry->d_name, AT_SYMLINK_NOFOLLOW).or_throw(name);
      ++seen;
      if (!S_ISDIR(status.st_mode)) continue;
      seen += walk(sys::openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY).or_throw(name).get());
    }
  }
  return seen;
}

void bare_walk(benchmark::State& state) {
  const Trees& all = trees(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const UniqueFd top = sys::open(all.upper.c_str(), O_RDONLY | O_DIRECTORY).or_throw(all.upper);
    benchmark::DoNotOptimize(walk(top.get()));
  }
}
BENCHMARK(bare_walk)->Arg(0)->Arg(1)->Arg(10)->Unit(benchmark::kMillisecond);

void list_changes(benchmark::State& state) {
  const Trees& all = trees(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(find_changes(all.upper, all.lowers));
}
BENCHMARK(list_changes)->Arg(0)->Arg(1)->Arg(10)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace minidocker::unionfs
