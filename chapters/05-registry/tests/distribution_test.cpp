// What the distribution specification asks of a registry, end by end (the numbers are its own), and
// what clients should not be able to do.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "minidocker/images/manifest.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "served_registry.hpp"

namespace minidocker::registry_server {
namespace {

using images::Digest;
using images::kOciIndex;
using images::kOciManifest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kNobody = "sha256:" + std::string(64, '0');

nlohmann::json json_of(const Told& told) { return nlohmann::json::parse(told.body); }

std::string index_of(const Digest& digest, std::size_t size) {
  return fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{}","digest":"{}","size":{}}}]}})",
      kOciIndex, kOciManifest, digest.str(), size);
}

// --- end-1: is it a registry? --------------------------------------------------------------------

TEST(Distribution, SaysThatItIsARegistry) {
  ServedRegistry registry;
  EXPECT_EQ(registry.ask("GET", "/v2/").status, 200);
  EXPECT_EQ(registry.ask("GET", "/v2").header("Docker-Distribution-API-Version"), "registry/2.0");
}

// --- end-2: blobs --------------------------------------------------------------------------------

TEST(Distribution, GivesABlobBack) {
  ServedRegistry registry;
  const Digest digest = registry.push_blob("a/b", "content");
  const Told blob = registry.ask("GET", "/v2/a/b/blobs/" + digest.str());
  EXPECT_EQ(blob.status, 200);
  EXPECT_EQ(blob.body, "content");
  EXPECT_EQ(blob.header("Docker-Content-Digest"), digest.str());
  EXPECT_EQ(blob.header("Content-Type"), "application/octet-stream");
  EXPECT_EQ(registry.ask("HEAD", "/v2/a/b/blobs/" + digest.str()).status, 200);
}

TEST(Distribution, ABlobIsItsRepositorysAlone) {
  ServedRegistry registry;
  const Digest digest = registry.push_blob("mine", "secret");
  const Told other = registry.ask("GET", "/v2/other/blobs/" + digest.str());
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(other.code(), "BLOB_UNKNOWN");
}

TEST(Distribution, RefusesDigestsThatAreNone) {
  ServedRegistry registry;
  for (const std::string digest :
       {"sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "latest", "sha256:..%2f..%2fx"}) {
    EXPECT_EQ(registry.ask("GET", "/v2/x/blobs/" + digest).code(), "DIGEST_INVALID") << digest;
  }
  EXPECT_EQ(registry.ask("GET", "/v2/x/blobs/sha256:" + std::string(64, 'A')).code(),
            "DIGEST_INVALID");
}

// --- end-4, 5, 6, 13, 14: uploads ----------------------------------------------------------------

TEST(Distribution, TakesABlobInPieces) {
  ServedRegistry registry;
  const Told begun = registry.ask("POST", "/v2/x/blobs/uploads/");
  EXPECT_EQ(begun.status, 202);
  EXPECT_EQ(begun.header("Range"), "0-0");
  const std::string place = begun.header("Location");
  EXPECT_THAT(place, StartsWith("/v2/x/blobs/uploads/"));

  const Told first = registry.ask("PATCH", place, {{"Content-Range", "0-4"}}, "01234");
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(first.header("Range"), "0-4");
  const Told second = registry.ask("PATCH", place, {}, "56789");
  EXPECT_EQ(second.header("Range"), "0-9");
  const Told status = registry.ask("GET", place);
  EXPECT_EQ(status.status, 204);
  EXPECT_EQ(status.header("Range"), "0-9");

  const Digest digest = Digest::of("0123456789ab");
  const Told done =
      registry.ask("PUT", place + "?digest=" + digest.str(), {{"Content-Range", "10-11"}}, "ab");
  EXPECT_EQ(done.status, 201);
  EXPECT_EQ(done.header("Location"), "/v2/x/blobs/" + digest.str());
  EXPECT_EQ(registry.ask("GET", done.header("Location")).body, "0123456789ab");
  EXPECT_EQ(registry.ask("GET", place).code(), "BLOB_UPLOAD_UNKNOWN");
}

TEST(Distribution, TakesABlobAtOnce) {
  ServedRegistry registry;
  const Digest digest = Digest::of("all");
  EXPECT_EQ(
      registry.ask("PUT", registry.begin_upload("x") + "?digest=" + digest.str(), {}, "all").status,
      201);
  const Digest nothing = Digest::of("");
  EXPECT_EQ(registry.ask("PUT", registry.begin_upload("x") + "?digest=" + nothing.str()).status,
            201);
  EXPECT_EQ(registry.ask("GET", "/v2/x/blobs/" + nothing.str()).body, "");
  const Told single =
      registry.ask("POST", "/v2/y/blobs/uploads/?digest=" + digest.str(), {}, "all");
  EXPECT_EQ(single.status, 201);
  EXPECT_EQ(registry.ask("GET", single.header("Location")).body, "all");
}

TEST(Distribution, RefusesAPieceThatIsOutOfOrder) {
  ServedRegistry registry;
  const std::string place = registry.begin_upload("x");
  registry.ask("PATCH", place, {}, "01234");
  for (const char* range : {"0-4", "6-9", "5-8", "5", "bytes", "9-5"}) {
    const Told refused = registry.ask("PATCH", place, {{"Content-Range", range}}, "56789");
    EXPECT_EQ(refused.status, 416) << range;
    EXPECT_EQ(refused.header("Range"), "0-4") << range;
    EXPECT_EQ(refused.header("Location"), place) << range;
  }
  EXPECT_EQ(registry.ask("PATCH", place, {{"Content-Range", "5-9"}}, "56789").status, 202);
}

TEST(Distribution, RefusesContentOfAnotherDigest) {
  ServedRegistry registry;
  const std::string place = registry.begin_upload("x");
  const Told wrong = registry.ask("PUT", place + "?digest=" + kNobody, {}, "content");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.code(), "DIGEST_INVALID");
  EXPECT_THAT(registry.content(), IsEmpty());
  EXPECT_EQ(registry.ask("GET", place).status, 404);
  EXPECT_EQ(registry.ask("PUT", registry.begin_upload("x"), {}, "content").code(),
            "DIGEST_INVALID");
}

TEST(Distribution, AnUploadIsItsRepositorysAlone) {
  ServedRegistry registry;
  const std::string place = registry.begin_upload("x");
  const std::string id = place.substr(place.rfind('/') + 1);
  EXPECT_EQ(registry.ask("PATCH", "/v2/y/blobs/uploads/" + id, {}, "z").code(),
            "BLOB_UPLOAD_UNKNOWN");
  EXPECT_EQ(registry.ask("DELETE", place).status, 204);
  EXPECT_EQ(registry.ask("PATCH", place, {}, "z").status, 404);
}

TEST(Distribution, UploadsOfAKilledRunAreGone) {
  ServedRegistry registry;
  const std::string place = registry.begin_upload("x");
  registry.ask("PATCH", place, {}, "01234");
  registry.restart();
  EXPECT_EQ(registry.ask("PATCH", place, {}, "56789").code(), "BLOB_UPLOAD_UNKNOWN");
  EXPECT_EQ(testing::files_below(registry.dir() + "/uploads").size(), 1U);  // the new run's
}

// --- end-11: mount -------------------------------------------------------------------------------

TEST(Distribution, MountsABlobOfAnotherRepository) {
  ServedRegistry registry;
  const Digest digest = registry.push_blob("from", "content");
  const std::string target = "/v2/to/blobs/uploads/?from=from&mount=";
  const Told mounted = registry.ask("POST", target + digest.str());
  EXPECT_EQ(mounted.status, 201);
  EXPECT_EQ(registry.ask("GET", "/v2/to/blobs/" + digest.str()).body, "content");
  const Told begun = registry.ask("POST", target + kNobody);
  EXPECT_EQ(begun.status, 202);
  EXPECT_NE(begun.header("Location"), "");
}

// --- end-3, 7: manifests -------------------------------------------------------------------------

TEST(Distribution, GivesAManifestBackByTagAndDigest) {
  ServedRegistry registry;
  const Digest digest = registry.push_image("a/b", "1.0");
  for (const std::string& reference : {std::string("1.0"), digest.str()}) {
    const Told told = registry.ask("GET", "/v2/a/b/manifests/" + reference);
    EXPECT_EQ(told.status, 200);
    EXPECT_EQ(Digest::of(told.body), digest);
    EXPECT_EQ(told.header("Content-Type"), kOciManifest);
    EXPECT_EQ(told.header("Docker-Content-Digest"), digest.str());
    EXPECT_EQ(registry.ask("HEAD", "/v2/a/b/manifests/" + reference).status, 200);
  }
  EXPECT_EQ(registry.ask("GET", "/v2/a/b/manifests/2.0").code(), "MANIFEST_UNKNOWN");
  EXPECT_EQ(registry.ask("GET", "/v2/a/b/manifests/" + kNobody).code(), "MANIFEST_UNKNOWN");
  EXPECT_EQ(registry.ask("GET", "/v2/other/manifests/" + digest.str()).status, 404);
}

TEST(Distribution, ATagMoves) {
  ServedRegistry registry;
  const Digest first = registry.push_image("x", "latest", "one");
  const Digest second = registry.push_image("x", "latest", "two");
  EXPECT_EQ(registry.ask("GET", "/v2/x/manifests/latest").header("Docker-Content-Digest"),
            second.str());
  EXPECT_EQ(registry.ask("GET", "/v2/x/manifests/" + first.str()).status, 200);
}

TEST(Distribution, TakesIndexesOfWhatIsThere) {
  ServedRegistry registry;
  const Digest image = registry.push_image("x", "image");
  const std::string index = index_of(image, 1);
  EXPECT_EQ(registry.push_manifest("x", "all", kOciIndex, index).status, 201);
  EXPECT_EQ(registry.ask("GET", "/v2/x/manifests/all").header("Content-Type"), kOciIndex);
  const Told missing =
      registry.push_manifest("x", "all", kOciIndex, index_of(Digest::of("nobody"), 1));
  EXPECT_EQ(missing.code(), "MANIFEST_BLOB_UNKNOWN");
}

TEST(Distribution, AManifestComesAfterItsBlobs) {
  ServedRegistry registry;
  registry.push_blob("x", "{}");
  registry.push_blob("other", "layer");
  const std::string text = manifest_of("{}", "layer");
  EXPECT_EQ(registry.push_manifest("x", "1", kOciManifest, text).code(), "MANIFEST_BLOB_UNKNOWN");
  registry.push_blob("x", "layer");
  EXPECT_EQ(registry.push_manifest("x", "1", kOciManifest, text).status, 201);
}

TEST(Distribution, RefusesManifestsThatAreNone) {
  ServedRegistry registry;
  registry.push_image("x", "1");
  const std::string good = manifest_of("{}", "a layer");
  for (const auto& [type, text] : std::vector<std::pair<std::string, std::string>>{
           {kOciManifest, "{"},
           {kOciManifest, "[]"},
           {kOciManifest, "{}"},
           {kOciManifest, std::string(100'000, '[')},
           {kOciManifest, R"({"schemaVersion":1,"fsLayers":[]})"},
           {kOciManifest, manifest_of("{}", "a layer", R"(,"manifests":[])")},
           {kOciManifest, manifest_of("{}", "a layer", R"(,"subject":{"digest":"x"})")},
           {kOciManifest, manifest_of("{}", "a layer", R"(,"subject":7)")},
           {images::kDockerManifest, good},
           {kOciIndex, good},
           {"application/json", good},
           {"", good}}) {
    const Told told = registry.push_manifest("x", "2", type, text);
    EXPECT_EQ(told.status, 400) << type << text.substr(0, 100);
    EXPECT_EQ(told.code(), "MANIFEST_INVALID") << type << text.substr(0, 100);
  }
  const Told large = registry.push_manifest("x", "2", kOciManifest, std::string(5'000'000, ' '));
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.code(), "SIZE_INVALID");
  EXPECT_EQ(registry.push_manifest("x", kNobody, kOciManifest, good).code(), "DIGEST_INVALID");
  EXPECT_EQ(registry.log(), "");
}

TEST(Distribution, RefusesNamesAndTagsThatAreNone) {
  ServedRegistry registry;
  registry.push_image("x", "1");
  for (const std::string name :
       {"X", "a..b", "%2e%2e", "..%2f..%2fetc", "a%2f", "-a", "a_", "_tags", "a/_blobs", "a%00b",
        "a:b", "a@b", "a%0d%0ab", "\xc3\xa4", "a/./b", "a/../b"}) {
    const Told told = registry.ask("GET", fmt::format("/v2/{}/tags/list", name));
    EXPECT_EQ(told.status, 400) << name;
    EXPECT_THAT(told.code(), ::testing::AnyOf("NAME_INVALID", "UNKNOWN")) << name;
  }
  EXPECT_EQ(registry.ask("GET", "/v2/" + std::string(300, 'a') + "/tags/list").code(),
            "NAME_INVALID");
  const std::string good = manifest_of("{}", "a layer");
  for (const std::string tag : {"-a", ".a", "a%2fb", "..", "a b", "%ff", "a@b", "a%0a"}) {
    EXPECT_EQ(registry.push_manifest("x", tag, kOciManifest, good).status, 400) << tag;
    EXPECT_EQ(registry.ask("GET", "/v2/x/manifests/" + tag).code(), "MANIFEST_UNKNOWN") << tag;
  }
  EXPECT_EQ(registry.push_manifest("x", std::string(129, 'a'), kOciManifest, good).status, 400);
  EXPECT_EQ(registry.push_manifest("x", std::string(128, 'a'), kOciManifest, good).status, 201);
}

// --- end-8 and the catalogue ---------------------------------------------------------------------

TEST(Distribution, ListsTagsInPages) {
  ServedRegistry registry;
  for (const char* tag : {"c", "a", "B", "d"}) registry.push_image("x/y", tag);
  EXPECT_EQ(registry.ask("GET", "/v2/x/y/tags/list").body,
            R"({"name":"x/y","tags":["B","a","c","d"]})");
  const Told page = registry.ask("GET", "/v2/x/y/tags/list?n=2&last=B");
  EXPECT_EQ(json_of(page)["tags"], (nlohmann::json{"a", "c"}));
  EXPECT_EQ(page.header("Link"), R"(</v2/x/y/tags/list?n=2&last=c>; rel="next")");
  const Told last = registry.ask("GET", "/v2/x/y/tags/list?n=2&last=c");
  EXPECT_EQ(json_of(last)["tags"], (nlohmann::json{"d"}));
  EXPECT_EQ(last.header("Link"), "");
  EXPECT_THAT(json_of(registry.ask("GET", "/v2/x/y/tags/list?n=0"))["tags"], IsEmpty());
  EXPECT_EQ(registry.ask("GET", "/v2/x/y/tags/list?n=x").code(), "PAGINATION_NUMBER_INVALID");
  EXPECT_EQ(registry.ask("GET", "/v2/nobody/tags/list").code(), "NAME_UNKNOWN");
}

TEST(Distribution, ListsRepositoriesInPages) {
  ServedRegistry registry;
  for (const char* name : {"b", "a/b/c", "a"}) registry.push_image(name, "1");
  registry.push_blob("no-manifest", "x");
  EXPECT_EQ(registry.ask("GET", "/v2/_catalog").body, R"({"repositories":["a","a/b/c","b"]})");
  const Told page = registry.ask("GET", "/v2/_catalog?n=2");
  EXPECT_EQ(page.header("Link"), R"(</v2/_catalog?n=2&last=a%2Fb%2Fc>; rel="next")");
  EXPECT_EQ(registry.ask("GET", "/v2/_catalog?n=2&last=a%2Fb%2Fc").body,
            R"({"repositories":["b"]})");
}

// --- end-9, 10: deleting -------------------------------------------------------------------------

TEST(Distribution, DeletesWhatItIsTold) {
  ServedRegistry registry;
  const Digest digest = registry.push_image("x", "1");
  registry.push_image("x", "2");
  EXPECT_EQ(registry.ask("DELETE", "/v2/x/manifests/1").status, 202);
  EXPECT_EQ(registry.ask("GET", "/v2/x/manifests/1").status, 404);
  EXPECT_EQ(registry.ask("GET", "/v2/x/manifests/2").status, 200);
  EXPECT_EQ(registry.ask("DELETE", "/v2/x/manifests/" + digest.str()).status, 202);
  EXPECT_EQ(registry.ask("GET", "/v2/x/manifests/2").status, 404);
  EXPECT_EQ(registry.ask("DELETE", "/v2/x/manifests/" + digest.str()).code(), "MANIFEST_UNKNOWN");
  const std::string blob = "/v2/x/blobs/" + Digest::of("a layer").str();
  EXPECT_EQ(registry.ask("DELETE", blob).status, 202);
  EXPECT_EQ(registry.ask("GET", blob).status, 404);
  EXPECT_EQ(registry.ask("DELETE", blob).code(), "BLOB_UNKNOWN");
}

TEST(Distribution, DeletesNothingUnlessItMay) {
  ServedRegistry registry{RegistryOptions{}};
  const Digest digest = registry.push_image("x", "1");
  for (const std::string& target : {std::string("/v2/x/manifests/1"),
                                    "/v2/x/manifests/" + digest.str(), "/v2/x/blobs/" + kNobody}) {
    const Told told = registry.ask("DELETE", target);
    EXPECT_EQ(told.status, 405) << target;
    EXPECT_EQ(told.code(), "UNSUPPORTED") << target;
  }
  EXPECT_EQ(registry.ask("GET", "/v2/x/manifests/1").status, 200);
}

TEST(Distribution, ContentWithoutANameIsGoneAfterTheNextStart) {
  ServedRegistry registry;
  const Digest digest = registry.push_image("x", "1", "one");
  registry.push_image("y", "1", "two");
  registry.ask("DELETE", "/v2/x/manifests/" + digest.str());
  registry.ask("DELETE", "/v2/x/blobs/" + Digest::of("one").str());
  EXPECT_EQ(registry.content().size(), 5U);
  registry.restart();
  EXPECT_EQ(registry.content().size(), 3U);
  EXPECT_EQ(registry.ask("GET", "/v2/y/manifests/1").status, 200);
}

// --- end-12: referrers ---------------------------------------------------------------------------

TEST(Distribution, ListsWhatIsAboutAManifest) {
  ServedRegistry registry;
  const Digest image = registry.push_image("x", "1");
  const auto about = [&](const char* type) {
    return manifest_of("{}", "a layer",
                       fmt::format(R"(,"artifactType":"{}","annotations":{{"k":"v"}},)"
                                   R"("subject":{{"mediaType":"{}","digest":"{}","size":1}})",
                                   type, kOciManifest, image.str()));
  };
  const Digest signature = Digest::of(about("sig"));
  const Told pushed = registry.push_manifest("x", signature.str(), kOciManifest, about("sig"));
  EXPECT_EQ(pushed.header("OCI-Subject"), image.str());
  registry.push_manifest("x", Digest::of(about("sbom")).str(), kOciManifest, about("sbom"));

  const Told all = registry.ask("GET", "/v2/x/referrers/" + image.str());
  EXPECT_EQ(all.header("Content-Type"), kOciIndex);
  EXPECT_EQ(json_of(all)["manifests"].size(), 2U);
  const Told some = registry.ask("GET", "/v2/x/referrers/" + image.str() + "?artifactType=sig");
  EXPECT_EQ(some.header("OCI-Filters-Applied"), "artifactType");
  EXPECT_EQ(json_of(some)["manifests"], nlohmann::json::array({{{"mediaType", kOciManifest},
                                                                {"digest", signature.str()},
                                                                {"size", about("sig").size()},
                                                                {"artifactType", "sig"},
                                                                {"annotations", {{"k", "v"}}}}}));
  registry.ask("DELETE", "/v2/x/manifests/" + signature.str());
  EXPECT_EQ(json_of(registry.ask("GET", "/v2/x/referrers/" + image.str()))["manifests"].size(), 1U);
  EXPECT_THAT(json_of(registry.ask("GET", "/v2/x/referrers/" + kNobody))["manifests"], IsEmpty());
}

// --- its directory -------------------------------------------------------------------------------

TEST(RegistryDirectory, WhatWasAcknowledgedIsThereAgain) {
  ServedRegistry registry;
  const Digest digest = registry.push_image("a/b", "1.0");
  const std::vector<std::string> before = registry.content();
  registry.restart();
  EXPECT_EQ(registry.content(), before);
  EXPECT_EQ(Digest::of(registry.ask("GET", "/v2/a/b/manifests/1.0").body), digest);
}

TEST(RegistryDirectory, IsServedOnce) {
  const ServedRegistry registry;
  try {
    const Registry second(registry.dir());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::conflict);
    EXPECT_THAT(error.what(), HasSubstr("served already"));
  }
}

TEST(RegistryDirectory, IsNobodyElses) {
  const TempDir dir;
  static_cast<void>(images::Store::open(dir.path()));
  EXPECT_THROW(Registry(dir.path()), Error);
  EXPECT_FALSE(exists(dir / "uploads"));
}

TEST(RegistryDirectory, LosesNothingForAFileOfAKilledRun) {
  ServedRegistry registry;
  registry.push_image("x", "1");
  testing::write_text(registry.dir() + "/repositories/x/_tags/.mini-docker-1-0", "half");
  testing::write_text(registry.dir() + "/blobs/sha256/.mini-docker-1-0", "half");
  registry.restart();
  EXPECT_THAT(registry.ask("GET", "/v2/x/tags/list").body, Not(HasSubstr("mini-docker")));
  EXPECT_EQ(registry.content().size(), 3U);
}

TEST(RegistryDirectory, AnErrorOfOursNamesNoPathToClients) {
  ServedRegistry registry;
  const Digest digest = registry.push_blob("x", "content");
  const std::string file = registry.dir() + "/blobs/sha256/" + digest.hex();
  ::unlink(file.c_str());
  EXPECT_EQ(registry.ask("GET", "/v2/x/blobs/" + digest.str()).code(), "BLOB_UNKNOWN");
  make_dirs(registry.dir() + "/repositories/x/_manifests/" + digest.hex());
  const Told told = registry.ask("GET", "/v2/x/manifests/" + digest.str());
  EXPECT_EQ(told.status, 500);
  EXPECT_THAT(told.body, Not(HasSubstr(registry.dir())));
  EXPECT_THAT(registry.log(), HasSubstr(registry.dir()));
}

}  // namespace
}  // namespace minidocker::registry_server
