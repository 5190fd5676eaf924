#include "calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace minidocker::lint {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> qualifiers(std::string_view code, std::string_view name) {
  std::vector<std::string> found;
  for (const Call& call : find_calls(code, name)) found.push_back(call.qualifier);
  return found;
}

TEST(Calls, AreFoundWithWhateverQualifiesThem) {
  EXPECT_THAT(qualifiers("  open(a); ::open(a); sys::open(a); return open(a);", "open"),
              ::testing::ElementsAre("", "::", "sys", ""));
}

TEST(Calls, OnAnObjectAreNotMeant) {
  EXPECT_THAT(find_calls("file.open(a); file->open(a);", "open"), IsEmpty());
}

TEST(Calls, AreNotDeclarations) {
  EXPECT_THAT(find_calls("Result<int> open(const char*); void open(); char* open();", "open"),
              IsEmpty());
  EXPECT_THAT(find_calls("void File::open(int) {} sys::Result<> open();", "open"), IsEmpty());
}

TEST(Calls, MayFollowAnOperator) {
  EXPECT_THAT(find_calls("x = a > open(b) && open(c);", "open"), SizeIs(2));
}

TEST(Calls, DeclarationsAreSeenAsSuch) {
  EXPECT_TRUE(declares("struct Group { void kill(); };", "kill"));
  EXPECT_TRUE(declares("void Group::kill() {}", "kill"));
  EXPECT_FALSE(declares("kill(pid, 9); return ::kill(pid, 9); x = sys::kill(pid, 9);", "kill"));
}

}  // namespace
}  // namespace minidocker::lint
