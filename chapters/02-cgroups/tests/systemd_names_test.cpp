#include "minidocker/cgroups/systemd_names.hpp"

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

TEST(SystemdNames, PathOfThreePartsIsAScopeInASlice) {
  EXPECT_EQ((ScopeName{"a-b.slice", "docker-web.scope"}),
            parse_scope_path("a-b.slice:docker:web", "system.slice"));
  EXPECT_EQ((ScopeName{"system.slice", "web.scope"}), parse_scope_path("::web", "system.slice"));
  EXPECT_EQ((ScopeName{"-.slice", "p-web.scope"}), parse_scope_path("-.slice:p:web", "x.slice"));
}

TEST(SystemdNames, OtherPathsAreRefused) {
  for (const char* path : {"", "/mini-docker/web", "a.slice", "a.slice:web", "a.slice:p:n:more",
                           "a.slice:p:", "a.slice:p:b.slice", "a:p:n", "/a.slice:p:n", "..slice"}) {
    EXPECT_THROW((void)parse_scope_path(path, "system.slice"), Error) << path;
  }
  EXPECT_THROW((void)parse_scope_path("a.slice:p:" + std::string(250, 'x'), "system.slice"), Error);
}

TEST(SystemdNames, WhatMayNotStandInAUnitIsEscaped) {
  EXPECT_EQ("a-b_c.d:9", escape_unit("a-b_c.d:9"));
  EXPECT_EQ("a\\x2bb", escape_unit("a+b"));
  EXPECT_EQ("\\x40\\x2f\\x20\\x5c\\xc3\\xa4", escape_unit("@/ \\\u00e4"));
  EXPECT_EQ("\\x2ehidden.scope", parse_scope_path("::.hidden", "system.slice").unit);
}

TEST(SystemdNames, SliceLiesInThoseThatItsNameNames) {
  EXPECT_EQ("/system.slice", slice_path("system.slice"));
  EXPECT_EQ("/a.slice/a-b.slice/a-b-c.slice", slice_path("a-b-c.slice"));
  EXPECT_EQ("", slice_path("-.slice"));
}

TEST(SystemdNames, WhatIsNoSliceIsRefused) {
  for (const char* name : {"", ".slice", "a", "a.scope", "-a.slice", "a-.slice", "a--b.slice",
                           "a/b.slice", "../a.slice", "a b.slice", "a@b.slice", "--.slice"}) {
    EXPECT_THROW((void)slice_path(name), Error) << name;
  }
}

}  // namespace
}  // namespace minidocker::cgroups
