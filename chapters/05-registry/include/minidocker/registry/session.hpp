#pragma once
/// \file
/// A conversation with one registry: where it is, who we are for it, and what is done about
/// answers that are no answers yet: "who are you?" (401), "ask there" (3xx), "not now" (429, 503).
///
/// Rules that hold for every question asked through it:
/// - HTTPS. Plain HTTP only if the user asked for it, or if the registry is on this machine and
///   speaks no TLS.
/// - Credentials and tokens go to the registry's own origin and to the token server that it
///   names, never further: a redirect to another host carries none, and one from https to http is
///   refused.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/registry/challenge.hpp"
#include "minidocker/registry/credentials.hpp"
#include "minidocker/registry/http.hpp"
#include "minidocker/registry/url.hpp"
#include "minidocker/toolbox/mutex.hpp"

namespace minidocker::registry {

/// How a registry is spoken to.
struct SessionOptions {
  bool plain_http = false;                      ///< the user says that it speaks no TLS
  std::optional<Credentials> credentials = {};  ///< who we are; nothing: nobody
};

/// One question to a registry.
struct Call {
  std::string method = "GET";         ///< as in HttpRequest
  std::string target;                 ///< "/v2/..." of this registry, or an absolute URL
  std::vector<std::string> scopes;    ///< what it needs: "repository:library/busybox:pull"
  std::string tried;                  ///< for errors: "pull busybox:latest"
  Headers headers = {};               ///< as in HttpRequest
  std::string body = {};              ///< as in HttpRequest
  std::optional<FilePart> file = {};  ///< as in HttpRequest
  bool may_be_missing = false;        ///< 404 is an answer too
  std::function<BodySink(const HttpResponse&)> on_success = {};  ///< as in HttpRequest
};

/// Any number of threads may ask at once.
class Session {
 public:
  /// `domain` as it stands in references; `transport` and `clock` are borrowed.
  Session(std::string domain, SessionOptions options, HttpTransport& transport, Clock& clock);

  [[nodiscard]] const std::string& domain() const noexcept { return domain_; }  ///< its name
  [[nodiscard]] Clock& clock() const noexcept { return clock_; }                ///< as given
  /// Has it ever answered? One that has not is not asked twice.
  [[nodiscard]] bool has_answered() const noexcept { return has_answered_; }
  /// Scheme and host that are asked. Throws TransportError if that needs to be found out and
  /// cannot be.
  [[nodiscard]] Url base();

  /// Asks once: authenticates if it is wanted, follows redirects. Brings whatever answer comes,
  /// but 401. Throws Error(permission) and TransportError.
  HttpResponse ask(const Call& call);
  /// Asks until it is a success (or 404, if that may be) or a definite error, waiting between
  /// attempts; for questions that may be asked twice, without a sink. Throws as throw_answer.
  HttpResponse ask_patiently(const Call& call);

 private:
  HttpResponse send(const Call& call, const Url& first);
  void authenticate(const HttpResponse& refusal, const Call& call);
  std::string fetch_token(const Challenge& challenge, const Call& call);
  [[nodiscard]] HttpRequest token_request(const Challenge& challenge, const Call& call) const;
  [[nodiscard]] std::string authorization_for(const Call& call);
  [[nodiscard]] bool speaks_tls(const Url& https);

  std::string domain_;
  SessionOptions options_;
  HttpTransport& transport_;
  Clock& clock_;
  std::atomic<bool> has_answered_ = false;
  Mutex mutex_;
  std::optional<Url> base_ MD_GUARDED_BY(mutex_);
  /// Values of the Authorization header, by what they are good for.
  std::map<std::vector<std::string>, std::string> authorizations_ MD_GUARDED_BY(mutex_);
};

/// Decides whether something that failed is tried again, and waits before it is.
class Retry {
 public:
  /// Attempts without any progress after which it gives up.
  static constexpr int kAttempts = 5;
  /// Longest time that a server may make us wait.
  static constexpr std::chrono::seconds kLongestWait{60};

  /// Borrowed.
  explicit Retry(const Session& session) : session_(session) {}
  /// After a failure: waits (0.5 s, 1 s, 2 s, ..., or as long as the server said), or throws the
  /// failure on if trying again is of no use. Called from a catch block.
  void wait_or_rethrow(const TransportError& failure);
  /// Something was got: counting begins anew.
  void reset() noexcept { failures_ = 0; }

 private:
  const Session& session_;
  int failures_ = 0;
};

}  // namespace minidocker::registry
