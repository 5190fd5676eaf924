// `mini-docker pull` and `run` with a registry of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <string>
#include <utility>
#include <vector>

#include "docker_registry.hpp"
#include "layout_server.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::registry {
namespace {

using ::testing::AllOf;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// `word`, hashed by bcrypt.
const char kHtpasswd[] = "u:$2y$05$abcdefghijklmnopqrstuuQDoL5Sa/TtfS/XN4AY/jgq.HBbO1BTu\n";

// Calls of the programs by their users, in a network with nothing but the registry.
class MiniDockerPull : public ::testing::Test {
 protected:
  void in_network(const std::function<void()>& body) {
    testing::in_sandbox(
        [&body] {
          bring_up_loopback();
          body();
        },
        {.flags = CLONE_NEWNS | CLONE_NEWNET});
  }

  [[nodiscard]] std::vector<std::string> words(std::vector<std::string> words) const {
    words.insert(words.begin(),
                 {MD_BINARY_DIR "/bin/mini-docker", "--root", dir_.path() + "/state"});
    return words;
  }
  [[nodiscard]] CommandResult docker(std::vector<std::string> command,
                                     testing::CommandOptions options = {}) const {
    options.env.push_back("DOCKER_CONFIG=" + dir_.path());
    return testing::run_command(words(std::move(command)), std::move(options));
  }
  [[nodiscard]] std::string config() const { return dir_.path() + "/config.json"; }

  static void push(const DockerRegistry& peer, const std::string& name,
                   const std::vector<std::string>& options = {}) {
    std::vector<std::string> argv{testing::path_of("skopeo"), "--insecure-policy", "copy",
                                  "--dest-tls-verify=false"};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.insert(argv.end(),
                {"oci:" + testing::path_of("busybox"), "docker://" + peer.host() + "/" + name});
    const CommandResult result = testing::run_command(argv);
    ASSERT_EQ(result.exit_code, 0) << result.in_words();
  }

  TempDir dir_{MD_BINARY_DIR};
};

TEST_F(MiniDockerPull, BringsAnImageAndSaysSo) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox");
  in_network([this] {
    const DockerRegistry peer(5000);
    push(peer, "busybox:1");
    const CommandResult first = docker({"pull", "localhost:5000/busybox:1"});
    EXPECT_EQ(first.exit_code, 0) << first.in_words();
    EXPECT_THAT(first.out,
                AllOf(StartsWith("1: Pulling from localhost:5000/busybox\n"),
                      HasSubstr(": Pulling fs layer\n"), HasSubstr(": Pull complete\n"),
                      HasSubstr("\nDigest: sha256:"),
                      HasSubstr("\nStatus: Downloaded newer image for "
                                "localhost:5000/busybox:1\nlocalhost:5000/busybox:1\n")));
    const CommandResult second = docker({"pull", "localhost:5000/busybox:1"}, {.pty = true});
    EXPECT_THAT(second.out,
                AllOf(HasSubstr(": Already exists"), HasSubstr("Status: Image is up to date for")));
    const CommandResult back = docker({"push", "localhost:5000/busybox:1"});
    EXPECT_THAT(back.out,
                AllOf(StartsWith("The push refers to repository [localhost:5000/busybox]"),
                      HasSubstr(": Layer already exists\n"), HasSubstr("\n1: digest: sha256:")));
    EXPECT_EQ(docker({"pull", "-q", "localhost:5000/busybox:1"}).out, "localhost:5000/busybox:1\n");
    EXPECT_THAT(docker({"images"}).out, HasSubstr("localhost:5000/busybox   1 "));
    const CommandResult missing = docker({"pull", "localhost:5000/busybox:9"});
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_EQ(missing.err, "mini-docker: pull localhost:5000/busybox:9: manifest unknown\n");
  });
}

TEST_F(MiniDockerPull, IsKnownForGoodByItsDigestToo) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox", "overlay");
  in_network([this] {
    const DockerRegistry peer(5000);
    push(peer, "busybox:1");
    ASSERT_EQ(docker({"pull", "-q", "localhost:5000/busybox:1"}).exit_code, 0);
    std::string name =
        docker({"images", "--digests", "--format", "{{.Repository}}@{{.Digest}}"}).out;
    name.pop_back();
    EXPECT_THAT(name, StartsWith("localhost:5000/busybox@sha256:"));
    EXPECT_EQ(docker({"run", "--rm", name, "echo", "hi"}).out, "hi\n");
    ASSERT_EQ(docker({"tag", "localhost:5000/busybox:1", "localhost:5000/other:2"}).exit_code, 0);
    ASSERT_EQ(docker({"push", "-q", "localhost:5000/other:2"}).exit_code, 0);
    EXPECT_THAT(docker({"inspect", "-f", "{{json .RepoDigests}}", name}).out,
                HasSubstr("\"localhost:5000/other@sha256:"));
    EXPECT_EQ(docker({"rmi", "localhost:5000/busybox:1"}).out,
              "Untagged: localhost:5000/busybox:1\nUntagged: " + name + "\n");
    EXPECT_THAT(docker({"rmi", "localhost:5000/other:2"}).out, HasSubstr("\nDeleted: sha256:"));
    EXPECT_EQ(docker({"pull", "-q", name}).exit_code, 0);
    EXPECT_THAT(docker({"images"}).out, HasSubstr("localhost:5000/busybox   <none> "));
  });
}

