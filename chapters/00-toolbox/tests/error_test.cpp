#include "minidocker/toolbox/error.hpp"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/toolbox/result.hpp"

namespace minidocker {
namespace {

TEST(SystemError, IsOneLineThatSaysWhatOnWhatAndWhy) {
  const SystemError error("mount", "\"proc\", \"/proc\"", EINVAL, "try something else");
  EXPECT_STREQ("mount(\"proc\", \"/proc\"): invalid argument (EINVAL); hint: try something else",
               error.what());
  EXPECT_EQ(EINVAL, error.code());
  EXPECT_EQ(ErrorKind::invalid_argument, error.kind());
}

TEST(SystemError, LeavesOutWhatIsNotKnown) {
  EXPECT_STREQ("setsid: operation not permitted (EPERM)", SystemError("setsid", "", EPERM).what());
}

TEST(Errno, HasTheKernelsNameAndStrerrorsWordsInLowerCase) {
  EXPECT_EQ("ENOENT", errno_name(ENOENT));
  EXPECT_EQ("no such file or directory", errno_words(ENOENT));
  EXPECT_EQ("exec format error", errno_words(ENOEXEC));
}

TEST(Errno, AcronymsKeepTheirCapitals) {
  EXPECT_EQ("RFS specific error", errno_words(EDOTDOT));
  EXPECT_EQ("stale file handle", errno_words(ESTALE));
}

TEST(Errno, AnUnknownNumberStaysANumber) {
  EXPECT_EQ("errno 4711", errno_name(4711));
  EXPECT_EQ("unknown error 4711", errno_words(4711));
}

TEST(Errno, HasTheKindACallerWouldSortItInto) {
  EXPECT_EQ(ErrorKind::not_found, errno_kind(ENOENT));
  EXPECT_EQ(ErrorKind::not_found, errno_kind(ESRCH));
  EXPECT_EQ(ErrorKind::conflict, errno_kind(EEXIST));
  EXPECT_EQ(ErrorKind::conflict, errno_kind(EBUSY));
  EXPECT_EQ(ErrorKind::invalid_argument, errno_kind(ENOTDIR));
  EXPECT_EQ(ErrorKind::permission, errno_kind(EPERM));
  EXPECT_EQ(ErrorKind::permission, errno_kind(EACCES));
  EXPECT_EQ(ErrorKind::unavailable, errno_kind(ENOSYS));
  EXPECT_EQ(ErrorKind::internal, errno_kind(EIO));
}

TEST(Quoted, EscapesWhatCouldDeceiveATerminal) {
  EXPECT_EQ("\"plain\"", quoted("plain"));
  EXPECT_EQ(R"("a\"b\\c\n\t\033[31m\177")", quoted("a\"b\\c\n\t\033[31m\177"));
  EXPECT_EQ("\"\\000\"", quoted(std::string_view("\0", 1)));
}

TEST(Quoted, LeavesUtf8AsItIs) {
  EXPECT_EQ("\"naïve € 𝄞\"", quoted("naïve € 𝄞"));
  EXPECT_EQ("\"\u00a0\"", quoted("\u00a0")) << "the first after the control characters";
}

TEST(Quoted, EscapesControlCharactersBeyondAscii) {
  EXPECT_EQ(R"("\302\2335n")", quoted("\xc2\x9b"
                                      "5n"))
      << "U+009B begins a sequence as ESC [ does";
  EXPECT_EQ(R"("\302\200\302\237")", quoted("\xc2\x80\xc2\x9f"));
}

TEST(Quoted, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(R"("\2335n")", quoted("\x9b"
                                  "5n"))
      << "what U+009B is in Latin-1";
  EXPECT_EQ(R"("\300\257")", quoted("\xc0\xaf")) << "two bytes for what one holds";
  EXPECT_EQ(R"("\340\200\257")", quoted("\xe0\x80\xaf")) << "three bytes for what one holds";
  EXPECT_EQ(R"("\355\240\200")", quoted("\xed\xa0\x80")) << "half of a surrogate pair";
  EXPECT_EQ(R"("\364\220\200\200")", quoted("\xf4\x90\x80\x80")) << "beyond U+10FFFF";
  EXPECT_EQ(R"("\342\202")", quoted("\xe2\x82")) << "cut off";
  EXPECT_EQ(R"("\342x")", quoted("\xe2x")) << "not continued";
}

TEST(Result, CarriesTheValueOrTheErrnoAndTheCall) {
  static constexpr sys::CallInfo kCall{"frobnicate", "frobnicate(2)"};
  EXPECT_EQ(5, sys::Result<int>(kCall, 5).or_throw());
  EXPECT_TRUE(sys::Result<>(kCall).ok());
  const auto failure = sys::Result<int>::failure(kCall, EPERM);
  EXPECT_FALSE(failure);
  EXPECT_EQ(EPERM, failure.error());
  EXPECT_STREQ("frobnicate", failure.call().name);
}

TEST(Result, ThrowsItsCallWithObjectAndHint) {
  static constexpr sys::CallInfo kCall{"frobnicate", "frobnicate(2)"};
  try {
    sys::Result<>::failure(kCall, EACCES).or_throw("\"/x\"", "ask root");
    FAIL() << "nothing was thrown";
  } catch (const SystemError& error) {
    EXPECT_STREQ("frobnicate(\"/x\"): permission denied (EACCES); hint: ask root", error.what());
  }
  EXPECT_THROW((void)sys::Result<int>::failure(kCall, EIO).or_throw(), SystemError);
}

}  // namespace
}  // namespace minidocker
