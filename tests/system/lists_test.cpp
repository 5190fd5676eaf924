#include <regex>
#include <string>

#include "mini_docker_fixture.hpp"

namespace minidocker::system_test {
namespace {

class ListTest : public MiniDockerTest {};

TEST_F(ListTest, ImagesShowsTheLoadedOne) {
  const Words lines = testing::lines_of(docker({"images"}).out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].substr(0, 33), "REPOSITORY   TAG       IMAGE ID  ");
  EXPECT_TRUE(std::regex_match(lines[1],
                               std::regex("busybox      latest    [0-9a-f]{12}   .* ago .*[kM]B")))
      << lines[1];
}

TEST_F(ListTest, ADamagedImageIsShownAsFarAsItCanBeReadAndToldOf) {
  const State mine(false);
  const std::string id = testing::lines_of(mine.call({"images", "-q", "--no-trunc"}).out).at(0);
  const std::string config = id.substr(std::string("sha256:").size());
  testing::write_text(mine.dir() + "/state/images/blobs/sha256/" + config, "{}");
  const CommandResult result = mine.call({"images"});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_NE(result.out.find("busybox      latest    " + config.substr(0, 12)), std::string::npos)
      << result.out;
  EXPECT_NE(result.err.find(config), std::string::npos) << result.err;
}

TEST_F(ListTest, LoadingTwiceIsOneImage) {
  EXPECT_EQ(docker({"load", "-i", testing::path_of("busybox")}).out,
            "Loaded image: busybox:latest\n");
  EXPECT_EQ(testing::lines_of(docker({"images"}).out).size(), 2U);
}

TEST_F(ListTest, AnImageIsRunByItsShortId) {
  const std::string id = testing::lines_of(docker({"images", "-q"}).out).at(0);
  EXPECT_EQ(docker({"run", "--rm", id, "echo", "hi"}).out, "hi\n");
}

TEST_F(ListTest, ARunningContainerIsListedAndRemovedOnlyByForce) {
  testing::RunningCommand command(state().command(
      {"run", "--name", "busy", "busybox", "sh", "-c", "echo ready; exec sleep 1000"}));
  ASSERT_TRUE(command.read_until("ready"));
  const std::string table = docker({"ps"}).out;
  EXPECT_TRUE(std::regex_search(table, std::regex("\"sh -c 'echo ready; …\".* Up .*busy")))
      << table;
  expect_refused(docker({"rm", "busy"}), 1, "container is running: stop the container");
  EXPECT_EQ(docker({"rm", "-f", "busy"}).out, "busy\n");
  EXPECT_EQ(command.wait().exit_code, 137);
}

TEST_F(ListTest, ContainersAreFoundByNameAndBeginningOfTheirId) {
  ASSERT_EQ(docker({"run", "--name", "one", "busybox", "true"}).exit_code, 0);
  ASSERT_EQ(docker({"run", "busybox", "false"}).exit_code, 1);
  const Words all = ids();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(docker({"ps", "-a"}).out.find("Exited (1)") != std::string::npos);
  EXPECT_EQ(docker({"rm", all[0].substr(0, 12), "/one"}).exit_code, 0);
}

TEST_F(ListTest, DiffTellsWhatAContainerHasChanged) {
  ASSERT_EQ(docker({"run", "--name", "one", "busybox", "sh", "-c",
                    "echo x >> /etc/layer3; mkdir -p /srv/www; rm /bin/vi"})
                .exit_code,
            0);
  EXPECT_EQ(docker({"diff", "one"}).out,
            "C /bin\nD /bin/vi\nC /etc\nC /etc/layer3\nA /srv\nA /srv/www\n");
  expect_refused(docker({"diff", "two"}), 1, "No such container: two");
  EXPECT_EQ(docker({"rm", "one"}).out, "one\n");
}

TEST_F(ListTest, DiffOfARunningContainerSaysNothingOfWhatIsMountedInEvery) {
  testing::RunningCommand command(
      state().command({"run", "--name", "busy", "busybox", "sh", "-c",
                       "echo 1.2.3.4 x >> /etc/hosts; touch /tmp/x; echo ready; exec sleep 1000"}));
  ASSERT_TRUE(command.read_until("ready"));
  EXPECT_EQ(docker({"diff", "busy"}).out, "C /tmp\nA /tmp/x\n");
  EXPECT_EQ(docker({"rm", "-f", "busy"}).out, "busy\n");
}

TEST_F(ListTest, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(docker({"--version"}).out.rfind("mini-docker version ", 0), 0U);
  EXPECT_NE(docker({"--help"}).out.find("Usage: mini-docker"), std::string::npos);
  EXPECT_NE(docker({"run", "--help"}).out.find("--read-only"), std::string::npos);
}

}  // namespace
}  // namespace minidocker::system_test
