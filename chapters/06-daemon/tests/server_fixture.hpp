#pragma once
/// \file
/// A server whose answers show how it treats its clients, and one who asks it.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "client.hpp"
#include "minidocker/http/server.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::http {

/// The text of a request.
inline std::string get(std::string_view target, std::string_view headers = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", target, headers);
}

inline std::string post(std::string_view target, std::string_view headers,
                        std::string_view body = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}\r\n{}", target, headers, body);
}

inline std::string times(int count, std::string_view text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

inline constexpr std::size_t kLarge = 20'000'000;

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

/// What these routes do is what the tests ask for.
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

}  // namespace minidocker::http