TEST_F(MiniDockerPull, ComesByItselfBeforeARun) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox", "overlay");
  in_network([this] {
    const DockerRegistry peer(5000);
    push(peer, "busybox:1");
    const std::vector<std::string> run{"run", "--rm", "localhost:5000/busybox:1", "echo", "hi"};
    const CommandResult first = docker(run);
    EXPECT_EQ(first.out, "hi\n") << first.in_words();
    EXPECT_THAT(first.err, StartsWith("Unable to find image 'localhost:5000/busybox:1' locally\n"));
    const CommandResult second = docker(run);
    EXPECT_EQ(second.out, "hi\n") << second.in_words();
    EXPECT_THAT(second.err, Not(HasSubstr("Unable")));
  });
}

TEST_F(MiniDockerPull, OfAllTagsBringsEachAndPushGivesEach) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox");
  in_network([this] {
    const DockerRegistry peer(5000);
    push(peer, "busybox:1");
    push(peer, "busybox:2");
    EXPECT_EQ(docker({"pull", "-a", "-q", "localhost:5000/busybox"}).out,
              "localhost:5000/busybox:1\nlocalhost:5000/busybox:2\n");
    for (const char* tag : {":1", ":2"}) {
      ASSERT_EQ(docker({"tag", std::string("localhost:5000/busybox") + tag,
                        std::string("localhost:5000/other") + tag})
                    .exit_code,
                0);
    }
    EXPECT_EQ(docker({"push", "-a", "-q", "localhost:5000/other"}).out,
              "localhost:5000/other:1\nlocalhost:5000/other:2\n");
    EXPECT_THAT(docker({"pull", "-a", "localhost:5000/other"}).out,
                AllOf(StartsWith("1: Pulling from localhost:5000/other\n"),
                      HasSubstr("\n2: Pulling from localhost:5000/other\n")));
    EXPECT_EQ(docker({"pull", "-a", "localhost:5000/busybox:1"}).err,
              "mini-docker: tag can't be used with --all-tags/-a\n");
    EXPECT_EQ(docker({"push", "-a", "localhost:5000/none"}).exit_code, 1);
  });
}

TEST_F(MiniDockerPull, AsksMirrorsForImagesOfDockerHubFirst) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox", "overlay");
  in_network([this] {
    const DockerRegistry mirror(5000);
    push(mirror, "library/busybox:1");
    push(mirror, "mine:1");
    const std::string works = "--registry-mirror=http://localhost:5000";
    const std::string is_gone = "--registry-mirror=http://localhost:5001";
    const CommandResult ran = docker({is_gone, works, "run", "--rm", "busybox:1", "echo", "hi"});
    EXPECT_EQ(ran.out, "hi\n") << ran.in_words();
    EXPECT_THAT(ran.err, HasSubstr("mirror http://localhost:5001/: "));
    EXPECT_EQ(docker({"images", "--format", "{{.Repository}}:{{.Tag}}"}).out, "busybox:1\n");
    EXPECT_EQ(docker({works, "pull", "-a", "-q", "busybox"}).out, "docker.io/library/busybox:1\n");
    const CommandResult other = docker({is_gone, "pull", "busybox:2"});
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.err, AllOf(HasSubstr("registry-1.docker.io"),
                                 HasSubstr("(mirror http://localhost:5001/: ")));
    // Nobody asks a mirror for another registry's images, or where in it they might be.
    EXPECT_EQ(docker({works, "pull", "localhost:5001/mine:1"}).exit_code, 1);
    EXPECT_EQ(docker({"--registry-mirror=http://localhost:5000/v2", "pull", "busybox:1"}).err,
              "mini-docker: mirror http://localhost:5000/v2: only a scheme, a host and a port can "
              "be given\n");
  });
}

