#include "tables.hpp"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "durations.hpp"

namespace minidocker::cli {
namespace {

TEST(Durations, AreDockersWords) {
  constexpr std::int64_t kDay = 86400;
  EXPECT_EQ(duration_in_words(0), "Less than a second");
  EXPECT_EQ(duration_in_words(1), "1 second");
  EXPECT_EQ(duration_in_words(59), "59 seconds");
  EXPECT_EQ(duration_in_words(60), "About a minute");
  EXPECT_EQ(duration_in_words(120), "2 minutes");
  EXPECT_EQ(duration_in_words(3600), "About an hour");
  EXPECT_EQ(duration_in_words(47 * 3600), "47 hours");
  EXPECT_EQ(duration_in_words(2 * kDay), "2 days");
  EXPECT_EQ(duration_in_words(14 * kDay), "2 weeks");
  EXPECT_EQ(duration_in_words(60 * kDay), "2 months");
  EXPECT_EQ(duration_in_words(2 * 365 * kDay), "2 years");
}

TEST(Sizes, HavePowersOfAThousandAndThreeDigitsOrFour) {
  EXPECT_EQ(size_in_words(Bytes{999}), "999B");
  EXPECT_EQ(size_in_words(Bytes{1'234'567}), "1.23MB");
  EXPECT_EQ(size_in_words(Bytes{957'000}), "957kB");
  EXPECT_EQ(size_in_words(Bytes{8'365}, 4), "8.365kB");
}

TEST(Tables, ColumnsAreAtLeastTenWideWithThreeBlanksBetween) {
  EXPECT_EQ(lay_out({{"A", "LONG HEADING", "C"}, {"0123456789", "x", "y"}}),
            "A            LONG HEADING   C\n"
            "0123456789   x              y\n");
}

TEST(Tables, ContainersAreShownAsDockerShowsThem) {
  engine::ContainerSummary container;
  container.id = std::string(64, 'a');
  container.name = "web";
  container.image = "busybox";
  container.command = "sh -c 'echo a long command'";
  container.state = engine::State::exited;
  container.exit_code = 3;
  container.created = 1000;
  container.finished = 1060;
  EXPECT_EQ(containers_table({container}, 1180, Cut::yes),
            "CONTAINER ID   IMAGE     COMMAND                  CREATED         STATUS              "
            "       "
            "PORTS     NAMES\n"
            "aaaaaaaaaaaa   busybox   \"sh -c 'echo a long …\"   3 minutes ago   Exited (3) 2 "
            "minutes ago  "
            " "
            "          web\n");
}

TEST(Tables, StatesAreDockersWords) {
  engine::ContainerSummary container;
  container.started = 10;
  container.state = engine::State::running;
  EXPECT_EQ(status_in_words(container, 13), "Up 3 seconds");
  container.state = engine::State::created;
  EXPECT_EQ(status_in_words(container, 13), "Created");
  container.state = engine::State::removing;
  EXPECT_EQ(status_in_words(container, 13), "Removal In Progress");
}

}  // namespace
}  // namespace minidocker::cli
