#include "minidocker/registry/curl_transport.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "fakes.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "wire_server.hpp"

namespace minidocker::registry {
namespace {

using namespace std::chrono_literals;
using Cause = TransportError::Cause;
using ::testing::HasSubstr;
using ::testing::Not;

HttpResponse get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return make_curl_transport({.certs_dir = "/nonexistent"})->send(request);
}

std::optional<Cause> cause_of(const std::string& url) {
  try {
    get(url);
  } catch (const TransportError& error) {
    return error.cause();
  }
  return std::nullopt;
}

// A server that answers every connection with these bytes and closes it.
WireServer::Serve sends(std::string bytes) {
  return [bytes = std::move(bytes)](WireConnection& connection) {
    connection.read_request();
    connection.write(bytes);
  };
}

// --- whole answers -------------------------------------------------------------------------------

TEST(CurlTransport, BringsStatusHeadersAndBody) {
  const WireServer server(sends(http_answer("text", "X-Name:  a b \r\nX-NAME: c\r\n", "404 No")));
  const HttpResponse response = get(server.url() + "/x");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.header("x-name"), "a b");
  EXPECT_EQ(response.header("content-length"), "4");
  EXPECT_EQ(response.body, "text");
}

TEST(CurlTransport, SendsMethodTargetAndHeadersAsTheyAre) {
  std::string seen;
  const WireServer server([&](WireConnection& connection) {
    seen = connection.read_request();
    connection.write(http_answer(""));
  });
  HttpRequest request{"HEAD", server.url() + "/v2/a%2Fb?c=d", {{"Accept", "x/y"}}, "", {}, {}};
  make_curl_transport({})->send(request);
  EXPECT_THAT(seen, HasSubstr("HEAD /v2/a%2Fb?c=d HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Accept: x/y\r\n"));
  EXPECT_THAT(seen, HasSubstr("User-Agent: mini-docker"));
}

TEST(CurlTransport, GivesTheBodyOfASuccessToTheSink) {
  const WireServer server(sends(http_answer("the body")));
  std::string got;
  HttpRequest request;
  request.url = server.url();
  request.on_success = [&](const HttpResponse& response) -> BodySink {
    got = response.header("content-length") + ":";
    return [&](std::string_view piece) { got += piece; };
  };
  EXPECT_EQ(make_curl_transport({})->send(request).body, "");
  EXPECT_EQ(got, "8:the body");
}

TEST(CurlTransport, KeepsTheBodyOfAFailureFromTheSink) {
  const WireServer server(sends(http_answer("why", "", "500 Oops")));
  HttpRequest request;
  request.url = server.url();
  request.on_success = [](const HttpResponse&) -> BodySink { throw std::logic_error("called"); };
  EXPECT_EQ(make_curl_transport({})->send(request).body, "why");
}

TEST(CurlTransport, ThrowsWhatTheSinkThrows) {
  const WireServer server(sends(http_answer("the body")));
  HttpRequest request;
  request.url = server.url();
  request.on_success = [](const HttpResponse&) -> BodySink {
    return [](std::string_view) { throw std::range_error("enough"); };
  };
  EXPECT_THROW(make_curl_transport({})->send(request), std::range_error);
}

TEST(CurlTransport, SendsAPartOfAFile) {
  std::string seen;
  const WireServer server([&](WireConnection& connection) {
    const std::string head = connection.read_request();
    seen = head.substr(0, head.find(' ')) + ":" + connection.read_body(4);
    EXPECT_THAT(head, HasSubstr("Content-Length: 4\r\n"));
    EXPECT_THAT(head, Not(HasSubstr("Expect")));
    connection.write(http_answer("", "", "201 Created"));
  });
  const TempDir dir;
  testing::write_text(dir.path() + "/f", "0123456789");
  const UniqueFd file = sys::open((dir.path() + "/f").c_str(), O_RDONLY).or_throw("f");
  HttpRequest request{"PATCH", server.url(), {}, "", FilePart{file.get(), 3, 4}, {}};
  EXPECT_EQ(make_curl_transport({})->send(request).status, 201);
  EXPECT_EQ(seen, "PATCH:3456");
}

TEST(CurlTransport, TellsWhyAFileCannotBeSent) {
  const WireServer server([](WireConnection& connection) { connection.read_request(); });
  const UniqueFd directory = sys::open("/", O_RDONLY).or_throw("/");
  HttpRequest request{"PATCH", server.url(), {}, "", FilePart{directory.get(), 0, 4}, {}};
  try {
    make_curl_transport({})->send(request);
    FAIL() << "it was sent";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("EISDIR"));
  }
}

TEST(CurlTransport, SendsATextWithAnyMethod) {
  std::string seen;
  const WireServer server([&](WireConnection& connection) {
    connection.read_request();
    seen = connection.read_body(3);
    connection.write(http_answer(""));
  });
  HttpRequest request{"POST", server.url(), {}, "a=b", {}, {}};
  make_curl_transport({})->send(request);
  EXPECT_EQ(seen, "a=b");
}

TEST(CurlTransport, UsesAConnectionAgain) {
  const WireServer server([](WireConnection& connection) {
    while (!connection.read_request().empty()) connection.write(http_answer("x"));
  });
  const auto transport = make_curl_transport({});
  HttpRequest request;
  request.url = server.url();
  for (int i = 0; i < 3; ++i) transport->send(request);
  EXPECT_EQ(server.connections(), 1);
}

TEST(CurlTransport, FollowsNoRedirect) {
  const WireServer server(sends(http_answer("", "Location: /other\r\n", "302 Found")));
  EXPECT_EQ(get(server.url()).header("location"), "/other");
}

