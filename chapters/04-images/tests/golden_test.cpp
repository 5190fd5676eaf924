// The transcripts of this chapter's text: produced by the demo, compared with tests/golden.
// With MD_UPDATE_GOLDEN=1 in the environment the files are written anew.

#include <unistd.h>

#include <functional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::images {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::run_command;

/// What depends on the busybox that this machine has: digests, by what they are, and sizes.
std::string masked(std::string text) {
  static const std::pair<std::regex, const char*> kMasks[] = {
      {std::regex("(sha256:)?[0-9a-f]{64}"), "$1HEX"},
      {std::regex("\\b[0-9a-f]{12}\\b"), "HEXHEXHEXHEX"},
      {std::regex("[0-9]+ bytes"), "N bytes"},
      {std::regex("[0-9]+ members"), "N members"},
  };
  for (const auto& [what, with] : kMasks) text = std::regex_replace(text, what, with);
  return text;
}

/// Commands one after the other.
std::string sessions(const std::vector<std::string>& commands) {
  std::string text;
  for (const std::string& command : commands) text += minidocker::testing::session(command);
  return masked(text);
}

void compare_with_golden(const std::string& name, const std::string& text) {
  minidocker::testing::expect_golden("chapters/04-images/tests/golden/" + name + ".txt", text);
}

class Golden : public ::testing::Test {
 protected:
  /// In a /tmp of its own, with the test image as /tmp/busybox.
  static void in_tmp(const std::function<void()>& body) {
    in_sandbox([&body] {
      const std::string image = minidocker::testing::path_of("busybox");
      ASSERT_EQ(run_command({"cp", "-rL", image, "/tmp/busybox"}).exit_code, 0);
      ASSERT_EQ(::chdir("/tmp"), 0);
      body();
    });
  }
};

TEST_F(Golden, AnImageIsLookedAt) {
  MD_NEEDS("root", "busybox");
  in_tmp([] {
    compare_with_golden("inspect", sessions({"find busybox -type f | sort | head -n 3",
                                             "image inspect busybox", "image tree busybox"}));
  });
}

TEST_F(Golden, AnImageIsUnpackedChangedAndPacked) {
  MD_NEEDS("root", "busybox", "overlay");
  in_tmp([] {
    compare_with_golden(
        "unpack", sessions({"image unpack busybox layers",
                            "stat -c '%A %t:%T %n' layers/3/usr/share/* layers/3/var/cache/seed/*",
                            "mkdir upper work merged; mount -t overlay -o userxattr,upperdir=upper,"
                            "workdir=work,lowerdir=layers/3:layers/2:layers/1 none merged",
                            "cat merged/etc/motd; rm merged/etc/motd; echo mine > merged/etc/mine",
                            "umount merged", "image pack layer upper layers/3 layers/2 layers/1",
                            "tar -tzf layer"}));
  });
}

TEST_F(Golden, WhatIsWrongIsToldInOneLine) {
  MD_NEEDS("root", "busybox");
  in_tmp([] {
    compare_with_golden("errors",
                        sessions({"image inspect /tmp; echo $?", "image tree busybox --name nobody",
                                  "rm busybox/blobs/sha256/*; image tree busybox --name busybox"}));
  });
}

}  // namespace
}  // namespace minidocker::images
