#include <string>
#include <utility>

#include "mini_docker_fixture.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::system_test {
namespace {

class BadInputTest : public MiniDockerTest {};

// Port 1 of this machine: nobody is there, and nobody outside is asked.
TEST_F(BadInputTest, AnImageThatCannotBeHadIsNamed) {
  const CommandResult result = docker({"run", "--rm", "localhost:1/nosuch"});
  EXPECT_EQ(result.exit_code, 125);
  EXPECT_TRUE(result.err.starts_with(
      "Unable to find image 'localhost:1/nosuch:latest' locally\nUsing default tag: latest\n"))
      << result.err;
  EXPECT_NE(result.err.find(
                "mini-docker: GET https://localhost:1/v2/: cannot connect: connection refused"),
            std::string::npos)
      << result.err;
}

TEST_F(BadInputTest, AnUnknownUserIsNamed) {
  expect_refused(run({"-u", "nobody-here"}, "true"), 125, "nobody-here");
}

TEST_F(BadInputTest, LimitsThatAreNoNumbersAreNamed) {
  expect_refused(run({"-m", "lots"}, "true"), 125, "invalid size: 'lots'");
  expect_refused(run({"--cpus", "many"}, "true"), 125, "failed to parse many");
  expect_refused(run({"--pids-limit", "x"}, "true"), 125, "not a number");
  expect_refused(run({"-m", "1m"}, "true"), 125, "Minimum memory limit allowed is 6MB");
}

TEST_F(BadInputTest, LimitsThatCannotHoldAreRefusedInDockersWords) {
  for (const char* cpus : {"1000", "-1", "0.001"}) {
    expect_refused(run({"--cpus", cpus}, "true"), 125, "range of CPUs is from 0.01 to ");
  }
  EXPECT_EQ(output({"-m", "9223372036854775807"}, "echo ran"), "ran\n")
      << "twice that is no number";
}

TEST_F(BadInputTest, MountsThatWouldBeHalfIgnoredAreRefused) {
  expect_refused(run({"--mount", "type=bind,src=/tmp,dst=/m,tmpfs-size=1m"}, "true"), 125,
                 "cannot mix 'tmpfs-*' options with mount type 'bind'");
  expect_refused(run({"-v", "/tmp:/m:rshared"}, "true"), 125, "not supported yet: rshared");
}

TEST_F(BadInputTest, ANameThatIsTakenIsAConflict) {
  ASSERT_EQ(docker({"run", "--name", "taken", "busybox", "true"}).exit_code, 0);
  expect_refused(docker({"run", "--rm", "--name", "taken", "busybox", "true"}), 125,
                 "Conflict. The container name \"/taken\" is already in use by container");
  EXPECT_EQ(docker({"rm", "taken"}).exit_code, 0);
}

TEST_F(BadInputTest, BadNamesAndMountsAreRefused) {
  expect_refused(docker({"run", "--rm", "--name", "a/b", "busybox"}), 125,
                 "Invalid container name (a/b)");
  expect_refused(run({"-v", "/x:relative"}, "true"), 125, "mount path must be absolute");
  expect_refused(run({"-v", "/x:/"}, "true"), 125, "can't be '/'");
  expect_refused(run({"--tmpfs", "/a", "--tmpfs", "/a"}, "true"), 125, "Duplicate mount point: /a");
  expect_refused(run({"-w", "relative"}, "true"), 125, "absolute path");
  expect_refused(run({"--cap-add", "FLY"}, "true"), 125, "unknown capability: \"FLY\"");
  expect_refused(run({"--runtime", "nosuch"}, "true"), 125, "invalid runtime name: nosuch");
}

TEST_F(BadInputTest, AMountThatTheKernelRefusesNamesTheStep) {
  expect_refused(run({"--tmpfs", "/a:size=nonsense"}, "true"), 125, "/a");
}

TEST_F(BadInputTest, WhatIsNotSupportedIsRefusedByName) {
  expect_refused(docker({"run", "-d", "busybox"}), 125, "run -d: not supported yet: ");
  expect_refused(docker({"run", "-p", "80:80", "busybox"}), 125, "run -p: not supported yet: ");
  expect_refused(docker({"run", "-v", "data:/data", "busybox"}), 125, "named volumes");
}

TEST_F(BadInputTest, ATerminalNeedsATerminal) {
  expect_refused(docker({"run", "--rm", "-it", "busybox"}), 1, "the input device is not a TTY");
}

TEST_F(BadInputTest, CommandsAndContainersThatAreNotThereAreNamed) {
  expect_refused(docker({"fly"}), 1, "unknown command: mini-docker fly");
  expect_refused(docker({"rm", "nosuch"}), 1, "No such container: nosuch");
  expect_refused(docker({"rm"}), 1, "requires at least 1 argument");
  EXPECT_EQ(docker({"rm", "-f", "nosuch"}).exit_code, 0);
}

TEST_F(BadInputTest, TheExitCodeIsTheCommandsWhateverItsArgumentsAre) {
  expect_refused(docker({"load", "-i", "run"}), 1, "run");
}

class BadImageTest : public MiniDockerTest {
 protected:
  [[nodiscard]] std::string make_image(const Words& options) const {
    Words words{MD_SOURCE_DIR "/tests/support/images/make-busybox-image", dir_ / "image"};
    words.insert(words.end(), options.begin(), options.end());
    const CommandResult made = testing::run_command(words);
    EXPECT_EQ(made.exit_code, 0) << made.in_words();
    return dir_ / "image";
  }
  TempDir dir_;
};

TEST_F(BadImageTest, AMissingFileIsNamed) {
  expect_refused(docker({"load", "-i", "/no/such.tar"}), 1, "/no/such.tar");
}

TEST_F(BadImageTest, ADigestThatDoesNotMatchIsRefused) {
  const CommandResult result =
      docker({"load", "-i", make_image({"--bad-digest", "--name", "bad:1"})});
  expect_refused(result, 1, "sha256:");
  EXPECT_EQ(docker({"images"}).out.find("bad"), std::string::npos);
}

TEST_F(BadImageTest, ALayerThatClimbsOutOfItsRootIsRefusedAndLeavesNothing) {
  for (const auto& [how, words] : {std::pair{"dotdot", "it climbs by \"..\""},
                                   {"absolute", "its path is absolute"},
                                   {"symlink", "it climbs out of the layer through a symlink"},
                                   {"hardlink", "it is a hard link to \"../"}}) {
    make_dirs(dir_ / "target");
    write_atomically(dir_ / "target/victim", "unharmed");
    const std::string image =
        make_image({"--evil", how, "--target", dir_ / "target", "--name", "evil:1"});
    const Words before = testing::files_below(state().dir() + "/state/layers");
    expect_refused(docker({"load", "-i", image}), 1, words);
    EXPECT_EQ(testing::files_below(dir_ / "target"), Words{"victim"}) << how;
    EXPECT_EQ(read_file(dir_ / "target/victim"), "unharmed") << how;
    EXPECT_EQ(testing::files_below(state().dir() + "/state/layers"), before) << how;
    EXPECT_EQ(docker({"images"}).out.find("evil"), std::string::npos) << how;
    EXPECT_EQ(testing::run_command({"rm", "-rf", image}).exit_code, 0);
  }
}

}  // namespace
}  // namespace minidocker::system_test
