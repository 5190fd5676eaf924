#include "minidocker/toolbox/sys/watch.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker {
namespace {

constexpr int kNoFd = 999'999;

bool is_readable(int fd) {
  struct pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, 0) == 1;
}

TEST(SysWatch, EventfdIsReadableOnceSomebodyHasAddedToIt) {
  const UniqueFd counter = sys::eventfd().or_throw();
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), counter.get()));
  EXPECT_FALSE(is_readable(counter.get()));
  const std::uint64_t two = 2;
  ASSERT_TRUE(sys::write(counter.get(), &two, sizeof two));
  EXPECT_TRUE(is_readable(counter.get()));
  std::uint64_t got = 0;
  ASSERT_TRUE(sys::read(counter.get(), &got, sizeof got));
  EXPECT_EQ(2U, got);
  EXPECT_EQ(EAGAIN, sys::read(counter.get(), &got, sizeof got).error()) << "it does not block";
}

TEST(SysWatch, InotifyTellsOfNewNames) {
  const TempDir dir;
  const UniqueFd watch = sys::inotify().or_throw();
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), watch.get()));
  ASSERT_TRUE(sys::inotify_watch(watch.get(), dir.path().c_str(), IN_CREATE | IN_ONLYDIR));
  EXPECT_FALSE(is_readable(watch.get()));
  testing::write_text(dir / "new", "");
  EXPECT_TRUE(is_readable(watch.get()));
  EXPECT_EQ(ENOENT, sys::inotify_watch(watch.get(), (dir / "none").c_str(), IN_CREATE).error());
}

TEST(SysWatch, EpollIsReadableWhenOneOfItsOwnIs) {
  const UniqueFd all = sys::epoll().or_throw();
  const UniqueFd one = sys::eventfd().or_throw();
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), all.get()));
  ASSERT_TRUE(sys::epoll_add(all.get(), one.get(), EPOLLIN));
  EXPECT_FALSE(is_readable(all.get()));
  const std::uint64_t once = 1;
  ASSERT_TRUE(sys::write(one.get(), &once, sizeof once));
  EXPECT_TRUE(is_readable(all.get()));
  EXPECT_EQ(EBADF, sys::epoll_add(all.get(), kNoFd, EPOLLIN).error());
  EXPECT_EQ(EEXIST, sys::epoll_add(all.get(), one.get(), EPOLLIN).error());
}

}  // namespace
}  // namespace minidocker
