#include "minidocker/http/byte_range.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace minidocker::http {
namespace {

TEST(ByteRange, MeansWhatTheFileHasOfIt) {
  EXPECT_EQ(parse_range("bytes=0-0", 10), (ByteRange{0, 1}));
  EXPECT_EQ(parse_range("bytes=2-5", 10), (ByteRange{2, 4}));
  EXPECT_EQ(parse_range("bytes=2-", 10), (ByteRange{2, 8}));
  EXPECT_EQ(parse_range("bytes=2-18446744073709551615", 10), (ByteRange{2, 8}));
  EXPECT_EQ(parse_range("bytes=-3", 10), (ByteRange{7, 3}));
  EXPECT_EQ(parse_range("bytes=-11", 10), (ByteRange{0, 10}));
}

TEST(ByteRange, IsEmptyWhereTheFileHasNothing) {
  EXPECT_EQ(parse_range("bytes=10-", 10)->size, 0U);
  EXPECT_EQ(parse_range("bytes=10-12", 10)->size, 0U);
  EXPECT_EQ(parse_range("bytes=-0", 10)->size, 0U);
  EXPECT_EQ(parse_range("bytes=0-0", 0)->size, 0U);
  EXPECT_EQ(parse_range("bytes=-1", 0)->size, 0U);
}

TEST(ByteRange, IsNoneForWhatWeDoNotServeInParts) {
  for (const char* text :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=1-2,4-5", "lines=1-2",
        "bytes= 1-2", "bytes=1-2 ", "bytes=+1-2", "bytes=--1", "bytes=18446744073709551616-",
        "bytes=1-18446744073709551616"}) {
    EXPECT_FALSE(parse_range(text, 10)) << text;
  }
}

}  // namespace
}  // namespace minidocker::http
