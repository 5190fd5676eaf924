#include "minidocker/registry/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/registry/answers.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::registry {

namespace {

using Cause = TransportError::Cause;
constexpr int kMaxRedirects = 5;
constexpr std::size_t kMaxToken = std::size_t{64} * 1024;

// Docker Hub's registry does not live under the name that references give it.
std::string host_of(const std::string& domain) {
  return domain == "docker.io" ? "registry-1.docker.io" : domain;
}

bool is_redirect(const HttpResponse& response, const std::string& method) {
  const int status = response.status;
  const bool reads = method == "GET" || method == "HEAD";
  return status == 307 || status == 308 ||
         (reads && (status == 301 || status == 302 || status == 303));
}

Url redirect_target(const Url& from, const HttpResponse& response, const std::string& tried) {
  const std::string location = response.header("location");
  if (location.empty()) {
    throw Error(ErrorKind::internal,
                fmt::format("{}: {} redirects to nowhere", tried, from.for_people()));
  }
  Url to = from.resolve(location);
  if (from.scheme == "https" && to.scheme == "http") {
    throw Error(ErrorKind::permission,
                fmt::format("{}: {} redirects to {}: from https to plain http nothing is followed",
                            tried, from.for_people(), to.for_people()));
  }
  return to;
}

std::vector<Challenge> challenges_of(const HttpResponse& response) {
  std::vector<Challenge> all;
  for (const auto& [name, value] : response.headers) {
    if (name != "www-authenticate") continue;
    for (Challenge& challenge : parse_challenges(value)) all.push_back(std::move(challenge));
  }
  return all;
}

const Challenge* find_scheme(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto found = std::ranges::find(challenges, scheme, &Challenge::scheme);
  return found == challenges.end() ? nullptr : &*found;
}

// It will stand in a header: nothing but visible characters.
std::string checked_token(const std::string& token, const std::string& realm) {
  const bool good = !token.empty() && token.size() <= kMaxToken &&
                    std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
  if (good) return token;
  throw Error(ErrorKind::unavailable,
              fmt::format("token server {}: its answer holds no token", realm));
}

std::string token_of(const HttpResponse& response, const std::string& realm) {
  const std::string what = "answer of token server " + realm;
  const nlohmann::json document = images::parse_document(response.body, what);
  std::string token = images::string_member(document, "token", what);
  if (token.empty()) token = images::string_member(document, "access_token", what);
  return checked_token(token, realm);
}

std::vector<std::string> scopes_of(const Challenge& challenge, const Call& call) {
  if (!call.scopes.empty()) return call.scopes;
  const std::string scope = challenge.parameter("scope");
  if (scope.empty()) return {};
  return {scope};
}

}  // namespace

Session::Session(std::string domain, SessionOptions options, HttpTransport& transport, Clock& clock)
    : domain_(std::move(domain)),
      options_(std::move(options)),
      transport_(transport),
      clock_(clock) {}

Url Session::base() {
  const MutexLock lock(mutex_);
  if (!base_) {
    const Url https = Url::parse("https://" + host_of(domain_));
    const Url http = Url::parse("http://" + host_of(domain_));
    if (options_.plain_http || (https.is_loopback() && !speaks_tls(https))) {
      const trace::Scope scope(
          "05-registry", "speak plain HTTP to " + domain_,
          options_.plain_http ? "it was asked for" : "it is on this machine and speaks no TLS");
      base_ = http;
    } else {
      base_ = https;
    }
  }
  return *base_;
}

bool Session::speaks_tls(const Url& https) {
  try {
    HttpRequest request;
    request.url = https.resolve("/v2/").str();
    static_cast<void>(transport_.send(request));
    return true;
  } catch (const TransportError& error) {
    if (error.cause() == Cause::no_tls) return false;
    throw;
  }
}

std::string Session::authorization_for(const Call& call) {
  const MutexLock lock(mutex_);
  const auto found = authorizations_.find(call.scopes);
  return found == authorizations_.end() ? "" : found->second;
}

HttpResponse Session::send(const Call& call, const Url& first) {
  const Url home = base();
  Url url = first;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    HttpRequest request{call.method, url.str(), call.headers,
                        call.body,   call.file, call.on_success};
    const bool is_home = url.same_origin(home);
    if (const std::string who = authorization_for(call); is_home && !who.empty()) {
      request.headers.emplace_back("Authorization", who);
    }
    HttpResponse response = transport_.send(request);
    has_answered_ = true;
    if (response.status == 401 && !is_home) {
      throw Error(ErrorKind::permission, fmt::format("{}: {} wants credentials, which only {} gets",
                                                     call.tried, url.for_people(), domain_));
    }
    if (!is_redirect(response, call.method)) return response;
    url = redirect_target(url, response, call.tried);
  }
  throw Error(ErrorKind::internal,
              fmt::format("{}: more than {} redirects", call.tried, kMaxRedirects));
}

