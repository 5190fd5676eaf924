/// \file
/// What unpacking costs: system calls for each file, and memory.

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <sstream>
#include <string>

#include "compressed_text.hpp"
#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "tar_builder.hpp"

namespace minidocker::images_unpack {
namespace {

using images::Digest;
using images_unpack::testing::gzip;
using images_unpack::testing::Member;
using images_unpack::testing::TarBuilder;
using images_unpack::testing::zstd;
using minidocker::testing::in_sandbox;
using minidocker::testing::path_of;
using minidocker::testing::read_text;
using minidocker::testing::run_command;
using minidocker::testing::write_text;
using Counts = std::map<std::string, int>;

// The calls that `unlayer` makes for an archive, those of memory and of threads left out: how many
// these are is up to the scheduler.
Counts calls_for(const std::string& archive) {
  const std::string blob = gzip(archive);
  write_text("/tmp/blob", blob);
  remove_tree("/tmp/layer");
  remove_tree("/tmp/counters");  // of a coverage build: each run writes all of them, once
  const auto result = run_command(
      {path_of("strace"), "-f", "-qq", "-E", "LLVM_PROFILE_FILE=/tmp/counters", "-o", "/tmp/calls",
       "-e", "trace=%file,%desc,fchown,fchmod,fsetxattr", MD_BINARY_DIR "/bin/unlayer", "/tmp/blob",
       "/tmp/layer", Digest::of(blob).str(), Digest::of(archive).str()});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  Counts counts;
  std::istringstream lines(read_text("/tmp/calls"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string pid;
    std::string call;
    words >> pid >> call;
    if (call.find('(') == std::string::npos) continue;  // the second half of an interrupted line
    const std::string name = call.substr(0, call.find('('));
    if (name != "read" && name != "mmap") ++counts[name];
  }
  return counts;
}

// What `more` costs beyond `base`.
Counts difference(const Counts& more, const Counts& base) {
  Counts counts;
  for (const auto& [name, count] : more) {
    const auto found = base.find(name);
    const int extra = count - (found == base.end() ? 0 : found->second);
    if (extra != 0) counts[name] = extra;
  }
  return counts;
}

// Directories of 50 files of the given kind each.
std::string archive_of(int directories, const Member& kind, int files = 50) {
  TarBuilder tar;
  for (int d = 0; d < directories; ++d) {
    const std::string directory = "usr/lib/" + std::to_string(d);
    tar.dir(directory);
    for (int f = 0; f < files; ++f) {
      Member file = kind;
      file.name = directory + "/" + std::to_string(f);
      tar.add(file);
    }
  }
  return tar.finish();
}

TEST(Extraction, OfAnotherBlobThanWasAskedForIsRefusedByItsDigest) {
  in_sandbox([] {
    const std::string archive = archive_of(1, {.name = {}});
    write_text("/tmp/blob", archive);
    const std::string wanted = Digest::of("other").str();
    const auto result = run_command({MD_BINARY_DIR "/bin/unlayer", "/tmp/blob", "/tmp/layer",
                                     wanted, Digest::of(archive).str()});
    EXPECT_EQ(result.exit_code, 1) << result.in_words();
    EXPECT_THAT(result.err, ::testing::AllOf(::testing::StartsWith("unlayer: "),
                                             ::testing::HasSubstr(Digest::of(archive).str())));
  });
}

TEST(Extraction, MakesAFileInFourCalls) {
  MD_NEEDS("root", "strace");
  in_sandbox([] {
    const Counts empty = calls_for(archive_of(10, {.name = {}}, 0));
    const Counts files =
        calls_for(archive_of(10, {.name = {}, .content = "content", .mode = 0755}));
    EXPECT_EQ(difference(files, empty), (Counts{{"openat", 500},
                                                {"write", 500},
                                                {"utimensat", 500},
                                                {"close", 500 + 10},
                                                {"openat2", 10}}));  // each directory, once
  });
}

TEST(Extraction, MakesAFileOfAnotherUserWithSpecialBitsInSix) {
  MD_NEEDS("root", "strace");
  in_sandbox([] {
    const Member plain{.name = {}, .content = "content"};
    const Member special{.name = {}, .content = "content", .mode = 04755, .uid = 7};
    EXPECT_EQ(difference(calls_for(archive_of(3, special)), calls_for(archive_of(3, plain))),
              (Counts{{"fchownat", 150}, {"fchmod", 150}}));
  });
}

// What is never opened need not be closed.
TEST(Extraction, MakesAnEmptyFileOrALinkInTwoCalls) {
  MD_NEEDS("root", "strace");
  in_sandbox([] {
    const Counts nothing = calls_for(archive_of(3, {.name = {}}, 0));
    const Counts directories{{"close", 3}, {"openat2", 3}};
    const auto with = [&](const char* call) {
      Counts counts = directories;
      counts[call] = counts["utimensat"] = 150;
      return counts;
    };
    EXPECT_EQ(difference(calls_for(archive_of(3, {.name = {}})), nothing), with("mknodat"));
    const Member link{.name = {}, .type = '2', .link = "target"};
    EXPECT_EQ(difference(calls_for(archive_of(3, link)), nothing), with("symlinkat"));
    Member owned = link;
    owned.uid = 7;
    EXPECT_EQ(difference(calls_for(archive_of(3, owned)), calls_for(archive_of(3, link))),
              (Counts{{"fchownat", 150}}));
  });
}

// An archive of one file of `megabytes`, in zstd frames of a megabyte each.
struct BigLayer {
  explicit BigLayer(unsigned megabytes) {
    std::string header = images_unpack::testing::header_of({.name = "big"});
    header.replace(124, 11, fmt::format("{:011o}", std::uint64_t{megabytes} << 20U));
    images_unpack::testing::seal(header);
    const std::string content(std::size_t{1} << 20U, 'x');
    const std::string frame = zstd(content);
    add(header, zstd(header));
    for (unsigned i = 0; i < megabytes; ++i) add(content, frame);
    const std::string end(1024, '\0');
    add(end, zstd(end));
  }
  std::string blob;
  images::Hasher archive;

 private:
  void add(const std::string& plain, const std::string& compressed) {
    archive.update(plain.data(), plain.size());
    blob += compressed;
  }
};

std::uint64_t kilobytes_of(const std::string& field) {
  return std::stoull(minidocker::testing::status_field(::getpid(), field));
}

TEST(Extraction, NeedsFlatMemoryHoweverLargeALayerIs) {
  MD_NEEDS("root");
  in_sandbox([] {
    BigLayer layer(1024);
    write_text("/tmp/blob", layer.blob);
    const UniqueFd fd = sys::open("/tmp/blob", O_RDONLY).or_throw();
    make_dirs("/tmp/layer");
    ByteBudget budget(std::uint64_t{2} << 30U);
    const NoUmask no_umask;
    const std::uint64_t before = kilobytes_of("VmRSS");
    unpack_layer({fd.get(), "layer", Digest::of(layer.blob), layer.archive.finish()}, "/tmp/layer",
                 budget);
    EXPECT_LT(kilobytes_of("VmHWM") - before, 16U * 1024) << "kB beyond " << before;
    EXPECT_EQ(sys::fstatat(AT_FDCWD, "/tmp/layer/big", 0).or_throw().st_size, 1 << 30);
  });
}

}  // namespace
}  // namespace minidocker::images_unpack