TEST_F(MiniDockerPull, DoesNotTellAMirrorWhoWeAre) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox");
  in_network([this] {
    testing::write_text(dir_.path() + "/htpasswd", kHtpasswd);
    const DockerRegistry mirror(5000, {.htpasswd = dir_.path() + "/htpasswd"});
    push(mirror, "library/busybox:1", {"--dest-creds", "u:word"});
    testing::write_text(config(),
                        R"({"auths":{"https://index.docker.io/v1/":{"auth":"dTp3b3Jk"}}})");
    const CommandResult result =
        docker({"--registry-mirror=http://localhost:5000", "pull", "busybox:1"});
    EXPECT_EQ(result.exit_code, 1) << result.in_words();
    EXPECT_THAT(result.err, HasSubstr("(mirror http://localhost:5000/: "));
  });
}

TEST_F(MiniDockerPull, IsWhoTheConfigFileSays) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox");
  in_network([this] {
    testing::write_text(dir_.path() + "/htpasswd", kHtpasswd);
    const DockerRegistry peer(5000, {.htpasswd = dir_.path() + "/htpasswd"});
    push(peer, "busybox:1", {"--dest-creds", "u:word"});
    EXPECT_THAT(docker({"pull", "localhost:5000/busybox:1"}).err, HasSubstr("docker login"));
    testing::write_text(dir_.path() + "/config.json",
                        R"({"auths":{"localhost:5000":{"auth":"dTp3b3Jk"}}})");
    const CommandResult known = docker({"pull", "localhost:5000/busybox:1"});
    EXPECT_EQ(known.exit_code, 0) << known.in_words();
  });
}

TEST_F(MiniDockerPull, LogsInAndOut) {
  MD_NEEDS("root", "docker-registry");
  in_network([this] {
    testing::write_text(dir_.path() + "/htpasswd", kHtpasswd);
    const DockerRegistry peer(5000, {.htpasswd = dir_.path() + "/htpasswd"});
    const std::vector<std::string> login{"login", "-u", "u", "--password-stdin", peer.host()};
    const CommandResult wrong = docker(login, {.input = "wrong\n"});
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_THAT(wrong.err, HasSubstr("login to localhost:5000: unauthorized: incorrect username"));
    EXPECT_FALSE(exists(config()));

    const CommandResult right = docker(login, {.input = "word\n"});
    EXPECT_EQ(right.out, "Login Succeeded\n") << right.in_words();
    EXPECT_THAT(right.err, HasSubstr("stored unencrypted in '" + config() + "'"));
    EXPECT_THAT(testing::read_text(config()), HasSubstr("\"auth\": \"dTp3b3Jk\""));
    EXPECT_THAT(docker({"pull", "localhost:5000/x"}).err, HasSubstr("manifest unknown"));
    EXPECT_EQ(docker({"login", peer.host()}).out,
              "Authenticating with existing credentials...\n\nLogin Succeeded\n");

    EXPECT_EQ(docker({"logout", peer.host()}).out,
              "Removing login credentials for localhost:5000\n");
    EXPECT_THAT(testing::read_text(config()), Not(HasSubstr("localhost")));
    EXPECT_THAT(docker({"login", peer.host()}).err,
                HasSubstr("Cannot perform an interactive login from a non TTY device"));
  });
}

TEST_F(MiniDockerPull, AsksAtATerminalWhoYouAre) {
  MD_NEEDS("root", "docker-registry");
  in_network([this] {
    testing::write_text(dir_.path() + "/htpasswd", kHtpasswd);
    const DockerRegistry peer(5000, {.htpasswd = dir_.path() + "/htpasswd"});
    testing::RunningCommand login(words({"login", peer.host()}),
                                  {.env = {"DOCKER_CONFIG=" + dir_.path()}, .pty = true});
    ASSERT_TRUE(login.read_until("Username: "));
    login.write("u\n");
    ASSERT_TRUE(login.read_until("Password: "));
    login.write("word\n");
    ASSERT_TRUE(login.read_until("Login Succeeded")) << login.out();
    EXPECT_EQ(login.wait().exit_code, 0);
    EXPECT_THAT(login.out(), Not(HasSubstr("word\r"))) << "the password was shown";

    testing::RunningCommand interrupted(words({"login", "-u", "u", peer.host()}),
                                        {.env = {"DOCKER_CONFIG=" + dir_.path()}, .pty = true});
    ASSERT_TRUE(interrupted.read_until("Password: "));
    interrupted.write("\x03");
    EXPECT_EQ(interrupted.wait().exit_code, 1);
    EXPECT_THAT(interrupted.out(), HasSubstr("interrupted"));
  });
}

