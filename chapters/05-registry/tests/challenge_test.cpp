#include "minidocker/registry/challenge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::string refusal_of(std::string_view value) {
  try {
    static_cast<void>(parse_challenges(value));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    return error.what();
  }
  return "";
}

TEST(Challenge, OfDockerHub) {
  const auto challenges = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",)"
      R"(scope="repository:library/busybox:pull,push")");
  ASSERT_THAT(challenges, SizeIs(1));
  EXPECT_EQ(challenges[0].scheme, "bearer");
  EXPECT_EQ(challenges[0].parameter("realm"), "https://auth.docker.io/token");
  EXPECT_EQ(challenges[0].parameter("service"), "registry.docker.io");
  EXPECT_EQ(challenges[0].parameter("scope"), "repository:library/busybox:pull,push");
  EXPECT_EQ(challenges[0].parameter("error"), "");
}

TEST(Challenge, SeveralMayStandInOneHeader) {
  const auto challenges =
      parse_challenges(R"(Negotiate YII+/x==, BASIC Realm = "a b" , Digest, Bearer a=1, b="2",)");
  ASSERT_THAT(challenges, SizeIs(4));
  EXPECT_EQ(challenges[0].scheme, "negotiate");
  EXPECT_THAT(challenges[0].parameters, IsEmpty());
  EXPECT_EQ(challenges[1].scheme, "basic");
  EXPECT_THAT(challenges[1].parameters, UnorderedElementsAre(Pair("realm", "a b")));
  EXPECT_EQ(challenges[2].scheme, "digest");
  EXPECT_THAT(challenges[3].parameters, UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST(Challenge, QuotedTextMayHoldAnything) {
  const auto challenges = parse_challenges(R"(Basic realm="a \"b\" \\, Bearer x=1")");
  ASSERT_THAT(challenges, SizeIs(1));
  EXPECT_EQ(challenges[0].parameter("realm"), R"(a "b" \, Bearer x=1)");
}

TEST(Challenge, NothingIsNoChallenge) {
  EXPECT_THAT(parse_challenges(""), IsEmpty());
  EXPECT_THAT(parse_challenges(" , ,"), IsEmpty());
}

TEST(Challenge, WhatTheGrammarDoesNotKnowIsRefusedWithItsPlace) {
  EXPECT_THAT(refusal_of("\"x\""), HasSubstr("a word is missing at byte 0"));
  EXPECT_THAT(refusal_of("Basic a b"),
              HasSubstr("WWW-Authenticate \"Basic a b\": a parameter is missing at byte 6"));
  EXPECT_THAT(refusal_of("Basic realm=a;b=c"), HasSubstr("a comma is missing at byte 13"));
  EXPECT_THAT(refusal_of("Basic a=\"b"), HasSubstr("a quote is not closed"));
  EXPECT_THAT(refusal_of("Basic a=\"b\\"), HasSubstr("a quote is not closed"));
  EXPECT_THAT(refusal_of("Bearer a=1, a=2"), HasSubstr("parameter a is given twice"));
  EXPECT_THAT(refusal_of("Bearer b=1,a=,"), HasSubstr("a value is missing at byte 13"));
  EXPECT_THAT(refusal_of(std::string(kMaxChallenge + 1, 'a')), HasSubstr("8193 bytes"));
}

}  // namespace
}  // namespace minidocker::registry
