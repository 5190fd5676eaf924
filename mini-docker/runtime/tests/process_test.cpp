// What config.json says of the process and its namespaces, seen from outside in /proc.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;
using testing::namespace_inode;

class Namespaces : public RuncTest {};
class ProgramSettings : public RuncTest {};

// The specification's name and the one in /proc/PID/ns.
struct Kind {
  const char* type;
  const char* file;
};
constexpr Kind kKinds[] = {{"pid", "pid"}, {"network", "net"},   {"ipc", "ipc"},  {"mount", "mnt"},
                           {"uts", "uts"}, {"cgroup", "cgroup"}, {"time", "time"}};

TEST_F(Namespaces, ListedOnesAreNewAndOthersAreInherited) {
  for (const auto& [type, file] : kKinds) {
    if (std::string(type) == "mount") continue;  // a container is nothing without it
    bundle_->name_space(type);
    const pid_t with = run_detached();
    ASSERT_GT(with, 0) << type;
    EXPECT_NE(namespace_inode(with, file), namespace_inode(getpid(), file)) << type;
    remove(id_);

    bundle_->no_name_space(type);
    if (std::string(type) == "uts") bundle_->config().erase("hostname");
    const pid_t without = run_detached();
    ASSERT_GT(without, 0) << type;
    EXPECT_EQ(namespace_inode(without, file), namespace_inode(getpid(), file)) << type;
    remove(id_);
  }
}

TEST_F(Namespaces, ThoseWithAPathAreJoined) {
  bundle_->name_space("cgroup");
  bundle_->name_space("time");
  const pid_t first = run_detached();
  ASSERT_GT(first, 0);
  Bundle second(dir_ / "second");
  for (const auto& [type, file] : kKinds) {
    if (std::string(type) == "mount") continue;
    second.name_space(type, fmt::format("/proc/{}/ns/{}", first, file));
  }
  second.config().erase("hostname");
  const pid_t pid = run_detached(other_, second);
  ASSERT_GT(pid, 0);
  for (const auto& [type, file] : kKinds) {
    const bool is_own = std::string(type) == "mount";
    EXPECT_EQ(namespace_inode(pid, file) == namespace_inode(first, file), !is_own) << type;
  }
}

TEST_F(Namespaces, AUserNamespaceIsJoinedToo) {
  bundle_->map_ids();
  const pid_t first = run_detached();
  ASSERT_GT(first, 0);
  Bundle second(dir_ / "second");
  second.map_ids();
  second.config()["linux"].erase("uidMappings");
  second.config()["linux"].erase("gidMappings");
  second.name_space("user", fmt::format("/proc/{}/ns/user", first));
  const pid_t pid = run_detached(other_, second);
  ASSERT_GT(pid, 0);
  EXPECT_EQ(namespace_inode(pid, "user"), namespace_inode(first, "user"));
}

TEST_F(Namespaces, APathOfAnotherTypeIsRefused) {
  bundle_->name_space("network", "/proc/self/ns/ipc");
  bundle_->write();
  const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("/proc/self/ns/ipc"), std::string::npos) << result.err;
  EXPECT_TRUE(states().empty());
}

TEST_F(Namespaces, TheProgramIsTheFirstOfItsPidNamespace) {
  EXPECT_EQ(output_of("echo $$"), "1");
  const pid_t pid = run_detached();
  EXPECT_EQ(testing::pids_in_namespaces(pid).back(), 1);
}

TEST_F(Namespaces, HostAndDomainNameAreTheContainersOwn) {
  (*bundle_)["hostname"] = "web-1";
  (*bundle_)["domainname"] = "example.org";
  char before[256] = {};
  ASSERT_EQ(gethostname(before, sizeof(before)), 0);
  EXPECT_EQ(output_of("hostname; cat /proc/sys/kernel/domainname"), "web-1\nexample.org");
  char after[256] = {};
  ASSERT_EQ(gethostname(after, sizeof(after)), 0);
  EXPECT_STREQ(before, after);
}

TEST_F(Namespaces, ANewNetworkHasOnlyLoAndLoIsUp) {
  EXPECT_EQ(output_of("ls /sys/class/net"), "lo");
  EXPECT_NE(output_of("ip addr show lo").find("inet 127.0.0.1/8"), std::string::npos);
}

TEST_F(Namespaces, IdsAreMappedAsAskedFor) {
  bundle_->map_ids();
  (*bundle_)["process"]["user"] = {{"uid", 7}, {"gid", 8}};
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  const std::string map = testing::read_text(fmt::format("/proc/{}/uid_map", pid));
  EXPECT_EQ(map, fmt::format("{:>10} {:>10} {:>10}\n", 0, 100000, 65536));
  EXPECT_EQ(testing::status_field(pid, "Uid"), "100007\t100007\t100007\t100007");
  EXPECT_EQ(testing::status_field(pid, "Gid"), "100008\t100008\t100008\t100008");
}

