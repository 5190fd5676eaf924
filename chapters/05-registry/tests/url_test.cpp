#include "minidocker/registry/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::registry {
namespace {

using ::testing::HasSubstr;

std::string refusal_of(std::string_view text) {
  try {
    static_cast<void>(Url::parse(text));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Url, HasThreeParts) {
  const Url url = Url::parse("HTTPS://Host.Example:5000/v2/A?b=c#d");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.authority, "host.example:5000");
  EXPECT_EQ(url.target, "/v2/A?b=c");
  EXPECT_EQ(url.str(), "https://host.example:5000/v2/A?b=c");
  EXPECT_EQ(url.for_people(), "https://host.example:5000/v2/A");
  EXPECT_EQ(Url::parse("http://h?q").target, "/?q");
  EXPECT_EQ(Url::parse("http://[::1]:80").str(), "http://[::1]:80/");
}

TEST(Url, RefusesWhatWouldBeReadInTwoWays) {
  EXPECT_THAT(refusal_of("ftp://h/"), HasSubstr("neither http nor https"));
  EXPECT_THAT(refusal_of("/v2/"), HasSubstr("neither http nor https"));
  EXPECT_THAT(refusal_of("http:///x"), HasSubstr("no host"));
  EXPECT_THAT(refusal_of("http://user:word@h/"), HasSubstr("user or password"));
  EXPECT_THAT(refusal_of("http://h\\@evil/"), HasSubstr("user or password"));
  EXPECT_THAT(refusal_of("http://h\\x/"), HasSubstr("its host is none"));
  EXPECT_THAT(refusal_of("http://h/a b"), HasSubstr("blanks or control"));
  EXPECT_THAT(refusal_of("http://h/a\r\nX: y"), HasSubstr("blanks or control"));
  EXPECT_THAT(refusal_of("http://h/" + std::string(20000, 'a')), HasSubstr("too long"));
}

TEST(Url, LocationsAreResolved) {
  const Url base = Url::parse("https://h:1/v2/x/blobs?n=1");
  EXPECT_EQ(base.resolve("http://o/p?q").str(), "http://o/p?q");
  EXPECT_EQ(base.resolve("//o/p").str(), "https://o/p");
  EXPECT_EQ(base.resolve("/p?u=http://x").str(), "https://h:1/p?u=http://x");
  EXPECT_EQ(base.resolve("?n=2").str(), "https://h:1/v2/x/blobs?n=2");
  EXPECT_EQ(base.resolve("y").str(), "https://h:1/v2/x/y");
}

TEST(Url, OriginIsSchemeHostAndPort) {
  const Url url = Url::parse("https://h/x");
  EXPECT_TRUE(url.same_origin(Url::parse("https://H:443/y")));
  EXPECT_FALSE(url.same_origin(Url::parse("http://h/x")));
  EXPECT_FALSE(url.same_origin(Url::parse("https://h:444/x")));
  EXPECT_FALSE(url.same_origin(Url::parse("https://h.evil/x")));
}

TEST(Url, LoopbackIsThisMachineUnderANameThatNobodyElseHas) {
  for (const char* host : {"localhost", "localhost:5000", "127.0.0.1", "127.1.2.3:80", "[::1]:1"}) {
    EXPECT_TRUE(Url::parse(std::string("http://") + host).is_loopback()) << host;
  }
  for (const char* host : {"localhost.x", "127.0.0.1.x", "127.0.0", "127.0.0.256", "128.0.0.1",
                           "127.example", "[::2]", "10.0.0.1", "127.0.0.0.1"}) {
    EXPECT_FALSE(Url::parse(std::string("http://") + host).is_loopback()) << host;
  }
}

TEST(Url, QueriesAreEscaped) {
  const Url url = Url::parse("http://h/t");
  EXPECT_EQ(url.with_query("scope", "a:b/c pull,push").str(),
            "http://h/t?scope=a%3Ab%2Fc%20pull%2Cpush");
  EXPECT_EQ(Url::parse("http://h/t?a=1").with_query("b", "\xc3\xa4").str(),
            "http://h/t?a=1&b=%C3%A4");
}

}  // namespace
}  // namespace minidocker::registry
