#include "minidocker/images_unpack/byte_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compressed_text.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "streams.hpp"

namespace minidocker::images_unpack {
namespace {

using images_unpack::testing::gzip;
using images_unpack::testing::read_whole;
using images_unpack::testing::TextPieces;
using images_unpack::testing::TextStream;
using images_unpack::testing::zstd;
using ::testing::HasSubstr;

// Text that compresses, but not to nothing.
std::string some_text(std::size_t size) {
  std::string text;
  unsigned state = 1;
  while (text.size() < size) {
    state = state * 1103515245U + 12345U;
    text += static_cast<char>('a' + (state >> 16U) % 7U);
  }
  return text;
}

class Inflate : public ::testing::TestWithParam<InflateCode> {
 protected:
  static std::string inflate(const std::string& bytes, std::size_t in = 1000,
                             std::size_t out = 1000) {
    TextPieces pieces(bytes, in);
    InflateStream gunzip(pieces, "blob", GetParam());
    return read_whole(gunzip, out);
  }
  static std::string compress(const std::string& text) {
    return GetParam() == InflateCode::zstd ? zstd(text) : gzip(text);
  }
  static std::string refusal_of(const std::string& bytes) {
    try {
      static_cast<void>(inflate(bytes));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

const char* name_of(const ::testing::TestParamInfo<InflateCode>& test) {
  if (test.param == InflateCode::zstd) return "zstd";
  return test.param == InflateCode::igzip ? "igzip" : "zlib";
}
INSTANTIATE_TEST_SUITE_P(With, Inflate,
                         ::testing::Values(InflateCode::igzip, InflateCode::zlib,
                                           InflateCode::zstd),
                         name_of);

TEST_P(Inflate, GivesBackWhatWasCompressed) {
  for (const std::size_t size : {0U, 1U, 5000U, 1'000'000U}) {
    const std::string text = some_text(size);
    EXPECT_EQ(inflate(compress(text)), text) << size;
  }
}

TEST_P(Inflate, WorksInPiecesOfAnySize) {
  const std::string text = some_text(30'000);
  const std::string bytes = compress(text);
  for (const std::size_t piece : {1U, 2U, 13U, 4096U}) {
    EXPECT_EQ(inflate(bytes, piece, 1000), text) << piece;
    EXPECT_EQ(inflate(bytes, 1000, piece), text) << piece;
    EXPECT_EQ(inflate(bytes, piece, piece), text) << piece;
  }
}

TEST_P(Inflate, GoesOnWithFurtherMembersAndIgnoresZerosAfterThem) {
  for (const std::size_t piece : {1U, 7U, 100'000U}) {
    EXPECT_EQ(
        inflate(compress("one ") + compress("") + compress("two") + std::string(600, '\0'), piece),
        "one two")
        << piece;
  }
}

TEST_P(Inflate, SaysWhatIsWrong) {
  const std::string bytes = compress(some_text(5000));
  EXPECT_THAT(refusal_of("no gzip at all, but long enough to look like it"), HasSubstr("damaged"));
  EXPECT_THAT(refusal_of(bytes.substr(0, bytes.size() / 2)), HasSubstr("ends too early"));
  EXPECT_THAT(refusal_of(bytes.substr(0, bytes.size() - 1)), HasSubstr("ends too early"));
  EXPECT_THAT(refusal_of(""), AllOf(HasSubstr("blob: the "), HasSubstr("data ends too early")));
  EXPECT_THAT(refusal_of(bytes + "garbage"), HasSubstr(" follow the compressed data"));
  if (GetParam() == InflateCode::zstd) return;  // its checksum is optional
  std::string wrong_sum = bytes;
  wrong_sum[bytes.size() - 6] = static_cast<char>(wrong_sum[bytes.size() - 6] ^ 1);
  EXPECT_THAT(refusal_of(wrong_sum), HasSubstr("damaged"));
}

TEST_P(Inflate, EndsInTextOrAnErrorWhateverIsDamaged) {
  const std::string bytes = compress(some_text(3000));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    static_cast<void>(refusal_of(damaged));
    static_cast<void>(refusal_of(bytes.substr(0, at)));
  }
}

std::string decompressed(const std::string& bytes) {
  TextStream stream(bytes, 3);
  BufferedPieces pieces(stream);
  return read_whole(*decompress(pieces, "blob"), 100);
}

TEST(Decompress, TellsTheCompressionByTheFirstBytes) {
  EXPECT_EQ(decompressed(gzip("text")), "text");
  EXPECT_EQ(decompressed(zstd("text")), "text");
  EXPECT_EQ(decompressed("plain text"), "plain text");
  EXPECT_EQ(decompressed("ab"), "ab");
  EXPECT_EQ(decompressed(""), "");
}

TEST(Decompress, PassesOverSkippableFramesWhereverTheyStand) {
  const std::string skippable("\x5a\x2a\x4d\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(decompressed(skippable + zstd("one ") + skippable + zstd("two") + skippable),
            "one two");
  EXPECT_EQ(decompressed(skippable), "");
  TextPieces cut(zstd("one") + skippable.substr(0, 9), 100);
  EXPECT_THROW(read_whole(*decompress(cut, "blob"), 100), Error);
}

TEST(Decompress, RefusesOtherCompressionsByName) {
  for (const auto& [name, bytes] : {std::pair{"xz",
                                              "\xfd"
                                              "7zXZ..."},
                                    std::pair{"bzip2", "BZh91AY"}}) {
    try {
      static_cast<void>(decompressed(bytes));
      ADD_FAILURE() << name << " was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string("compressed by ") + name));
    }
  }
}

TEST(BufferedPieces, AreFullHoweverLittleComesAtATime) {
  const std::string text = some_text(300'000);
  TextStream stream(text, 4099);
  BufferedPieces pieces(stream);
  EXPECT_EQ(pieces.next_piece(), text.substr(0, 262'144));
  EXPECT_EQ(pieces.next_piece(), text.substr(262'144));
  EXPECT_EQ(pieces.next_piece(), "");
}

TEST(FdStream, NamesWhatItCannotRead) {
  char byte = 0;
  try {
    FdStream(-1, "the blob").read(&byte, 1);
    ADD_FAILURE() << "read from nothing";
  } catch (const SystemError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the blob"));
  }
}

#if defined(__x86_64__)
TEST(InflateCode, IsTheOneForTheFlagsThatTheKernelTellsOfThisCpu) {
  const std::string cpu = minidocker::testing::read_text("/proc/cpuinfo");
  const bool fast =
      cpu.find(" pclmulqdq ") != std::string::npos && cpu.find(" sse4_2 ") != std::string::npos;
  EXPECT_EQ(best_gzip_code(), fast ? InflateCode::igzip : InflateCode::zlib);
}
#endif

}  // namespace
}  // namespace minidocker::images_unpack
