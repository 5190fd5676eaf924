// The transcripts of this chapter's text: produced by the demos, compared with tests/golden.

#include <linux/sched.h>
#include <sys/mount.h>

#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::lines_of;
using minidocker::testing::session;

void compare_with_golden(const std::string& name, const std::string& text) {
  minidocker::testing::expect_golden("chapters/01-namespaces/tests/golden/" + name + ".txt", text);
}

/// Numbers that differ from run to run, by what they are.
std::string masked(std::string text) {
  text = std::regex_replace(text, std::regex("  <[0-9.]+ ms>  [a-z0-9_]+\\([0-9]\\)"), "");
  text = std::regex_replace(text, std::regex("(clone3\\(.*\\)) = [0-9]+"), "$1 = PID");
  text = std::regex_replace(text, std::regex("/proc/self/fd/[0-9]+\""), "/proc/self/fd/FD\"");
  text = std::regex_replace(
      text, std::regex("(openat2?|socket|pidfd_open|signalfd4)(\\(.*\\)) = [0-9]+"), "$1$2 = FD");
  return std::regex_replace(text, std::regex("(openat2|ioctl|write)\\([0-9]+"), "$1(FD");
}

/// The steps and their calls; without what the parent does meanwhile and what only tidies up.
std::string told_steps(const std::string& text) {
  static const std::regex kUnwanted("^ *(recvmsg|sendmsg|read|close|socketpair|ppoll|waitid)\\(.*");
  std::string told;
  for (const std::string& line : lines_of(text)) {
    if (!std::regex_match(line, kUnwanted)) told += line + "\n";
  }
  return masked(told);
}

TEST(Golden, ExplainTellsEachKernelStep) {
  MD_NEEDS("root");
  compare_with_golden("explain", told_steps(session("nsrun --pid --net --mnt --uts --hostname web "
                                                    "--explain -- sh -c 'hostname; echo $$'")));
}

TEST(Golden, TimeNeedsASecondClone) {
  MD_NEEDS("root");
  std::string told = told_steps(
      session("nsrun --pid --time --monotonic 86400 --explain -- cat /proc/self/timens_offsets"));
  // The parent learns the sibling's pid at its own pace.
  told = std::regex_replace(told, std::regex("  openat\\([^\n]*fdinfo[^\n]*\n"), "");
  compare_with_golden("time", told);
}

TEST(Golden, WhoSharesWhat) {
  MD_NEEDS("root");
  std::string told = session("nsrun --uts --net -- sh -c 'nsls $$' | grep -E 'KIND|uts|net'");
  told = std::regex_replace(told, std::regex("( +)[0-9]+ +[0-9]+ +[0-9]+"),
                            "      INODE          2      PID");
  compare_with_golden("nsls", told);
}

TEST(Golden, IdsInsideAndOutside) {
  MD_NEEDS("root", "userns");
  compare_with_golden("ids",
                      session("nsrun --user -- sh -c 'id -u; cat /proc/self/uid_map'") +
                          session("nsrun --user --uid-map 0:100000:65536 --gid-map 0:100000:65536 "
                                  "-- sh -c 'id -u; cat /proc/self/uid_map; stat -c %u /etc'"));
}

TEST(Golden, PidOneIsSpecial) {
  MD_NEEDS("root");
  compare_with_golden(
      "init", session("nsrun --pid --mnt -- sh -c 'kill -TERM $$; echo still here'") +
                  session("nsrun --pid --mnt --init -- sh -c 'cat /proc/1/comm; kill -TERM $$; "
                          "echo still here'; echo exit code $?"));
}

TEST(Golden, ANewRoot) {
  MD_NEEDS("root");
  minidocker::testing::in_child([] {
    sys::unshare(CLONE_NEWNS).or_throw("mounts of our own");
    sys::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr).or_throw("/");
    sys::mount("tmpfs", "/mnt", "tmpfs", 0, nullptr).or_throw("/mnt");
    for (const std::string name : {"/usr", "/lib", "/lib64", "/bin"}) {
      make_dirs("/mnt/root" + name);
      sys::mount(name.c_str(), ("/mnt/root" + name).c_str(), nullptr, MS_BIND | MS_REC, nullptr)
          .or_throw(name);
    }
    const std::string told = session(
        "nsrun --pid --net --mnt --root /mnt/root -- sh -c "
        "'ls /; ls /dev; cut -d\" \" -f5 /proc/self/mountinfo'");
    // Only some hosts have a /proc/kcore, and with it the link.
    compare_with_golden("root", std::regex_replace(told, std::regex("\ncore\n"), "\n"));
  });
}

TEST(Golden, ErrorsAsTheyArePrinted) {
  MD_NEEDS("root", "userns");
  const std::string long_name(65, 'x');
  std::string told;
  for (const std::string& options : std::vector<std::string>{
           "--hostname web -- true", "--uts --hostname " + long_name + " -- true",
           "--user --uid-map 0:0:10,5:100:1 -- true", "--user --uid-map 0:1000 -- true",
           "--time --monotonic -100000000 -- true", "-- /no/such/program", "-- /etc/passwd"}) {
    told += session("nsrun " + options + "; echo $?");
  }
  told += session("nsls 4194303");
  told = std::regex_replace(told, std::regex("PATH \"[^\"]*\""), "PATH \"...\"");
  compare_with_golden("errors", told);
}

}  // namespace
}  // namespace minidocker::namespaces
