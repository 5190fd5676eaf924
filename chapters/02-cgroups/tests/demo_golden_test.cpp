// The transcripts of this chapter's text: produced by the demos, compared with tests/golden.
// With MD_UPDATE_GOLDEN=1 in the environment the files are written anew.
#include <unistd.h>

#include <regex>
#include <string>

#include "group_fixture.hpp"
#include "minidocker/testing/golden.hpp"

namespace minidocker::cgroups {
namespace {

using testing::session;

void compare_with_golden(const std::string& name, const std::string& text) {
  testing::expect_golden("chapters/02-cgroups/tests/golden/" + name + ".txt", text);
}

std::string replaced(const std::string& text, const char* what, const char* with) {
  return std::regex_replace(text, std::regex(what), with);
}

/// What differs from run to run, as it was in one of them.
std::string settled(std::string text) {
  text = replaced(text, "at most [0-9.]+[KM]iB\n", "at most 1.8MiB\n");
  text = replaced(text, "CPU: 0\\.[0-9]+ s\n", "CPU: 0.01 s\n");
  text = replaced(text, "memory [0-9.]+[KM]iB,", "memory 1.2MiB,");
  text = replaced(text, "CPU 0\\.[0-2][0-9] CPUs of", "CPU 0.20 CPUs of");
  // How often it was looked at, too, depends on how busy the machine is.
  text = replaced(text, "(cgrun: memory [^\n]*\n)+", "$1$1");
  return replaced(text, "CPU: 0\\.[0-9]+ s, made to wait [0-9.]+ s in [0-9]+ of [0-9]+ periods",
                  "CPU: 0.30 s, made to wait 1.19 s in 14 of 15 periods");
}

/// The transcripts are those of a host with v1; what v2 makes of the same is compared elsewhere.
class DemoGolden : public Groups {
 protected:
  void SetUp() override {
    MD_NEEDS("root", "cgroup1");
    layout_ = detect();
  }
  void TearDown() override {
    for (const Hierarchy& hierarchy : layout_.hierarchies) {
      ::rmdir((hierarchy.mount + "/demo").c_str());
    }
  }
};

TEST_F(DemoGolden, WhoTakesMoreMemoryThanTheGroupMayIsKilled) {
  compare_with_golden("memory",
                      settled(session("cgrun --memory 16m -- dd if=/dev/zero of=/dev/null "
                                      "bs=64M count=1; echo exit code $?")));
}

TEST_F(DemoGolden, WhoUsesUpTheQuotaWaits) {
  compare_with_golden("cpu", settled(session("cgrun --cpus 0.2 -- timeout 1.4 sh -c 'while :; do "
                                             ":; done'; echo exit code $?")));
}

TEST_F(DemoGolden, WhoForksTooOftenIsRefused) {
  compare_with_golden("pids",
                      settled(session("cgrun --pids 3 -- sh -c 'sleep 9 & sleep 9 & sleep 9 & echo "
                                      "unreached'; echo exit code $?")));
}

TEST_F(DemoGolden, GroupsByWhatTheyUse) {
  // The table is made by one of the group: it is there then.
  const std::string told = session(
      "cgrun --group /demo/spin --cpus 0.5 -- sh -c 'while :; do :; done & cgtop --by name "
      "--every 400 /demo' 2>/dev/null");
  compare_with_golden("cgtop", replaced(told, "[0-9.]+ +[0-9.]+[KM]iB", "49.8    1.2MiB"));
}

}  // namespace
}  // namespace minidocker::cgroups
