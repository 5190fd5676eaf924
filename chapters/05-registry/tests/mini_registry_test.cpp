// Our registry as a program, with clients of others and our own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <regex>
#include <string>
#include <vector>

#include "mini_registry.hpp"
#include "minidocker/images/digest.hpp"
#include "minidocker/testing/dockerd.hpp"
#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/podman.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {
namespace {

using ::testing::AllOf;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

std::string line_of(const CommandResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return result.out.substr(0, result.out.find('\n'));
}

/// `mini-docker WORDS...` with a state of its own; what its first line says.
std::string ours(const TempDir& dir, Words words) {
  words.insert(words.begin(), {MD_BINARY_DIR "/bin/mini-docker", "--root", dir / "state"});
  return line_of(testing::run_command(words, {.env = {"DOCKER_CONFIG=" + dir.path()}}));
}

TEST(MiniRegistry, GivesSkopeoWhatSkopeoGave) {
  MD_NEEDS("root", "skopeo", "busybox");
  in_network([] {
    const TempDir dir;
    MiniRegistry registry(dir / "registry", {"--allow-delete"});
    for (const char* format : {"oci", "v2s2"}) {
      const std::string name = fmt::format("a/busybox:{}", format);
      push_busybox(name, format);
      skopeo({"copy", "--preserve-digests", "--src-tls-verify=false",
              "docker://localhost:5000/" + name, "dir:" + (dir / format)});
      EXPECT_EQ(testing::read_text(dir / format + "/manifest.json"), raw_manifest(name));
    }
    EXPECT_THAT(skopeo({"list-tags", "--tls-verify=false", "docker://localhost:5000/a/busybox"}),
                AllOf(HasSubstr("\"oci\""), HasSubstr("\"v2s2\"")));
    // From one repository to the other: the blobs are mounted.
    skopeo({"copy", "--src-tls-verify=false", "--dest-tls-verify=false",
            "docker://localhost:5000/a/busybox:oci", "docker://localhost:5000/b:1"});
    skopeo({"delete", "--tls-verify=false", "docker://localhost:5000/a/busybox:oci"});
    skopeo({"inspect", "--tls-verify=false", "docker://localhost:5000/b:1"});
    EXPECT_EQ(registry.stop().exit_code, 0);
    EXPECT_THAT(damage_of(dir / "registry"), IsEmpty());
  });
}

TEST(MiniRegistry, GivesAndTakesOurImages) {
  MD_NEEDS("root", "overlay", "skopeo", "busybox");
  in_network([] {
    const TempDir dir(MD_BINARY_DIR);
    std::string pushed_by_skopeo;
    {
      MiniRegistry registry(dir / "first");
      push_busybox("busybox:1");
      pushed_by_skopeo = raw_manifest("busybox:1");
      ours(dir, {"pull", "-q", "localhost:5000/busybox:1"});
      EXPECT_EQ(registry.stop().exit_code, 0);
    }
    const MiniRegistry registry(dir / "second");
    ours(dir, {"push", "-q", "localhost:5000/busybox:1"});
    EXPECT_EQ(raw_manifest("busybox:1"), pushed_by_skopeo);
  });
}

TEST(MiniRegistry, GivesDockerWhatDockerGave) {
  MD_NEEDS("root", "overlay", "dockerd", "skopeo", "busybox");
  in_network([] {
    const TempDir dir(MD_BINARY_DIR);
    const MiniRegistry registry(dir / "registry");
    push_busybox("busybox:1", "v2s2");
    const testing::Dockerd dockerd({.dir = dir.path()});
    const auto docker = [&dockerd](const Words& words) { return line_of(dockerd.docker(words)); };
    docker({"pull", "localhost:5000/busybox:1"});
    const std::string id = docker({"inspect", "-f", "{{.Id}}", "localhost:5000/busybox:1"});
    docker({"tag", "localhost:5000/busybox:1", "localhost:5000/a/other:2"});
    const CommandResult pushed = dockerd.docker({"push", "localhost:5000/a/other:2"});
    const std::string digest = images::Digest::of(raw_manifest("a/other:2")).str();
    EXPECT_THAT(pushed.out, AllOf(HasSubstr("Mounted from busybox"), HasSubstr(digest)));
    // What docker has pushed is docker's and ours, by digest, too.
    const std::string name = "localhost:5000/a/other@" + digest;
    docker({"rmi", "localhost:5000/busybox:1", "localhost:5000/a/other:2"});
    docker({"pull", name});
    EXPECT_EQ(docker({"inspect", "-f", "{{.Id}}", name}), id);
    ours(dir, {"pull", "-q", name});
    EXPECT_EQ(ours(dir, {"inspect", "-f", "{{.Id}}", name}), id);
  });
}

TEST(MiniRegistry, GivesPodmanWhatPodmanGave) {
  MD_NEEDS("root", "podman", "skopeo", "busybox");
  in_network([] {
    const TempDir dir;
    const MiniRegistry registry(dir / "registry");
    push_busybox("busybox:1");
    const TempDir home;
    const testing::Podman podman(home.path());
    const std::string id = podman({"pull", "-q", "--tls-verify=false", "localhost:5000/busybox:1"});
    EXPECT_EQ(podman({"inspect", "-f", "{{.Digest}}", id}),
              images::Digest::of(raw_manifest("busybox:1")).str());
    podman({"push", "-q", "--tls-verify=false", id, "localhost:5000/a/other:2"});
    podman({"rmi", "-f", id});
    EXPECT_EQ(podman({"pull", "-q", "--tls-verify=false", "localhost:5000/a/other:2"}), id);
  });
}

TEST(MiniRegistry, KeepsNamesAsFiles) {
  MD_NEEDS("root", "overlay", "busybox");
  in_network([] {
    const TempDir dir(MD_BINARY_DIR);
    ASSERT_EQ(::chdir(dir.path().c_str()), 0);
    ASSERT_EQ(::setenv("MINI_DOCKER_ROOT", (dir / "state").c_str(), 1), 0);
    ours(dir, {"load", "-q", "-i", testing::path_of("busybox")});
    const MiniRegistry registry("registry");
    std::string told = "$ mini-docker registry serve registry &\n" + registry.out();
    for (const char* command :
         {"mini-docker tag busybox localhost:5000/team/box:1",
          "mini-docker push -q localhost:5000/team/box:1", "ls registry",
          "ls registry/repositories/team/box", "cat registry/repositories/team/box/_tags/1"}) {
      told += testing::session(command);
    }
    told = std::regex_replace(told, std::regex("sha256:[0-9a-f]{64}"), "sha256:HEX");
    testing::expect_golden("chapters/05-registry/tests/golden/serving.txt", told + "\n");
  });
}

TEST(MiniRegistry, IsNotForEverybodyUnlessToldSo) {
  const TempDir dir;
  const CommandResult result = testing::run_command(
      {MD_BINARY_DIR "/bin/mini-docker", "registry", "serve", "--listen", "0.0.0.0:0", dir / "r"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("hint: --anybody"));
}

}  // namespace
}  // namespace minidocker::registry
