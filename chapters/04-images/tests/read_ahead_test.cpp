#include "read_ahead.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <latch>
#include <string>
#include <string_view>

#include "minidocker/toolbox/error.hpp"
#include "streams.hpp"

namespace minidocker::images_unpack {
namespace {

using images_unpack::testing::TextStream;

// Gives `pieces` times the same megabyte, counts what was asked for, and may fail in the end.
class Source final : public ByteStream {
 public:
  Source(unsigned megabytes, bool fails) : left_(std::uint64_t{megabytes} << 20U), fails_(fails) {}
  std::size_t read(void* buffer, std::size_t size) override {
    if (left_ == 0 && fails_) throw Error(ErrorKind::invalid_argument, "the source is damaged");
    const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
    std::memset(buffer, 'x', now);
    left_ -= now;
    given += now;
    return now;
  }
  std::atomic<std::uint64_t> given = 0;

 private:
  std::uint64_t left_;
  bool fails_;
};

std::string read_whole(PieceStream& pieces) {
  std::string text;
  for (std::string_view piece = pieces.next_piece(); !piece.empty(); piece = pieces.next_piece())
    text += piece;
  return text;
}

TEST(ReadAhead, GivesAndHashesWhatComes) {
  for (const std::size_t size : {0U, 1U, 1'048'576U, 1'048'577U, 9'000'000U}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 256);
    TextStream below(text, 10'007);
    ReadAhead ahead(below);
    EXPECT_TRUE(read_whole(ahead) == text) << size;
    EXPECT_EQ(ahead.bytes(), size);
    EXPECT_EQ(ahead.next_piece(), "");
    EXPECT_EQ(ahead.digest(), images::Digest::of(text));
  }
}

TEST(ReadAhead, GivesWholeBlocksHoweverLittleComesAtATime) {
  TextStream below(std::string(2'100'000, 'x'), 1001);
  ReadAhead ahead(below);
  EXPECT_EQ(ahead.next_piece().size(), 1U << 20U);
  EXPECT_EQ(ahead.next_piece().size(), 1U << 20U);
  EXPECT_EQ(ahead.next_piece().size(), 2'100'000U - (2U << 20U));
}

TEST(ReadAhead, ReadsNoFurtherAheadThanItHasBlocks) {
  Source source(64, false);
  ReadAhead ahead(source);
  for (int i = 0; i < 50; ++i) {
    ASSERT_FALSE(ahead.next_piece().empty());
    ASSERT_LE(source.given, ahead.bytes() + (4U << 20U));
  }
}

TEST(ReadAhead, GivesAllThatCameBeforeAFailure) {
  Source source(1, true);
  ReadAhead ahead(source);
  try {
    static_cast<void>(read_whole(ahead));
    ADD_FAILURE() << "ended as if nothing had been wrong";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the source is damaged");
  }
  // What did not fill a block went with the failure.
  EXPECT_EQ(ahead.bytes(), 1U << 20U);
}

TEST(ReadAhead, EndsWhenNobodyWantsTheRest) {
  Source source(1000, false);
  {
    ReadAhead ahead(source);
    ASSERT_FALSE(ahead.next_piece().empty());
  }
  EXPECT_LE(source.given, 5U << 20U);
  const ReadAhead unread(source);
}

}  // namespace
}  // namespace minidocker::images_unpack