HttpResponse Session::ask(const Call& call) {
  const Url url = base().resolve(call.target);
  HttpResponse response = send(call, url);
  if (response.status != 401) return response;
  authenticate(response, call);
  response = send(call, url);
  if (response.status == 401) throw_answer(response, call.tried);
  return response;
}

void Session::authenticate(const HttpResponse& refusal, const Call& call) {
  const std::vector<Challenge> challenges = challenges_of(refusal);
  std::string authorization;
  if (const Challenge* bearer = find_scheme(challenges, "bearer")) {
    authorization = "Bearer " + fetch_token(*bearer, call);
  } else if (find_scheme(challenges, "basic") != nullptr && options_.credentials &&
             options_.credentials->identity_token.empty()) {
    const Credentials& who = *options_.credentials;
    authorization = "Basic " + base64(who.user + ":" + who.password);
  } else {
    throw_answer(refusal, call.tried);
  }
  const MutexLock lock(mutex_);
  authorizations_[call.scopes] = authorization;
}

HttpRequest Session::token_request(const Challenge& challenge, const Call& call) const {
  Url url = Url::parse(challenge.parameter("realm"));
  const std::string service = challenge.parameter("service");
  HttpRequest request;
  if (options_.credentials && !options_.credentials->identity_token.empty()) {
    Url form = Url{"", "", ""}
                   .with_query("grant_type", "refresh_token")
                   .with_query("client_id", "mini-docker")
                   .with_query("service", service)
                   .with_query("refresh_token", options_.credentials->identity_token);
    for (const std::string& scope : scopes_of(challenge, call))
      form = form.with_query("scope", scope);
    request.method = "POST";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = form.target.substr(1);
    request.url = url.str();
    return request;
  }
  if (!service.empty()) url = url.with_query("service", service);
  for (const std::string& scope : scopes_of(challenge, call)) url = url.with_query("scope", scope);
  request.url = url.str();
  if (options_.credentials) {
    const Credentials& who = *options_.credentials;
    request.headers = {{"Authorization", "Basic " + base64(who.user + ":" + who.password)}};
  }
  return request;
}

std::string Session::fetch_token(const Challenge& challenge, const Call& call) {
  const Url realm = Url::parse(challenge.parameter("realm"));
  if (realm.scheme != "https" && base().scheme == "https") {
    throw Error(ErrorKind::permission,
                fmt::format("{}: {} sends us to token server {}: who we are is not told over plain "
                            "http",
                            call.tried, domain_, realm.for_people()));
  }
  const trace::Scope scope("05-registry", "ask " + realm.for_people() + " for a token",
                           options_.credentials ? "as whom we have logged in" : "as nobody");
  const HttpResponse response = transport_.send(token_request(challenge, call));
  if (!response.is_success()) {
    throw_answer(response, fmt::format("{}: token server {}", call.tried, realm.for_people()));
  }
  return token_of(response, realm.for_people());
}

HttpResponse Session::ask_patiently(const Call& call) {
  for (Retry retry(*this);;) {
    try {
      HttpResponse response = ask(call);
      const bool is_fine = response.is_success() || (call.may_be_missing && response.status == 404);
      if (!is_fine) throw_answer(response, call.tried);
      return response;
    } catch (const TransportError& failure) {
      retry.wait_or_rethrow(failure);
    }
  }
}

void Retry::wait_or_rethrow(const TransportError& failure) {
  const bool is_transient = failure.cause() == Cause::cut || failure.cause() == Cause::busy ||
                            (failure.cause() == Cause::unreachable && session_.has_answered());
  ++failures_;
  if (!is_transient || failures_ >= kAttempts || failure.retry_after() > kLongestWait) throw;
  const std::chrono::milliseconds backoff{500 << (failures_ - 1)};
  const std::chrono::milliseconds wait =
      std::max(backoff, std::chrono::milliseconds(failure.retry_after()));
  const trace::Scope scope("05-registry", fmt::format("try again in {} ms", wait.count()),
                           failure.what());
  session_.clock().wait(wait);
}

}  // namespace minidocker::registry