// ctrl-C at the terminal, in the middle of the largest layer.
TEST_F(MiniDockerPull, ThatIsInterruptedGoesOnTheNextTime) {
  MD_NEEDS("root", "busybox");
  std::latch begun(1);
  std::latch interrupted(1);
  std::atomic<int> blobs = 0;
  LayoutServer server(testing::path_of("busybox"), [&](const std::string& path) -> std::uint64_t {
    if (path.find("/blobs/") == path.npos || interrupted.try_wait()) return LayoutServer::kAll;
    const int blob = ++blobs;                  // three ask at once
    if (blob == 1) return LayoutServer::kAll;  // the config
    if (blob == 2) return 1000;
    begun.count_down(blob == 3 ? 1 : 0);
    interrupted.wait();
    return 0;
  });
  const std::string name = server.host() + "/busybox:1";
  testing::RunningCommand pull(words({"pull", "--plain-http", name}), {.pty = true});
  begun.wait();
  ASSERT_TRUE(pull.read_until("Pulling fs layer"));
  pull.write("\x03");
  EXPECT_EQ(pull.wait().signal, SIGINT);
  interrupted.count_down();
  EXPECT_THAT(docker({"images", "-q"}).out, "");
  const CommandResult again = docker({"pull", "--plain-http", name}, {.pty = true});
  EXPECT_EQ(again.exit_code, 0) << again.in_words();
  EXPECT_THAT(again.out, AllOf(HasSubstr("\x1b["), HasSubstr(": Pull complete")));
  EXPECT_EQ(server.asked("/blobs/").size(), 4U) << "a config and three layers";
}

// What is left of a pull that was cut off is the next one's, or nobody's.
TEST_F(MiniDockerPull, PruneRemovesHalfDownloadsUnlessAPullGoesOnWithThem) {
  MD_NEEDS("root", "busybox");
  std::latch asked(1);
  std::latch pruned(1);
  LayoutServer server(testing::path_of("busybox"), [&](const std::string& path) -> std::uint64_t {
    if (path.find("/blobs/") == path.npos || pruned.try_wait()) return LayoutServer::kAll;
    asked.count_down(asked.try_wait() ? 0 : 1);
    pruned.wait();
    return LayoutServer::kAll;
  });
  const std::string blobs = testing::path_of("busybox") + "/blobs/sha256/";
  std::string boot = testing::read_text("/proc/sys/kernel/random/boot_id");
  boot.pop_back();
  const std::string downloads = dir_.path() + "/state/images/downloads/" + boot;
  std::string half;
  make_dirs(downloads);
  for (const std::string& name : list_dir(blobs)) {
    const std::string whole = testing::read_text(blobs + name);
    if (whole.size() < 100'000) continue;
    half = downloads + "/" + name;
    testing::write_text(half, whole.substr(0, 1000));
  }
  const std::string name = server.host() + "/busybox:1";
  testing::RunningCommand pull(words({"pull", "-q", "--plain-http", name}));
  asked.wait();
  EXPECT_EQ(docker({"image", "prune", "-f"}).out, "Total reclaimed space: 0B\n");
  EXPECT_TRUE(exists(half));
  pruned.count_down();
  EXPECT_EQ(pull.wait().exit_code, 0);

  for (const char* what : {"image", "system"}) {
    testing::write_text(half, std::string(1000, '?'));
    EXPECT_EQ(docker({what, "prune", "-f"}).out, "Total reclaimed space: 1kB\n");
    EXPECT_FALSE(exists(half));
  }
}

// Such as a small VM: libcurl refuses to begin when the file of authorities that it was built with
// is missing.
TEST_F(MiniDockerPull, NeedsNoAuthoritiesWhereNobodySpeaksTls) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox");
  in_network([this] {
    const DockerRegistry peer(5000);
    push(peer, "busybox:1");
    ASSERT_EQ(::mount("none", "/etc/ssl/certs", "tmpfs", 0, nullptr), 0);
    const CommandResult pulled = docker({"pull", "-q", "localhost:5000/busybox:1"});
    EXPECT_EQ(pulled.exit_code, 0) << pulled.in_words();
  });
}

// A small program starts in a millisecond; one that loads libcurl, and what that loads, in five.
TEST(Programs, OnlyTheWorkerLinksLibcurl) {
  const auto links = [](const std::string& program) {
    const std::string path = MD_BINARY_DIR "/bin/" + program;
    return testing::read_text(path).find("libcurl") != std::string::npos;
  };
  EXPECT_TRUE(links("mini-worker"));
  for (const char* program : {"mini-docker", "mini-shim", "mini-runc"}) {
    EXPECT_FALSE(links(program)) << program;
  }
}

}  // namespace
}  // namespace minidocker::registry
