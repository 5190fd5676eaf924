#include "minidocker/toolbox/trace.hpp"

#include <fcntl.h>

#include <cerrno>
#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker::trace {
namespace {

constexpr sys::CallInfo kCall{"frobnicate", "frobnicate(2)"};
constexpr FlagName kFlags[] = {
    {0, "F_READ", 3}, {1, "F_WRITE", 3}, {4, "F_FAST"}, {8, "F_LOUD"}, {0, nullptr}};

Record record_of(std::initializer_list<Arg> args) {
  Record record;
  record.call = &kCall;
  for (const Arg& arg : args) record.add(arg);
  return record;
}

TEST(Flags, AreNamedOneByOne) { EXPECT_EQ("F_WRITE|F_FAST|F_LOUD", flags_in_words(kFlags, 13)); }
TEST(Flags, AFieldThatIsZeroHasANameToo) { EXPECT_EQ("F_READ|F_FAST", flags_in_words(kFlags, 4)); }
TEST(Flags, UnknownBitsAreToldInHex) {
  EXPECT_EQ("F_READ|F_FAST|0x1000", flags_in_words(kFlags, 0x1004));
  EXPECT_EQ("0x40", flags_in_words(nullptr, 0x40));
}
TEST(Flags, NoneAtAllAreZero) { EXPECT_EQ("0", flags_in_words(nullptr, 0)); }

TEST(Call, IsWordedAsStraceWouldWordIt) {
  const Record record =
      record_of({fd(AT_FDCWD), fd(3), text("a\nb"), text(nullptr), number(-1), octal(0755)});
  EXPECT_EQ("frobnicate(AT_FDCWD, 3, \"a\\nb\", NULL, -1, 0755)", format_call(record));
}

TEST(Call, MembersOfAStructStandInBraces) {
  const Record record =
      record_of({number(1), flags(kFlags, 4, "flags"), octal(0, "mode"), hex(255)});
  EXPECT_EQ("frobnicate(1, {flags=F_READ|F_FAST, mode=0}, 0xff)", format_call(record));
  EXPECT_EQ("frobnicate({room=7})", format_call(record_of({number(7, "room")})));
}

TEST(Call, LongTextIsCutAndSaysSo) {
  const std::string text_of_300(300, 'x');
  const std::string words = format_call(record_of({text(text_of_300.c_str())}));
  EXPECT_EQ("frobnicate(\"" + std::string(200, 'x') + "\"...)", words);
}

TEST(Call, TextThatFindsNoRoomIsCutToNothing) {
  const std::string long_text(250, 'x');
  const char* t = long_text.c_str();
  const Record record = record_of({text(t), text(t), text(t)});
  EXPECT_EQ(Record::kTextBytes, record.text_used);
  EXPECT_TRUE(format_call(record).ends_with(", \"\"...)"));
}

TEST(Call, MoreThanSixArgumentsDoNotOverflow) {
  Record record;
  record.call = &kCall;
  for (int i = 0; i < 9; ++i) record.add(number(i));
  EXPECT_EQ("frobnicate(0, 1, 2, 3, 4, 5)", format_call(record));
}

TEST(Call, BytesMayHoldNul) {
  EXPECT_EQ("frobnicate(\"a\\000b\")", format_call(record_of({bytes("a\0b", 3)})));
}

TEST(Result, IsTheValueOrTheErrorInWords) {
  Record record = record_of({});
  record.result = 3;
  EXPECT_EQ(" = 3", format_result(record));
  record.result = -1;
  record.error = EPERM;
  EXPECT_EQ(" = -1 EPERM (operation not permitted)", format_result(record));
}

TEST(Session, ListensForAsLongAsItLives) {
  Recording outer;
  Recording inner;
  const auto call = [] { (void)sys::probe_fd(0); };
  {
    const Session first(&outer);
    call();
    {
      const Session second(&inner);
      call();
      call();
    }
    call();
  }
  call();
  EXPECT_EQ(2U, outer.count("fcntl"));
  EXPECT_EQ(2U, inner.count("fcntl"));
}

TEST(Scope, TellsStepsOnlyToWhoListens) {
  const Scope unheard("00-toolbox", "nobody hears this");
  Recording recording;
  const Session session(&recording);
  {
    const Scope heard("00-toolbox", "do something", "it is needed");
    (void)sys::probe_fd(0);
  }
  ASSERT_EQ(2U, recording.entries().size());
  EXPECT_EQ("do something", recording.entries()[0].step);
  EXPECT_EQ("", recording.entries()[1].step);
}

}  // namespace
}  // namespace minidocker::trace
