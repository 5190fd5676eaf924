// What clients meet that are not good: too much, too late, gone; and a server that is to stop.
#include "minidocker/http/server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "server_fixture.hpp"

namespace minidocker::http {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(HttpServer, ABodyThatIsNotReadIsNotTheNextRequest) {
  start();
  Client client = this->client();
  const std::string body = get("/hello/smuggler");
  client.send(post("/unwanted", fmt::format("Content-Length: {}\r\n", body.size()), body));
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, AllOf(HasSubstr("403 Forbidden"), Not(HasSubstr("smuggler"))));
}

// More than fits into the client's window: the rest is still with the server when it is done.
TEST_F(HttpServer, AnAnswerReachesAClientThatSendsOn) {
  start({}, "127.0.0.1:0");
  Client client = this->client();
  client.send(post("/large", "Content-Length: 900000\r\n", std::string(500'000, 'x')));
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.body.size(), kLarge);
}

TEST_F(HttpServer, RefusesABodyThatIsTooLarge) {
  start();
  Client told = client();
  EXPECT_EQ(told.ask(post("/echo", "Content-Length: 1000001\r\n")).status, 413);
  Client untold = client();
  untold.send(post("/echo", "Transfer-Encoding: chunked\r\n"));
  const std::string chunk = "20000\r\n" + std::string(0x20000, 'x') + "\r\n";
  for (int i = 0; i < 8; ++i) untold.send(chunk);
  EXPECT_EQ(untold.read_reply().status, 413);
}

TEST_F(HttpServer, RefusesWhatIsNoRequest) {
  start();
  const std::string_view chunked = "Transfer-Encoding: chunked\r\n";
  for (const auto& [text, status] : std::vector<std::pair<std::string, int>>{
           {"\x16\x03\x01 TLS, whose first message has no such end", 400},
           {"GET / HTTP/1.1\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
           {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
           {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
           {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
           {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
           {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
           {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
           {"GET /\r\n\r\n", 400},
           {get("/", "A : b\r\n"), 400},
           {get("/", "A: b\r\n c\r\n"), 400},
           {get("/", "A: b\rc\r\n"), 400},
           {get("/", std::string_view("A: b\0c\r\n", 8)), 400},
           {get("/", "nonsense\r\n"), 400},
           {get("/", ": b\r\n"), 400},
           {get("/", "Expect: miracles\r\n"), 417},
           {post("/echo", "Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
           {post("/echo", "Content-Length: +1\r\n"), 400},
           {post("/echo", "Content-Length: 1, 1\r\n"), 400},
           {post("/echo", "Content-Length:\r\n"), 400},
           {post("/echo", "Content-Length: 18446744073709551616\r\n"), 400},
           {post("/echo", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
           {"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
           {post("/echo", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400},
           {post("/echo", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
           {post("/echo", "Transfer-Encoding: gzip, chunked\r\n"), 501},
           {post("/echo", "Transfer-Encoding: xchunked\r\n"), 501},
           {post("/echo", chunked, "nonsense\r\n"), 400},
           {post("/echo", chunked, "\r\n"), 400},
           {post("/echo", chunked, "-1\r\n"), 400},
           {post("/echo", chunked, "0x1\r\n"), 400},
           {post("/echo", chunked, "1 x\r\n"), 400},
           {post("/echo", chunked, "10000000000000000\r\n"), 400},
           {post("/echo", chunked, "1\n2\r\n"), 400},
           {post("/echo", chunked, "1\r\nabc\r\n"), 400},
           {post("/echo", chunked, "0\r\n" + times(101, "a: b\r\n")), 400},
           {get("/%zz"), 400},
           {get("nowhere"), 400}}) {
    Client client = this->client();
    EXPECT_EQ(client.ask(text).status, status) << text;
    EXPECT_EQ(client.read_to_end(), "") << text;
  }
}

// --- clients that are too much -------------------------------------------------------------------

TEST_F(HttpServer, RefusesAHeadThatIsTooLarge) {
  start();
  Client flood = client();
  EXPECT_EQ(flood.ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(40'000, 'y')).status, 431);
  Client many = client();
  many.send("GET / HTTP/1.1\r\nHost: x\r\n");
  many.send(times(8000, "A: b\r\n"));
  EXPECT_EQ(many.read_reply().status, 431);
}

TEST_F(HttpServer, RefusesTheHeadOfAChunkThatHasNoEnd) {
  start();
  Client client = this->client();
  client.send(post("/echo", "Transfer-Encoding: chunked\r\n", "1;x=" + std::string(70'000, 'y')));
  EXPECT_EQ(client.read_reply().status, 400);
}

TEST_F(HttpServer, DoesNotWaitForeverForAHead) {
  start({.head_time = milliseconds(50)});
  Client client = this->client();
  client.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(client.read_reply().status, 408);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpServer, AByteNowAndThenBuysNoTime) {
  start({.head_time = milliseconds(300)});
  Client client = this->client();
  client.send("GET / HTTP/1.1\r\nHost: x\r\nX: ");
  std::jthread drip([&client](const std::stop_token& stop) {
    while (!stop.stop_requested()) client.send("y");
  });
  const int status = client.read_reply().status;
  EXPECT_TRUE(status == 408 || status == 431) << status;
}

TEST_F(HttpServer, DoesNotReadABodyThatNobodyWantsToItsEnd) {
  start({.linger_time = milliseconds(50)});
  Client client = this->client();
  client.send(post("/unwanted", "Content-Length: 900000\r\n"));
  EXPECT_EQ(client.read_reply().status, 403);
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // A byte every few milliseconds: POLLHUP says that nobody takes them any more.
  struct pollfd left{client.fd(), 0, 0};
  while (::poll(&left, 1, 5) == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), patience) << "it reads for ever";
    client.send("x");
  }
}

TEST_F(HttpServer, LeavesAClientThatStandsStill) {
  start({.stall_time = milliseconds(50)});
  Client client = this->client();
  client.send(post("/watched", "Content-Length: 10\r\n", "abc"));
  begun_.wait();
  gone_.wait();  // the receiver knows
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpServer, LeavesAClientThatDoesNotRead) {
  write_file(std::string(20'000'000, 'x'));
  start({.stall_time = milliseconds(50)});
  Client client = this->client();
  client.send(get("/file"));
  // It holds what the socket holds, until the server leaves: then the end follows.
  const Reply reply = [&client] {
    std::string byte(1, 0);
    while (::recv(client.fd(), byte.data(), 1, MSG_PEEK) > 0) {
      struct pollfd closed{client.fd(), POLLRDHUP, 0};
      if (::poll(&closed, 1, 10'000) == 1 && (closed.revents & POLLRDHUP) != 0) break;
    }
    return client.read_reply();
  }();
  EXPECT_TRUE(reply.is_cut);
  EXPECT_LT(reply.body.size(), file_.size());
}

TEST_F(HttpServer, LeavesAnIdleClient) {
  start({.idle_time = milliseconds(50)});
  Client client = this->client();
  EXPECT_EQ(client.ask(get("/hello/you")).status, 200);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpServer, TellsAReceiverThatItsClientIsGone) {
  start();
  {
    const Client client = this->client();
    client.send(post("/watched", "Content-Length: 10\r\n", "abc"));
    begun_.wait();
  }
  gone_.wait();
}

TEST_F(HttpServer, ManyWhoWaitHoldNoThread) {
  start({.workers = 1});
  std::vector<Client> waiting;
  for (int i = 0; i < 200; ++i) {
    waiting.push_back(client());
    waiting.back().send(post("/echo", "Content-Length: 2\r\n", "a"));
  }
  EXPECT_EQ(client().ask(get("/hello/you")).body, "hello you");
  for (Client& client : waiting) EXPECT_EQ(client.ask("b").body, "ab");
}

TEST_F(HttpServer, OneTooManyWaitsForItsTurn) {
  start({.max_connections = 2});
  std::optional<Client> first(client());
  EXPECT_EQ(first->ask(get("/hello/1")).body, "hello 1");
  Client second = client();
  EXPECT_EQ(second.ask(get("/hello/2")).body, "hello 2");
  Client third = client();
  third.send(get("/hello/3"));
  struct pollfd answered{third.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&answered, 1, 50), 0);
  first.reset();
  EXPECT_EQ(third.read_reply().body, "hello 3");
}

// --- the end -------------------------------------------------------------------------------------

TEST_F(HttpServer, StopsAtOnceIfNobodyIsServed) {
  start();
  Client idle = client();
  EXPECT_EQ(idle.ask(get("/hello/you")).status, 200);
  stop_.request_stop();
  server_.join();
  EXPECT_EQ(idle.read_to_end(), "");
}

TEST_F(HttpServer, LetsAnAnswerComeToItsEnd) {
  start();
  Client client = this->client();
  client.send(get("/slow"));
  asked_.wait();
  stop_.request_stop();
  gate_.open();
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.body, "at last");
  EXPECT_THAT(reply.head, HasSubstr("Connection: close\r\n"));
  server_.join();
}

TEST_F(HttpServer, EndsWhatOutlastsItsGrace) {
  start({.stall_time = std::chrono::hours(1), .grace = milliseconds(50)});
  const Client client = this->client();
  client.send(post("/watched", "Content-Length: 10\r\n", "abc"));
  begun_.wait();
  stop_.request_stop();
  server_.join();
  gone_.wait();
}

}  // namespace
}  // namespace minidocker::http