TEST_F(Namespaces, ClocksAreShifted) {
  bundle_->name_space("time");
  (*bundle_)["linux"]["timeOffsets"] = {{"boottime", {{"secs", 1000000}}},
                                        {"monotonic", {{"secs", 7}, {"nanosecs", 8}}}};
  EXPECT_GE(std::stod(output_of("cat /proc/uptime")), 1e6);
  const pid_t pid = run_detached();
  EXPECT_EQ(testing::read_text(fmt::format("/proc/{}/timens_offsets", pid)),
            "monotonic           7         8\nboottime      1000000         0\n");
}

// --- the process ----------------------------------------------------------------------------

TEST_F(ProgramSettings, TheEnvironmentIsTheConfigurationsAndHomeIsFilledIn) {
  (*bundle_)["process"]["env"] = {"PATH=/bin", "A=b c", "EMPTY="};
  bundle_->command({"/usr/bin/env"});
  bundle_->write();
  const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(testing::lines_of(result.out),
            (std::vector<std::string>{"PATH=/bin", "A=b c", "EMPTY=", "HOME=/root"}));
}

TEST_F(ProgramSettings, ArgumentsArriveUnchanged) {
  bundle_->command({"printf", "<%s>", "a b", "", "*", "$HOME", "\xc3\xa4"});
  bundle_->write();
  EXPECT_EQ(runc({"run", "--bundle", bundle_->dir(), id_}).out, "<a b><><*><$HOME><\xc3\xa4>");
}

TEST_F(ProgramSettings, StandardInputAndErrorAreOurs) {
  bundle_->script("cat; echo oops >&2");
  bundle_->write();
  const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_}, {.input = "hello"});
  EXPECT_EQ(result.out, "hello");
  EXPECT_EQ(result.err, "oops\n");
}

TEST_F(ProgramSettings, AMissingWorkingDirectoryIsMade) {
  (*bundle_)["process"]["cwd"] = "/srv/a/b";
  EXPECT_EQ(output_of("pwd"), "/srv/a/b");
}

TEST_F(ProgramSettings, AWorkingDirectoryOfTheUserAloneIsEntered) {
  ASSERT_EQ(
      testing::run_command({"install", "-d", "-o", "1000", "-m", "700", bundle_->rootfs() + "/own"})
          .exit_code,
      0);
  (*bundle_)["process"]["cwd"] = "/own";
  (*bundle_)["process"]["user"] = {{"uid", 1000}, {"gid", 1000}};
  (*bundle_)["process"].erase("capabilities");
  EXPECT_EQ(output_of("pwd"), "/own");
}

TEST_F(ProgramSettings, UserGroupsAndUmaskHold) {
  (*bundle_)["process"]["user"] = {
      {"uid", 1000}, {"gid", 1001}, {"umask", 077}, {"additionalGids", {5, 6}}};
  const pid_t pid = run_detached();
  EXPECT_EQ(testing::status_field(pid, "Uid"), "1000\t1000\t1000\t1000");
  EXPECT_EQ(testing::status_field(pid, "Gid"), "1001\t1001\t1001\t1001");
  EXPECT_EQ(testing::status_field(pid, "Groups"), "5 6");
  EXPECT_EQ(testing::status_field(pid, "Umask"), "0077");
}

TEST_F(ProgramSettings, WithoutOneTheUmaskIs0022WhateverTheCallersIs) {
  bundle_->write();
  std::vector<std::string> argv = {"sh", "-c", "umask 0; exec \"$@\"", "sh"};
  bundle_->script("umask");
  bundle_->write();
  for (const std::string& word : command_line({"run", "--bundle", bundle_->dir(), id_})) {
    argv.push_back(word);
  }
  EXPECT_EQ(testing::run_command(argv).out, "0022\n");
}

TEST_F(ProgramSettings, TheCallersGroupsAreNotInherited) {
  const pid_t pid = run_detached();
  EXPECT_EQ(testing::status_field(pid, "Groups"), "");
}

// The specification has it for Windows. A bundle whose uid says 1000 must not gain root by it.
TEST_F(ProgramSettings, AUserNameInTheBundleChangesNothing) {
  (*bundle_)["process"]["user"] = {{"uid", 1000}, {"gid", 1001}, {"username", "root"}};
  EXPECT_EQ(output_of("id -u; id -g"), "1000\n1001");
}

TEST_F(ProgramSettings, ResourceLimitsHold) {
  (*bundle_)["process"]["rlimits"] = {
      {{"type", "RLIMIT_NOFILE"}, {"soft", 100}, {"hard", 200}},
      {{"type", "RLIMIT_CORE"}, {"soft", 0}, {"hard", 0}},
  };
  const pid_t pid = run_detached();
  EXPECT_EQ(testing::limit_of(pid, "Max open files"), (std::vector<std::string>{"100", "200"}));
  EXPECT_EQ(testing::limit_of(pid, "Max core file size"), (std::vector<std::string>{"0", "0"}));
}

