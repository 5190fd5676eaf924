#include "minidocker/cgroups/limits.hpp"

#include <string>

#include <gmock/gmock.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;
using ::testing::HasSubstr;

std::string refusal(const Limits& limits) {
  try {
    validate(limits);
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::invalid_argument, error.kind());
    return error.what();
  }
  return "";
}

TEST(Limits, ZeroMeansNotSetExceptForPids) {
  const Limits limits{.memory = {.limit = Bytes{0}, .reservation = Bytes{0}, .swap = Bytes{0}},
                      .cpu = {.shares = 0,
                              .quota = microseconds(0),
                              .period = microseconds(0),
                              .burst = microseconds(0)},
                      .io = {.weight = 0}};
  EXPECT_EQ("", refusal(limits));
  EXPECT_EQ("", limits.in_words());
  EXPECT_EQ("a limit of processes", Limits{.pids = 0}.in_words());
}

TEST(Limits, AreNamedForErrors) {
  EXPECT_EQ("a memory limit and a CPU limit and a limit of processes",
            (Limits{.memory = {.limit = Bytes{1}}, .cpu = {.shares = 5}, .pids = 1}).in_words());
  EXPECT_EQ("a memory limit", Limits{.memory = {.swappiness = 0}}.in_words());
  EXPECT_EQ("a CPU limit", Limits{.cpu = {.period = microseconds(1000)}}.in_words());
  EXPECT_EQ("a set of CPUs", Limits{.cpu = {.mems = "0"}}.in_words());
  EXPECT_EQ("an I/O limit", (Limits{.io = {.read_bytes = {{{8, 0}, 1}}}}).in_words());
  EXPECT_EQ("a limit of huge pages and an RDMA limit and memory.high",
            (Limits{.hugetlb = {{"2MB", Bytes{0}}},
                    .rdma = {{.device = "mlx", .handles = 1}},
                    .unified = {{"memory.high", "1"}}})
                .in_words());
}

TEST(Limits, WhatEnginesWriteForNothingIsNoLimit) {
  EXPECT_EQ("", (Limits{.memory = {.disable_oom_killer = false, .check_before_update = true},
                        .cpu = {.idle = false}})
                    .in_words());
}

TEST(Limits, ContradictionsAreRefused) {
  for (const Limits& limits :
       {Limits{.memory = {.limit = Bytes{1000}, .swap = Bytes{999}}}, Limits{.pids = -2},
        Limits{.memory = {.swappiness = 101}}, Limits{.cpu = {.quota = microseconds(999)}},
        Limits{.cpu = {.period = microseconds(999)}},
        Limits{.cpu = {.period = microseconds(1'000'001)}},
        Limits{.cpu = {.quota = microseconds(-2)}},
        Limits{.cpu = {.quota = microseconds(1000), .burst = microseconds(1001)}},
        Limits{.io = {.weight = 9}}, Limits{.io = {.weight = 1001}},
        Limits{.io = {.device_weights = {{{8, 0}, 0}}}}, Limits{.rdma = {{.device = "mlx"}}}}) {
    EXPECT_NE("", refusal(limits));
  }
}

TEST(Limits, ListThatTheKernelWouldCutIsRefused) {
  EXPECT_THAT(refusal(Limits{.cpu = {.cpus = "0\n1"}}), HasSubstr("CPUs \"0\\n1\""));
  EXPECT_THAT(refusal(Limits{.cpu = {.mems = "all"}}), HasSubstr("memory nodes \"all\""));
  EXPECT_EQ("", refusal(Limits{.cpu = {.cpus = "0-2,7", .mems = "0"}}));
}

TEST(Limits, FileThatIsNotTheGroupsIsRefused) {
  for (const char* file : {"", ".", "..", "../x", "a/b", "/etc/passwd", "a\nb"}) {
    EXPECT_THAT(refusal(Limits{.unified = {{file, "1"}}}), HasSubstr("must be a plain name"));
    EXPECT_NE("", refusal(Limits{.hugetlb = {{file, Bytes{0}}}}));
    EXPECT_NE("", refusal(Limits{.rdma = {{.device = file, .handles = 1}}}));
  }
  EXPECT_EQ("", refusal(Limits{.unified = {{"memory.high", "1"}}}));
}

TEST(Limits, SensibleOnesAreTaken) {
  EXPECT_EQ("", refusal(Limits{.memory = {.limit = Bytes{1000}, .swap = Bytes{1000}}}));
  EXPECT_EQ("", refusal(Limits{.memory = {.swap = kUnlimited}}));
  EXPECT_EQ("", refusal(Limits{.cpu = {.shares = 2,
                                       .quota = kNoQuota,
                                       .period = microseconds(1'000'000),
                                       .burst = microseconds(1)}}));
  EXPECT_EQ("", refusal(Limits{.pids = -1}));
}

}  // namespace
}  // namespace minidocker::cgroups
