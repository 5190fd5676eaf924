// The transcripts of this chapter's text: produced by the demo, compared with tests/golden.
#include <sys/mount.h>
#include <unistd.h>

#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::security {
namespace {

using testing::session;

void compare_with_golden(const std::string& name, const std::string& text) {
  testing::expect_golden("chapters/07-security/tests/golden/" + name + ".txt", text);
}

std::string sessions(const std::vector<std::string>& commands) {
  std::string text;
  for (const std::string& command : commands) text += session(command);
  return text;
}

constexpr const char* kTwo = "caprun --keep CAP_CHOWN,CAP_KILL";

TEST(Golden, WhatAProgramHasDependsOnWhoExecutesIt) {
  MD_NEEDS("root", "user");
  compare_with_golden(
      "sets", sessions({std::string(kTwo) + " -- caprun --show",
                        std::string(kTwo) + " --user nobody -- caprun --show",
                        std::string(kTwo) + " --user nobody --ambient CAP_KILL -- caprun --show"}));
}

TEST(Golden, WhatIsPredictedComesTrue) {
  MD_NEEDS("root", "user");
  for (const char* options :
       {"", "--keep none", "--keep default --no-new-privs", "--keep default --user nobody",
        "--ambient CAP_KILL --user nobody --no-new-privs", "--ambient CAP_KILL"}) {
    const std::string caprun = std::string("caprun ") + options;
    const std::string predicted = session(caprun + " --predict");
    const std::string shown = session(caprun + " -- caprun --show");
    EXPECT_EQ(predicted.substr(predicted.find('\n')), shown.substr(shown.find('\n'))) << options;
  }
}

TEST(Golden, RootWithoutCapabilitiesIsRootInNameOnly) {
  MD_NEEDS("root");
  testing::in_sandbox([] {
    compare_with_golden("root", session("caprun --keep none -- sh -c 'id -u; touch /tmp/file; "
                                        "chown nobody /tmp/file; echo $?'"));
  });
}

TEST(Golden, ASetuidProgramGivesNothingToWhoHasPromised) {
  MD_NEEDS("root", "user");
  testing::in_sandbox([] {
    // Not nosuid, as the sandbox's own is: there no program is setuid.
    ASSERT_EQ(0, ::mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755"));
    compare_with_golden("setuid", sessions({"cp /usr/bin/id /tmp/id; chmod u+s /tmp/id",
                                            "caprun --user nobody -- /tmp/id -u",
                                            "caprun --user nobody --no-new-privs -- /tmp/id -u"}));
  });
}

TEST(Golden, TheOrderOfTheCalls) {
  MD_NEEDS("root", "user");
  const std::string told = session(
      "caprun --keep CAP_KILL --ambient CAP_KILL --user nobody --no-new-privs --explain -- true "
      "2>&1 | sed -n '/security/,/toolbox/p' | grep -v -e CAPBSET -e toolbox");
  compare_with_golden("order", std::regex_replace(told, std::regex("  <[0-9.]+ ms>.*"), ""));
}

TEST(Golden, ErrorsAsTheyArePrinted) {
  MD_NEEDS("root", "user");
  compare_with_golden(
      "errors",
      sessions({"caprun --keep CAP_FLY -- true; echo $?", "caprun --user no-such -- true; echo $?",
                "caprun --user nobody -- caprun --keep none -- true; echo $?",
                "caprun --keep none --ambient CAP_KILL -- true; echo $?",
                "caprun -- /etc/passwd; echo $?"}));
}

}  // namespace
}  // namespace minidocker::security
