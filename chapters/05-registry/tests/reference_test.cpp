#include "minidocker/registry/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::registry {
namespace {

using ::testing::HasSubstr;

const std::string kDigest = "sha256:" + std::string(64, 'b');

struct Row {
  std::string text, domain, path, tag;
  bool has_digest = false;
};

TEST(Reference, IsReadAsDockerReadsIt) {
  const Row rows[] = {
      {"busybox", "docker.io", "library/busybox", "latest"},
      {"busybox:1.36", "docker.io", "library/busybox", "1.36"},
      {"docker.io/busybox", "docker.io", "library/busybox", "latest"},
      {"index.docker.io/busybox", "docker.io", "library/busybox", "latest"},
      {"me/tool", "docker.io", "me/tool", "latest"},
      {"me/deep/tool:x", "docker.io", "me/deep/tool", "x"},
      {"ghcr.io/me/tool", "ghcr.io", "me/tool", "latest"},
      {"localhost/x", "localhost", "x", "latest"},
      {"Host/x", "Host", "x", "latest"},
      {"host:5000/x", "host:5000", "x", "latest"},
      {"host:5000", "docker.io", "library/host", "5000"},
      {"host:5000/x:y", "host:5000", "x", "y"},
      {"[::1]:5000/x", "[::1]:5000", "x", "latest"},
      {"127.0.0.1/x_y/a__b/c-d", "127.0.0.1", "x_y/a__b/c-d", "latest"},
      {"busybox@" + kDigest, "docker.io", "library/busybox", "", true},
      {"busybox:1.36@" + kDigest, "docker.io", "library/busybox", "1.36", true},
      {"host:5000/x@" + kDigest, "host:5000", "x", "", true},
      {"host:5000/x:t@" + kDigest, "host:5000", "x", "t", true},
  };
  for (const Row& row : rows) {
    const Reference reference = Reference::parse(row.text);
    EXPECT_EQ(reference.name.domain, row.domain) << row.text;
    EXPECT_EQ(reference.name.path, row.path) << row.text;
    EXPECT_EQ(reference.name.tag, row.tag) << row.text;
    EXPECT_EQ(reference.digest.has_value(), row.has_digest) << row.text;
    EXPECT_EQ(reference.selector(), row.has_digest ? kDigest : row.tag) << row.text;
    EXPECT_EQ(Reference::parse(reference.familiar()), reference) << row.text;
  }
}

TEST(Reference, RefusesWhatDockerRefuses) {
  for (const std::string& bad :
       {std::string(), std::string("@") + kDigest, std::string("a@"), std::string("a@b"),
        "a@" + kDigest + "c", "a@" + kDigest.substr(0, 70), "a@sha512:" + std::string(128, 'a'),
        "a@" + kDigest + "@" + kDigest, "a@" + kDigest + ":tag", std::string("A"),
        std::string("a:@") + kDigest, std::string("https://h/x"), std::string("h:x/y"),
        std::string("a b"), std::string("a/"), std::string("/a"), std::string(64, 'f')}) {
    try {
      static_cast<void>(Reference::parse(bad));
      ADD_FAILURE() << "accepted: " << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr("invalid reference format")) << bad;
    }
  }
}

TEST(Reference, IsShownAsDockerShowsIt) {
  EXPECT_EQ(Reference::parse("docker.io/library/busybox").familiar(), "busybox:latest");
  EXPECT_EQ(Reference::parse("busybox@" + kDigest).familiar(), "busybox@" + kDigest);
  EXPECT_EQ(Reference::parse("h.x/a:t@" + kDigest).familiar(), "h.x/a:t@" + kDigest);
}

}  // namespace
}  // namespace minidocker::registry
