// `mini-docker pull` and `run` with a registry of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include "docker_registry.hpp"
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

  [[nodiscard]] CommandResult docker(std::vector<std::string> words,
                                     testing::CommandOptions options = {}) const {
    words.insert(words.begin(),
                 {MD_BINARY_DIR "/bin/mini-docker", "--root", dir_.path() + "/state"});
    options.env.push_back("DOCKER_CONFIG=" + dir_.path());
    return testing::run_command(words, std::move(options));
  }

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

TEST_F(MiniDockerPull, IsWhoTheConfigFileSays) {
  MD_NEEDS("root", "docker-registry", "skopeo", "busybox");
  in_network([this] {
    testing::write_text(dir_.path() + "/htpasswd",
                        "u:$2y$05$abcdefghijklmnopqrstuuQDoL5Sa/TtfS/XN4AY/jgq.HBbO1BTu\n");
    const DockerRegistry peer(5000, {.htpasswd = dir_.path() + "/htpasswd"});
    push(peer, "busybox:1", {"--dest-creds", "u:word"});
    EXPECT_THAT(docker({"pull", "localhost:5000/busybox:1"}).err, HasSubstr("docker login"));
    testing::write_text(dir_.path() + "/config.json",
                        R"({"auths":{"localhost:5000":{"auth":"dTp3b3Jk"}}})");
    const CommandResult known = docker({"pull", "localhost:5000/busybox:1"});
    EXPECT_EQ(known.exit_code, 0) << known.in_words();
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
