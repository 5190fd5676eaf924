#include "minidocker/cgroups/systemd_scope.hpp"

#include <fcntl.h>

#include <cstdlib>
#include <ctime>
#include <vector>

#include "systemd_fixture.hpp"

namespace minidocker::cgroups {

namespace {

using namespace std::chrono_literals;
using testing::run_command;

TEST_F(SystemdScope, HoldsTheProcessAndTheLimits) {
  MD_NEEDS("root", "systemd");
  const Cgroup group = start_scope({kScopeProgram}, place("holds"),
                                   {.memory = {.limit = Bytes{64 << 20}, .swap = Bytes{64 << 20}},
                                    .cpu = {.quota = 50'000us, .period = 100'000us},
                                    .pids = 7},
                                   anchor_.pid());
  EXPECT_EQ(std::vector<pid_t>{anchor_.pid()}, group.processes());
  EXPECT_EQ("67108864", file(group, "memory.max"));
  EXPECT_EQ("0", file(group, "memory.swap.max"));
  EXPECT_EQ("50000 100000", file(group, "cpu.max"));
  EXPECT_EQ("7", file(group, "pids.max"));
  EXPECT_EQ("67108864", property(group.location(), "MemoryMax"));
  EXPECT_EQ("500ms", property(group.location(), "CPUQuotaPerSecUSec"));
  EXPECT_EQ("7", property(group.location(), "TasksMax"));
  EXPECT_EQ("yes", property(group.location(), "Delegate"));
}

TEST_F(SystemdScope, LimitsSurviveAReloadOfSystemd) {
  MD_NEEDS("root", "systemd");
  const Cgroup group =
      start_scope({kScopeProgram}, place("reload"),
                  {.memory = {.limit = Bytes{64 << 20}}, .pids = 7}, anchor_.pid());
  EXPECT_EQ(0, run_command({"systemctl", "daemon-reload"}).exit_code);
  EXPECT_EQ(0,
            run_command({"systemctl", "set-property", "--runtime", "system.slice", "CPUWeight=99"})
                .exit_code);
  EXPECT_EQ("67108864", file(group, "memory.max"));
  EXPECT_EQ("7", file(group, "pids.max"));
}

TEST_F(SystemdScope, LimitsAreChangedWithSystemdsKnowledge) {
  MD_NEEDS("root", "systemd");
  covers("update of a group in use");
  const Cgroup group = start_scope({kScopeProgram}, place("changed"), {.pids = 7}, anchor_.pid());
  const Limits more{.memory = {.limit = Bytes{32 << 20}}, .pids = 9};
  set_scope_limits({kScopeProgram}, group.location(), more);
  group.apply(more);
  EXPECT_EQ(0, run_command({"systemctl", "daemon-reload"}).exit_code);
  EXPECT_EQ("9", file(group, "pids.max"));
  EXPECT_EQ("33554432", file(group, "memory.max"));
  EXPECT_EQ("9", property(group.location(), "TasksMax"));
}

TEST_F(SystemdScope, GoesWithItsOwner) {
  MD_NEEDS("root", "systemd");
  const Location location = place("owner");
  {
    const Cgroup group = start_scope({kScopeProgram}, location, {}, anchor_.pid());
    EXPECT_TRUE(exists(location.directories[0].path()));
  }
  EXPECT_FALSE(exists(location.directories[0].path()));
  EXPECT_EQ(SIGKILL, end_of(anchor_.process()).signal);
  EXPECT_TRUE(goes(location));
}

TEST_F(SystemdScope, GoesWithItsLastProcess) {
  MD_NEEDS("root", "systemd");
  const Location location = place("last");
  Cgroup group = start_scope({kScopeProgram}, location, {}, anchor_.pid());
  group.release();
  anchor_.process().send(SIGKILL);
  EXPECT_EQ(SIGKILL, end_of(anchor_.process()).signal);
  EXPECT_TRUE(goes(location));
}

TEST_F(SystemdScope, IsMadeAgainAtOnceUnderTheSameName) {
  MD_NEEDS("root", "systemd");
  for (int round = 0; round < 5; ++round) {
    Member member(wait_for_death);
    Cgroup group = start_scope({kScopeProgram}, place("again"), {}, member.pid());
    group.kill_all();
    group.remove();
  }
}

TEST_F(SystemdScope, ThatHasProcessesIsNotTaken) {
  MD_NEEDS("root", "systemd");
  const Cgroup group = start_scope({kScopeProgram}, place("taken"), {}, anchor_.pid());
  Member other(wait_for_death);
  const std::string words = scope_error(ErrorKind::conflict, [&] {
    return start_scope({kScopeProgram}, place("taken"), {}, other.pid());
  });
  EXPECT_NE(std::string::npos, words.find("container's cgroup is not empty")) << words;
  EXPECT_EQ(std::vector<pid_t>{anchor_.pid()}, group.processes());
}

TEST_F(SystemdScope, ProcessThatHasEndedIsRefused) {
  MD_NEEDS("root", "systemd");
  anchor_.process().send(SIGKILL);
  EXPECT_EQ(SIGKILL, end_of(anchor_.process()).signal);
  const Location location = place("ended");
  EXPECT_THROW((void)start_scope({kScopeProgram}, location, {}, anchor_.pid()), Error);
  EXPECT_TRUE(goes(location));
}

TEST_F(SystemdScope, HelperKilledAtAnyOfItsMessagesLeavesNoScope) {
  MD_NEEDS("root", "systemd", "strace");
  const TempDir directory;
  int failures = 0;
  for (bool made = false; !made; ++failures) {
    ASSERT_LT(failures, 50) << "it never comes to its end";
    const std::string program = program_in(
        directory,
        "exec strace -qq -o /dev/null -e inject=sendmsg,sendto,writev:signal=KILL:when=" +
            std::to_string(failures + 1) + " " + kScopeProgram);
    Member member(wait_for_death);
    try {
      const Cgroup group = start_scope({program}, place("killed"), {}, member.pid());
      made = true;
    } catch (const Error& error) {
      EXPECT_NE(std::string::npos, std::string(error.what()).find("mini-scope died"))
          << error.what();
    }
  }
  EXPECT_GE(failures, 4);
  EXPECT_TRUE(goes(place("killed"))) << "its processes ended with whoever had it made";
}

TEST_F(SystemdScope, UnknownSliceAndPropertyAreSystemdsWords) {
  MD_NEEDS("root", "systemd");
  const Limits bad{.unified = {{"cpu.weight", "99999"}}};
  const std::string words = scope_error(ErrorKind::invalid_argument, [&] {
    return start_scope({kScopeProgram}, place("bad"), bad, anchor_.pid());
  });
  EXPECT_NE(std::string::npos, words.find("systemd says")) << words;
}

TEST_F(SystemdScope, ForksFailAtExactlyTheLimit) {
  MD_NEEDS("root", "systemd");
  covers("pids: limit");
  Member member([] {
    int made = 1;  // itself
    for (;; ++made) {
      const pid_t pid = ::fork();
      if (pid == 0) ::pause();
      if (pid < 0) return errno == EAGAIN ? made : 100;
    }
  });
  const Cgroup group = start_scope({kScopeProgram}, place("forks"), {.pids = 5}, member.pid());
  member.go_on();
  EXPECT_EQ(5, end_of(member.process()).code);
  end_all(group);
}

TEST_F(SystemdScope, OneProcessIsALimitToo) {
  MD_NEEDS("root", "systemd");
  Member member([] { return ::fork() < 0 && errno == EAGAIN ? 7 : 1; });
  const Cgroup group = start_scope({kScopeProgram}, place("one"), {.pids = 1}, member.pid());
  member.go_on();
  EXPECT_EQ(7, end_of(member.process()).code);
}

// --- an ordinary user's ---

using DelegatedScope = SystemdScope;

TEST_F(DelegatedScope, HoldsTheLimits) {
  MD_NEEDS("delegated");
  const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
  ASSERT_EQ(Manager::user, find_manager(detect(), ::geteuid(), runtime_dir));
  const Location location = place("user", Manager::user);
  {
    const Cgroup group =
        start_scope({kScopeProgram}, location, {.memory = {.limit = Bytes{64 << 20}}, .pids = 7},
                    anchor_.pid());
    EXPECT_EQ(std::vector<pid_t>{anchor_.pid()}, group.processes());
    EXPECT_EQ("67108864", file(group, "memory.max"));
    EXPECT_EQ("7", file(group, "pids.max"));
    EXPECT_EQ("67108864", property(location, "MemoryMax"));
    EXPECT_EQ(0, run_command({"systemctl", "--user", "daemon-reload"}).exit_code);
    EXPECT_EQ("7", file(group, "pids.max"));
  }
  EXPECT_TRUE(goes(location));
}

TEST_F(DelegatedScope, ForksFailAtExactlyTheLimit) {
  MD_NEEDS("delegated");
  Member member([] {
    int made = 1;
    for (;; ++made) {
      const pid_t pid = ::fork();
      if (pid == 0) ::pause();
      if (pid < 0) return errno == EAGAIN ? made : 100;
    }
  });
  const Cgroup group =
      start_scope({kScopeProgram}, place("forks", Manager::user), {.pids = 5}, member.pid());
  member.go_on();
  EXPECT_EQ(5, end_of(member.process()).code);
  end_all(group);
}

TEST_F(DelegatedScope, ControllerThatIsNotDelegatedIsNamedWithItsRemedy) {
  MD_NEEDS("delegated");
  // Debian 12 hands cpu, memory and pids to users.
  const Limits limits{.cpu = {.cpus = "0"}};
  const std::string words = scope_error(ErrorKind::unavailable, [&] {
    return start_scope({kScopeProgram}, place("cpus", Manager::user), limits, anchor_.pid());
  });
  EXPECT_NE(std::string::npos, words.find("cpuset")) << words;
  EXPECT_NE(std::string::npos, words.find("user@.service.d/delegate.conf")) << words;
  EXPECT_TRUE(goes(place("cpus", Manager::user)));
}

}  // namespace
}  // namespace minidocker::cgroups
