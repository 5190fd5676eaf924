#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/namespaces/subordinate_ids.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::read_text;
using minidocker::testing::status_field;
using minidocker::testing::unprivileged_user;
using namespaces::testing::as_user;
using namespaces::testing::error_of;
using namespaces::testing::hold;
using namespaces::testing::holder;
using namespaces::testing::Leaks;
using ::testing::HasSubstr;
using Maps = std::vector<IdMapping>;

Maps map_of(pid_t pid, const char* file) {
  return parse_id_map_file(read_text(fmt::format("/proc/{}/{}", pid, file)));
}

std::string setgroups_of(pid_t pid) { return read_text(fmt::format("/proc/{}/setgroups", pid)); }

Process hold_mapped(const Maps& uids, const Maps& gids) {
  RunOptions options;
  options.kinds = CLONE_NEWUSER;
  options.uids = uids;
  options.gids = gids;
  return start_in_namespaces(options, holder());
}

/// The message of an attempt to map ids; "no error" if it went well.
std::string refusal(const Maps& uids, const Maps& gids) {
  try {
    (void)hold_mapped(uids, gids);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(IdMaps, RootMapsWhatItLikesAndKeepsSetgroups) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  const Maps maps{{0, 100000, 1000}, {5000, 200000, 7}};
  const Process process = hold_mapped(maps, maps);
  EXPECT_EQ(map_of(process.pid(), "uid_map"), maps);
  EXPECT_EQ(map_of(process.pid(), "gid_map"), maps);
  EXPECT_EQ(setgroups_of(process.pid()), "allow\n");
  EXPECT_EQ(status_field(process.pid(), "Uid"), "100000\t100000\t100000\t100000");
}

TEST(IdMaps, AUserMapsTheOwnIdsAndLosesSetgroups) {
  MD_NEEDS("user", "userns");
  as_user([] {
    const Process process = hold(CLONE_NEWUSER);
    EXPECT_EQ(map_of(process.pid(), "uid_map"), (Maps{{0, ::getuid(), 1}}));
    EXPECT_EQ(map_of(process.pid(), "gid_map"), (Maps{{0, ::getgid(), 1}}));
    EXPECT_EQ(setgroups_of(process.pid()), "deny\n");
  });
}

TEST(IdMaps, WithoutDenyTheKernelRefusesAUsersGidMap) {
  MD_NEEDS("user", "userns");
  as_user([] {
    const gid_t gid = ::getgid();
    ASSERT_TRUE(sys::unshare(CLONE_NEWUSER).ok());
    const std::string line = fmt::format("0 {} 1", gid);
    EXPECT_EQ(write_control_at(AT_FDCWD, "/proc/self/gid_map", line).error(), EPERM);
    write_control("/proc/self/setgroups", "deny");
    EXPECT_TRUE(write_control_at(AT_FDCWD, "/proc/self/gid_map", line).ok());
  });
}

TEST(IdMaps, WhoIsNotMappedIsNobody) {
  MD_NEEDS("root", "userns");
  in_sandbox(
      [] {
        ASSERT_TRUE(sys::unshare(CLONE_NEWUSER).ok());
        EXPECT_EQ(sys::geteuid(), 65534U);
        write_control("/proc/self/setgroups", "deny");
        write_control("/proc/self/uid_map", "5 0 1");
        write_control("/proc/self/gid_map", "5 0 1");
        EXPECT_EQ(sys::geteuid(), 5U);
        const StepResult result = namespaces::testing::run_here(BecomeRootInside{});
        EXPECT_EQ(result.error, EINVAL) << "an id that is not mapped is no id";
      },
      {.flags = 0});
}

TEST(BecomeRoot, LeavesTheCallersGroups) {
  MD_NEEDS("root", "userns");
  minidocker::testing::in_child([] {
    const std::array<gid_t, 2> groups{4, 20};
    ASSERT_EQ(0, ::setgroups(groups.size(), groups.data()));
    RunOptions options;
    options.kinds = CLONE_NEWUSER;
    options.uids = options.gids = {{0, 0, 65536}};
    const Process process = start_in_namespaces(options, namespaces::testing::holder());
    EXPECT_EQ("", minidocker::testing::status_field(process.pid(), "Groups"));
  });
}

TEST(BecomeRoot, KeepsThemOnlyWhereSetgroupsIsDenied) {
  MD_NEEDS("root", "userns");
  minidocker::testing::in_child([] {
    const std::array<gid_t, 1> groups{4};
    const minidocker::testing::User user = minidocker::testing::unprivileged_user();
    ASSERT_EQ(0, ::setgroups(groups.size(), groups.data()));
    ASSERT_EQ(0, ::setresgid(user.gid, user.gid, user.gid));
    ASSERT_EQ(0, ::setresuid(user.uid, user.uid, user.uid));
    EXPECT_EQ(error_of(BecomeRootInside{}), EPERM) << "an EPERM for another reason";
    sys::set_dumpable(true).or_throw("make ourselves dumpable");
    RunOptions options;
    options.kinds = CLONE_NEWUSER;
    const Process process = start_in_namespaces(options, namespaces::testing::holder());
    EXPECT_EQ("4", minidocker::testing::status_field(process.pid(), "Groups"));
  });
}

TEST(IdMaps, TheKernelRefusesWhatCheckIdMapRefuses) {
  MD_NEEDS("root", "userns");
  for (const Maps& maps :
       {Maps{{0, 10, 0}}, Maps{{0, 10, 5}, {4, 20, 1}}, Maps{{0, 4294967295, 1}}}) {
    minidocker::testing::in_child([&maps] {
      EXPECT_THROW(check_id_map(maps, IdType::uid), Error);
      ASSERT_TRUE(sys::unshare(CLONE_NEWUSER).ok());
      const std::string text = format_id_map(maps);
      EXPECT_EQ(write_control_at(AT_FDCWD, "/proc/self/uid_map", text).error(), EINVAL) << text;
    });
  }
}

TEST(IdMaps, AMapIsWrittenOnlyOnce) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  const Maps maps{{0, 100000, 10}};
  const Process process = hold_mapped(maps, maps);
  try {
    write_id_maps(process.pid(), maps, maps);
    ADD_FAILURE() << "written twice";
  } catch (const SystemError& error) {
    EXPECT_EQ(error.code(), EPERM);
    EXPECT_THAT(error.what(), HasSubstr("only once"));
  }
}

