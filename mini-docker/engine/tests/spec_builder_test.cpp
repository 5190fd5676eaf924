#include "spec_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "minidocker/spec/validate.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

using spec::NamespaceType;

SpecInput input() {
  SpecInput input;
  input.hostname = "0123456789ab";
  input.cgroups_path = "/mini-docker/0123456789ab";
  input.program.args = {"sh"};
  input.program.env = {"PATH=/bin", "HOSTNAME=0123456789ab"};
  input.program.working_dir = "/";
  input.files = {"/state/hosts", "/state/hostname", "/state/resolv.conf", "/programs/mini-init"};
  return input;
}

SpecInput rootless_input() {
  SpecInput rootless = input();
  rootless.maker = {1000, 1001, security::kAllKnown};
  rootless.cgroups_path.clear();
  return rootless;
}

const spec::Mount* mount_at(const spec::Spec& spec, const std::string& destination) {
  const auto place = std::ranges::find(spec.mounts, destination, &spec::Mount::destination);
  return place == spec.mounts.end() ? nullptr : &*place;
}

bool has_option(const spec::Mount* mount, const std::string& option) {
  return mount != nullptr && std::ranges::find(mount->options, option) != mount->options.end();
}

MountRequest bind(const std::string& source, const std::string& target) {
  MountRequest mount;
  mount.source = source;
  mount.target = target;
  return mount;
}

TEST(SpecBuilder, PlainRequestGivesTheExpectedConfigJson) {
  const std::string expected = testing::read_text(std::string(MD_SOURCE_DIR) +
                                                  "/mini-docker/engine/tests/golden/plain.json");
  EXPECT_EQ(spec::write(build_spec({}, input()), spec::Layout::pretty) + "\n", expected);
}

TEST(SpecBuilder, WhatItBuildsIsValid) {
  EXPECT_NO_THROW(spec::validate(build_spec({}, input())));
  EXPECT_NO_THROW(spec::validate(build_spec({}, rootless_input())));
  CreateRequest request;
  request.privileged = request.init = request.read_only = request.terminal = true;
  request.pid = request.uts = request.network = NamespaceMode::host;
  request.ipc = IpcMode::host;
  EXPECT_NO_THROW(spec::validate(build_spec(request, input())));
  EXPECT_NO_THROW(spec::validate(build_spec(request, rootless_input())));
}

