// The transcript of this chapter's text.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client.hpp"
#include "minidocker/http/server.hpp"
#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::http {
namespace {

// Both sides, each line with an arrow.
std::string arrows(const char* arrow, const std::string& text) {
  std::string told;
  for (const std::string& line : testing::lines_of(text)) {
    const std::string plain = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    told += fmt::format("{}{}{}\n", arrow, plain.empty() ? "" : " ", plain);
  }
  return told;
}

TEST(Golden, SomeRequestsAsTheyGoOverTheWire) {
  const TempDir dir;
  Router router;
  router.add("GET", "/poem", [](const Request&) -> Answer {
    return Response{200, {{"Content-Type", "text/plain"}}, "roses are red\n"};
  });
  router.add("PUT", "/poem", [](const Request& request) -> Answer {
    return whole_body(request, 20, [](const std::string&) { return Response{204, {}, ""}; });
  });
  Listener listener = listen_on(Address::parse("unix:" + (dir / "socket")));
  const Address address = listener.address;
  std::vector<Listener> listeners;
  listeners.push_back(std::move(listener));
  std::jthread server([&](const std::stop_token& stop) {
    serve(std::move(listeners), router, ServerOptions{}, stop);
  });

  std::string told;
  Client client(address);
  const auto exchange = [&](const std::string& method, const std::string& request) {
    const Reply reply = client.ask(request, method);
    told += arrows(">", request) + arrows("<", reply.head + reply.body);
  };
  exchange("GET", "GET /poem HTTP/1.1\r\nHost: here\r\n\r\n");
  exchange("HEAD", "HEAD /poem HTTP/1.1\r\nHost: here\r\n\r\n");
  exchange("PUT",
           "PUT /poem HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
           "7\r\nviolets\r\n5\r\n blue\r\n0\r\n\r\n");
  exchange("PUT",
           "PUT /poem HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n"
           "Content-Length: 1000000\r\n\r\n");

  told = std::regex_replace(told, std::regex("Date: .*"), "Date: ...");
  testing::expect_golden("chapters/06-daemon/tests/golden/wire.txt", told);
}

}  // namespace
}  // namespace minidocker::http
