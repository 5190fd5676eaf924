#include "no_glob.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(NoGlob, FindsAGlob) {
  const SourceTree tree = SourceTree::of({{"a/CMakeLists.txt", "file(GLOB sources *.cpp)\n"}});
  EXPECT_THAT(check_no_glob(tree), SizeIs(1));
}

TEST(NoGlob, AllowsTheWordInAComment) {
  EXPECT_THAT(check_no_glob(SourceTree::of({{"x.cmake", "# no GLOB here\n"}})), IsEmpty());
}

TEST(NoGlob, IsHeldByTheRepository) { EXPECT_EQ(to_text(check_no_glob(repository())), ""); }

}  // namespace
}  // namespace minidocker::lint
