// Our client and registries and clients of others.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "docker_registry.hpp"
#include "fakes.hpp"
#include "minidocker/registry/curl_transport.hpp"
#include "minidocker/registry/lists.hpp"
#include "minidocker/registry/pull.hpp"
#include "minidocker/registry/push.hpp"
#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "wire_server.hpp"

namespace minidocker::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Phase = BlobProgress::Phase;

// `word`, hashed by bcrypt.
const char kHtpasswd[] = "u:$2y$05$abcdefghijklmnopqrstuuQDoL5Sa/TtfS/XN4AY/jgq.HBbO1BTu\n";

// A store in a directory of its own, and one client of it.
class Client {
 public:
  explicit Client(std::string host, SessionOptions options = {}, const std::string& certs_dir = "")
      : host_(std::move(host)),
        transport_(make_curl_transport({.certs_dir = certs_dir})),
        session_(host_, std::move(options), *transport_, clock_) {}

  PulledImage pull(const std::string& name) {
    return pull_image(reference(name), session_, store(), {}, keep());
  }
  images::Digest push(const std::string& image, const std::string& name, PushOptions options = {}) {
    return push_image(reference(name), session_, store(), store().get_image(image), options,
                      keep());
  }

  [[nodiscard]] Reference reference(const std::string& name) const {
    return Reference::parse(host_ + "/" + name);
  }
  [[nodiscard]] images::Store store() const { return images::Store::open(dir_.path() + "/images"); }
  [[nodiscard]] std::string host_name(const std::string& name) const { return host_ + "/" + name; }
  [[nodiscard]] std::string layout() const { return dir_.path() + "/images"; }
  Session& session() { return session_; }

  /// Phases told since the last call, each layer's last one.
  std::vector<Phase> ends() {
    std::map<images::Digest, Phase> last;
    for (const BlobProgress& progress : told_)
      last.insert_or_assign(progress.digest, progress.phase);
    told_.clear();
    std::vector<Phase> phases;
    for (const auto& [digest, phase] : last) phases.push_back(phase);
    return phases;
  }

 private:
  TransferProgress keep() {
    return [this](const BlobProgress& progress) { told_.push_back(progress); };
  }

  std::string host_;
  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<HttpTransport> transport_;
  Session session_;
  std::vector<BlobProgress> told_;
};

// An image of the store with one layer of so many bytes, as nobody else has them. It is a layer
// for registries only: nothing unpacks it.
images::ImageName add_image(const Client& client, const std::string& name, std::size_t bytes) {
  const images::Store store = client.store();
  const images::StoreLock lock = store.lock();
  std::string layer = name;
  while (layer.size() < bytes) layer += layer;
  layer.resize(bytes);
  const std::string config = fmt::format(
      R"({{"os":"linux","architecture":"amd64","rootfs":{{"type":"layers","diff_ids":["{}"]}}}})",
      images::Digest::of(layer).str());
  const images::Manifest manifest{
      {images::kOciConfig, store.put_blob(lock, config), config.size()},
      {{images::kOciLayerGzip, store.put_blob(lock, layer), layer.size()}}};
  const std::string text = images::to_json(manifest);
  images::ImageName full = images::ImageName::parse(name);
  store.add_image(lock, {images::kOciManifest, store.put_blob(lock, text), text.size()}, {full});
  return full;
}

void in_network(const std::function<void()>& body) {
  testing::in_sandbox([&body] {
    bring_up_loopback();
    body();
  });
}

// --- whole ways ----------------------------------------------------------------------------------

TEST(DockerRegistry, GivesBackWhatWasPushed) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const DockerRegistry peer(5000);
    Client ours(peer.host());
    add_image(ours, "mine", 100'000);
    const images::Digest digest = ours.push("mine", "a/b:1");
    EXPECT_THAT(ours.ends(), ElementsAre(Phase::done, Phase::done));

    Client theirs(peer.host());
    const PulledImage pulled = theirs.pull("a/b:1");
    EXPECT_EQ(pulled.manifest.digest, digest);
    EXPECT_EQ(theirs.store().get_image(theirs.host_name("a/b:1")).id, pulled.id);
    EXPECT_EQ(theirs.pull("a/b@" + digest.str()).id, pulled.id);
    EXPECT_THAT(failure_of([&] { return theirs.pull("a/b:2"); }), HasSubstr("manifest unknown"));
  });
}

TEST(DockerRegistry, TakesLargeBlobsInPieces) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const DockerRegistry peer(5000);
    Client ours(peer.host());
    add_image(ours, "mine", 1'000'001);
    ours.push("mine", "big:1", {.piece = 200'000, .mount_from = {}});
    EXPECT_NE(peer.log().find("listening"), std::string::npos);
    Client theirs(peer.host());
    theirs.pull("big:1");
  });
}