TEST(SpecBuilder, LimitsBecomeResources) {
  CreateRequest request;
  request.limits.memory = Bytes{64 << 20};
  request.limits.nano_cpus = 1'500'000'000;
  request.limits.pids = 32;
  const spec::Resources resources = build_spec(request, input()).linux_.resources;
  EXPECT_EQ(resources.memory.limit, 64 << 20);
  EXPECT_EQ(resources.memory.swap, 128 << 20);
  EXPECT_EQ(resources.cpu.quota, 150'000);
  EXPECT_EQ(resources.cpu.period, 100'000U);
  EXPECT_EQ(resources.pids_limit, 32);
}

TEST(SpecBuilder, EveryLimitHasItsPlace) {
  CreateRequest request;
  request.limits.memory = Bytes{64 << 20};
  request.limits.memory_swap = -1;
  request.limits.memory_reservation = Bytes{32 << 20};
  request.limits.memory_swappiness = 0;
  request.limits.oom_kill_disable = true;
  request.limits.cpu_shares = 512;
  request.limits.cpu_period = 50'000;
  request.limits.cpu_quota = -5;
  request.limits.cpu_rt_period = 1'000'000;
  request.limits.cpu_rt_runtime = 95'000;
  request.limits.cpuset_cpus = "0";
  request.limits.cpuset_mems = "0-1";
  request.limits.blkio_weight = 500;
  request.oom_score_adj = -7;
  const spec::Spec spec = build_spec(request, input());
  const spec::Resources& resources = spec.linux_.resources;
  EXPECT_EQ(resources.memory,
            (spec::MemoryLimits{64 << 20, 32 << 20, -1, std::nullopt, 0U, true, false}));
  EXPECT_EQ(resources.cpu, (spec::CpuLimits{512U, -1, 50'000U, std::nullopt, 95'000, 1'000'000U,
                                            "0", "0-1", std::nullopt}));
  EXPECT_EQ(resources.block_io.weight, 500U);
  EXPECT_EQ(spec.process.oom_score_adj, -7);
  EXPECT_NO_THROW(spec::validate(spec));
}

TEST(SpecBuilder, SharesBeyondTheKernelsAreTheKernels) {
  CreateRequest request;
  request.limits.cpu_shares = 1;
  EXPECT_EQ(build_spec(request, input()).linux_.resources.cpu.shares, 2U);
  request.limits.cpu_shares = 1'000'000;
  EXPECT_EQ(build_spec(request, input()).linux_.resources.cpu.shares, 262'144U);
}

TEST(SpecBuilder, WithoutAccountingOfSwapOnlyMemoryIsLimited) {
  CreateRequest request;
  request.limits.memory = Bytes{64 << 20};
  SpecInput without = input();
  without.counts_swap = false;
  EXPECT_EQ(build_spec(request, without).linux_.resources.memory.swap, std::nullopt);
}

/// The rules behind those that every container has.
std::vector<spec::DeviceRule> further_rules(const CreateRequest& request) {
  std::vector<spec::DeviceRule> rules = build_spec(request, input()).linux_.resources.devices;
  const std::size_t usual = build_spec({}, input()).linux_.resources.devices.size();
  rules.erase(rules.begin(), rules.begin() + static_cast<std::ptrdiff_t>(usual));
  return rules;
}

TEST(SpecBuilder, ADeviceIsANodeAndARuleForWhatIsNotWanted) {
  CreateRequest request;
  request.devices = {{"/dev/full", "/dev/packed", "r"}};
  const spec::Spec spec = build_spec(request, input());
  ASSERT_EQ(spec.linux_.devices.size(), 1U);
  EXPECT_EQ(spec.linux_.devices[0].path, "/dev/packed");
  EXPECT_EQ(spec.linux_.devices[0].major, 1U);
  EXPECT_EQ(spec.linux_.devices[0].minor, 7U);
  EXPECT_EQ(further_rules(request), (std::vector<spec::DeviceRule>{{false, 'c', 1U, 7U, "wm"}}));
  request.devices[0].access = "mwr";
  EXPECT_TRUE(further_rules(request).empty());
}

TEST(SpecBuilder, WhatIsNoDeviceIsRefused) {
  for (const auto& [path, why] : {std::pair{"/dev/nosuch", "no such file or directory"},
                                  {"/etc/passwd", "not a device node"}}) {
    CreateRequest request;
    request.devices = {{path, path, "rwm"}};
    try {
      (void)build_spec(request, input());
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  }
}

TEST(SpecBuilder, WhatIsThrottledIsADisk) {
  CreateRequest request;
  request.limits.device_read_bps = {{"/dev/null", 1}};
  EXPECT_THROW((void)build_spec(request, input()), Error);
}

TEST(SpecBuilder, DeviceRulesAreDockersText) {
  CreateRequest request;
  request.device_rules = {"c 1:3 r", "b *:* rwm", "a *:7 m"};
  EXPECT_EQ(further_rules(request),
            (std::vector<spec::DeviceRule>{
                {true, 'c', 1U, 3U, "r"}, {true, 'b', {}, {}, "rwm"}, {true, 'a', {}, 7U, "m"}}));
  for (const char* text : {"", "c", "c 1:3", "c 1 rwm", "x 1:3 r", "c 1:3 rwx", "c 1:3 rr",
                           "c -1:3 r", "c 1:3  r", "c 1:3:4 r", "c 4294967296:1 r", "c :1 r"}) {
    request.device_rules = {text};
    EXPECT_THROW((void)build_spec(request, input()), Error) << text;
  }
}

TEST(SpecBuilder, TwiceTheMostMemoryIsTheMost) {
  CreateRequest request;
  request.limits.memory = Bytes{std::uint64_t{1} << 62U};
  const spec::Resources resources = build_spec(request, input()).linux_.resources;
  EXPECT_EQ(resources.memory.limit, std::int64_t{1} << 62U);
  EXPECT_EQ(resources.memory.swap, std::numeric_limits<std::int64_t>::max());
}

TEST(SpecBuilder, HostModesLeaveNamespacesOut) {
  CreateRequest request;
  request.pid = request.network = request.uts = NamespaceMode::host;
  request.ipc = IpcMode::host;
  const spec::Spec spec = build_spec(request, input());
  for (const NamespaceType type : {NamespaceType::pid, NamespaceType::network, NamespaceType::uts,
                                   NamespaceType::ipc, NamespaceType::user}) {
    EXPECT_FALSE(spec.linux_.makes(type)) << spec::name_of(type);
  }
  EXPECT_TRUE(spec.linux_.makes(NamespaceType::mount));
  EXPECT_EQ(spec.hostname, "");
  EXPECT_TRUE(has_option(mount_at(spec, "/dev/shm"), "rbind"));
}

TEST(SpecBuilder, AHostnameAndTheHostsUtsNamespaceExcludeEachOther) {
  CreateRequest request;
  request.hostname = "mine";
  request.uts = NamespaceMode::host;
  EXPECT_THROW(static_cast<void>(build_spec(request, input())), Error);
}

TEST(SpecBuilder, AnOrdinaryUserGetsAUserNamespaceWithHisOwnIds) {
  const spec::Spec spec = build_spec({}, rootless_input());
  EXPECT_TRUE(spec.linux_.makes(NamespaceType::user));
  EXPECT_EQ(spec.linux_.uid_mappings, (std::vector<spec::IdMapping>{{0, 1000, 1}}));
  EXPECT_EQ(spec.linux_.gid_mappings, (std::vector<spec::IdMapping>{{0, 1001, 1}}));
  EXPECT_TRUE(spec.linux_.resources.devices.empty());
  EXPECT_FALSE(has_option(mount_at(spec, "/dev/pts"), "gid=5"));
  const auto& bounding = spec.process.capabilities->bounding;
  EXPECT_EQ(std::ranges::find(bounding, "CAP_MKNOD"), bounding.end());
}

TEST(SpecBuilder, AnOrdinaryUserHasNoOtherIdsAndIsToldWhy) {
  SpecInput other = rootless_input();
  other.program.user = "www-data";
  try {
    static_cast<void>(build_spec({}, other));
    FAIL() << "user www-data was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("subordinate ids"), std::string::npos);
  }
  other.program.user = "0:0";
  EXPECT_NO_THROW(static_cast<void>(build_spec({}, other)));
}

TEST(SpecBuilder, DefaultCapabilitiesAreDockers) {
  const spec::Spec spec = build_spec({}, input());
  const std::vector<std::string>& names = spec.process.capabilities->effective;
  EXPECT_EQ(names.size(), 14U);
  EXPECT_EQ(names.front(), "CAP_CHOWN");
  EXPECT_TRUE(spec.process.capabilities->inheritable.empty());
}

TEST(SpecBuilder, CapabilitiesAreAddedAndDroppedByName) {
  CreateRequest request;
  request.cap_add = {"sys_time", "CAP_NET_ADMIN"};
  request.cap_drop = {"ALL"};
  EXPECT_EQ(build_spec(request, input()).process.capabilities->bounding,
            (std::vector<std::string>{"CAP_NET_ADMIN", "CAP_SYS_TIME"}));
  request.cap_add = {"NO_SUCH"};
  EXPECT_THROW(static_cast<void>(build_spec(request, input())), Error);
}

TEST(SpecBuilder, AnotherUserThanRootHasOnlyABoundingSet) {
  SpecInput other = input();
  other.program.user = "1000:1000";
  const spec::Capabilities sets = *build_spec({}, other).process.capabilities;
  EXPECT_EQ(sets.bounding.size(), 14U);
  EXPECT_TRUE(sets.effective.empty());
  EXPECT_TRUE(sets.permitted.empty());
}

TEST(SpecBuilder, PrivilegedMasksNothingAndAllowsAllDevices) {
  CreateRequest request;
  request.privileged = true;
  const spec::Spec spec = build_spec(request, input());
  EXPECT_TRUE(spec.linux_.masked_paths.empty());
  EXPECT_TRUE(spec.linux_.readonly_paths.empty());
  ASSERT_EQ(spec.linux_.resources.devices.size(), 1U);
  EXPECT_TRUE(spec.linux_.resources.devices.front().allow);
  EXPECT_FALSE(has_option(mount_at(spec, "/sys"), "ro"));
  EXPECT_EQ(spec.process.capabilities->bounding.size(), 41U);
}

TEST(SpecBuilder, AVolumeOnEtcDoesNotHideTheFilesBoundThere) {
  CreateRequest request;
  request.mounts = {bind("/host/etc", "/etc/")};
  const spec::Spec spec = build_spec(request, input());
  const auto* volume = mount_at(spec, "/etc");
  const auto* hosts = mount_at(spec, "/etc/hosts");
  ASSERT_NE(volume, nullptr);
  ASSERT_NE(hosts, nullptr);
  EXPECT_LT(volume, hosts);
}

TEST(SpecBuilder, AMountOfTheCallersReplacesADefaultOne) {
  CreateRequest request;
  request.mounts = {bind("/host/shm", "/dev/shm"), bind("/host/hosts", "/etc/hosts")};
  const spec::Spec spec = build_spec(request, input());
  EXPECT_EQ(mount_at(spec, "/dev/shm")->source, "/host/shm");
  EXPECT_EQ(mount_at(spec, "/etc/hosts")->source, "/host/hosts");
  EXPECT_EQ(std::ranges::count(spec.mounts, "/dev/shm", &spec::Mount::destination), 1);
}

TEST(SpecBuilder, BadMountTargetsAreRefused) {
  for (const char* target : {"relative", "/", "/a/.."}) {
    CreateRequest request;
    request.mounts = {bind("/x", target)};
    EXPECT_THROW(static_cast<void>(build_spec(request, input())), Error) << target;
  }
  CreateRequest twice;
  twice.mounts = {bind("/x", "/data"), bind("/y", "/data/")};
  EXPECT_THROW(static_cast<void>(build_spec(twice, input())), Error);
}

TEST(SpecBuilder, InitIsBoundAndRunsTheCommand) {
  CreateRequest request;
  request.init = true;
  const spec::Spec spec = build_spec(request, input());
  EXPECT_EQ(spec.process.args, (std::vector<std::string>{"/sbin/docker-init", "--", "sh"}));
  EXPECT_EQ(mount_at(spec, "/sbin/docker-init")->source, "/programs/mini-init");
}

}  // namespace
}  // namespace minidocker::engine
