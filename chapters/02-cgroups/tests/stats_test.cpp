#include "minidocker/cgroups/stats.hpp"

#include <gtest/gtest.h>

namespace minidocker::cgroups {
namespace {

TEST(Stats, NumberIsAloneInItsFile) {
  EXPECT_EQ(4096U, parse_number("4096\n"));
  EXPECT_EQ(0U, parse_number("0"));
  for (const char* text : {"", "\n", "max\n", "12 34\n", "-1\n", "99999999999999999999\n"}) {
    EXPECT_EQ(std::nullopt, parse_number(text)) << text;
  }
}

TEST(Stats, KeyedNumberIsFoundByItsWholeKey) {
  constexpr const char* kText = "nr_periods 12\nnr_throttled 3\nthrottled_time 99\nlast 7";
  EXPECT_EQ(12U, parse_keyed(kText, "nr_periods"));
  EXPECT_EQ(3U, parse_keyed(kText, "nr_throttled"));
  EXPECT_EQ(7U, parse_keyed(kText, "last"));
  EXPECT_EQ(std::nullopt, parse_keyed(kText, "nr"));
  EXPECT_EQ(std::nullopt, parse_keyed(kText, "absent"));
  EXPECT_EQ(std::nullopt, parse_keyed("key\n", "key"));
  EXPECT_EQ(std::nullopt, parse_keyed("", "key"));
}

TEST(Stats, V1sGreatestPageMultipleIsNoLimit) {
  EXPECT_EQ(std::nullopt, parse_v1_limit("9223372036854771712\n"));
  EXPECT_EQ(Bytes{67108864}, parse_v1_limit("67108864\n"));
  EXPECT_EQ(std::nullopt, parse_v1_limit(""));
}

TEST(Stats, TableIsEveryLineOfAKeyAndANumber) {
  const std::map<std::string, std::uint64_t> table =
      parse_table("anon 4096\nfile 8192\nodd line here\nslab max\n\n");
  EXPECT_EQ((std::map<std::string, std::uint64_t>{{"anon", 4096}, {"file", 8192}}), table);
}

TEST(Stats, CpusAreColumnsOfV1) {
  // Captured on two CPUs.
  constexpr const char* kAll = "cpu user system\n0 1188893344 92103541\n1 1283371200 58122340\n";
  EXPECT_EQ((std::vector<std::uint64_t>{1188893344, 1283371200}), parse_column(kAll, 1));
  EXPECT_EQ((std::vector<std::uint64_t>{92103541, 58122340}), parse_column(kAll, 2));
  EXPECT_EQ((std::vector<std::uint64_t>{}), parse_column(kAll, 3));
  EXPECT_EQ((std::vector<std::uint64_t>{1280996885, 1341493540}),
            parse_row("1280996885 1341493540 \n"));
  EXPECT_TRUE(parse_row("").empty());
}

TEST(Stats, PressureIsSomeAndFull) {
  constexpr const char* kText =
      "some avg10=1.25 avg60=0.40 avg300=0.09 total=123456\n"
      "full avg10=0.50 avg60=0.10 avg300=0.00 total=7890\n";
  using std::chrono::microseconds;
  const PressureShare some{1.25, 0.40, 0.09, microseconds(123456)};
  EXPECT_EQ((Pressure{some, PressureShare{0.5, 0.1, 0, microseconds(7890)}}),
            parse_pressure(kText));
  EXPECT_EQ((Pressure{some, std::nullopt}),
            parse_pressure("some avg10=1.25 avg60=0.40 avg300=0.09 total=123456\n"));
  for (const char* text : {"", "\n", "full avg10=1.00\n", "nonsense"}) {
    EXPECT_EQ(std::nullopt, parse_pressure(text)) << text;
  }
}

TEST(Stats, IoOfV2IsAKeyForEachCountOfADevice) {
  const IoStats stats = parse_io_stat(
      "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"
      "7:1 \n"  // a loop device that was not used
      "nonsense rbytes=1\n"
      "8:16 rbytes=5 cost.usage=7 wios=max\n");
  EXPECT_EQ((std::vector<IoCount>{{{254, 0}, "Read", 4096},
                                  {{254, 0}, "Write", 8192},
                                  {{254, 0}, "Discard", 0},
                                  {{8, 16}, "Read", 5}}),
            stats.bytes);
  EXPECT_EQ((std::vector<IoCount>{
                {{254, 0}, "Read", 1}, {{254, 0}, "Write", 2}, {{254, 0}, "Discard", 0}}),
            stats.operations);
}

TEST(Stats, IoOfV1IsALineForEachCount) {
  EXPECT_EQ((std::vector<IoCount>{{{254, 0}, "Read", 4096}, {{254, 0}, "Total", 4096}}),
            parse_v1_io("254:0 Read 4096\n254:0 Total 4096\nTotal 4096\n"));
  EXPECT_TRUE(parse_v1_io("Total 0\n").empty());
}

TEST(Stats, RdmaIsWhatIsUsedAndWhatMayBe) {
  const auto all =
      parse_rdma("mlx4_0 hca_handle=2 hca_object=2000\nocrdma1 hca_handle=3 hca_object=0\n",
                 "mlx4_0 hca_handle=5 hca_object=max\n");
  ASSERT_EQ(2U, all.size());
  EXPECT_EQ(2U, all.at("mlx4_0").handles);
  EXPECT_EQ(2000U, all.at("mlx4_0").objects);
  EXPECT_EQ(5U, all.at("mlx4_0").handles_limit);
  EXPECT_EQ(std::nullopt, all.at("mlx4_0").objects_limit);
  EXPECT_EQ(3U, all.at("ocrdma1").handles);
  EXPECT_TRUE(parse_rdma("", "").empty());
}

}  // namespace
}  // namespace minidocker::cgroups
