// Device rules as processes meet them, on v1 and v2.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdint>
#include <string>
#include <vector>

#include "minidocker/toolbox/temp_dir.hpp"
#include "work.hpp"

namespace minidocker::cgroups {
namespace {

TEST_P(EachDriver, DeniedDeviceCannotBeOpenedNorAllowedOneBeRefused) {
  NEED(false);
  covers("devices: denied and allowed");
  Cgroup group = make();
  group.apply_devices(default_device_rules());
  Process child = start_in(group, [] {
    const TempDir dir;
    const std::string zero = dir / "zero";
    const std::string mem = dir / "mem";
    if (::mknod(zero.c_str(), S_IFCHR | 0600, ::makedev(1, 5)) != 0) return 1;
    if (::mknod(mem.c_str(), S_IFCHR | 0600, ::makedev(1, 1)) != 0) return 2;
    if (::open(zero.c_str(), O_RDONLY | O_CLOEXEC) < 0) return 3;
    if (::open(mem.c_str(), O_RDONLY | O_CLOEXEC) >= 0) return 4;
    return errno == EPERM ? 0 : 5;
  });
  EXPECT_EQ(0, end_of(child).code);
}

TEST_P(EachDriver, LaterRulesReplaceEarlierOnes) {
  NEED(false);
  covers("devices: rules replaced");
  Cgroup group = make();
  group.apply_devices({{}});
  group.apply_devices(default_device_rules());
  Process child =
      start_in(group, [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1; });
  EXPECT_EQ(0, end_of(child).code);
  group.apply_devices({{}});
  Process other =
      start_in(group, [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? 1 : errno; });
  EXPECT_EQ(EPERM, end_of(other).code);
}

/// Opens what is allowed before and after, and what never is, as fast as it can.
int open_in_a_loop() {
  board->ready = true;
  while (!board->stop) {
    const int zero = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    if (zero < 0) ++board->failed;
    ::close(zero);
    const int full = ::open("/dev/full", O_RDONLY | O_CLOEXEC);
    if (full >= 0) {
      ++board->failed;
      ::close(full);
    }
    ++board->count;
  }
  return 0;
}

/// All but null, zero and, with `wide`, random are denied.
std::vector<DeviceRule> rules(bool wide) {
  std::vector<DeviceRule> rules{{},
                                {Verdict::allow, DeviceType::character, 1, 3, kAnyAccess},
                                {Verdict::allow, DeviceType::character, 1, 5, kAnyAccess}};
  if (wide) rules.push_back({Verdict::allow, DeviceType::character, 1, 8, kAnyAccess});
  return rules;
}

class V2Devices : public EachDriver {};
INSTANTIATE_TEST_SUITE_P(Cgroup, V2Devices, ::testing::Values(Version::v2, Version::systemd),
                         name_of);

TEST_P(V2Devices, RulesAreReplacedWithoutAMomentBetween) {
  NEED(false);
  covers("devices: no gap while rules change");
  clear_board();
  Cgroup group = make();
  group.apply_devices(rules(false));
  Process child = start_in(group, open_in_a_loop);
  ASSERT_TRUE(eventually([] { return board->ready.load(); }));
  for (int i = 0; i < 300; ++i) group.apply_devices(rules(i % 2 == 0));
  const std::uint64_t before = board->count;
  EXPECT_TRUE(eventually([&] { return board->count > before + 10; }));
  board->stop = true;
  EXPECT_EQ(0, end_of(child).code);
  EXPECT_EQ(0U, board->failed);
}

class V1Devices : public Groups {
 protected:
  void SetUp() override { need(Version::v1, false); }
};

TEST_F(V1Devices, ChangeOfRulesIsAMomentWithout) {
  lacks("devices: no gap while rules change", "v1 denies all first: an open may fail meanwhile");
  clear_board();
  Cgroup group = make();
  group.apply_devices(rules(false));
  Process child = start_in(group, open_in_a_loop);
  ASSERT_TRUE(eventually([] { return board->ready.load(); }));
  for (int i = 0; i < 100; ++i) group.apply_devices(rules(i % 2 == 0));
  board->stop = true;
  EXPECT_EQ(0, end_of(child).code);
  EXPECT_LT(board->failed, board->count) << "and it ends";
}

}  // namespace
}  // namespace minidocker::cgroups
