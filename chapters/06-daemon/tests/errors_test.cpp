#include "minidocker/http/errors.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "response_head.hpp"

namespace minidocker::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

template <class Failure>
Response answer_to(const Failure& failure) {
  return explain(std::make_exception_ptr(failure));
}

TEST(Errors, HaveTheStatusOfTheirKind) {
  const std::pair<ErrorKind, int> kinds[] = {
      {ErrorKind::not_found, 404},        {ErrorKind::conflict, 409},
      {ErrorKind::invalid_argument, 400}, {ErrorKind::permission, 403},
      {ErrorKind::unavailable, 503},      {ErrorKind::internal, 500}};
  for (const auto& [kind, status] : kinds) {
    EXPECT_EQ(answer_to(Error(kind, "why")).status, status);
    EXPECT_EQ(StatusError(status, "why").kind(), kind) << "and the other way round: " << status;
  }
  EXPECT_EQ(StatusError(401, "who?").kind(), ErrorKind::permission);
  EXPECT_EQ(StatusError(413, "too large").kind(), ErrorKind::invalid_argument);
}

TEST(Errors, AreALineOfTextForPeople) {
  const Response refusal = answer_to(StatusError(405, "only GET", {{"Allow", "GET"}}));
  EXPECT_EQ(refusal.status, 405);
  EXPECT_EQ(std::get<std::string>(refusal.body), "only GET\n");
  EXPECT_EQ(find_header(refusal.headers, "allow"), "GET");
  const Response fault = answer_to(std::runtime_error("a bug"));
  EXPECT_EQ(fault.status, 500);
  EXPECT_EQ(std::get<std::string>(fault.body), "a bug\n");
}

TEST(Errors, HaveAReasonForEachStatusThatIsKnown) {
  EXPECT_EQ(reason_of(404), "Not Found");
  EXPECT_EQ(reason_of(299), "");
}

// Or a value that somebody else chose could end the head and begin another answer.
TEST(ResponseHead, HasNoHeaderWithALineBreak) {
  const Response good{200, {{"X-Name", "value"}}, ""};
  EXPECT_THAT(head_of(good, ThenWhat::the_end), StartsWith("HTTP/1.1 200 OK\r\nX-Name: value\r\n"));
  const Response bad{200, {{"X-Name", "value\r\nX-Other: forged"}}, ""};
  try {
    (void)head_of(bad, ThenWhat::the_end);
    FAIL() << "it was written";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("X-Name"));
  }
}

}  // namespace
}  // namespace minidocker::http
