#include "spec_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

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
  request.memory = Bytes{64 << 20};
  request.nano_cpus = 1'500'000'000;
  request.pids_limit = 32;
  const spec::Resources resources = build_spec(request, input()).linux_.resources;
  EXPECT_EQ(resources.memory.limit, 64 << 20);
  EXPECT_EQ(resources.memory.swap, 128 << 20);
  EXPECT_EQ(resources.cpu.quota, 150'000);
  EXPECT_EQ(resources.cpu.period, 100'000U);
  EXPECT_EQ(resources.pids_limit, 32);
}

TEST(SpecBuilder, TwiceTheMostMemoryIsTheMost) {
  CreateRequest request;
  request.memory = Bytes{std::uint64_t{1} << 62U};
  const spec::Resources resources = build_spec(request, input()).linux_.resources;
  EXPECT_EQ(resources.memory.limit, std::int64_t{1} << 62U);
  EXPECT_EQ(resources.memory.swap, std::numeric_limits<std::int64_t>::max());
}

TEST(SpecBuilder, LessMemoryThanDockerAllowsIsRefused) {
  CreateRequest request;
  request.memory = Bytes{1 << 20};
  EXPECT_THROW(static_cast<void>(build_spec(request, input())), Error);
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
