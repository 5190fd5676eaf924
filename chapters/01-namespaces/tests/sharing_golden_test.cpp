// More transcripts of this chapter's text: ipc, cgroup, kept, nested and joined namespaces.

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <regex>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_sandbox;
using namespaces::testing::holder;
using namespaces::testing::Leaks;

void compare_with_golden(const std::string& name, const std::string& text) {
  minidocker::testing::expect_golden("chapters/01-namespaces/tests/golden/" + name + ".txt", text);
}

/// What a reader would type, line by line into one shell, and all that it printed.
std::string session(const std::vector<std::string>& lines, const std::string& setup = "") {
  std::string script = "exec 2>&1\n" + setup + "\n";
  for (const std::string& line : lines) {
    script += fmt::format("cat <<'shown'\n$ {0}\nshown\n{0}\n", line);
  }
  const std::string path = "PATH=/usr/bin:/bin:/usr/sbin:/sbin:" MD_BINARY_DIR "/bin";
  return minidocker::testing::run_command({"/bin/sh", "-c", script}, {.env = {path}}).out;
}

TEST(Golden, IpcObjectsAreThoseOfTheNamespace) {
  MD_NEEDS("root");
  in_sandbox(
      [] {
        const std::string told = session(
            {"ipcmk -M 4096", "ipcs -m | tail -n +3", "nsrun --ipc -- ipcs -m | tail -n +3",
             "mount -t mqueue none /mnt; touch /mnt/jobs; ls /mnt", "nsrun --ipc -- ls /mnt",
             "nsrun --ipc --mnt -- sh -c 'mount -t mqueue none /mnt; ls /mnt | wc -l'"});
        compare_with_golden("ipc",
                            std::regex_replace(told, std::regex("0x[0-9a-f]{8}"), "0x5eed5eed"));
      },
      {.flags = CLONE_NEWIPC | CLONE_NEWNS});
}

/// Where cgroup2 is mounted, be it all there is or beside v1; empty: nowhere.
std::string find_cgroup2() {
  for (const std::string dir : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    if (::access((dir + "/cgroup.controllers").c_str(), F_OK) == 0) return dir;
  }
  return {};
}

TEST(Golden, TheRootOfTheCgroupTreeIsWhereTheNamespaceWasMade) {
  MD_NEEDS("root");
  const std::string top = find_cgroup2();
  if (top.empty()) GTEST_SKIP() << "no cgroup2 is mounted";
  const std::string demo = fmt::format("{}/demo-{}", top, ::getpid());
  const std::string told = session(
      {"mkdir -p $DEMO/inner; echo $$ > $DEMO/inner/cgroup.procs", "tail -n 1 /proc/self/cgroup",
       "nsrun --cgroup -- tail -n 1 /proc/self/cgroup",
       "nsrun --cgroup -- sh -c 'echo $PPID > $DEMO/cgroup.procs; tail -n 1 /proc/$PPID/cgroup'",
       "echo $$ > $DEMO/cgroup.procs",
       "nsrun --cgroup -- sh -c 'echo $$ > $DEMO/inner/cgroup.procs; tail -n 1 /proc/self/cgroup'"},
      "export DEMO=" + demo);
  ::rmdir((demo + "/inner").c_str());
  EXPECT_EQ(::rmdir(demo.c_str()), 0);
  compare_with_golden("cgroup", std::regex_replace(told, std::regex("demo-[0-9]+"), "demo"));
}

TEST(Golden, ANamespaceIsKeptByABindMount) {
  MD_NEEDS("root");
  in_sandbox(
      [] {
        compare_with_golden(
            "kept",
            session({"touch /tmp/kept",
                     "nsrun --uts --hostname kept -- mount --bind /proc/self/ns/uts /tmp/kept",
                     "nsenter --uts=/tmp/kept hostname", "umount /tmp/kept"}));
      },
      {.flags = CLONE_NEWNS});
}

TEST(Golden, AProcessHasANumberInEachNamespaceAroundIt) {
  MD_NEEDS("root");
  const std::string told = session({"nsrun --pid -- nsrun --pid -- grep NSpid /proc/self/status"});
  compare_with_golden("numbers", std::regex_replace(told, std::regex("\t[0-9]+\t"), "\tPID\t"));
}

TEST(Golden, WhoJoinsSeesWhatIsThere) {
  MD_NEEDS("root");
  const Leaks leaks;
  RunOptions options;
  options.kinds = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS;
  options.hostname = "web";
  const Process web = start_in_namespaces(options, holder());
  const std::string pid = fmt::format("{}", web.pid());
  const std::string told = session(
      {"nsls $WEB | grep NSpid", "nsrun --join $WEB -- sh -c 'hostname; cat /proc/1/comm; echo $$'",
       "nsrun --join $WEB --uts -- sh -c 'hostname; ls -d /proc/$WEB'"},
      "export WEB=" + pid);
  compare_with_golden("join", std::regex_replace(told, std::regex("\\b" + pid + "\\b"), "PID"));
}

}  // namespace
}  // namespace minidocker::namespaces
