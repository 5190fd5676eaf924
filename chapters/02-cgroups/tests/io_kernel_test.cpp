// Limits of disk access, met on the disk that holds the build tree.
#include <sys/sysmacros.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "minidocker/toolbox/temp_dir.hpp"
#include "work.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::size_t kBlock = 16 << 10;
constexpr std::size_t kBlocks = 32;

/// Reads or writes half a MiB past the page cache; 0, or an errno.
int access_disk(bool writes) {
  void* buffer = std::aligned_alloc(4096, kBlock);
  std::memset(buffer, 0, kBlock);
  const std::string file = MD_BINARY_DIR "/tests/io-" + std::to_string(::getppid());
  const int fd = ::open(file.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC);
  if (fd < 0) return errno;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const ssize_t done = writes ? ::pwrite(fd, buffer, kBlock, static_cast<off_t>(i * kBlock))
                                : ::pread(fd, buffer, kBlock, static_cast<off_t>(i * kBlock));
    if (done != static_cast<ssize_t>(kBlock)) return errno;
  }
  return 0;
}

class Io : public EachDriver {
 protected:
  void SetUp() override {
    const UniqueFd fd(::open(file_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    const std::string data(kBlock * kBlocks, 'x');
    ASSERT_EQ(static_cast<ssize_t>(data.size()), ::write(fd.get(), data.data(), data.size()));
    ASSERT_EQ(0, ::fsync(fd.get()));
    struct stat status{};
    ASSERT_EQ(0, ::fstat(fd.get(), &status));
    device_ = {::major(status.st_dev), ::minor(status.st_dev)};
    if (device_.major == 0) GTEST_SKIP() << "the build tree is on no disk";
  }
  void TearDown() override {
    ::unlink(file_.c_str());
    EachDriver::TearDown();
  }
  milliseconds time_of(const Limits& limits, int (*body)()) {
    Cgroup group = make();
    group.apply(limits);
    const auto before = std::chrono::steady_clock::now();
    Process child = start_in(group, body);
    EXPECT_EQ(0, end_of(child).code);
    const auto took = std::chrono::steady_clock::now() - before;
    stats_ = group.stats().io;
    return std::chrono::duration_cast<milliseconds>(took);
  }
  static std::uint64_t sum(const std::vector<IoCount>& counts, DeviceNumber device,
                           const std::string& operation) {
    std::uint64_t total = 0;
    for (const IoCount& count : counts) {
      if (count.device == device && count.operation == operation) total += count.value;
    }
    return total;
  }

  std::string file_ = MD_BINARY_DIR "/tests/io-" + std::to_string(::getpid());
  DeviceNumber device_;
  IoStats stats_;
};

INSTANTIATE_TEST_SUITE_P(Cgroup, Io, ::testing::Values(Version::v1, Version::v2, Version::systemd),
                         name_of);

TEST_P(Io, BytesReadPerSecondAreLimitedAndCounted) {
  NEED(true);
  covers("io: bytes read per second");
  covers("statistics: disks");
  // Half a MiB at one a second.
  EXPECT_GT(
      time_of({.io = {.read_bytes = {{device_, 1 << 20}}}}, [] { return access_disk(false); }),
      milliseconds(350));
  EXPECT_GE(sum(stats_.bytes, device_, "Read"), kBlock * kBlocks);
  EXPECT_GE(sum(stats_.operations, device_, "Read"), kBlocks);
}

TEST_P(Io, BytesWrittenPerSecondAreLimited) {
  NEED(true);
  covers("io: bytes written per second");
  EXPECT_GT(
      time_of({.io = {.write_bytes = {{device_, 1 << 20}}}}, [] { return access_disk(true); }),
      milliseconds(350));
  EXPECT_GE(sum(stats_.bytes, device_, "Write"), kBlock * kBlocks);
}

TEST_P(Io, ReadsPerSecondAreLimited) {
  NEED(true);
  covers("io: reads per second");
  EXPECT_GT(
      time_of({.io = {.read_operations = {{device_, 64}}}}, [] { return access_disk(false); }),
      milliseconds(350));
}

TEST_P(Io, WritesPerSecondAreLimited) {
  NEED(true);
  covers("io: writes per second");
  EXPECT_GT(
      time_of({.io = {.write_operations = {{device_, 64}}}}, [] { return access_disk(true); }),
      milliseconds(350));
}

TEST_P(Io, ZeroLiftsACeiling) {
  NEED(true);
  const Cgroup group = make();
  group.apply({.io = {.read_bytes = {{device_, 4096}}}});
  group.update({.io = {.read_bytes = {{device_, 0}}}});
  const std::string path =
      group.location().find(GetParam() == Version::v1 ? "blkio" : "io")->path();
  const std::string text = testing::read_text(
      path + (GetParam() == Version::v1 ? "/blkio.throttle.read_bps_device" : "/io.max"));
  EXPECT_EQ(std::string::npos, text.find("4096")) << text;
}

TEST_P(Io, WeightIsKeptWhereADiskSchedulerReadsIt) {
  NEED(true);
  covers("io: weight");
  const Cgroup group = make();
  const bool is_v1 = GetParam() == Version::v1;
  const std::string path = group.location().find(is_v1 ? "blkio" : "io")->path();
  const auto bfq = testing::find_text(path + (is_v1 ? "/blkio.bfq.weight" : "/io.bfq.weight"));
  const auto own = testing::find_text(path + "/io.weight");
  if (!bfq && !own) {  // this kernel has neither scheduler
    EXPECT_THAT(error_of(ErrorKind::unavailable, [&] { group.apply({.io = {.weight = 500}}); }),
                HasSubstr("I/O weight: there is no"));
    return;
  }
  group.apply({.io = {.weight = 500}});
  const std::string text = testing::read_text(path + (is_v1 ? "/blkio.bfq.weight"
                                                      : bfq ? "/io.bfq.weight"
                                                            : "/io.weight"));
  EXPECT_THAT(text, HasSubstr(bfq ? "500" : "4950"));
}

TEST_P(Io, WeightOfADiskNeedsItsScheduler) {
  NEED(true);
  lacks("io: weight of a device", "no disk of the machines we test on is scheduled by bfq");
  const Cgroup group = make();
  try {
    group.apply({.io = {.device_weights = {{device_, 500}}}});
    const bool is_v1 = GetParam() == Version::v1;
    ASSERT_FALSE(is_v1) << "bfq was thought to be absent";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("I/O weight of a device"));
  }
}

TEST_P(Io, DiskThatIsNotThereIsNamed) {
  NEED(true);
  const Cgroup group = make();
  try {
    group.apply({.io = {.read_bytes = {{{4000, 1}, 4096}}}});
    FAIL() << "taken";
  } catch (const SystemError& error) {
    EXPECT_THAT(error.what(), HasSubstr("4000:1"));
    EXPECT_THAT(error.what(), HasSubstr("no such disk"));
  }
}

}  // namespace
}  // namespace minidocker::cgroups
