#include "minidocker/security/capability_rules.hpp"

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::security {
namespace {

TEST(ProcessCapabilities, AreReadFromStatus) {
  const ProcessCapabilities sets = parse_process_capabilities(
      "Name:\tsh\nCapInh:\t0000000000000001\nCapPrm:\t0000000000000003\nCapEff:\t0000000000000002\n"
      "CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\n");
  EXPECT_EQ((ProcessCapabilities{{0x1ffffffffff}, {2}, {3}, {1}, {0}}), sets);
}

TEST(ProcessCapabilities, ThatAreNotThereAreAnError) {
  for (const char* status : {"", "Name:\tsh\n", "\nCapBnd:\tx\n", "\nCapBnd:\t"}) {
    EXPECT_THROW((void)parse_process_capabilities(status), Error) << status;
  }
}

}  // namespace
}  // namespace minidocker::security
