// What a good client sees.
#include "minidocker/http/server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "server_fixture.hpp"

namespace minidocker::http {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(HttpServer, AnswersOneRequestAfterTheOther) {
  start();
  Client client = this->client();
  const Reply first = client.ask(get("/hello/you"));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "hello you");
  EXPECT_THAT(first.head,
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nConnection: keep-alive\r\n"),
                    HasSubstr("\r\nDate: ")));
  EXPECT_EQ(client.ask(get("/hello/%C3%A4")).body, "hello \xc3\xa4");
}

TEST_F(HttpServer, AnswersRequestsThatCameTogether) {
  start();
  Client client = this->client();
  client.send(get("/hello/a") + post("/echo", "Content-Length: 3\r\n", "xyz") + get("/hello/b"));
  EXPECT_EQ(client.read_reply().body, "hello a");
  EXPECT_EQ(client.read_reply().body, "xyz");
  EXPECT_EQ(client.read_reply().body, "hello b");
}

TEST_F(HttpServer, EndsTheConnectionWhenAsked) {
  start();
  Client client = this->client();
  client.send(get("/hello/you", "Connection: close\r\n"));
  EXPECT_THAT(client.read_to_end(),
              AllOf(HasSubstr("\r\nConnection: close\r\n"), EndsWith("hello you")));
  Client old = this->client();
  old.send("GET /hello/you HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.read_to_end(), EndsWith("hello you"));
}

TEST_F(HttpServer, TellsTheLengthToHeadAndSendsNothing) {
  write_file("content");
  start();
  Client client = this->client();
  const Reply head = client.ask("HEAD /file HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD");
  EXPECT_THAT(head.head, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_EQ(client.ask(get("/hello/you")).body, "hello you");
}

TEST_F(HttpServer, TakesBodiesOfEitherForm) {
  start();
  Client client = this->client();
  EXPECT_EQ(client.ask(post("/echo", "Content-Length: 5\r\n", "abcde")).body, "abcde");
  EXPECT_EQ(client.ask(post("/echo", "Content-Length: 0\r\n")).body, "");
  client.send(post("/echo", "Transfer-Encoding: chunked\r\n"));
  for (const char* piece :
       {"3\r\na", "bc\r", "\n4;name=value\r\ndefg\r\n0", "\r\nTrailer: x\r\n", "\r\n"}) {
    client.send(piece);
  }
  EXPECT_EQ(client.read_reply().body, "abcdefg");
  EXPECT_EQ(client.ask(get("/hello/you")).body, "hello you");
}

TEST_F(HttpServer, TakesLargeBodiesWhole) {
  start();
  std::string body(777'777, '\0');
  std::ranges::generate(body,
                        [n = 0U]() mutable { return static_cast<char>(n++ * 2654435761U >> 24U); });
  Client client = this->client();
  EXPECT_EQ(
      client.ask(post("/echo", fmt::format("Content-Length: {}\r\n", body.size()), body)).body,
      body);
}

TEST_F(HttpServer, AsksForABodyOnlyIfItIsWanted) {
  start();
  Client wanted = client();
  EXPECT_EQ(wanted.ask(post("/echo", "Content-Length: 2\r\nExpect: 100-continue\r\n")).status, 100);
  EXPECT_EQ(wanted.ask("ab").body, "ab");
  Client unwanted = client();
  EXPECT_EQ(unwanted.ask(post("/unwanted", "Content-Length: 2\r\nExpect: 100-continue\r\n")).status,
            403);
  EXPECT_EQ(unwanted.read_to_end(), "");
}

TEST_F(HttpServer, SendsFilesAndTheirParts) {
  write_file(std::string(3'000'000, 'x') + "0123456789");
  start();
  Client client = this->client();
  EXPECT_EQ(client.ask(get("/file")).body, file_);
  const Reply part = client.ask(get("/file", "Range: bytes=3000002-3000004\r\n"));
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_THAT(part.head, HasSubstr("Content-Range: bytes 3000002-3000004/3000010\r\n"));
  const Reply none = client.ask(get("/file", "Range: bytes=3000010-\r\n"));
  EXPECT_EQ(none.status, 416);
  EXPECT_THAT(none.head, HasSubstr("Content-Range: bytes */3000010\r\n"));
  EXPECT_EQ(client.ask(get("/file", "Range: bytes=1-2\r\nIf-Range: \"0\"\r\n")).status, 200);
}

TEST_F(HttpServer, LetsAClientSeeThatABodyHasNoEnd) {
  write_file("short");
  file_ = "longer than it is";
  start();
  Client file = client();
  EXPECT_TRUE(file.ask(get("/file")).is_cut);
}

TEST_F(HttpServer, ListensOnLoopbackToo) {
  start({}, "127.0.0.1:0");
  EXPECT_NE(address_->port, 0);
  EXPECT_EQ(client().ask(get("/hello/you")).body, "hello you");
}

// --- errors --------------------------------------------------------------------------------------

TEST_F(HttpServer, PutsErrorsIntoOneForm) {
  start();
  Client client = this->client();
  const Reply unknown = client.ask(get("/nothing"));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, "there is no \"/nothing\"\n");
  const Reply method = client.ask("DELETE /file HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(method.status, 405);
  EXPECT_THAT(method.head, HasSubstr("Allow: GET, HEAD\r\n"));
  const Reply refused = client.ask(post("/unwanted", "Content-Length: 0\r\n"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body, "not from you\n");
  const Reply broken = client.ask(get("/broken"));
  EXPECT_EQ(broken.status, 500);
  EXPECT_THAT(broken.body, HasSubstr("answer: header \"Location\" holds a control character"));
  EXPECT_THAT(broken.head, Not(HasSubstr("X-Forged")));
}

}  // namespace
}  // namespace minidocker::http
