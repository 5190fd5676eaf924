#include "minidocker/registry/push.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "fakes.hpp"
#include "minidocker/registry/lists.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {
namespace {

using images::Digest;
using Cause = TransportError::Cause;
using Phase = BlobProgress::Phase;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kLayer = "a layer of twenty-six bytes";
const std::string kConfig =
    R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}})";

// What the request brings: a text, or a part of a file.
std::string body_of(const HttpRequest& request) {
  if (!request.file) return request.body;
  std::string body(request.file->size, '\0');
  EXPECT_EQ(
      ::pread(request.file->fd, body.data(), body.size(), static_cast<off_t>(request.file->offset)),
      static_cast<ssize_t>(body.size()));
  return body;
}

// A registry with one upload at a time, which test by test behaves in its own way.
class PushTest : public ::testing::Test {
 protected:
  PushTest() {
    const images::StoreLock lock = store_.lock();
    const images::Manifest manifest{
        {images::kOciConfig, store_.put_blob(lock, kConfig), kConfig.size()},
        {{images::kOciLayerGzip, store_.put_blob(lock, kLayer), kLayer.size()}}};
    manifest_ = images::to_json(manifest);
    store_.add_image(lock,
                     {images::kOciManifest, store_.put_blob(lock, manifest_), manifest_.size()},
                     {images::ImageName::parse("mine")});
    blobs_[Digest::of(kConfig).str()] = kConfig;  // only the layer is of interest
  }

  HttpResponse serve(const HttpRequest& request) {
    if (change_) {
      if (std::optional<HttpResponse> changed = change_(request)) return *changed;
    }
    const std::string last = request.url.substr(request.url.rfind('/') + 1);
    if (request.method == "HEAD") return answer(blobs_.contains(last) ? 200 : 404);
    const Headers here{{"location", "/upload?state=" + std::to_string(++state_)}};
    if (request.method == "POST") {
      upload_.clear();
      return answer(202, "", here);
    }
    if (request.url.find("/manifests/") != std::string::npos) {
      tag_ = request.body;
      return answer(201, "", {{"docker-content-digest", Digest::of(request.body).str()}});
    }
    if (request.method == "GET") {
      return answer(204, "",
                    {{"location", "/upload?g"},
                     {"range", fmt::format("0-{}", std::max<std::size_t>(upload_.size(), 1) - 1)}});
    }
    upload_ += body_of(request);
    if (request.method == "PUT") blobs_[Digest::of(upload_).str()] = upload_;
    return answer(request.method == "PUT" ? 201 : 202, "", here);
  }

  Digest push(PushOptions options = {}) {
    Session session("h.example", {}, transport_, clock_);
    options.parallel = 1;
    return push_image(Reference::parse("h.example/x:1"), session, store_, store_.get_image("mine"),
                      options, [this](const BlobProgress& told) { told_.push_back(told.phase); });
  }

  [[nodiscard]] bool has_layer() const { return blobs_.contains(Digest::of(kLayer).str()); }

  TempDir dir_;
  images::Store store_ = images::Store::open(dir_.path() + "/images");
  std::string manifest_;
  std::map<std::string, std::string> blobs_;
  std::function<std::optional<HttpResponse>(const HttpRequest&)> change_;
  std::string upload_;
  std::string tag_;
  int state_ = 0;
  FakeClock clock_;
  FakeTransport transport_{[this](const HttpRequest& request) { return serve(request); }};
  std::vector<Phase> told_;
};

TEST_F(PushTest, SmallBlobsTakeOnePut) {
  EXPECT_EQ(push(), Digest::of(manifest_));
  EXPECT_EQ(tag_, manifest_);
  EXPECT_TRUE(has_layer());
  const std::string digest = "sha256%3A" + Digest::of(kLayer).hex();
  EXPECT_THAT(transport_.asked(),
              ElementsAre(HasSubstr("HEAD "), "POST https://h.example/v2/x/blobs/uploads/",
                          "PUT https://h.example/upload?state=1&digest=" + digest,
                          HasSubstr("HEAD "), "PUT https://h.example/v2/x/manifests/1"));
  EXPECT_EQ(transport_.sent(4, "Content-Type"), images::kOciManifest);
}

TEST_F(PushTest, LargeBlobsGoInPieces) {
  push({.piece = 10, .mount_from = {}});
  EXPECT_TRUE(has_layer());
  EXPECT_EQ(transport_.sent(2, "Content-Range"), "0-9");
  EXPECT_EQ(transport_.sent(3, "Content-Range"), "10-19");
  EXPECT_EQ(transport_.sent(4, "Content-Range"), "20-26");
}

TEST_F(PushTest, ACutPieceIsTakenUpWhereTheRegistryHasIt) {
  bool was_cut = false;
  change_ = [&](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.method != "PATCH" || was_cut || upload_.empty()) return std::nullopt;
    was_cut = true;
    upload_ += body_of(request).substr(0, 4);  // so much of it arrived
    throw TransportError(Cause::cut, "cut");
  };
  push({.piece = 10, .mount_from = {}});
  EXPECT_TRUE(has_layer());
  EXPECT_THAT(transport_.asked(), Contains(HasSubstr("POST ")).Times(1));
  EXPECT_THAT(told_, Contains(Phase::again));
  EXPECT_THAT(clock_.waited(), ElementsAre(500));
}

