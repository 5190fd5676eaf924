#include "minidocker/toolbox/numbers.hpp"

#include <cstdint>

#include <gtest/gtest.h>

namespace minidocker {
namespace {

TEST(Numbers, AreAllOfTheText) {
  EXPECT_EQ(0U, parse_number<std::uint32_t>("0"));
  EXPECT_EQ(4294967295U, parse_number<std::uint32_t>("4294967295"));
  EXPECT_EQ(-7, parse_number<int>("-7"));
}

TEST(Numbers, AreNothingElse) {
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "0x1", "one", "4294967296"}) {
    EXPECT_EQ(std::nullopt, parse_number<std::uint32_t>(text)) << text;
  }
}

}  // namespace
}  // namespace minidocker
