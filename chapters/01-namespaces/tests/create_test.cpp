#include "minidocker/namespaces/create.hpp"

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/pipe.hpp"

namespace minidocker::namespaces {
namespace {

TEST(PidfdInfo, HoldsThePid) {
  EXPECT_EQ(parse_pidfd_info("pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t9\nPid:\t4711\nNSpid:\t1\n"),
            4711);
  EXPECT_EQ(parse_pidfd_info("pos:\t0\nPid:\t-1\nNSpid:\t-1\n"), -1);
}

TEST(PidfdInfo, OfAnotherDescriptorHoldsNone) {
  EXPECT_THROW((void)parse_pidfd_info("pos:\t0\nflags:\t02\n"), Error);
  EXPECT_THROW((void)pid_of_pidfd(Pipe::make().read_end.get()), Error);
}

}  // namespace
}  // namespace minidocker::namespaces
