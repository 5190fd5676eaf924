#include <regex>
#include <string>

#include "mini_docker_fixture.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::system_test {
namespace {

/// Commands on images, in a state of their own that holds the test image alone again after each.
class ImageCommandsTest : public MiniDockerTest {
 protected:
  [[nodiscard]] const State& state() const override {
    static const State state(false);
    return state;
  }
  void TearDown() override {
    EXPECT_EQ(docker({"load", "-i", testing::path_of("busybox")}).exit_code, 0);
    for (const std::string& name : testing::lines_of(names())) {
      if (name == "busybox:latest") continue;
      EXPECT_EQ(docker({"rmi", "-f", name}).exit_code, 0) << name;
    }
    MiniDockerTest::TearDown();
  }
  [[nodiscard]] std::string names() const {
    return docker({"images", "--format", "{{.Repository}}:{{.Tag}}"}).out;
  }
  [[nodiscard]] std::string id() const {
    return docker({"inspect", "-f", "{{.Id}}", "busybox"}).out.substr(7, 64);
  }
  [[nodiscard]] std::string place(const std::string& name) const {
    return state().dir() + "/state" + name;
  }
  [[nodiscard]] Words blobs() const { return testing::files_below(place("/images/blobs/sha256")); }
  TempDir dir_;
};

TEST_F(ImageCommandsTest, TagAndRmiGiveAndTakeNames) {
  EXPECT_EQ(docker({"tag", "busybox", "h:5000/box:1"}).out, "");
  EXPECT_EQ(names(), "busybox:latest\nh:5000/box:1\n");
  EXPECT_EQ(docker({"rmi", "h:5000/box:1"}).out, "Untagged: h:5000/box:1\n");
  expect_refused(docker({"rmi", "nobody"}), 1, "No such image: nobody:latest");
  EXPECT_EQ(docker({"rmi", "nobody", "-f"}).exit_code, 0) << "flags may stand last";
  expect_refused(docker({"rmi", "busybox", "--colour"}), 125, "unknown flag: --colour");
  expect_refused(docker({"image", "dance"}), 1, "unknown command: mini-docker image dance");
  expect_refused(docker({"tag", "busybox", "Big"}), 1, "must be lowercase");
  expect_refused(docker({"tag", "busybox"}), 1, "requires 2 arguments");
}

TEST_F(ImageCommandsTest, RmiOfTheLastNameLeavesNothing) {
  const std::string image = id();
  const Words removed = testing::lines_of(docker({"image", "rm", "busybox"}).out);
  ASSERT_EQ(removed.size(), 5U) << "a name, the image, three layers";
  EXPECT_EQ(removed[0], "Untagged: busybox:latest");
  EXPECT_EQ(removed[1], "Deleted: sha256:" + image);
  EXPECT_EQ(blobs(), Words{});
  EXPECT_EQ(testing::files_below(place("/layers/sha256")), Words{});
}

TEST_F(ImageCommandsTest, RmiHeedsContainersUnlessForced) {
  ASSERT_EQ(docker({"run", "--name", "user", "busybox", "true"}).exit_code, 0);
  expect_refused(docker({"rmi", "busybox"}), 1,
                 "conflict: unable to remove repository reference \"busybox\" (must force)");
  EXPECT_EQ(docker({"rmi", "-f", "busybox"}).exit_code, 0);
  EXPECT_EQ(docker({"ps", "-a", "-q"}).out.size(), 13U);
  EXPECT_NE(testing::files_below(place("/layers/sha256")), Words{}) << "the container's";
  EXPECT_EQ(docker({"rm", "user"}).exit_code, 0);
}

TEST_F(ImageCommandsTest, WhatIsSavedIsLoadedElsewhereWithTheSameDigests) {
  const State other(false);
  ASSERT_EQ(other.call({"rmi", "busybox"}).exit_code, 0);
  const std::string archive = dir_ / "saved.tar";
  EXPECT_EQ(docker({"save", "-o", archive, "busybox"}).out, "");
  EXPECT_EQ(other.call({"load", "-q", "-i", archive}).out, "Loaded image: busybox:latest\n");
  EXPECT_EQ(testing::files_below(other.dir() + "/state/images/blobs/sha256"), blobs());
  EXPECT_EQ(other.call({"run", "--rm", "busybox", "echo", "runs"}).out, "runs\n");
  expect_refused(docker({"save", "-o", dir_ / "none", "busybox", "nobody"}), 1,
                 "No such image: nobody:latest");
  EXPECT_EQ(testing::files_below(dir_.path()), Words{"saved.tar"}) << "no half an archive";
  // The file that was asked for is named, and no other.
  expect_refused(docker({"save", "-o", dir_ / "missing/file", "busybox"}), 1,
                 "missing/file): no such file or directory (ENOENT)");
}

TEST_F(ImageCommandsTest, PipesAndDirectoriesWillDoAsWell) {
  const std::string program = state().command({}).at(0) + " --root " + place("");
  const CommandResult piped =
      testing::run_command({"sh", "-c", program + " save busybox | " + program + " load"});
  EXPECT_EQ(piped.out, "Loaded image: busybox:latest\n") << piped.in_words();
  EXPECT_EQ(docker({"save", "--layout", dir_ / "layout", "busybox"}).exit_code, 0);
  EXPECT_EQ(docker({"load", "-i", dir_ / "layout"}).out, "Loaded image: busybox:latest\n");
  const CommandResult terminal = docker({"save", "busybox"}, {.pty = true});
  EXPECT_EQ(terminal.exit_code, 1);
  EXPECT_NE(terminal.out.find("cowardly refusing to save to a terminal"), std::string::npos);
}

TEST_F(ImageCommandsTest, AContainersFilesBecomeAnImage) {
  ASSERT_EQ(docker({"run", "--name", "one", "busybox", "sh", "-c",
                    "echo mine > /etc/mine; rm /etc/motd; chown 7:8 /etc/mine"})
                .exit_code,
            0);
  const std::string archive = dir_ / "root.tar";
  ASSERT_EQ(docker({"export", "-o", archive, "one"}).exit_code, 0);
  const CommandResult imported =
      docker({"import", "-c", "CMD [\"cat\", \"/etc/mine\"]", "-c", "ENV A=b", archive, "flat:1"});
  EXPECT_TRUE(std::regex_match(imported.out, std::regex("sha256:[0-9a-f]{64}\n")))
      << imported.in_words();
  EXPECT_EQ(docker({"run", "--rm", "flat:1"}).out, "mine\n");
  EXPECT_EQ(docker({"run", "--rm", "flat:1", "sh", "-c",
                    "stat -c %u:%g /etc/mine; ls /etc/motd 2>&1; stat -c %a "
                    "/usr/local/bin/set-user-id; echo $A"})
                .out,
            "7:8\nls: /etc/motd: No such file or directory\n4755\nb\n");
  EXPECT_EQ(docker({"rm", "one"}).exit_code, 0);
  expect_refused(docker({"import", "-c", "RUN x", archive}), 1, "is not a valid change command");
  expect_refused(docker({"import", "http://h/x.tar"}), 1, "takes files only");
}

TEST_F(ImageCommandsTest, ARunningContainerIsExportedWithoutItsMounts) {
  testing::RunningCommand command(
      state().command({"run", "--name", "busy", "--tmpfs", "/scratch", "busybox", "sh", "-c",
                       "echo x > /scratch/x; echo y > /y; echo ready; exec sleep 1000"}));
  ASSERT_TRUE(command.read_until("ready"));
  const std::string archive = dir_ / "root.tar";
  EXPECT_EQ(docker({"export", "-o", archive, "busy"}).exit_code, 0);
  const std::string listed = testing::run_command({"tar", "-tf", archive}).out;
  EXPECT_NE(listed.find("\ny\n"), std::string::npos) << listed;
  EXPECT_EQ(listed.find("scratch/x"), std::string::npos);
  EXPECT_EQ(listed.find("proc/1"), std::string::npos);
  EXPECT_EQ(docker({"rm", "-f", "busy"}).exit_code, 0);
}

TEST_F(ImageCommandsTest, HistoryAndInspectTellWhatTheConfigSays) {
  const Words history = testing::lines_of(docker({"history", "busybox"}).out);
  ASSERT_EQ(history.size(), 5U);
  EXPECT_EQ(history[0].substr(0, 24), "IMAGE          CREATED  ");
  EXPECT_NE(history[1].find("CMD [\"sh\"]"), std::string::npos) << history[1];
  EXPECT_EQ(history[4].substr(0, 9), "<missing>");
  EXPECT_EQ(docker({"history", "-q", "busybox"}).out.substr(0, 12), id().substr(0, 12));
  EXPECT_EQ(docker({"image", "inspect", "busybox", "-f", "{{.Os}} {{json .Config.Cmd}}"}).out,
            "linux [\"sh\"]\n");
  const CommandResult some = docker({"inspect", "busybox", "nobody"});
  EXPECT_EQ(some.exit_code, 1);
  EXPECT_TRUE(some.out.starts_with("[\n    {\n        \"Id\": \"sha256:")) << some.out;
  EXPECT_EQ(some.err, "mini-docker: No such object: nobody\n");
  EXPECT_EQ(docker({"inspect", "-f", "{{range .}}", "busybox"}).exit_code, 64);
}

TEST_F(ImageCommandsTest, InspectFindsContainersFirst) {
  ASSERT_EQ(
      docker({"run", "--name", "busybox", "-v", "/tmp:/from:ro", "busybox", "sh", "-c", "exit 3"})
          .exit_code,
      3);
  EXPECT_EQ(
      docker({"inspect", "-f", "{{.State.Status}} {{.State.ExitCode}} {{.Path}}", "busybox"}).out,
      "exited 3 sh\n");
  EXPECT_EQ(docker({"inspect", "-f", "{{json .Mounts}}", "busybox"}).out,
            R"([{"Type":"bind","Source":"/tmp","Destination":"/from","Mode":"ro","RW":false,)"
            R"("Propagation":"rprivate"}])"
            "\n");
  EXPECT_EQ(docker({"inspect", "--type", "image", "-f", "{{.Os}}", "busybox"}).out, "linux\n");
  EXPECT_EQ(docker({"rm", "busybox"}).exit_code, 0);
}

TEST_F(ImageCommandsTest, PruneRemovesWhatNobodyUses) {
  ASSERT_EQ(docker({"run", "--name", "old", "busybox", "true"}).exit_code, 0);
  EXPECT_EQ(docker({"image", "prune", "-a", "-f"}).out, "Total reclaimed space: 0B\n");
  const CommandResult declined = docker({"system", "prune"}, {.input = "n\n"});
  EXPECT_EQ(declined.exit_code, 1);
  EXPECT_NE(declined.out.find("  - all stopped containers\n  - all dangling images\n"),
            std::string::npos);
  const std::string usage = docker({"system", "df"}).out;
  EXPECT_TRUE(std::regex_search(usage, std::regex("\nImages          1         1 "))) << usage;
  EXPECT_TRUE(std::regex_search(usage, std::regex("\nContainers      1         0 "))) << usage;
  const CommandResult pruned = docker({"system", "prune", "-a"}, {.input = "y\n"});
  EXPECT_TRUE(std::regex_search(
      pruned.out, std::regex("Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Images:\nuntagged: "
                             "busybox:latest\ndeleted: sha256:[^]*\nTotal reclaimed space: "
                             "[0-9.]+MB\n")))
      << pruned.out;
  EXPECT_EQ(docker({"system", "df", "--format", "{{.Type}} {{.TotalCount}}"}).out,
            "Images 0\nContainers 0\nLocal Volumes 0\nBuild Cache 0\n");
}

TEST_F(ImageCommandsTest, CheckTellsWhatADiskHasDone) {
  EXPECT_EQ(docker({"image", "check"}).out, "");
  const std::string blob = place("/images/blobs/sha256/") + blobs().at(0);
  const std::string content = *testing::find_text(blob);
  testing::write_text(blob, content + "x");
  const CommandResult checked = docker({"image", "check"});
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_NE(checked.out.find(blobs().at(0)), std::string::npos) << checked.out;
  testing::write_text(blob, content);
}

TEST_F(ImageCommandsTest, TreeShowsLayersAndTheirImages) {
  ASSERT_EQ(docker({"tag", "busybox", "again"}).exit_code, 0);
  const Words lines = testing::lines_of(docker({"image", "tree"}).out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NE(lines[0].find("MB  make-busybox-image: layer 1"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[3], "= again:latest, busybox:latest");
  EXPECT_EQ(docker({"images", "--tree"}).out, docker({"image", "tree"}).out);
  EXPECT_EQ(docker({"images", "--tree", "nobody"}).out.find("busybox"), std::string::npos);
  EXPECT_EQ(docker({"images", "--tree", "-q"}).exit_code, 1);
  EXPECT_EQ(docker({"image", "tree", "--svg", "busybox"}).out.substr(0, 4), "<svg");
}

TEST_F(ImageCommandsTest, ImagesFiltersAndFormats) {
  EXPECT_EQ(docker({"images", "-q", "--no-trunc", "busy*"}).out, "sha256:" + id() + "\n");
  EXPECT_EQ(docker({"images", "-q", "other"}).out, "");
  EXPECT_EQ(docker({"images", "-qf", "label=mini-docker.made-by=make-busybox-image"}).out,
            id().substr(0, 12) + "\n");
  EXPECT_EQ(
      docker({"image", "ls", "--digests", "--format", "table {{.Repository}}\\t{{.Digest}}"}).out,
      "REPOSITORY   DIGEST\nbusybox      <none>\n");
  expect_refused(docker({"images", "-f", "nosuch=1"}), 1, "invalid filter 'nosuch'");
}

}  // namespace
}  // namespace minidocker::system_test
