#pragma once
/// \file
/// A transport and a clock that exist in memory only: what was asked, and how long was waited, is
/// seen by the test.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "minidocker/registry/http.hpp"
#include "minidocker/toolbox/mutex.hpp"

namespace minidocker::registry {

/// Answers from a function, as a server would.
class FakeTransport final : public HttpTransport {
 public:
  /// Decides what is answered; may throw TransportError.
  using Answer = std::function<HttpResponse(const HttpRequest&)>;
  explicit FakeTransport(Answer answer) : answer_(std::move(answer)) {}

  HttpResponse send(const HttpRequest& request) override {
    {
      const MutexLock lock(mutex_);
      asked_.push_back(request);
    }
    HttpResponse response = answer_(request);
    if (!response.is_success() || !request.on_success) return response;
    std::string body;
    body.swap(response.body);
    if (const BodySink sink = request.on_success(response)) {
      for (std::size_t at = 0; at < body.size(); at += 7) sink(body.substr(at, 7));
      if (is_cut()) throw TransportError(TransportError::Cause::cut, "cut");
    } else {
      response.body = body;
    }
    return response;
  }

  /// The present answer ends without being whole.
  void cut() {
    const MutexLock lock(mutex_);
    cut_ = std::this_thread::get_id();
  }

  /// Requests so far, as `METHOD URL`.
  [[nodiscard]] std::vector<std::string> asked() {
    const MutexLock lock(mutex_);
    std::vector<std::string> lines;
    for (const HttpRequest& request : asked_) lines.push_back(request.method + " " + request.url);
    return lines;
  }
  /// The header of the n-th request; empty without it.
  [[nodiscard]] std::string sent(std::size_t n, const std::string& name) {
    const MutexLock lock(mutex_);
    for (const auto& [key, value] : asked_.at(n).headers) {
      if (key == name) return value;
    }
    return "";
  }
  /// The body of the n-th request.
  [[nodiscard]] std::string sent_body(std::size_t n) {
    const MutexLock lock(mutex_);
    return asked_.at(n).body;
  }

 private:
  /// Did this thread's answer want to be cut? Several layers are fetched at once.
  bool is_cut() {
    const MutexLock lock(mutex_);
    if (cut_ != std::this_thread::get_id()) return false;
    cut_ = {};
    return true;
  }

  Answer answer_;
  Mutex mutex_;
  std::vector<HttpRequest> asked_ MD_GUARDED_BY(mutex_);
  std::thread::id cut_ MD_GUARDED_BY(mutex_);
};

/// Waits in no time.
class FakeClock final : public Clock {
 public:
  void wait(std::chrono::milliseconds duration) override {
    const MutexLock lock(mutex_);
    waited_.push_back(duration.count());
  }
  /// In milliseconds.
  [[nodiscard]] std::vector<long> waited() {
    const MutexLock lock(mutex_);
    return waited_;
  }

 private:
  Mutex mutex_;
  std::vector<long> waited_ MD_GUARDED_BY(mutex_);
};

/// An answer in one line.
inline HttpResponse answer(int status, std::string body = "", Headers headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

/// The message of the Error that `body` throws; empty if it throws none.
template <class Body>
std::string failure_of(Body body) {
  try {
    static_cast<void>(body());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The kind of the Error that `body` throws; nothing if it throws none.
template <class Body>
std::optional<ErrorKind> kind_of_failure(Body body) {
  try {
    static_cast<void>(body());
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

}  // namespace minidocker::registry
