#include "systemd_protocol.hpp"

#include <gtest/gtest.h>

namespace minidocker::cgroups {
namespace {

using Type = Property::Type;
using Verb = ScopeRequest::Verb;

TEST(SystemdProtocol, RequestsSurviveTheirText) {
  const ScopeRequest start{Verb::start,
                           Manager::user,
                           "a\\x2b-b.scope",
                           "a.slice",
                           4711,
                           {{"Description", Type::text, "with blanks, and: more"},
                            {"Delegate", Type::boolean, "true"},
                            {"MemoryMax", Type::number, "67108864"},
                            {"AllowedCPUs", Type::bytes, "0f"}}};
  EXPECT_EQ(start, ScopeRequest::from_text(start.to_text()));
  const ScopeRequest set{Verb::set, Manager::system, "b.scope", "", 0, {}};
  EXPECT_EQ(set, ScopeRequest::from_text(set.to_text()));
}

TEST(SystemdProtocol, AnswersSurviveTheirText) {
  for (const ScopeAnswer& answer :
       {ScopeAnswer{"/system.slice/b.scope", {}, ""}, ScopeAnswer{},
        ScopeAnswer{"", ErrorKind::conflict, "make b.scope: systemd says: it is there"},
        ScopeAnswer{"", ErrorKind::internal, ""}}) {
    EXPECT_EQ(answer, ScopeAnswer::from_text(answer.to_text()));
  }
}

TEST(SystemdProtocol, FieldsThatWouldBecomeTwoAreRefused) {
  ScopeRequest request{Verb::start, Manager::system, "b.scope\nc", "a.slice", 1, {}};
  EXPECT_THROW((void)request.to_text(), Error);
  request = {Verb::start, Manager::system, "b.scope", "a.slice", 1, {{"Slice\t", Type::text, ""}}};
  EXPECT_THROW((void)request.to_text(), Error);
}

TEST(SystemdProtocol, WordsOfSystemdAreOneLine) {
  const ScopeAnswer answer{"", ErrorKind::internal, "two\nlines"};
  EXPECT_EQ("two lines", ScopeAnswer::from_text(answer.to_text()).words);
}

TEST(SystemdProtocol, OtherTextIsRefused) {
  for (const char* text :
       {"", "start", "stop\nsystem\nb.scope\n\n1\n", "start\nnobody\nb.scope\n\n1\n",
        "start\nuser\nb.scope\n\n", "start\nuser\nb.scope\n\nx\n",
        "start\nuser\nb.scope\n\n1\nMemoryMax\tt\n",
        "start\nuser\nb.scope\n\n1\nMemoryMax\tx\t1\n"}) {
    EXPECT_THROW((void)ScopeRequest::from_text(text), Error) << text;
  }
  for (const char* text :
       {"", "done", "done\n/a\nmore\n", "failed\n", "failed\nodd\nwords\n", "failed\ninternal\n"}) {
    EXPECT_THROW((void)ScopeAnswer::from_text(text), Error) << text;
  }
}

}  // namespace
}  // namespace minidocker::cgroups
