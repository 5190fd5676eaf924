#include "minidocker/registry/answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.hpp"

namespace minidocker::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(AnswerErrors, AreReadFromJson) {
  const auto errors = errors_of(R"({"errors":[{"code":"A","message":"m"},{"code":"B"},7]})");
  ASSERT_THAT(errors, SizeIs(3));
  EXPECT_EQ(errors[0].code, "A");
  EXPECT_EQ(errors[0].message, "m");
  EXPECT_EQ(errors[1].message, "");
  EXPECT_EQ(errors_of(R"({"details":"incorrect username or password"})").at(0).message,
            "incorrect username or password");
}

TEST(AnswerErrors, MayNotBeThere) {
  EXPECT_THAT(errors_of("<html>502</html>"), IsEmpty());
  EXPECT_THAT(errors_of(""), IsEmpty());
  EXPECT_THAT(errors_of(R"({"errors":7})"), IsEmpty());
}

TEST(Answer, MeansAnErrorThatACallerCanSort) {
  const auto kind = [](int status) {
    return kind_of_failure([&]() -> int { throw_answer(answer(status), "pull x"); });
  };
  EXPECT_EQ(kind(404), ErrorKind::not_found);
  EXPECT_EQ(kind(401), ErrorKind::permission);
  EXPECT_EQ(kind(403), ErrorKind::permission);
  EXPECT_EQ(kind(400), ErrorKind::invalid_argument);
  EXPECT_EQ(kind(429), ErrorKind::unavailable);
  EXPECT_EQ(kind(503), ErrorKind::unavailable);
  EXPECT_EQ(kind(501), ErrorKind::internal);
}

TEST(Answer, IsToldInTheRegistrysWordsOnOneLine) {
  const HttpResponse response = answer(
      404, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"no\\n\\u001b[1mit\"}]}");
  const std::string told = failure_of([&]() -> int { throw_answer(response, "pull x"); });
  EXPECT_THAT(told, HasSubstr("pull x: no\\n"));
  EXPECT_EQ(told.find_first_of("\n\x1b"), std::string::npos);
}

TEST(RateLimit, IsToldAsFarAsItIsKnown) {
  EXPECT_EQ(explain_rate_limit(answer(429)), "");
  EXPECT_EQ(explain_rate_limit(answer(429, "", {{"ratelimit-limit", "10"}})),
            "; it allows 10 requests");
  EXPECT_EQ(explain_rate_limit(answer(429, "", {{"ratelimit-limit", "1;w=90"}})),
            "; it allows 1 request in 90 seconds");
  EXPECT_EQ(explain_rate_limit(answer(429, "", {{"ratelimit-limit", "x;w=y"}})), "");
}

TEST(RetryAfter, IsBoundedAndOnlySeconds) {
  const auto after = [](const char* value) {
    return retry_after(answer(429, "", {{"retry-after", value}})).count();
  };
  EXPECT_EQ(after("5"), 5);
  EXPECT_EQ(after("99999"), 3600);
  EXPECT_EQ(after("-5"), 0);
  EXPECT_EQ(after("Wed, 21 Oct 2015 07:28:00 GMT"), 0);
}

TEST(ContentRange, IsReadInBothForms) {
  const auto range = parse_content_range("bytes 5-9/10");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5U);
  EXPECT_EQ(range->last, 9U);
  EXPECT_EQ(range->size, 10U);
  EXPECT_EQ(parse_content_range("0-9")->last, 9U);
  EXPECT_EQ(parse_content_range("bytes 0-9/*")->size, std::nullopt);
  for (const char* bad : {"", "bytes", "bytes 9-5/10", "bytes 0-9/9", "bytes 0-/9", "bytes -5",
                          "bytes */10", "0-9/x", "99999999999999999999-1", "a-b"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
}

TEST(NextPage, IsTheLinkOfThatName) {
  EXPECT_EQ(next_page(R"(</v2/_catalog?last=a&n=2>; rel="next")"), "/v2/_catalog?last=a&n=2");
  EXPECT_EQ(next_page("</x>; rel=next"), "/x");
  for (const char* none : {"", "<x>", "</x>; rel=\"prev\"", "/x; rel=next", "<x; rel=next"}) {
    EXPECT_FALSE(next_page(none)) << none;
  }
}

}  // namespace
}  // namespace minidocker::registry
