// The server as its clients see it, the good ones and the others.
#include "minidocker/http/server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "client.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::http {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string get(std::string_view target, std::string_view headers = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", target, headers);
}

std::string post(std::string_view target, std::string_view headers, std::string_view body = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}\r\n{}", target, headers, body);
}

std::string times(int count, std::string_view text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

constexpr std::size_t kLarge = 20'000'000;

/// Opens once, for all who wait.
class Gate {
 public:
  void open() { open_.release(); }
  void wait() {
    if (!open_.try_acquire_for(std::chrono::seconds(10))) throw std::runtime_error("still closed");
    open_.release();
  }

 private:
  std::counting_semaphore<> open_{0};
};

/// Tells of its end.
class Watched final : public BodyReceiver {
 public:
  Watched(Gate& begun, Gate& gone) : begun_(begun), gone_(gone) {}
  ~Watched() override { gone_.open(); }
  void take(std::string_view) override { begun_.open(); }
  Response finish() override { return {}; }

 private:
  Gate& begun_;
  Gate& gone_;
};

class HttpServer : public ::testing::Test {
 protected:
  HttpServer() {
    router_.add("GET", "/hello/{name}", [](const Request& request) -> Answer {
      return Response{200, {}, "hello " + request.parameter("name")};
    });
    router_.add("POST", "/echo", [](const Request& request) -> Answer {
      return whole_body(request, 1'000'000,
                        [](std::string body) { return Response{200, {}, std::move(body)}; });
    });
    router_.add("POST", "/unwanted", [](const Request&) -> Answer {
      throw Error(ErrorKind::permission, "not from you");
    });
    router_.add("GET", "/file", [this](const Request&) -> Answer {
      UniqueFd file = sys::open((dir_ / "file").c_str(), O_RDONLY).or_throw("file");
      return Response{200, {{"ETag", "\"1\""}}, FileBody{std::move(file), 0, file_.size()}};
    });
    router_.add("POST", "/large", [](const Request&) -> Answer {
      return Response{413, {}, std::string(kLarge, 'y')};
    });
    router_.add("GET", "/broken", [](const Request&) -> Answer {
      return Response{200, {{"Location", "a\r\nX-Forged: b"}}, "body"};
    });
    router_.add("GET", "/slow", [this](const Request&) -> Answer {
      asked_.open();
      gate_.wait();
      return Response{200, {}, "at last"};
    });
    router_.add("POST", "/watched", [this](const Request&) -> Answer {
      return std::make_unique<Watched>(begun_, gone_);
    });
  }
  ~HttpServer() override {
    gate_.open();
    stop_.request_stop();
  }

  // The tests begin here, so that each says what it needs.
  void start(const ServerOptions& options = {}, const std::string& where = "") {
    options_ = options;
    std::vector<Listener> listeners;
    listeners.push_back(
        listen_on(Address::parse(where.empty() ? "unix:" + (dir_ / "socket") : where)));
    address_ = listeners.front().address;
    server_ = std::jthread([this, listeners = std::move(listeners)]() mutable {
      serve(std::move(listeners), router_, options_, stop_.get_token());
    });
  }
  void write_file(std::string text) {
    file_ = std::move(text);
    testing::write_text(dir_ / "file", file_);
  }
  [[nodiscard]] Client client() const { return Client(*address_); }

  TempDir dir_;
  Router router_;
  std::string file_;
  Gate asked_;
  Gate gate_;
  Gate begun_;
  Gate gone_;
  std::stop_source stop_;
  std::optional<Address> address_;
  ServerOptions options_;
  std::jthread server_;
};

// --- what a good client sees ---------------------------------------------------------------------

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
