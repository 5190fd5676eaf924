// OOM kills told to whoever polls, on v1 and v2.
#include "minidocker/cgroups/oom_watch.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

#include <gmock/gmock.h>

#include "work.hpp"

namespace minidocker::cgroups {
namespace {

const Limits kSmall{.memory = {.limit = Bytes{16 << 20}, .swap = Bytes{16 << 20}}};

/// Polls as its owner would until a kill is told; 0 after 10 s.
std::uint64_t kills_told(OomWatch& watch) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    struct pollfd wait{watch.fd(), POLLIN, 0};
    if (::poll(&wait, 1, 1000) != 1) continue;
    if (const std::uint64_t kills = watch.take()) return kills;
  }
  return 0;
}

bool has_news(const OomWatch& watch) {
  struct pollfd wait{watch.fd(), POLLIN, 0};
  return ::poll(&wait, 1, 0) == 1;
}

TEST_P(EachDriver, OomKillIsToldOnce) {
  NEED(true);
  covers("OOM kills are told");
  Cgroup group = make();
  group.apply(kSmall);
  OomWatch watch = OomWatch::of(group.location());
  EXPECT_FALSE(has_news(watch));
  EXPECT_EQ(0U, watch.take());
  Process hog = start_in(group, be_a_hog);
  EXPECT_EQ(1U, kills_told(watch));
  EXPECT_EQ(SIGKILL, end_of(hog).signal);
  EXPECT_EQ(0U, watch.take());
}

TEST_P(EachDriver, OomKillOfAChildIsToldThoughTheFirstProcessLives) {
  NEED(true);
  covers("OOM kills are told: of child processes");
  Cgroup group = make();
  group.apply(kSmall);
  OomWatch watch = OomWatch::of(group.location());
  Process parent = start_in(group, [] {
    if (::fork() == 0) ::_exit(be_a_hog());
    return wait_for_death();
  });
  EXPECT_EQ(1U, kills_told(watch));
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(parent).signal);
  EXPECT_EQ(0U, watch.take()) << "a kill for another reason is no news";
}

TEST_P(EachDriver, OomKillOfAGroupBelowThatCameLaterIsTold) {
  NEED(true);
  covers("OOM kills are told: of groups below");
  const Cgroup group = make();
  OomWatch watch = OomWatch::of(group.location());
  Cgroup inner = Cgroup::create(below(group, "inner"));
  if (GetParam() == Version::v1) {
    EXPECT_TRUE(has_news(watch)) << "v1 must be told to look at it";
  }
  EXPECT_EQ(0U, watch.take());
  inner.apply(kSmall);
  Process hog = start_in(inner, be_a_hog);
  EXPECT_EQ(1U, kills_told(watch));
  EXPECT_EQ(SIGKILL, end_of(hog).signal);
}

TEST_P(EachDriver, WatchOutlivesItsGroup) {
  NEED(true);
  std::optional<OomWatch> watch;
  {
    const Cgroup group = make();
    watch = OomWatch::of(group.location());
  }
  EXPECT_EQ(0U, watch->take());
}

TEST(OomWatch, NeedsTheMemoryController) {
  EXPECT_THROW((void)OomWatch::of({Mode::v1, {{"pids", "/nonexistent", "/web"}}}), Error);
  EXPECT_THROW((void)OomWatch::of({Mode::v2, {{"", "/nonexistent", "/web"}}}), SystemError);
}

}  // namespace
}  // namespace minidocker::cgroups
