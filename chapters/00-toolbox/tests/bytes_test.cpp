#include "minidocker/toolbox/bytes.hpp"

#include <string>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker {
namespace {

std::uint64_t value(std::string_view text) { return parse_bytes(text, "--memory").value; }

TEST(Bytes, AreReadInDockersForms) {
  EXPECT_EQ(0U, value("0"));
  EXPECT_EQ(512U, value("512"));
  EXPECT_EQ(512U, value("512b"));
  EXPECT_EQ(1024U, value("1k"));
  EXPECT_EQ(1024U, value("1KB"));
  EXPECT_EQ(1024U, value("1KiB"));
  EXPECT_EQ(64U << 20, value("64m"));
  EXPECT_EQ(std::uint64_t{3} << 30, value("3G"));
  EXPECT_EQ(std::uint64_t{2} << 40, value("2t"));
  EXPECT_EQ(std::uint64_t{1} << 50, value("1p"));
}

TEST(Bytes, MayHaveAFraction) {
  EXPECT_EQ(1536U, value("1.5k"));
  EXPECT_EQ((std::uint64_t{1} << 30) + (std::uint64_t{1} << 28), value("1.25gib"));
  EXPECT_EQ(1U, value("1.9"));
}

TEST(Bytes, LargeNumbersAreExact) {
  EXPECT_EQ(18'446'744'073'709'551'615U, value("18446744073709551615"));
}

TEST(Bytes, NonsenseIsRefusedWithTheNameOfTheOption) {
  for (const char* text : {"", "m", "-1", "+1", "1x", "1mm", "1bb", "1bib", "1 m", "1.m", "1..5m",
                           "1.5.5m", "0x10", "99999999999999999999", "18014398509481984k", "1e5"}) {
    try {
      (void)parse_bytes(text, "--memory");
      ADD_FAILURE() << '"' << text << "\" was taken";
    } catch (const Error& error) {
      EXPECT_EQ(ErrorKind::invalid_argument, error.kind());
      EXPECT_NE(std::string::npos, std::string(error.what()).find("--memory")) << error.what();
    }
  }
}

TEST(Bytes, AreToldInTheLargestFittingUnit) {
  EXPECT_EQ("0B", in_words(Bytes{0}));
  EXPECT_EQ("1023B", in_words(Bytes{1023}));
  EXPECT_EQ("64MiB", in_words(Bytes{64 << 20}));
  EXPECT_EQ("1.5GiB", in_words(Bytes{std::uint64_t{3} << 29}));
  EXPECT_EQ("1PiB", in_words(Bytes{std::uint64_t{1} << 50}));
}

}  // namespace
}  // namespace minidocker
