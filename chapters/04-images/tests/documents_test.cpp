#include <string>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/image_config.hpp"
#include "minidocker/images/image_name.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::images {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string kHex(64, 'a');
const std::string kDigest = "sha256:" + kHex;

// The message of the Error that `body` throws; empty if it throws none.
template <class Body>
std::string refusal_of(Body body) {
  try {
    static_cast<void>(body());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    return error.what();
  }
  return "";
}

// --- digests -----------------------------------------------------------------------------------

TEST(Digest, IsWhatSha256sumPrints) {
  EXPECT_EQ(Digest::of("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Digest::of("").short_id(), "e3b0c44298fc");
}

TEST(Digest, IsTheSameInPiecesAsInOne) {
  Hasher hasher;
  hasher.update("a", 1);
  hasher.update("bc", 2);
  Hasher moved = std::move(hasher);
  EXPECT_EQ(moved.finish(), Digest::of("abc"));
}

TEST(Digest, ParsesOnlyItsOneForm) {
  EXPECT_EQ(Digest::parse(kDigest).str(), kDigest);
  EXPECT_EQ(Digest::from_hex(kHex), Digest::parse(kDigest));
  for (const std::string& bad :
       {std::string(), kHex, "sha512:" + kHex, "sha256:" + kHex + "a", "sha256:A" + kHex.substr(1),
        std::string("sha256:../../etc/passwd")}) {
    EXPECT_FALSE(Digest::find(bad)) << bad;
    EXPECT_THAT(refusal_of([&] { return Digest::parse(bad); }), HasSubstr("64 hex digits"));
  }
  EXPECT_THAT(refusal_of([] { return Digest::from_hex("xyz"); }), HasSubstr("\"xyz\""));
}

// --- names -------------------------------------------------------------------------------------

TEST(ImageName, FillsInWhatPeopleLeaveOut) {
  EXPECT_EQ(ImageName::parse("busybox").full(), "docker.io/library/busybox:latest");
  EXPECT_EQ(ImageName::parse("me/tool:v1").full(), "docker.io/me/tool:v1");
  EXPECT_EQ(ImageName::parse("localhost/x").full(), "localhost/x:latest");
  EXPECT_EQ(ImageName::parse("host:5000/a/b:c").full(), "host:5000/a/b:c");
  EXPECT_EQ(ImageName::parse("index.docker.io/library/busybox").full(),
            "docker.io/library/busybox:latest");
  EXPECT_EQ(ImageName::parse("a__b/c-d.e---f:T_1.2-3").full(), "docker.io/a__b/c-d.e---f:T_1.2-3");
}

TEST(ImageName, IsShownWithoutWhatDockerLeavesOut) {
  EXPECT_EQ(ImageName::parse("docker.io/library/busybox").familiar(), "busybox:latest");
  EXPECT_EQ(ImageName::parse("me/tool").familiar(), "me/tool:latest");
  EXPECT_EQ(ImageName::parse("ghcr.io/me/tool").familiar_repository(), "ghcr.io/me/tool");
  EXPECT_EQ(ImageName::parse("library/a/b").familiar_repository(), "library/a/b");
}

TEST(ImageName, TakesEveryFormOfHost) {
  for (const char* host : {"localhost", "h.example", "H", "xn--n3h.com", "1.2.3.4", "h-1.a:5000",
                           "localhost:1", "[::1]", "[2001:db8::7]:5000", "a:80"}) {
    const std::string text = std::string(host) + "/x";
    EXPECT_EQ(ImageName::parse(text).domain, host) << text;
  }
}

TEST(ImageName, RefusesWhatIsNoHost) {
  for (const char* host : {"-a.b", "a-.b", "a..b", ".a", "a.", "a:", "a:b", "a:1:2", "a_b.c",
                           "[:]x", "[::1", "[::1]x", "[::1]:", "[g::]", "[::1]:x", ":80"}) {
    const std::string text = std::string(host) + "/x";
    EXPECT_THAT(refusal_of([&] { return ImageName::parse(text); }), HasSubstr("is no host"))
        << text;
  }
}

TEST(ImageName, IsNoImageId) {
  EXPECT_THAT(refusal_of([] { return ImageName::parse(std::string(64, 'a')); }),
              HasSubstr("the id of an image"));
  EXPECT_EQ(ImageName::parse(std::string(63, 'a')).path, "library/" + std::string(63, 'a'));
}

TEST(ImageName, RefusesWhatDockerRefuses) {
  for (const std::string& bad :
       {std::string(), std::string("Busybox"), std::string("a//b"), std::string("-a"),
        std::string("a-"), std::string("a..b"), std::string("a___b"), std::string("a:"),
        std::string("a:b c"), "a:" + std::string(129, 't'), std::string("../x"),
        std::string("a@" + kDigest), std::string(256, 'a'), std::string("ho st.x/a"),
        std::string("a/B"), std::string("a:.b")}) {
    EXPECT_THAT(refusal_of([&] { return ImageName::parse(bad); }),
                HasSubstr("invalid reference format"))
        << bad;
  }
  EXPECT_THAT(refusal_of([] { return ImageName::parse("a/B"); }), HasSubstr("must be lowercase"));
}

TEST(DigestName, IsANameAndADigestWithoutATag) {
  const DigestName name = DigestName::parse("busybox:1@" + kDigest);
  EXPECT_EQ(name.full(), "docker.io/library/busybox@" + kDigest);
  EXPECT_EQ(name.familiar(), "busybox@" + kDigest);
  EXPECT_EQ(DigestName::parse("h:5000/x@" + kDigest).familiar(), "h:5000/x@" + kDigest);
  for (const std::string bad : {"busybox", "busybox@", "busybox@sha256:12", "@"}) {
    EXPECT_THAT(refusal_of([&] { return DigestName::parse(bad); }),
                HasSubstr("invalid reference format"));
  }
  EXPECT_THAT(refusal_of([&] { return DigestName::parse("Busy@" + kDigest); }),
              HasSubstr("must be lowercase"));
}

// --- manifests and indexes -----------------------------------------------------------------------

std::string descriptor(const std::string& more = "") {
  return fmt::format(R"({{"mediaType":"t","digest":"{}","size":7{}}})", kDigest, more);
}

std::string manifest(const std::string& config, const std::string& layers,
                     const std::string& more = "") {
  return fmt::format(R"({{"schemaVersion":2,{}"config":{},"layers":{}}})", more, config, layers);
}

TEST(Manifest, NamesItsConfigAndLayers) {
  const Manifest parsed = parse_manifest(
      manifest(descriptor(), "[" + descriptor(R"(,"annotations":{"a":"b"})") + "]"), "m");
  EXPECT_EQ(parsed.config.digest.str(), kDigest);
  EXPECT_EQ(parsed.config.size, 7U);
  ASSERT_EQ(parsed.layers.size(), 1U);
  EXPECT_EQ(parsed.layers[0].annotations.at("a"), "b");
}

TEST(Manifest, IsWrittenAsItIsRead) {
  const Manifest parsed = parse_manifest(manifest(descriptor(), "[" + descriptor() + "]"), "m");
  EXPECT_EQ(to_json(parse_manifest(to_json(parsed), "again")), to_json(parsed));
}

TEST(Manifest, OfDockersKindIsTakenToo) {
  const std::string type = fmt::format(R"("mediaType":"{}",)", kDockerManifest);
  EXPECT_EQ(parse_manifest(manifest(descriptor(), "[]", type), "m").layers.size(), 0U);
}

TEST(Manifest, SaysWhichMemberIsWrong) {
  const auto refusal = [](const std::string& text) {
    return refusal_of([&] { return parse_manifest(text, "manifest x"); });
  };
  EXPECT_EQ(refusal("nonsense"), "manifest x: is no JSON");
  EXPECT_EQ(refusal("7"), "manifest x: must be a JSON object or array");
  EXPECT_THAT(refusal("{}"), HasSubstr("\"schemaVersion\" must be 2"));
  EXPECT_THAT(refusal(R"({"schemaVersion":1})"), HasSubstr("\"schemaVersion\" must be 2"));
  EXPECT_THAT(refusal(R"({"schemaVersion":2})"), HasSubstr("\"config\" must be"));
  EXPECT_THAT(refusal(manifest("{}", "[]")), HasSubstr("config: member \"digest\""));
  EXPECT_THAT(refusal(manifest("7", "[]")), HasSubstr("config: must be a JSON object"));
  EXPECT_THAT(refusal(manifest(descriptor(), "7")), HasSubstr("\"layers\" must be an array"));
  EXPECT_THAT(refusal(manifest(descriptor(), "[7]")), HasSubstr("layers[0]: must be a JSON"));
  EXPECT_THAT(refusal(manifest(descriptor(R"(,"size":-1)"), "[]")), HasSubstr("\"size\" must be"));
  EXPECT_THAT(refusal(manifest(descriptor(R"(,"mediaType":7)"), "[]")), HasSubstr("a string"));
  EXPECT_THAT(refusal(manifest(descriptor(R"(,"annotations":7)"), "[]")), HasSubstr("annotations"));
  EXPECT_THAT(refusal(manifest(descriptor(R"(,"annotations":{"a":7})"), "[]")),
              HasSubstr("annotations"));
  EXPECT_THAT(refusal(manifest(descriptor(), "[]", R"("mediaType":"x",)")), HasSubstr("\"x\""));
}

TEST(Manifest, IsBoundedInSizeDepthAndLayers) {
  EXPECT_THAT(refusal_of([] { return parse_manifest(std::string(5'000'000, ' '), "m"); }),
              HasSubstr("bytes of JSON"));
  EXPECT_THAT(refusal_of([] { return parse_manifest(std::string(100'000, '['), "m"); }),
              HasSubstr("nested deeper"));
  EXPECT_THAT(refusal_of([] { return parse_manifest(R"(["[[\"[[[["])", "m"); }),
              HasSubstr("schemaVersion"));
  std::string layers = "[" + descriptor();
  for (int i = 0; i < 500; ++i) layers += "," + descriptor();
  EXPECT_THAT(refusal_of([&] { return parse_manifest(manifest(descriptor(), layers + "]"), "m"); }),
              HasSubstr("at most 500"));
}

std::string index(const std::string& manifests, const std::string& more = "") {
  return fmt::format(R"({{"schemaVersion":2,{}"manifests":[{}]}})", more, manifests);
}

std::string platform(const std::string& os, const std::string& architecture,
                     const std::string& variant = "") {
  return descriptor(fmt::format(R"(,"platform":{{"os":"{}","architecture":"{}","variant":"{}"}})",
                                os, architecture, variant));
}

TEST(Index, HoldsEntriesWithTheirPlatforms) {
  const Index parsed = parse_index(
      index(platform("windows", "amd64") + "," + platform("linux", "arm64", "v8") + "," +
            platform("unknown", "unknown") + "," +
            descriptor(R"(,"annotations":{"vnd.docker.reference.type":"attestation-manifest"})")),
      "i");
  ASSERT_THAT(parsed.manifests, SizeIs(4));
  EXPECT_EQ(parsed.manifests[1].platform->str(), "linux/arm64/v8");
  EXPECT_FALSE(is_attestation(parsed.manifests[1]));
  EXPECT_TRUE(is_attestation(parsed.manifests[2]));
  EXPECT_TRUE(is_attestation(parsed.manifests[3]));
}

TEST(Index, IsWrittenAsItIsRead) {
  const Index parsed =
      parse_index(index(platform("linux", "arm64", "v8") + "," + descriptor()), "i");
  EXPECT_EQ(to_json(parse_index(to_json(parsed), "again")), to_json(parsed));
  EXPECT_THAT(refusal_of([] { return parse_index(index("", R"("mediaType":"x",)"), "i"); }),
              HasSubstr("image index"));
  EXPECT_TRUE(is_index_type(kDockerIndex));
  EXPECT_FALSE(is_index_type(kOciManifest));
}

TEST(Platform, FitsWhereItsVariantIsNoOther) {
  EXPECT_TRUE((Platform{"linux", "arm64", "v8"}.fits({"linux", "arm64", ""})));
  EXPECT_TRUE((Platform{"linux", "arm64", ""}.fits({"linux", "arm64", "v8"})));
  EXPECT_FALSE((Platform{"linux", "arm64", "v7"}.fits({"linux", "arm64", "v8"})));
  EXPECT_FALSE((Platform{"linux", "amd64", ""}.fits({"linux", "arm64", "v8"})));
  EXPECT_FALSE((Platform{"windows", "amd64", ""}.fits({"linux", "amd64", ""})));
}

TEST(Platform, IsParsedAsPeopleTypeIt) {
  const Platform arm = Platform::parse("linux/arm64/v8");
  EXPECT_EQ(arm.str(), "linux/arm64/v8");
  EXPECT_EQ(Platform::parse("linux/amd64").variant, "");
  for (const char* wrong : {"", "linux", "linux/", "/amd64", "linux//v8", "a/b/c/d"}) {
    EXPECT_THROW(Platform::parse(wrong), Error) << wrong;
  }
}

TEST(Platform, IsNamedAsInImages) {
  EXPECT_EQ((Platform{"linux", "arm64", "v8"}.str()), "linux/arm64/v8");
  EXPECT_THAT(Platform::here().str(), HasSubstr("linux/"));
}

// --- configs -------------------------------------------------------------------------------------

TEST(ImageConfig, HoldsWhatToRun) {
  const ImageConfig config = parse_image_config(
      fmt::format(R"({{"os":"linux","architecture":"amd64","created":"2024-01-01T00:00:00Z",
        "config":{{"User":"1:2","Env":["A=b"],"Entrypoint":["/e"],"Cmd":["c","d"],
        "WorkingDir":"/w","Volumes":{{"/v":{{}}}},"Labels":{{"k":"v"}}}},
        "rootfs":{{"type":"layers","diff_ids":["{}"]}}}})",
                  kDigest),
      "c");
  EXPECT_EQ(config.platform.str(), "linux/amd64");
  EXPECT_EQ(config.user, "1:2");
  EXPECT_THAT(config.env, ElementsAre("A=b"));
  EXPECT_THAT(config.entrypoint, ElementsAre("/e"));
  EXPECT_THAT(config.cmd, ElementsAre("c", "d"));
  EXPECT_EQ(config.working_dir, "/w");
  EXPECT_THAT(config.volumes, ElementsAre("/v"));
  EXPECT_THAT(config.diff_ids, ElementsAre(Digest::parse(kDigest)));
}

TEST(ImageConfig, TellsHowItCameToBe) {
  const ImageConfig config = parse_image_config(
      R"({"author":"me","comment":"done","config":{"Cmd":["x"],"Labels":{"k":"v"}},
        "rootfs":{"diff_ids":[]},"history":[{"created":"2024-01-01T00:00:00Z","created_by":"ADD x",
        "comment":"c"},{"created_by":"CMD y","empty_layer":true}]})",
      "c");
  EXPECT_EQ(config.author, "me");
  EXPECT_EQ(config.comment, "done");
  EXPECT_EQ(config.labels.at("k"), "v");
  EXPECT_EQ(config.defaults, R"({"Cmd":["x"],"Labels":{"k":"v"}})");
  ASSERT_THAT(config.history, SizeIs(2));
  EXPECT_EQ(config.history[0].created_by, "ADD x");
  EXPECT_EQ(config.history[0].comment, "c");
  EXPECT_FALSE(config.history[0].empty_layer);
  EXPECT_TRUE(config.history[1].empty_layer);
}

TEST(ImageConfig, LayersAreNamedWithAllThatLiesBelowThem) {
  const Digest a = Digest::of("a");
  const Digest b = Digest::of("b");
  const Digest both = Digest::of(a.str() + " " + b.str());
  EXPECT_THAT(chain_ids({a, b, a}), ElementsAre(a, both, Digest::of(both.str() + " " + a.str())));
}

TEST(ImageConfig, MayHoldNulls) {
  const ImageConfig config = parse_image_config(
      R"({"config":{"Env":null,"Cmd":null,"Volumes":null,"Labels":null},"rootfs":{"diff_ids":[]}})",
      "c");
  EXPECT_TRUE(config.cmd.empty());
}

TEST(ImageConfig, SaysWhichMemberIsWrong) {
  const auto refusal = [](const std::string& members) {
    return refusal_of([&] { return parse_image_config("{" + members + "}", "config x"); });
  };
  const std::string rootfs = R"("rootfs":{"diff_ids":[]},)";
  EXPECT_THAT(refusal(""), HasSubstr("config x: member \"rootfs\""));
  EXPECT_THAT(refusal(R"("rootfs":{"diff_ids":["x"]})"), HasSubstr("\"diff_ids\""));
  EXPECT_THAT(refusal(R"("rootfs":{"diff_ids":7})"), HasSubstr("\"diff_ids\""));
  EXPECT_THAT(refusal(rootfs + R"("history":[7])"), HasSubstr("\"history\" must be an array"));
  EXPECT_THAT(refusal(rootfs + R"("config":{"Labels":{"a":7}})"), HasSubstr("\"Labels\" must be"));
  EXPECT_THAT(refusal(rootfs + R"("config":7)"), HasSubstr("\"config\" must be an object"));
  EXPECT_THAT(refusal(rootfs + R"("config":{"Env":"x"})"), HasSubstr("\"Env\" must be an array"));
  EXPECT_THAT(refusal(rootfs + R"("config":{"Env":[7]})"), HasSubstr("\"Env\" must be an array"));
  EXPECT_THAT(refusal(rootfs + R"("config":{"User":7})"), HasSubstr("\"User\" must be a string"));
  EXPECT_THAT(refusal(rootfs + R"("config":{"Volumes":[]})"), HasSubstr("\"Volumes\" must be"));
  std::string many = "\"" + kDigest + "\"";
  for (int i = 0; i < 500; ++i) many += ",\"" + kDigest + "\"";
  EXPECT_THAT(refusal(R"("rootfs":{"diff_ids":[)" + many + "]}"), HasSubstr("at most 500"));
}

}  // namespace
}  // namespace minidocker::images