TEST(IdMaps, RootWithoutSetfcapMayNotMapRoot) {
  MD_NEEDS("root", "userns");
  minidocker::testing::in_child([] {
    sys::CapabilitySets sets = sys::capget().or_throw();
    sets.effective &= ~(1ULL << CAP_SETFCAP);
    sys::capset(sets).or_throw();
    EXPECT_THAT(refusal({{0, 0, 1}}, {{0, 0, 1}}), HasSubstr("CAP_SETFCAP"));
  });
}

TEST(IdMaps, IdsThatOurOwnNamespaceLacksAreNamed) {
  MD_NEEDS("user", "userns");
  as_user([] {
    in_sandbox(
        [] {
          EXPECT_THAT(refusal({{0, 4000000, 1}}, {{0, 0, 1}}),
                      HasSubstr("\"0 4000000 1\" names ids that do not exist"));
        },
        {.flags = CLONE_NEWUSER});
  });
}

TEST(IdMaps, AProcessThatIsNotThereIsNotFound) {
  MD_NEEDS("root");
  const Maps maps{{0, 0, 1}};
  EXPECT_THROW(write_id_maps(0x3fffff, maps, maps), SystemError);
}

/// A sandbox in which the unprivileged user has subordinate ids, whatever the host says.
void with_subordinate_ids(const std::string& ranges, const std::function<void()>& body) {
  in_sandbox([&] {
    for (const char* file : {"subuid", "subgid"}) {
      const std::string ours = std::string("/tmp/") + file;
      const std::string theirs = std::string("/etc/") + file;
      minidocker::testing::write_text(ours, ranges);
      sys::mount(ours.c_str(), theirs.c_str(), nullptr, MS_BIND, nullptr).or_throw(theirs);
    }
    as_user(body);
  });
}

std::string ranges_of_user() { return fmt::format("{}:100000:65536\n", unprivileged_user().uid); }

TEST(NewUidMap, GivesAUserTheSubordinateIds) {
  MD_NEEDS("root", "userns", "newuidmap");
  with_subordinate_ids(ranges_of_user(), [] {
    const RootlessMaps maps =
        rootless_maps(::getuid(), ::getgid(), subordinate_ids(sys::geteuid()));
    const Process process = hold_mapped(maps.uids, maps.gids);
    EXPECT_EQ(map_of(process.pid(), "uid_map"), (Maps{{0, ::getuid(), 1}, {1, 100000, 65536}}));
    EXPECT_EQ(map_of(process.pid(), "gid_map"), (Maps{{0, ::getgid(), 1}, {1, 100000, 65536}}));
    EXPECT_EQ(setgroups_of(process.pid()), "allow\n");
  });
}

TEST(NewUidMap, IsNotAskedForIdsThatSubuidDoesNotGive) {
  MD_NEEDS("root", "userns", "newuidmap");
  with_subordinate_ids(ranges_of_user(), [] {
    const std::string message = refusal({{0, 100000, 65537}}, {{0, ::getgid(), 1}});
    EXPECT_THAT(message, HasSubstr("ids 100000 to 165536 are not ours to map"));
    EXPECT_THAT(message, HasSubstr("operation not permitted"));
    EXPECT_THAT(message, HasSubstr("/etc/subuid"));
    EXPECT_THAT(refusal({{0, ::getuid(), 1}}, {{0, 99, 1}}), HasSubstr("/etc/subgid"));
  });
}

TEST(NewUidMap, ThatIsNotInstalledIsNamedWithItsPackage) {
  MD_NEEDS("root", "userns");
  with_subordinate_ids(ranges_of_user(), [] {
    ::setenv("PATH", "/nowhere:/proc", 1);
    EXPECT_THAT(refusal({{0, 100000, 10}}, {{0, 100000, 10}}), HasSubstr("package uidmap"));
  });
}

TEST(NewUidMap, ThatFailsIsQuoted) {
  MD_NEEDS("root", "userns");
  with_subordinate_ids(ranges_of_user(), [] {
    ::mkdir("/tmp/bin", 0755);
    minidocker::testing::write_text("/tmp/bin/newuidmap", "#!/bin/sh\necho no luck >&2\nexit 3\n");
    ::chmod("/tmp/bin/newuidmap", 0755);
    ::setenv("PATH", "/tmp/bin", 1);
    EXPECT_THAT(refusal({{0, 100000, 10}}, {{0, 100000, 10}}),
                HasSubstr("newuidmap: exit code 3: \"no luck\""));
  });
}

TEST(NewUidMap, IsFoundInItsUsualPlaceWithoutAPath) {
  MD_NEEDS("root", "userns", "newuidmap");
  with_subordinate_ids(ranges_of_user(), [] {
    ::unsetenv("PATH");
    EXPECT_EQ(refusal({{0, 100000, 10}}, {{0, 100000, 10}}), "no error");
  });
}

}  // namespace
}  // namespace minidocker::namespaces
