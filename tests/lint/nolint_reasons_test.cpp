#include "nolint_reasons.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Findings check_line(const std::string& line) {
  return check_nolint_reasons(SourceTree::of({{"a.cpp", line + "\n"}}));
}

TEST(NolintReasons, WantACheckAndAReason) {
  EXPECT_THAT(check_line("f();  // NOLINT"), SizeIs(1));
  EXPECT_THAT(check_line("f();  // NOLINT(bugprone-use-after-move)"), SizeIs(1));
  EXPECT_THAT(check_line("f();  // NOLINTNEXTLINE(bugprone-x): why"), SizeIs(1));
}

TEST(NolintReasons, AcceptOneWithBoth) {
  EXPECT_THAT(check_line("// NOLINTNEXTLINE(bugprone-x): the kernel keeps the address"), IsEmpty());
  EXPECT_THAT(check_line("// NOLINTEND(bugprone-x)"), IsEmpty());
}

TEST(NolintReasons, AreGivenInTheRepository) {
  EXPECT_EQ(to_text(check_nolint_reasons(repository())), "");
}

}  // namespace
}  // namespace minidocker::lint
