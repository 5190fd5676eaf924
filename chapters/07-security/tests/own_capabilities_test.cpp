#include "minidocker/security/own_capabilities.hpp"

#include <linux/capability.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::security {
namespace {

constexpr CapabilitySet kTwo{(1U << CAP_CHOWN) | (1U << CAP_MKNOD)};

std::uint64_t now(const std::string& field) { return testing::capabilities(::getpid(), field); }

TEST(OwnCapabilities, AreThoseThatAreKeptAndNoOthers) {
  MD_NEEDS("root");
  testing::in_child([] {
    keep_only(kTwo);
    EXPECT_EQ(kTwo.bits, now("CapEff"));
    EXPECT_EQ(kTwo.bits, now("CapPrm"));
    EXPECT_EQ(kTwo.bits, now("CapBnd"));
    EXPECT_EQ(0U, now("CapInh"));
    EXPECT_EQ(0U, now("CapAmb"));
    keep_only({});  // and again, without CAP_SETPCAP
    EXPECT_EQ(0U, now("CapEff"));
  });
}

TEST(OwnCapabilities, AreNotGained) {
  MD_NEEDS("root", "user");
  testing::in_sandbox(
      [] {
        keep_only(kTwo);
        EXPECT_EQ(0U, now("CapPrm"));
      },
      {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker::security
