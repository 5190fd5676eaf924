#include <string>

#include "mini_docker_fixture.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::system_test {
namespace {

/// The test image with another config, made of the layout's text by sed(1).
constexpr const char* kAlter = R"(
set -e
cp -rL "$1" "$2"; cd "$2"
digests() { grep -o 'sha256:[0-9a-f]*' "$1" | cut -d: -f2; }
replace() { # FILE OLD NEW: the blob OLD, edited as NEW, takes its place in FILE
  new=$(sha256sum < new | cut -c1-64)
  sed -i "s/sha256:$1\",\"size\":[0-9]*/sha256:$new\",\"size\":$(wc -c < new)/" "$2"
  mv new "blobs/sha256/$new"
}
manifest=$(digests index.json | head -1)
cp "blobs/sha256/$manifest" manifest
config=$(digests manifest | head -1)
sed "$3" "blobs/sha256/$config" > new; replace "$config" manifest
mv manifest new; replace "$manifest" index.json
)";

/// What becomes of images and layers in a state of their own.
class ImagesTest : public MiniDockerTest {
 protected:
  [[nodiscard]] const State& state() const override {
    static const State state(false);
    return state;
  }
  void TearDown() override {
    EXPECT_EQ(docker({"load", "-i", testing::path_of("busybox")}).exit_code, 0);
    MiniDockerTest::TearDown();
  }
  /// Loads the test image under its own name, its config edited.
  void load_altered(const std::string& edit) const {
    const TempDir dir;
    const std::string image = dir / "image";
    const CommandResult made =
        testing::run_command({"sh", "-c", kAlter, "sh", testing::path_of("busybox"), image, edit});
    ASSERT_EQ(made.exit_code, 0) << made.in_words();
    const CommandResult loaded = docker({"load", "-i", image});
    ASSERT_EQ(loaded.exit_code, 0) << loaded.in_words();
  }
  [[nodiscard]] std::string place(const std::string& name) const {
    return state().dir() + "/state" + name;
  }
};

TEST_F(ImagesTest, ALoadSweepsWhatNobodyNeedsAndLeavesWhatContainersNeed) {
  ASSERT_EQ(docker({"run", "--name", "user", "busybox", "true"}).exit_code, 0);
  const std::string rubbish(64, 'a');
  testing::write_text(place("/images/blobs/sha256/" + rubbish), "x");
  ASSERT_EQ(testing::run_command({"mkdir", place("/layers/sha256/" + rubbish)}).exit_code, 0);
  const CommandResult loaded = docker({"load", "-i", testing::path_of("busybox")});
  EXPECT_EQ(loaded.exit_code, 0) << loaded.in_words();
  for (const char* directory : {"/images/blobs/sha256", "/layers/sha256"}) {
    for (const std::string& path : testing::files_below(place(directory))) {
      EXPECT_EQ(path.find(rubbish), std::string::npos) << path;
    }
  }
  EXPECT_EQ(docker({"run", "--rm", "busybox", "echo", "runs"}).out, "runs\n");
  EXPECT_EQ(docker({"rm", "user"}).exit_code, 0);
}

TEST_F(ImagesTest, AnImageThatLosesItsNameStaysForItsContainers) {
  const std::string before = testing::lines_of(docker({"images", "-q"}).out).at(0);
  load_altered("s/2024-01-01/2025-01-01/");
  EXPECT_NE(docker({"images"}).out.find("<none>"), std::string::npos);
  EXPECT_EQ(docker({"run", "--rm", before, "echo", "runs"}).out, "runs\n");
}

TEST_F(ImagesTest, TheImagesUserAndDirectoryHoldUnlessTheCallerSaysOtherwise) {
  load_altered(R"(s/"Cmd"/"User":"user","WorkingDir":"\/srv","Cmd"/)");
  for (const Words& flags : {Words{}, Words{"-u", "", "-w", ""}}) {
    EXPECT_EQ(output(flags, "id -u; pwd"), "1000\n/srv\n");
  }
  EXPECT_EQ(output({"-u", "7", "-w", "/"}, "id -u; pwd"), "7\n/\n");
}

TEST_F(ImagesTest, AVolumeThatTheImageWantsIsWarnedOf) {
  load_altered(R"(s/"Cmd"/"Volumes":{"\/data":{}},"Cmd"/)");
  const CommandResult warned = run({}, "echo ran");
  EXPECT_EQ(warned.out, "ran\n");
  EXPECT_NE(warned.err.find("mini-docker: warning: the image wants a volume at /data"),
            std::string::npos)
      << warned.in_words();
  EXPECT_EQ(output({"--tmpfs", "/data"}, "echo ran"), "ran\n") << "something is mounted there";
}

}  // namespace
}  // namespace minidocker::system_test