// --- answers that are none -----------------------------------------------------------------------

TEST(CurlTransport, TellsACutFromANobody) {
  const WireServer cut(sends("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
  EXPECT_EQ(cause_of(cut.url()), Cause::cut);
  const WireServer silent_end(sends(""));
  EXPECT_EQ(cause_of(silent_end.url()), Cause::cut);
  std::string nobody;
  {
    const WireServer gone(sends(""));
    nobody = gone.url();
  }
  EXPECT_EQ(cause_of(nobody), Cause::unreachable);
  EXPECT_EQ(failure_of([&] { return get(nobody); }),
            "GET " + nobody + "/: cannot connect: connection refused (ECONNREFUSED)");
}

TEST(CurlTransport, TellsThatThereIsNoTls) {
  const WireServer server([](WireConnection& connection) {
    connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.wait_for_end();
  });
  EXPECT_EQ(cause_of("https://" + server.host()), Cause::no_tls);
}

TEST(CurlTransport, DoesNotWaitForAServerThatHasFallenSilent) {
  const WireServer server([](WireConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    connection.wait_for_end();
  });
  HttpRequest request;
  request.url = server.url() + "/x?signature";
  try {
    make_curl_transport({.silence_limit = 1s})->send(request);
    ADD_FAILURE() << "it answered";
  } catch (const TransportError& error) {
    EXPECT_EQ(error.cause(), Cause::cut);
    EXPECT_THAT(error.what(), HasSubstr("GET " + server.url() + "/x: "));
    EXPECT_THAT(error.what(), Not(HasSubstr("signature")));
  }
}

TEST(CurlTransport, ReadsNothingThatIsNoHttp) {
  const WireServer server(sends("\x16\x03nonsense\r\n\r\n"));
  EXPECT_EQ(cause_of(server.url()), Cause::nonsense);
}

TEST(CurlTransport, ReadsNoEndlessHeaders) {
  std::string headers;
  for (int i = 0; i < 700; ++i)
    headers += "X-" + std::to_string(i) + ": " + std::string(100, 'a') + "\r\n";
  const WireServer server(sends(http_answer("", headers)));
  EXPECT_EQ(cause_of(server.url()), Cause::nonsense);
}

TEST(CurlTransport, KeepsNoEndlessBody) {
  const WireServer server(sends(http_answer(std::string(kMaxBody + 1, 'a'))));
  EXPECT_EQ(cause_of(server.url()), Cause::nonsense);
}

TEST(CurlTransport, SpeaksNothingButHttp) {
  EXPECT_THAT(failure_of([] { return get("file:///etc/passwd"); }), HasSubstr("neither http"));
}

// --- proxies: the environment is the process's, so in a child
// --------------------------------------

TEST(CurlTransport, AsksTheProxyOfTheEnvironment) {
  testing::in_child([] {
    std::string seen;
    const WireServer proxy([&](WireConnection& connection) {
      seen = connection.read_request();
      connection.write(http_answer("by proxy"));
    });
    ::setenv("http_proxy", proxy.url().c_str(), 1);
    EXPECT_EQ(get("http://registry.example/v2/").body, "by proxy");
    EXPECT_THAT(seen, HasSubstr("GET http://registry.example/v2/ HTTP/1.1\r\n"));
    const WireServer direct(sends(http_answer("direct")));
    ::setenv("no_proxy", "127.0.0.1", 1);
    EXPECT_EQ(get(direct.url()).body, "direct");
  });
}

TEST(CurlTransport, TellsAProxyNothingThatIsForTheRegistry) {
  testing::in_child([] {
    std::string seen;
    const WireServer proxy([&](WireConnection& connection) {
      seen = connection.read_request();
      connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    });
    ::setenv("https_proxy", proxy.url().c_str(), 1);
    HttpRequest request{
        "GET", "https://registry.example/v2/", {{"Authorization", "Bearer secret"}}, "", {}, {}};
    EXPECT_THROW(make_curl_transport({})->send(request), TransportError);
    EXPECT_THAT(seen, HasSubstr("CONNECT registry.example:443"));
    EXPECT_THAT(seen, Not(HasSubstr("secret")));
  });
}

// --- certificates --------------------------------------------------------------------------------

TEST(HostCertificates, AreFoundByTheirEndings) {
  const TempDir dir;
  const std::string host = dir.path() + "/h:5000";
  make_dirs(host);
  for (const char* name : {"a.crt", "b.crt", "c.cert", "c.key", "README"}) {
    testing::write_text(host + "/" + name, std::string("<") + name + ">");
  }
  const HostCertificates found = find_certificates(dir.path(), "h:5000");
  EXPECT_EQ(found.authorities, "<a.crt>\n<b.crt>\n");
  EXPECT_EQ(found.certificate, host + "/c.cert");
  EXPECT_EQ(found.key, host + "/c.key");
  EXPECT_EQ(find_certificates(dir.path(), "h").authorities, "");
}

TEST(HostCertificates, ComeInPairsOfOne) {
  const auto refusal = [](std::initializer_list<const char*> names) {
    const TempDir dir;
    make_dirs(dir.path() + "/h");
    for (const char* name : names) testing::write_text(dir.path() + "/h/" + name, "");
    return failure_of([&] { return find_certificates(dir.path(), "h"); });
  };
  EXPECT_THAT(refusal({"a.cert"}), HasSubstr("missing key"));
  EXPECT_THAT(refusal({"a.key"}), HasSubstr("missing client certificate"));
  EXPECT_THAT(refusal({"a.cert", "a.key", "b.cert", "b.key"}), HasSubstr("one client certificate"));
}

}  // namespace
}  // namespace minidocker::registry