TEST_F(ProgramSettings, CapabilitiesAreExactlyTheFiveSets) {
  (*bundle_)["process"]["capabilities"] = {
      {"bounding", {"CAP_CHOWN", "CAP_KILL", "CAP_SETUID"}},
      {"permitted", {"CAP_CHOWN", "CAP_KILL"}},
      {"effective", {"CAP_KILL"}},
      {"inheritable", {"CAP_CHOWN"}},
      {"ambient", {"CAP_CHOWN"}},
  };
  (*bundle_)["process"]["user"] = {{"uid", 1000}, {"gid", 1000}};
  const pid_t pid = run_detached();
  constexpr std::uint64_t kChown = 1U << 0U;
  constexpr std::uint64_t kKill = 1U << 5U;
  constexpr std::uint64_t kSetuid = 1U << 7U;
  EXPECT_EQ(testing::capabilities(pid, "CapBnd"), kChown | kKill | kSetuid);
  EXPECT_EQ(testing::capabilities(pid, "CapInh"), kChown);
  EXPECT_EQ(testing::capabilities(pid, "CapAmb"), kChown);
  // execve of an ordinary program keeps only the ambient ones.
  EXPECT_EQ(testing::capabilities(pid, "CapPrm"), kChown);
  EXPECT_EQ(testing::capabilities(pid, "CapEff"), kChown);
}

TEST_F(ProgramSettings, WithoutCapabilitiesThereAreNone) {
  (*bundle_)["process"].erase("capabilities");
  const pid_t pid = run_detached();
  for (const char* set : {"CapBnd", "CapInh", "CapAmb", "CapPrm", "CapEff"}) {
    EXPECT_EQ(testing::capabilities(pid, set), 0U) << set;
  }
}

TEST_F(ProgramSettings, NoNewPrivilegesIsSetOnlyWhenAsked) {
  EXPECT_EQ(testing::status_field(run_detached(), "NoNewPrivs"), "1");
  remove(id_);
  (*bundle_)["process"]["noNewPrivileges"] = false;
  EXPECT_EQ(testing::status_field(run_detached(), "NoNewPrivs"), "0");
}

TEST_F(ProgramSettings, TheOomScoreIsSetWhenAskedAndInheritedOtherwise) {
  const auto score_of = [](pid_t pid) {
    return testing::read_text(fmt::format("/proc/{}/oom_score_adj", pid));
  };
  EXPECT_EQ(score_of(run_detached()), score_of(getpid()));
  remove(id_);
  (*bundle_)["process"]["oomScoreAdj"] = 500;
  EXPECT_EQ(score_of(run_detached()), "500\n");
}

TEST_F(ProgramSettings, NoDescriptorLeaksIntoTheProgram) {
  const pid_t pid = run_detached();
  const auto fds = testing::open_fds(pid);
  EXPECT_EQ(fds.size(), 3U);
  for (const auto& [fd, target] : fds) EXPECT_LT(fd, 3) << target;
}

TEST_F(ProgramSettings, ADescriptorThatTheCallerLeftOpenDoesNotReachTheProgram) {
  const int secret = ::open("/etc/hostname", O_RDONLY);  // lint: inherited
  ASSERT_GE(secret, 0);
  bundle_->script("ls /proc/self/fd | wc -l");
  bundle_->write();
  const CommandResult result =
      runc({"run", "--bundle", bundle_->dir(), id_}, {.fds = {{secret, 7}}});
  ::close(secret);
  EXPECT_EQ(result.out, "4\n") << "0, 1, 2 and the directory that ls reads";
}

TEST_F(ProgramSettings, PreservedDescriptorsReachTheProgram) {
  const int file = ::open((dir_ / "note").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  bundle_->script("echo hi >&3");
  bundle_->write();
  const CommandResult result =
      runc({"run", "--preserve-fds", "1", "--bundle", bundle_->dir(), id_}, {.fds = {{file, 3}}});
  ::close(file);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_EQ(testing::read_text(dir_ / "note"), "hi\n");
}

TEST_F(ProgramSettings, AnIgnoredBrokenPipeIsNotInherited) {
  bundle_->write();
  const std::vector<std::string> argv =
      command_line({"run", "-d", "--pid-file", dir_ / "pid", "--bundle", bundle_->dir(), id_});
  std::vector<std::string> shell = {"sh", "-c", "trap '' PIPE; exec \"$@\" </dev/null >/dev/null",
                                    "sh"};
  shell.insert(shell.end(), argv.begin(), argv.end());
  ASSERT_EQ(testing::run_command(shell).exit_code, 0);
  const auto pid = static_cast<pid_t>(std::stol(testing::read_text(dir_ / "pid")));
  EXPECT_EQ(testing::status_field(pid, "SigBlk"), "0000000000000000");
  EXPECT_EQ(testing::status_field(pid, "SigIgn"), "0000000000000000");
}

}  // namespace
}  // namespace minidocker::runtime
