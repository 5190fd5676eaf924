#include "duration.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsASumOfNumbersWithUnits) {
  EXPECT_EQ(parse_duration("5s", "--interval"), 5s);
  EXPECT_EQ(parse_duration("1m30s", "--interval"), 90s);
  EXPECT_EQ(parse_duration("250ms", "--interval"), 250ms);
  EXPECT_EQ(parse_duration("1.5h", "--interval"), 90min);
  EXPECT_EQ(parse_duration(".5s", "--interval"), 500ms);
  EXPECT_EQ(parse_duration("3us7ns", "--interval"), 3007ns);
  EXPECT_EQ(parse_duration("-2s", "--interval"), -2s);
  EXPECT_EQ(parse_duration("+2s", "--interval"), 2s);
  EXPECT_EQ(parse_duration("0", "--interval"), 0s);
}

TEST(Duration, ThatIsNoneIsNamedWithItsOption) {
  for (const char* text : {"", "-", "5", "s", "5x", "5s3", "5 s", "--5s", "5s-3s", "inf", "1e3s",
                           "0x5s", "9999999999h", "nans"}) {
    try {
      (void)parse_duration(text, "--interval");
      ADD_FAILURE() << "taken: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
      EXPECT_EQ(std::string(error.what()).find("--interval: "), 0U) << error.what();
    }
  }
}

}  // namespace
}  // namespace minidocker::runtime