TEST(DockerRegistry, GetsNothingTwice) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const DockerRegistry peer(5000);
    Client ours(peer.host());
    add_image(ours, "mine", 1000);
    ours.push("mine", "first:1");
    ours.ends();
    ours.push("mine", "first:2");
    EXPECT_THAT(ours.ends(), ElementsAre(Phase::exists, Phase::exists));

    ours.pull("first:1");  // now the store knows that `first` has the layer
    ours.ends();
    PushOptions options;
    options.mount_from = known_repositories(ours.store(), ours.reference("second:1"));
    ours.push("mine", "second:1", options);
    EXPECT_THAT(ours.ends(), ::testing::UnorderedElementsAre(Phase::mounted, Phase::done));
  });
}

TEST(DockerRegistry, TellsWhatItHas) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const DockerRegistry peer(5000);
    Client ours(peer.host());
    add_image(ours, "mine", 10);
    for (const char* name : {"one:a", "one:b", "two:c"}) ours.push("mine", name);
    EXPECT_THAT(list_tags(ours.session(), "one"), ::testing::UnorderedElementsAre("a", "b"));
    EXPECT_THAT(list_repositories(ours.session()), ElementsAre("one", "two"));
    EXPECT_EQ(kind_of_failure([&] { return list_tags(ours.session(), "none"); }),
              ErrorKind::not_found);
  });
}

// --- TLS -----------------------------------------------------------------------------------------

TEST(DockerRegistry, IsTrustedByTheAuthorityOfItsHost) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const TestAuthority authority = make_authority();
    const DockerRegistry peer(5000, {.certificate = authority.certificate, .key = authority.key});
    Client stranger(peer.host());
    EXPECT_THAT(failure_of([&] { return stranger.pull("x:1"); }),
                HasSubstr("trusted as /etc/docker/certs.d/localhost:5000/ca.crt"));

    const TempDir certs;
    make_dirs(certs.path() + "/localhost:5000");
    testing::write_text(certs.path() + "/localhost:5000/ca.crt", testing::read_text(authority.ca));
    Client ours(peer.host(), {}, certs.path());
    add_image(ours, "mine", 1000);
    ours.push("mine", "x:1");
    EXPECT_FALSE(ours.pull("x:1").id.hex().empty());
    EXPECT_EQ(ours.session().base().scheme, "https");
  });
}

TEST(DockerRegistry, MayWantACertificateOfOurs) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const TestAuthority authority = make_authority();
    const DockerRegistry peer(
        5000,
        {.certificate = authority.certificate, .key = authority.key, .client_ca = authority.ca});
    const TempDir certs;
    const std::string host = certs.path() + "/localhost:5000";
    make_dirs(host);
    testing::write_text(host + "/ca.crt", testing::read_text(authority.ca));
    EXPECT_NE(failure_of([&] { return Client(peer.host(), {}, certs.path()).pull("x:1"); }), "");
    testing::write_text(host + "/me.cert", testing::read_text(authority.certificate));
    testing::write_text(host + "/me.key", testing::read_text(authority.key));
    EXPECT_THAT(failure_of([&] { return Client(peer.host(), {}, certs.path()).pull("x:1"); }),
                HasSubstr("manifest unknown"));
  });
}

// --- who we are ----------------------------------------------------------------------------------

TEST(DockerRegistry, AsksForAPassword) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const TempDir dir;
    testing::write_text(dir.path() + "/htpasswd", kHtpasswd);
    const DockerRegistry peer(5000, {.htpasswd = dir.path() + "/htpasswd"});
    Client known(peer.host(), {.credentials = Credentials{"u", "word", ""}});
    add_image(known, "mine", 1000);
    known.push("mine", "x:1");
    known.pull("x:1");
    Client wrong(peer.host(), {.credentials = Credentials{"u", "wrong", ""}});
    EXPECT_EQ(kind_of_failure([&] { return wrong.pull("x:1"); }), ErrorKind::permission);
    Client nobody(peer.host());
    EXPECT_THAT(failure_of([&] { return nobody.pull("x:1"); }), HasSubstr("docker login"));
  });
}

