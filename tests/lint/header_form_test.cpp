#include "header_form.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(HeaderForm, WantsPragmaOnce) {
  const SourceTree tree = SourceTree::of({{"a.hpp", "/// \\file\n/// #pragma once\n"}});
  EXPECT_THAT(messages_of(check_header_form(tree)), HasSubstr("no #pragma once"));
}

TEST(HeaderForm, WantsAFileComment) {
  const SourceTree tree = SourceTree::of({{"a.h", "#pragma once\nchar f[] = \"\\file\";\n"}});
  EXPECT_THAT(messages_of(check_header_form(tree)), HasSubstr("\\file"));
}

TEST(HeaderForm, IsHeldByTheRepository) { EXPECT_EQ(to_text(check_header_form(repository())), ""); }

}  // namespace
}  // namespace minidocker::lint
