// The transcripts of this chapter's text: produced by the demo, compared with tests/golden.
// With MD_UPDATE_GOLDEN=1 in the environment the files are written anew.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::unionfs {
namespace {

using minidocker::testing::CommandResult;
using minidocker::testing::in_sandbox;
using minidocker::testing::run_command;
using minidocker::testing::session;

void compare_with_golden(const std::string& name, const std::string& text) {
  minidocker::testing::expect_golden("chapters/03-unionfs/tests/golden/" + name + ".txt", text);
}

/// Commands one after the other.
std::string sessions(const std::vector<std::string>& commands) {
  std::string text;
  for (const std::string& command : commands) text += session(command);
  return text;
}

/// An image of two layers.
std::string build() {
  return sessions(
      {"layers new /tmp/s",
       "layers in /tmp/s -- sh -c 'mkdir etc; echo root > etc/passwd; echo hi > etc/motd'",
       "layers seal /tmp/s",
       "layers in /tmp/s -- sh -c 'mkdir srv; echo page > srv/index; echo hello > etc/motd'",
       "layers seal /tmp/s"});
}

std::string work() {
  return session(
      "layers in /tmp/s -- sh -c 'rm etc/passwd; rm -r srv; mkdir srv; echo x > srv/log'");
}

TEST(Golden, AStackIsBuilt) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] { compare_with_golden("build", build()); });
}

TEST(Golden, AContainerChangesIt) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    (void)build();
    const std::string done = work();
    compare_with_golden("diff", done + session("layers diff /tmp/s"));
    compare_with_golden("export", session("layers export /tmp/s"));
    compare_with_golden("draw", session("layers draw /tmp/s"));
    const CommandResult drawing =
        run_command({MD_BINARY_DIR "/bin/layers", "draw", "--svg", "/tmp/s"});
    minidocker::testing::expect_golden("docs/figures/layers.svg", drawing.out);
  });
}

TEST(Golden, WhatLiesInTheUpperDirectory) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    (void)build();
    (void)work();
    const std::string told =
        sessions({"cd /tmp/s/upper; stat -c '%A %t:%T %n' etc/passwd srv srv/log",
                  "cat /tmp/s/3/srv/index"});
    compare_with_golden("upper", told);
  });
}

TEST(Golden, TheTricksOfOverlay) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    (void)build();
    compare_with_golden(
        "tricks",
        sessions({"layers in /tmp/s -- sh -c 'exec 3< etc/motd; echo changed > etc/motd; cat <&3'",
                  "layers in /tmp/s -- perl -e 'rename(\"srv\", \"www\") or print \"$!\\n\"'",
                  "layers in /tmp/s -- sh -c 'mv srv www; ls www'", "layers diff /tmp/s"}));
  });
}

// The first command holds the stack until the second has been refused.
TEST(Golden, AStackIsOneProgramsAtATime) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    (void)build();
    compare_with_golden("lease", session("layers in /tmp/s -- layers seal /tmp/s; echo $?"));
  });
}

TEST(Golden, Errors) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    compare_with_golden(
        "errors",
        sessions({"layers diff /tmp/none; echo $?", "layers new /tmp/s",
                  "layers in /tmp/s -- sh -c 'touch .wh.x'; layers export /tmp/s; echo $?",
                  "layers in /tmp/s -- /no/such/program; echo $?",
                  "rmdir /tmp/s/merged; layers in /tmp/s -- true; echo $?"}));
  });
}

}  // namespace
}  // namespace minidocker::unionfs
