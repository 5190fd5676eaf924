#include "minidocker/http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "minidocker/http/errors.hpp"
#include "minidocker/http/target.hpp"

namespace minidocker::http {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

/// Asks, and keeps what the route made of it.
struct Asked {
  Asked(const Router& router, std::string method, std::string target) {
    request.method = std::move(method);
    request.target = std::move(target);
    parse_target(request);
    try {
      Answer answer = router.answer(request);
      text = std::get<std::string>(std::get<Response>(answer).body);
    } catch (const StatusError& error) {
      status = error.status();
      headers = error.headers();
    }
  }
  Request request;
  int status = 200;
  std::string text;
  Headers headers;
};

Handler says(std::string word) {
  return [word = std::move(word)](const Request&) { return Response{200, {}, word}; };
}

Router registry_like() {
  Router router;
  router.add("GET", "/v2/", says("base"));
  router.add("GET", "/v2/{name...}/tags/list", says("tags"));
  router.add("GET", "/v2/{name...}/blobs/{digest}", says("blob"));
  router.add("DELETE", "/v2/{name...}/blobs/{digest}", says("gone"));
  router.add("POST", "/v2/{name...}/blobs/uploads/", says("begin"));
  router.add("PUT", "/v2/{name...}/blobs/uploads/{id}", says("end"));
  return router;
}

TEST(Router, FindsRoutesByTheirParts) {
  const Router router = registry_like();
  EXPECT_EQ(Asked(router, "GET", "/v2/").text, "base");
  const Asked blob(router, "GET", "/v2/a/b/c/blobs/sha256:1?x=y");
  EXPECT_EQ(blob.text, "blob");
  EXPECT_THAT(blob.request.parameters,
              UnorderedElementsAre(Pair("name", "a/b/c"), Pair("digest", "sha256:1")));
  EXPECT_EQ(Asked(router, "POST", "/v2/a/blobs/uploads/").text, "begin");
  EXPECT_EQ(Asked(router, "PUT", "/v2/a/blobs/uploads/7").text, "end");
}

TEST(Router, ANameMayLookLikeARoute) {
  const Router router = registry_like();
  const Asked blob(router, "GET", "/v2/blobs/uploads/blobs/x");
  EXPECT_EQ(blob.text, "blob");
  EXPECT_EQ(blob.request.parameter("name"), "blobs/uploads");
  EXPECT_EQ(Asked(router, "GET", "/v2/tags/list/tags/list").request.parameter("name"), "tags/list");
}

TEST(Router, NoParameterIsEmpty) {
  const Router router = registry_like();
  EXPECT_EQ(Asked(router, "GET", "/v2/a/blobs/").status, 404);
  EXPECT_EQ(Asked(router, "GET", "/v2//blobs/x").status, 404);
  EXPECT_EQ(Asked(router, "GET", "/v2/a//b/blobs/x").status, 404);
  EXPECT_EQ(Asked(router, "GET", "/v2/blobs/x").status, 404);
}

TEST(Router, AGetAnswersHead) { EXPECT_EQ(Asked(registry_like(), "HEAD", "/v2/").text, "base"); }

TEST(Router, SaysWhichMethodsThereAre) {
  const Asked put(registry_like(), "PATCH", "/v2/a/blobs/x");
  EXPECT_EQ(put.status, 405);
  EXPECT_THAT(put.headers, UnorderedElementsAre(Pair("Allow", "DELETE, GET, HEAD")));
  EXPECT_EQ(Asked(registry_like(), "GET", "/v3/").status, 404);
}

TEST(Router, RefusesPatternsThatMakeNoSense) {
  Router router;
  EXPECT_THROW(router.add("GET", "/{a...}/x/{b...}", says("")), Error);
  EXPECT_THROW(router.add("GET", "x", says("")), Error);
}

// --- targets -------------------------------------------------------------------------------------

Request parsed(std::string target) {
  Request request;
  request.target = std::move(target);
  parse_target(request);
  return request;
}

TEST(Target, IsSplitBeforeItIsDecoded) {
  const Request request = parsed("/a%2Fb/c+d?x=1%262&y=a+b&z&=w&x=3#part");
  EXPECT_THAT(request.path, ::testing::ElementsAre("a/b", "c+d"));
  EXPECT_THAT(request.query, ::testing::ElementsAre(Pair("x", "1&2"), Pair("y", "a b"),
                                                    Pair("z", ""), Pair("", "w"), Pair("x", "3")));
  EXPECT_EQ(request.query_value("x"), "1&2");
  EXPECT_FALSE(request.query_value("nothing"));
}

TEST(Target, MayBeAnAbsoluteUrl) {
  EXPECT_THAT(parsed("http://host:1/a?b=c").path, ::testing::ElementsAre("a"));
  EXPECT_THAT(parsed("/?a").path, ::testing::ElementsAre(""));
  EXPECT_THAT(parsed("/").query, IsEmpty());
}

TEST(Target, IsDecodedAsItWasEncoded) {
  const std::string odd = "a/b c%&=+\xff\x01~";
  EXPECT_EQ(encode(odd), "a%2Fb%20c%25%26%3D%2B%FF%01~");
  EXPECT_EQ(decode(encode(odd), Escapes::query), odd);
}

TEST(Target, IsRefusedIfItIsNone) {
  for (const char* target :
       {"", "*", "host:1", "http://host", "/%", "/%4", "/%4g", "/%00", "/?%x"}) {
    EXPECT_THROW(parsed(target), StatusError) << target;
  }
  EXPECT_THROW(parsed("/" + std::string(300, '/')), StatusError);
}

}  // namespace
}  // namespace minidocker::http
