#include "minidocker/registry/session.hpp"

#include <memory>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.hpp"

namespace minidocker::registry {
namespace {

using Cause = TransportError::Cause;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const char kBearer[] = R"(Bearer realm="https://auth.example/token",service="s")";

Call manifest_call() {
  Call call;
  call.target = "/v2/x/manifests/1";
  call.scopes = {"repository:x:pull"};
  call.tried = "pull x:1";
  return call;
}

// A registry that wants the bearer token `t`, which auth.example gives to whoever asks.
HttpResponse with_tokens(const HttpRequest& request) {
  if (request.url.starts_with("https://auth.example/")) return answer(200, R"({"token":"t"})");
  for (const auto& [name, value] : request.headers) {
    if (name == "Authorization" && value == "Bearer t") return answer(200, "here");
  }
  return answer(401, "", {{"www-authenticate", kBearer}});
}

class SessionTest : public ::testing::Test {
 protected:
  FakeTransport& transport(FakeTransport::Answer answer) {
    transport_ = std::make_unique<FakeTransport>(std::move(answer));
    return *transport_;
  }
  Session session(const std::string& domain, SessionOptions options = {}) {
    return Session(domain, std::move(options), *transport_, clock_);
  }
  FakeClock clock_;
  std::unique_ptr<FakeTransport> transport_;
};

// --- where it is ---------------------------------------------------------------------------------

TEST_F(SessionTest, SpeaksHttpsAndKnowsWhereDockerHubLives) {
  FakeTransport& fake = transport([](const HttpRequest&) { return answer(200); });
  session("docker.io").ask(manifest_call());
  session("h.example:5000").ask(manifest_call());
  EXPECT_THAT(fake.asked(), ElementsAre("GET https://registry-1.docker.io/v2/x/manifests/1",
                                        "GET https://h.example:5000/v2/x/manifests/1"));
}

TEST_F(SessionTest, SpeaksPlainHttpOnlyWhenAsked) {
  FakeTransport& fake = transport([](const HttpRequest&) { return answer(200); });
  session("h.example", {.plain_http = true}).ask(manifest_call());
  EXPECT_THAT(fake.asked(), ElementsAre("GET http://h.example/v2/x/manifests/1"));
}

TEST_F(SessionTest, SpeaksPlainHttpToThisMachineIfItHasNoTls) {
  FakeTransport& fake = transport([](const HttpRequest& request) {
    if (request.url.starts_with("https:")) throw TransportError(Cause::no_tls, "no tls");
    return answer(200);
  });
  Session local = session("localhost:5000");
  local.ask(manifest_call());
  local.ask(manifest_call());
  EXPECT_THAT(fake.asked(), ElementsAre("GET https://localhost:5000/v2/",
                                        "GET http://localhost:5000/v2/x/manifests/1",
                                        "GET http://localhost:5000/v2/x/manifests/1"));
  EXPECT_EQ(failure_of([&] { return session("h.example").ask(manifest_call()).status; }), "no tls");
}

TEST_F(SessionTest, DoesNotGiveUpTlsForACertificateThatIsNotTrusted) {
  FakeTransport& fake = transport([](const HttpRequest&) -> HttpResponse {
    throw TransportError(Cause::untrusted, "self-signed");
  });
  EXPECT_EQ(failure_of([&] { return session("localhost").ask(manifest_call()).status; }),
            "self-signed");
  EXPECT_THAT(fake.asked(), SizeIs(1));
}

// --- who we are ----------------------------------------------------------------------------------

TEST_F(SessionTest, FetchesATokenAndKeepsIt) {
  FakeTransport& fake = transport(with_tokens);
  Session hub = session("h.example");
  EXPECT_EQ(hub.ask(manifest_call()).body, "here");
  EXPECT_EQ(hub.ask(manifest_call()).body, "here");
  EXPECT_THAT(fake.asked(),
              ElementsAre("GET https://h.example/v2/x/manifests/1",
                          "GET https://auth.example/token?service=s&scope=repository%3Ax%3Apull",
                          "GET https://h.example/v2/x/manifests/1",
                          "GET https://h.example/v2/x/manifests/1"));
  EXPECT_EQ(fake.sent(1, "Authorization"), "");
}

TEST_F(SessionTest, TellsTheTokenServerWhoWeAre) {
  FakeTransport& fake = transport(with_tokens);
  session("h.example", {.credentials = Credentials{"u", "p:w", ""}}).ask(manifest_call());
  EXPECT_EQ(fake.sent(0, "Authorization"), "");
  EXPECT_EQ(fake.sent(1, "Authorization"), "Basic dTpwOnc=");
  EXPECT_EQ(fake.sent(2, "Authorization"), "Bearer t");
}

TEST_F(SessionTest, ChangesAnIdentityTokenForAccess) {
  FakeTransport& fake = transport(with_tokens);
  session("h.example", {.credentials = Credentials{"", "", "id/1"}}).ask(manifest_call());
  EXPECT_EQ(fake.asked().at(1), "POST https://auth.example/token");
  EXPECT_EQ(fake.sent_body(1),
            "grant_type=refresh_token&client_id=mini-docker&service=s&refresh_token=id%2F1&"
            "scope=repository%3Ax%3Apull");
}

TEST_F(SessionTest, UsesBasicWhereThatIsWanted) {
  FakeTransport& fake = transport([](const HttpRequest& request) {
    if (!request.headers.empty()) return answer(200, "here");
    return answer(401, "", {{"www-authenticate", "Basic realm=\"r\""}});
  });
  const SessionOptions known{.credentials = Credentials{"u", "p", ""}};
  EXPECT_EQ(session("h.example", known).ask(manifest_call()).body, "here");
  EXPECT_EQ(fake.sent(1, "Authorization"), "Basic dTpw");
  EXPECT_THAT(failure_of([&] { return session("h.example").ask(manifest_call()).status; }),
              HasSubstr("docker login"));
}

TEST_F(SessionTest, IsRefusedOnceAndDoesNotAskForEver) {
  FakeTransport& fake = transport([](const HttpRequest& request) {
    if (request.url.find("auth") != std::string::npos)
      return answer(200, R"({"access_token":"z"})");
    return answer(401, R"({"errors":[{"code":"DENIED","message":"no \n way"}]})",
                  {{"www-authenticate", kBearer}});
  });
  Session stranger = session("h.example");
  EXPECT_EQ(kind_of_failure([&] { return stranger.ask(manifest_call()).status; }),
            ErrorKind::permission);
  EXPECT_THAT(fake.asked(), SizeIs(3));
  EXPECT_THAT(failure_of([&] { return stranger.ask(manifest_call()).status; }),
              HasSubstr("pull x:1: no \\n way; hint:"));
}

TEST_F(SessionTest, TakesNoTokenThatWouldEndTheHeader) {
  transport([](const HttpRequest& request) {
    if (request.url.find("auth") != std::string::npos)
      return answer(200, R"({"token":"a\r\nX: y"})");
    return answer(401, "", {{"www-authenticate", kBearer}});
  });
  EXPECT_THAT(failure_of([&] { return session("h.example").ask(manifest_call()).status; }),
              HasSubstr("https://auth.example/token: its answer holds no token"));
}

TEST_F(SessionTest, TellsNobodyWhoWeAreOverPlainHttp) {
  FakeTransport& fake = transport([](const HttpRequest&) {
    return answer(401, "", {{"www-authenticate", R"(Bearer realm="http://auth.example/")"}});
  });
  Session known = session("h.example", {.credentials = Credentials{"u", "p", ""}});
  EXPECT_THAT(failure_of([&] { return known.ask(manifest_call()).status; }),
              HasSubstr("not told over plain http"));
  EXPECT_THAT(fake.asked(), SizeIs(1));
}

// --- redirects -----------------------------------------------------------------------------------

TEST_F(SessionTest, FollowsARedirectToAnotherHostWithoutCredentials) {
  FakeTransport& fake = transport([](const HttpRequest& request) {
    if (request.url.starts_with("https://cdn.example")) return answer(200, "blob");
    const HttpResponse home = with_tokens(request);
    if (home.body != "here") return home;
    return answer(307, "", {{"location", "https://cdn.example/b?signature=1"}});
  });
  EXPECT_EQ(session("h.example").ask(manifest_call()).body, "blob");
  EXPECT_EQ(fake.sent(2, "Authorization"), "Bearer t");
  EXPECT_EQ(fake.asked().at(3), "GET https://cdn.example/b?signature=1");
  EXPECT_EQ(fake.sent(3, "Authorization"), "");
}

TEST_F(SessionTest, KeepsCredentialsOnARedirectWithinTheRegistry) {
  FakeTransport& fake = transport([](const HttpRequest& request) {
    const HttpResponse home = with_tokens(request);
    if (home.body != "here" || request.url.ends_with("moved")) return home;
    return answer(302, "", {{"location", "/moved"}});
  });
  EXPECT_EQ(session("h.example").ask(manifest_call()).body, "here");
  EXPECT_EQ(fake.sent(3, "Authorization"), "Bearer t");
}

TEST_F(SessionTest, RefusesARedirectToPlainHttp) {
  FakeTransport& fake = transport(
      [](const HttpRequest&) { return answer(302, "", {{"location", "http://h.example/v2/"}}); });
  EXPECT_THAT(failure_of([&] { return session("h.example").ask(manifest_call()).status; }),
              HasSubstr("from https to plain http nothing is followed"));
  EXPECT_THAT(fake.asked(), SizeIs(1));
}

TEST_F(SessionTest, AnotherHostMayNotAskWhoWeAre) {
  FakeTransport& fake = transport([](const HttpRequest& request) {
    if (request.url.starts_with("https://evil")) {
      return answer(401, "", {{"www-authenticate", "Basic realm=x"}});
    }
    return answer(307, "", {{"location", "https://evil.example/x?secret"}});
  });
  Session known = session("h.example", {.credentials = Credentials{"u", "p", ""}});
  const std::string failure = failure_of([&] { return known.ask(manifest_call()).status; });
  EXPECT_THAT(failure, HasSubstr("https://evil.example/x wants credentials"));
  EXPECT_THAT(failure, Not(HasSubstr("secret")));
  EXPECT_THAT(fake.asked(), SizeIs(2));
}

TEST_F(SessionTest, FollowsNoCircle) {
  FakeTransport& fake =
      transport([](const HttpRequest&) { return answer(302, "", {{"location", "?again"}}); });
  EXPECT_THAT(failure_of([&] { return session("h.example").ask(manifest_call()).status; }),
              HasSubstr("more than 5 redirects"));
  EXPECT_THAT(fake.asked(), SizeIs(6));
}

TEST_F(SessionTest, FollowsARedirectOfAnUploadOnlyWhereTheMethodStays) {
  transport([](const HttpRequest& request) {
    if (request.url.ends_with("1")) return answer(302, "", {{"location", "/there"}});
    return answer(200);
  });
  Call call = manifest_call();
  call.method = "PUT";
  EXPECT_EQ(session("h.example").ask(call).status, 302);
}

// --- not now -------------------------------------------------------------------------------------

TEST_F(SessionTest, TriesAgainLaterAndLaterStill) {
  int count = 0;
  transport([&](const HttpRequest&) {
    if (++count < 4) return answer(503);
    return answer(200, "here");
  });
  EXPECT_EQ(session("h.example").ask_patiently(manifest_call()).body, "here");
  EXPECT_THAT(clock_.waited(), ElementsAre(500, 1000, 2000));
}

TEST_F(SessionTest, GivesUpAfterFiveAttempts) {
  FakeTransport& fake = transport([](const HttpRequest&) { return answer(502); });
  EXPECT_THAT(
      failure_of([&] { return session("h.example").ask_patiently(manifest_call()).status; }),
      HasSubstr("pull x:1: the registry answered HTTP 502"));
  EXPECT_THAT(fake.asked(), SizeIs(5));
}

TEST_F(SessionTest, WaitsAsLongAsTheServerSaysButNotForEver) {
  int count = 0;
  const auto limited = [&](const char* seconds) {
    return [&count, seconds](const HttpRequest&) {
      return ++count == 1 ? answer(429, "", {{"retry-after", seconds}}) : answer(200);
    };
  };
  transport(limited("7"));
  session("h.example").ask_patiently(manifest_call());
  EXPECT_THAT(clock_.waited(), ElementsAre(7000));
  count = 0;
  transport(limited("61"));
  EXPECT_THAT(
      failure_of([&] { return session("h.example").ask_patiently(manifest_call()).status; }),
      HasSubstr("try again in 61 seconds"));
}

TEST_F(SessionTest, ExplainsARateLimit) {
  transport([](const HttpRequest&) {
    return answer(429,
                  R"({"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached it."}]})",
                  {{"ratelimit-limit", "100;w=21600"},
                   {"docker-ratelimit-source", "192.0.2.1"},
                   {"retry-after", "3600"}});
  });
  EXPECT_EQ(failure_of([&] { return session("docker.io").ask_patiently(manifest_call()).status; }),
            "pull x:1: too many requests: You have reached it.; it allows 100 requests in 6 hours "
            "to 192.0.2.1; try again in 1 hour; hint: whoever logs in is often allowed more: "
            "mini-docker login");
}

TEST_F(SessionTest, DoesNotAskAgainWhoNeverAnswered) {
  FakeTransport& fake = transport([](const HttpRequest&) -> HttpResponse {
    throw TransportError(Cause::unreachable, "refused");
  });
  EXPECT_EQ(failure_of([&] { return session("h.example").ask_patiently(manifest_call()).status; }),
            "refused");
  EXPECT_THAT(fake.asked(), SizeIs(1));
  EXPECT_THAT(clock_.waited(), IsEmpty());
}

TEST_F(SessionTest, AsksAgainWhoAnsweredBefore) {
  int count = 0;
  transport([&](const HttpRequest&) {
    if (++count == 2) throw TransportError(Cause::unreachable, "restarting");
    return answer(200);
  });
  Session known = session("h.example");
  known.ask_patiently(manifest_call());
  EXPECT_EQ(known.ask_patiently(manifest_call()).status, 200);
  EXPECT_THAT(clock_.waited(), ElementsAre(500));
}

}  // namespace
}  // namespace minidocker::registry
