/// \file
/// A layer unpacked by us and by GNU tar, side by side: many small files and a few big ones.

#include <fcntl.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "minidocker/images/digest.hpp"
#include "minidocker/images_unpack/byte_stream.hpp"
#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::images_unpack {
namespace {

// Compresses about as programs do: words out of a small set, some noise.
std::string some_content(std::size_t size, std::mt19937& random) {
  static constexpr const char* kWords[] = {"mov ",
                                           "push ",
                                           "call 0x",
                                           "symbol_",
                                           "\x7f"
                                           "ELF",
                                           "ret\n"};
  std::string content;
  while (content.size() < size) {
    content += kWords[random() % 6];
    content += std::to_string(random() % 1000);
  }
  content.resize(size);
  return content;
}

void make_tree(const std::string& root, std::size_t files, std::size_t size) {
  std::mt19937 random(1);
  for (std::size_t i = 0; i < files; ++i) {
    const std::string directory = fmt::format("{}/tree/{}", root, i / 50);
    make_dirs(directory);
    write_atomically(fmt::format("{}/{}", directory, i), some_content(size, random));
  }
}

// One archive of each kind, made once: by GNU tar and gzip, as images are.
struct Archive {
  Archive(std::size_t files, std::size_t size) {
    make_tree(dir / "", files, size);
    Process::spawn({"tar", "-C", dir.path(), "-cf", dir / "layer.tar", "tree"}).wait();
    Process::spawn({"gzip", "-k", dir / "layer.tar"}).wait();
    remove_tree(dir / "tree");
    diff_id = images::Digest::of(read_file(dir / "layer.tar"));
    const std::string compressed = read_file(path());
    digest = images::Digest::of(compressed);
    bytes = read_file(dir / "layer.tar").size();
  }
  [[nodiscard]] std::string path() const { return dir / "layer.tar.gz"; }

  TempDir dir;
  images::Digest diff_id = images::Digest::of("");
  images::Digest digest = images::Digest::of("");
  std::size_t bytes = 0;
};

const Archive& archive_of(const benchmark::State& state) {
  static const Archive kSmall(5000, 4096);
  static const Archive kBig(4, std::size_t{16} * 1024 * 1024);
  return state.range(0) == 0 ? kSmall : kBig;
}

// Runs `extract(target)` with an empty directory each time.
template <class Extract>
void measure(benchmark::State& state, Extract extract) {
  const Archive& archive = archive_of(state);
  const TempDir dir;
  for (auto _ : state) {
    state.PauseTiming();
    remove_tree(dir / "target");
    make_dirs(dir / "target");
    state.ResumeTiming();
    extract(archive, dir / "target");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(archive.bytes) * state.iterations());
  state.SetLabel(state.range(0) == 0 ? "5000 files of 4 KiB" : "4 files of 16 MiB");
}

void mini_docker(benchmark::State& state) {
  measure(state, [](const Archive& archive, const std::string& target) {
    const UniqueFd fd = sys::open(archive.path().c_str(), O_RDONLY).or_throw();
    ByteBudget budget(std::uint64_t{1} << 40U);
    const NoUmask no_umask;
    unpack_layer({fd.get(), "layer", archive.digest, archive.diff_id}, target, budget);
  });
}

void gnu_tar(benchmark::State& state) {
  measure(state, [](const Archive& archive, const std::string& target) {
    Process::spawn({"tar", "-C", target, "-xzf", archive.path()}).wait();
  });
}

void inflate_alone(benchmark::State& state, InflateCode code) {
  measure(state, [code](const Archive& archive, const std::string&) {
    const UniqueFd fd = sys::open(archive.path().c_str(), O_RDONLY).or_throw();
    FdStream file(fd.get(), "layer");
    BufferedPieces pieces(file);
    InflateStream gunzip(pieces, "layer", code);
    std::string buffer(std::size_t{512} * 1024, '\0');
    while (gunzip.read(buffer.data(), buffer.size()) > 0) {
    }
  });
}

// Real time: GNU tar's work is done in other processes.
BENCHMARK(mini_docker)->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(gnu_tar)->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(inflate_alone, igzip, InflateCode::igzip)
    ->Arg(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(inflate_alone, zlib, InflateCode::zlib)
    ->Arg(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace minidocker::images_unpack

BENCHMARK_MAIN();