TEST_F(PushTest, AnUploadThatTheRegistryHasForgottenBeginsAnew) {
  bool was_cut = false;
  change_ = [&](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.method == "GET") return answer(404);
    if (request.method != "PUT" || was_cut || upload_.empty()) return std::nullopt;
    was_cut = true;
    throw TransportError(Cause::cut, "cut");
  };
  push({.piece = 10, .mount_from = {}});
  EXPECT_TRUE(has_layer());
  EXPECT_THAT(transport_.asked(), Contains(HasSubstr("POST ")).Times(2));
}

TEST_F(PushTest, ARegistryThatWillNotMountGetsTheBlobInTheUploadItBegan) {
  PushOptions options;
  options.mount_from[Digest::of(kLayer)] = {"other", "third"};
  push(options);
  EXPECT_TRUE(has_layer());
  EXPECT_THAT(transport_.asked(), Contains(HasSubstr("POST ")).Times(1));
  EXPECT_THAT(transport_.asked().at(1), HasSubstr("uploads/?mount=sha256%3A"));
  EXPECT_THAT(transport_.asked().at(1), HasSubstr("&from=other"));
}

TEST_F(PushTest, AMountedBlobIsNotSent) {
  change_ = [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.method == "POST") return answer(201);
    return std::nullopt;
  };
  PushOptions options;
  options.mount_from[Digest::of(kLayer)] = {"other"};
  push(options);
  EXPECT_THAT(upload_, IsEmpty());
  EXPECT_THAT(told_, Contains(Phase::mounted));
}

TEST_F(PushTest, NothingIsSentOverPlainHttpBecauseTheRegistrySaysSo) {
  change_ = [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.method == "POST") return answer(202, "", {{"location", "http://h.example/u"}});
    return std::nullopt;
  };
  EXPECT_THAT(failure_of([&] { return push(); }), HasSubstr("not over plain http"));
  EXPECT_THAT(transport_.asked(), Not(Contains(HasSubstr("http://"))));
}

TEST_F(PushTest, ARegistryThatStoresAnotherManifestIsFoundOut) {
  change_ = [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.url.find("/manifests/") == std::string::npos) return std::nullopt;
    return answer(201, "", {{"docker-content-digest", "sha256:other"}});
  };
  EXPECT_THAT(failure_of([&] { return push(); }), HasSubstr("stored \"sha256:other\" for"));
}

TEST_F(PushTest, NoTagIsGivenBeforeTheBlobsAreThere) {
  change_ = [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.method == "PUT") return answer(400, R"({"errors":[{"code":"DIGEST_INVALID"}]})");
    return std::nullopt;
  };
  EXPECT_THAT(failure_of([&] { return push(); }), HasSubstr("DIGEST_INVALID"));
  EXPECT_EQ(tag_, "");
}

TEST_F(PushTest, RepositoriesThatMayHaveALayerAreThoseOfTheSameRegistry) {
  const images::StoreLock lock = store_.lock();
  const images::Image image = store_.get_image("mine");
  store_.add_image(
      lock, image.manifest,
      {images::ImageName::parse("h.example/a"), images::ImageName::parse("h.example/a:2"),
       images::ImageName::parse("h.example/x:1"), images::ImageName::parse("else.where/b")});
  const auto known = known_repositories(store_, Reference::parse("h.example/x:2"));
  ASSERT_THAT(known, SizeIs(1));
  EXPECT_THAT(known.at(Digest::of(kLayer)), ElementsAre("a"));
}

// --- lists ---------------------------------------------------------------------------------------

TEST(Lists, AreReadPageByPage) {
  FakeTransport fake([](const HttpRequest& request) {
    if (request.url.find("last=b") != std::string::npos) return answer(200, R"({"tags":["c"]})");
    return answer(200, R"({"tags":["a","b"]})",
                  {{"link", "</v2/x/tags/list?last=b>; rel=\"next\""}});
  });
  FakeClock clock;
  Session session("h.example", {}, fake, clock);
  EXPECT_THAT(list_tags(session, "x"), ElementsAre("a", "b", "c"));
}

// A terminal would do what is in it, and a path would lead there.
TEST(Lists, HoldNothingButNames) {
  std::string body;
  FakeTransport fake([&body](const HttpRequest&) { return answer(200, body); });
  FakeClock clock;
  Session session("h.example", {}, fake, clock);
  for (const char* tag : {"", "a b", "../a", "a\\u001b[2J", ".a"}) {
    body = fmt::format(R"({{"tags":["good","{}"]}})", tag);
    EXPECT_THAT(failure_of([&] { return list_tags(session, "x"); }), HasSubstr("is no name"))
        << tag;
  }
  body = R"({"repositories":["good/one","bad/../one"]})";
  EXPECT_THAT(failure_of([&] { return list_repositories(session); }),
              HasSubstr("\"bad/../one\" is no name"));
}

TEST(Lists, HaveAnEndAndStayWhereTheyBegan) {
  std::string link = "</v2/_catalog>; rel=\"next\"";
  std::string names = "[]";
  FakeTransport fake([&](const HttpRequest&) {
    return answer(200, "{\"repositories\":" + names + "}", {{"link", link}});
  });
  FakeClock clock;
  Session session("h.example", {}, fake, clock);
  EXPECT_THAT(failure_of([&] { return list_repositories(session); }), HasSubstr("without an end"));
  link = "<https://evil.example/>; rel=\"next\"";
  names = "[\"a\"]";
  EXPECT_THAT(failure_of([&] { return list_repositories(session); }),
              HasSubstr("another registry"));
}

}  // namespace
}  // namespace minidocker::registry