TEST(DockerRegistry, SendsUsToItsTokenServer) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const TestAuthority authority = make_authority();
    const std::string token = make_token(authority, "x", "pull,push");
    std::string asked;
    const WireServer tokens([&](WireConnection& connection) {
      asked = connection.read_request();
      const bool known = asked.find("Authorization: Basic " + base64("u:word")) != asked.npos;
      connection.write(known ? http_answer("{\"token\":\"" + token + "\"}")
                             : http_answer("{\"details\":\"who are you?\"}", "", "401 No"));
    });
    const DockerRegistry peer(
        5000, {.token_realm = tokens.url() + "/token", .token_bundle = authority.ca});
    Client known(peer.host(), {.credentials = Credentials{"u", "word", ""}});
    add_image(known, "mine", 1000);
    known.push("mine", "x:1");
    EXPECT_THAT(asked, HasSubstr("GET /token?service=service&scope=repository%3Ax%3Apull%2Cpush"));
    known.pull("x:1");
    EXPECT_EQ(kind_of_failure([&] {
                known.push("mine", "other:1");
                return 0;
              }),
              ErrorKind::permission);
    Client nobody(peer.host());
    EXPECT_THAT(failure_of([&] { return nobody.pull("x:1"); }), HasSubstr("who are you?"));
  });
}

// --- the transcript of this chapter's text
// ---------------------------------------------------------

std::string shell(const std::string& line, const std::string& dir) {
  const testing::CommandResult result =
      testing::run_command({"sh", "-c", line + " 2>&1"},
                           {.cwd = dir, .env = {"PATH=" MD_BINARY_DIR "/bin:/usr/bin:/bin"}});
  return "$ " + line + "\n" + result.out;
}

TEST(Golden, APullAndAPushAsTheyGoOverTheWire) {
  MD_NEEDS("root", "docker-registry");
  in_network([] {
    const TestAuthority authority = make_authority();
    const std::string token = make_token(authority, "team/tool", "pull,push");
    const WireServer tokens(
        [&](WireConnection& connection) {
          connection.read_request();
          connection.write(http_answer("{\"token\":\"" + token + "\"}"));
        },
        7000);
    const DockerRegistry peer(
        5000, {.token_realm = tokens.url() + "/token", .token_bundle = authority.ca});
    Client ours(peer.host());
    add_image(ours, "mine", 1000);
    std::string told =
        shell("regtalk --store " + ours.layout() + " push mine localhost:5000/team/tool:1", "/tmp");
    const std::string layout = ours.layout();
    for (std::size_t at = 0; (at = told.find(layout)) != told.npos;) {
      told.replace(at, layout.size(), "images");
    }
    told = std::regex_replace(told, std::regex("uploads/[-0-9a-f]{36}"), "uploads/UUID");
    told = std::regex_replace(told, std::regex("_state=[^ &\n]*"), "_state=...");
    told += shell("regtalk --store copy pull localhost:5000/team/tool:1", "/tmp");
    told += shell("regtalk tags localhost:5000/team/tool", "/tmp");
    told = std::regex_replace(told, std::regex("([0-9a-f]{12})[0-9a-f]{52}"), "$1...");
    told = std::regex_replace(told, std::regex("OpenSSL/3[0-9.]*"), "OpenSSL/3");
    testing::expect_golden("chapters/05-registry/tests/golden/wire.txt", told);
  });
}

// --- skopeo --------------------------------------------------------------------------------------

std::string skopeo(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{testing::path_of("skopeo"), "--insecure-policy"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const testing::CommandResult result = testing::run_command(argv);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return result.out;
}

TEST(Skopeo, PushesWhatWePull) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox");
  in_network([] {
    const DockerRegistry peer(5000);
    for (const char* format : {"oci", "v2s2"}) {
      const std::string name = std::string("busybox:") + format;
      skopeo({"copy", "--dest-tls-verify=false", "--format", format,
              "oci:" + testing::path_of("busybox"), "docker://" + peer.host() + "/" + name});
      Client ours(peer.host());
      const PulledImage pulled = ours.pull(name);
      EXPECT_TRUE(pulled.is_new) << format;
      EXPECT_TRUE(images::is_manifest_type(pulled.manifest.media_type)) << format;
    }
  });
}

TEST(Skopeo, ReadsWhatWePush) {
  MD_NEEDS("root", "docker-registry", "skopeo");
  in_network([] {
    const DockerRegistry peer(5000);
    Client ours(peer.host());
    add_image(ours, "mine", 50'000);
    const images::Digest digest = ours.push("mine", "x:1");
    const std::string told =
        skopeo({"inspect", "--tls-verify=false", "docker://" + peer.host() + "/x:1"});
    EXPECT_THAT(told, HasSubstr(digest.str()));
    const TempDir dir;
    skopeo({"copy", "--preserve-digests", "--src-tls-verify=false",
            "docker://" + peer.host() + "/x:1", "oci:" + dir.path() + "/copy:1"});
    EXPECT_TRUE(exists(dir.path() + "/copy/blobs/sha256/" + digest.hex()));
  });
}

}  // namespace
}  // namespace minidocker::registry
