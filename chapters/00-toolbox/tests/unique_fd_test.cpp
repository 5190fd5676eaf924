#include "minidocker/toolbox/unique_fd.hpp"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include <gtest/gtest.h>

#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker {
namespace {

UniqueFd make() { return sys::open("/dev/null", O_RDONLY).or_throw("/dev/null"); }

bool is_open(int fd) { return sys::probe_fd(fd).ok(); }

TEST(UniqueFd, ClosesWhatItOwns) {
  int number = -1;
  {
    const UniqueFd fd = make();
    number = fd.get();
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, MovesOwnershipAndNeverClosesTwice) {
  UniqueFd first = make();
  const int number = first.get();
  UniqueFd second(std::move(first));
  EXPECT_EQ(-1, first.get());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(number, second.get());
  UniqueFd third = make();
  const int old = third.get();
  third = std::move(second);
  EXPECT_FALSE(is_open(old));
  EXPECT_TRUE(is_open(number));
}

TEST(UniqueFd, ReleasedDescriptorsStayOpen) {
  UniqueFd fd = make();
  const int number = fd.release();
  EXPECT_FALSE(fd);
  EXPECT_TRUE(is_open(number));
  fd.reset(number);
  fd.reset();
  EXPECT_FALSE(is_open(number));
}

}  // namespace
}  // namespace minidocker
