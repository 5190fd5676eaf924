#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images/workspace.hpp"
#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "sandbox.hpp"

namespace minidocker::worker {
namespace {

using images::Owners;
using images::WorkerEvent;
using images::WorkerRequest;
using minidocker::testing::CommandOptions;
using minidocker::testing::CommandResult;
using minidocker::testing::files_below;
using minidocker::testing::lines_of;
using minidocker::testing::run_command;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kWorker = std::string(MD_BINARY_DIR) + "/bin/mini-worker";
const std::string kMakeImage =
    std::string(MD_SOURCE_DIR) + "/tests/support/images/make-busybox-image";

class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::chmod(dir_.path().c_str(), 0777), 0);  // for the ordinary user
  }

  // Makes the test image, hostile if `options` say so.
  std::string image(const std::vector<std::string>& options = {}) {
    const std::string out = dir_ / "image";
    std::vector<std::string> argv{kMakeImage, out};
    argv.insert(argv.end(), options.begin(), options.end());
    const CommandResult made = run_command(argv);
    EXPECT_EQ(made.exit_code, 0) << made.in_words();
    return out;
  }
  WorkerRequest request(const std::string& from) {
    return {dir_ / "state/images", dir_ / "state/layers", dir_ / "state/tmp", from, "",
            Owners::keep};
  }
  // Runs the worker (as an argument of `below`, if that is something); its events are in events_
  // then.
  CommandResult run(const WorkerRequest& what, CommandOptions options = {},
                    std::vector<std::string> below = {}) {
    Pipe pipe = Pipe::make();
    options.fds = {{pipe.write_end.get(), images::kProgressFd}};
    std::vector<std::string> argv = std::move(below);
    argv.push_back(kWorker);
    for (const std::string& argument : what.to_arguments()) argv.push_back(argument);
    const CommandResult result = run_command(argv, options);
    pipe.write_end.reset();
    events_.clear();
    for (const std::string& line : lines_of(read_all(pipe.read_end.get(), "progress"))) {
      events_.push_back(WorkerEvent::parse(line));
    }
    return result;
  }

  minidocker::testing::LeakCheck leaks_{{.cgroups = {}}};  // others make groups meanwhile
  TempDir dir_;
  std::vector<WorkerEvent> events_;
};

TEST_F(WorkerTest, LoadsTheTestImageAndTellsOfEachLayerAndTheImage) {
  MD_NEEDS("root", "busybox");
  const CommandResult result = run(request(image()));
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_EQ(result.out + result.err, "");
  ASSERT_EQ(events_.size(), 5U);
  EXPECT_EQ(events_[0].type, WorkerEvent::Type::layer);
  EXPECT_EQ(events_[3].type, WorkerEvent::Type::image);
  EXPECT_EQ(events_[4].type, WorkerEvent::Type::done);

  const images::Store store = images::Store::open(dir_ / "state/images");
  const images::LayerStore layers(dir_ / "state/layers");
  const auto paths = layers.paths_of(store.config_of(store.get_image("busybox")));
  ASSERT_EQ(paths.size(), 3U);
  struct stat status{};
  ASSERT_EQ(::lstat((paths[0] + "/usr/share/old-notes").c_str(), &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
  ASSERT_EQ(::lstat((paths[1] + "/home/user/notes").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1000U);
  EXPECT_THAT(files_below(dir_ / "state/tmp"), IsEmpty());
}

// Of whichever program that we have waited for needed most, in kilobytes.
long most_memory_of_children() {
  struct rusage usage{};
  EXPECT_EQ(::getrusage(RUSAGE_CHILDREN, &usage), 0);
  return usage.ru_maxrss;
}

TEST_F(WorkerTest, NeedsLittleMemoryForAGigabyte) {
  MD_NEEDS("root");
  const CommandResult made = run_command({"truncate", "--size=1G", dir_ / "big"});
  ASSERT_EQ(made.exit_code, 0) << made.in_words();
  WorkerRequest import = request("-");
  import.verb = images::WorkerVerb::import_root;
  import.created = "2026-01-01T00:00:00Z";
  const CommandResult packed = run(
      import, {}, {"sh", "-c", "tar --create --directory " + dir_.path() + " big | \"$@\"", "sh"});
  ASSERT_EQ(packed.exit_code, 0) << packed.in_words();
  ASSERT_EQ(events_.back().type, WorkerEvent::Type::done);
  WorkerRequest unpack = request("");
  unpack.image = std::ranges::find(events_, WorkerEvent::Type::image, &WorkerEvent::type)->id;
  const CommandResult unpacked = run(unpack);
  ASSERT_EQ(unpacked.exit_code, 0) << unpacked.in_words();
  EXPECT_LT(most_memory_of_children(), 64 * 1024);
}

TEST_F(WorkerTest, LoadsItAsAnOrdinaryUserToo) {
  MD_NEEDS("root", "user", "busybox");
  WorkerRequest what = request(image());
  what.owners = Owners::squash;
  CommandOptions options;
  options.user = minidocker::testing::unprivileged_user();
  const CommandResult result = run(what, options);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  ASSERT_FALSE(events_.empty());
  EXPECT_EQ(events_.back().type, WorkerEvent::Type::done);
  const auto warning = std::ranges::find(events_, WorkerEvent::Type::warning, &WorkerEvent::type);
  ASSERT_NE(warning, events_.end());
  EXPECT_THAT(warning->message, HasSubstr("subordinate ids"));
}

TEST_F(WorkerTest, UnpacksAStoredImagesLayersAgain) {
  MD_NEEDS("root", "busybox");
  run(request(image()));
  const std::vector<std::string> before = files_below(dir_ / "state/layers");
  remove_tree(dir_ / "state/layers");
  WorkerRequest what = request("");
  what.image = "busybox";
  EXPECT_EQ(run(what).exit_code, 0);
  EXPECT_EQ(files_below(dir_ / "state/layers"), before);
}

TEST_F(WorkerTest, RefusesEveryHostileImageInOneLineAndKeepsNothing) {
  MD_NEEDS("root", "busybox");
  const std::string target = dir_ / "target";
  make_dirs(target);
  const std::vector<std::pair<std::vector<std::string>, const char*>> variants{
      {{"--bad-digest"}, "damaged or forged"},
      {{"--evil", "dotdot", "--target", target}, "it climbs by"},
      {{"--evil", "absolute", "--target", target}, "its path is absolute"},
      {{"--evil", "symlink", "--target", target}, "through a symlink"},
      {{"--evil", "hardlink", "--target", target}, "it is a hard link to"}};
  for (const auto& [options, why] : variants) {
    const CommandResult result = run(request(image(options)));
    EXPECT_EQ(result.exit_code, 1);
    ASSERT_FALSE(events_.empty());
    EXPECT_EQ(events_.back().type, WorkerEvent::Type::error);
    EXPECT_EQ(events_.back().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(events_.back().message, HasSubstr(why));
    EXPECT_THAT(files_below(target), IsEmpty());
    EXPECT_THAT(files_below(dir_ / "state/images/blobs/sha256"), IsEmpty());
    EXPECT_THAT(files_below(dir_ / "state/layers/sha256"), IsEmpty());
    EXPECT_THAT(files_below(dir_ / "state/tmp"), IsEmpty());
  }
}

// Zeros are an empty archive, which is read until its end: the second half of them finds room in
// the pipe only when the worker has taken the first.
TEST_F(WorkerTest, HasGivenUpAllPowersWhenItReadsTheFirstForeignByte) {
  MD_NEEDS("root");
  Pipe archive = Pipe::make();
  Pipe progress = Pipe::make();
  ASSERT_EQ(::fcntl(archive.write_end.get(), F_SETPIPE_SZ, 4096), 4096);
  std::vector<std::string> argv = request("-").to_arguments();
  argv.insert(argv.begin(), kWorker);
  const std::array<std::pair<int, int>, 2> fds{
      {{archive.read_end.get(), 0}, {progress.write_end.get(), images::kProgressFd}}};
  Process worker = Process::spawn(argv, fds);
  archive.read_end.reset();
  progress.write_end.reset();
  write_all(archive.write_end.get(), std::string(8192, '\0'), "archive");

  EXPECT_EQ(minidocker::testing::status_field(worker.pid(), "NoNewPrivs"), "1");
  EXPECT_EQ(minidocker::testing::status_field(worker.pid(), "Seccomp"), "2");
  for (const char* set : {"CapEff", "CapPrm", "CapBnd"}) {
    EXPECT_EQ(minidocker::testing::capabilities(worker.pid(), set), kUnpackingCapabilities.bits)
        << set;
  }
  EXPECT_NE(minidocker::testing::namespace_inode(worker.pid(), "mnt"),
            minidocker::testing::namespace_inode(::getpid(), "mnt"));
  archive.write_end.reset();
  EXPECT_EQ(worker.wait().code, 1);
  EXPECT_THAT(read_all(progress.read_end.get(), "progress"), HasSubstr("\"error\""));
}

// Without Landlock the rest of the sandbox holds, and it is told.
TEST_F(WorkerTest, SaysThatItsKernelHasNoLandlock) {
  MD_NEEDS("root", "busybox", "strace");
  const std::string from = image();
  const CommandResult result = run(
      request(from), {},
      {"strace", "-f", "-o", "/dev/null", "-e", "inject=landlock_create_ruleset:error=EOPNOTSUPP"});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  ASSERT_FALSE(events_.empty());
  EXPECT_EQ(events_.front().type, WorkerEvent::Type::sandbox);
  EXPECT_THAT(events_.front().message, HasSubstr("files are not fenced: Landlock's ABI is 0"));
}

TEST_F(WorkerTest, SaysHowItIsUsed) {
  const CommandResult result = run_command({kWorker, "dance"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("usage: mini-worker unpack"));
}

TEST_F(WorkerTest, SaysThatItsPipeIsMissing) {
  std::vector<std::string> argv = request("/nowhere").to_arguments();
  argv.insert(argv.begin(), kWorker);
  const CommandResult result = run_command(argv);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("descriptor 3"));
}

// Killed at its k-th call of each kind, whatever was begun lies in the temporaries or has no name.
TEST_F(WorkerTest, KilledAnywhereLeavesAStoreThatWorksAndRubbishThatIsFound) {
  MD_NEEDS("root", "busybox", "strace");
  const std::string from = image();
  int kills = 0;
  for (const char* call : {"openat", "renameat2", "fsync", "mkdirat", "mknodat"}) {
    for (int k = 1; k < 60; k += call == std::string("openat") ? 9 : 2) {
      Pipe pipe = Pipe::make();
      CommandOptions options;
      options.fds = {{pipe.write_end.get(), images::kProgressFd}};
      std::vector<std::string> argv{
          "strace",
          "-o",
          "/dev/null",
          "-e",
          std::string("inject=") + call + ":signal=KILL:when=" + std::to_string(k),
          kWorker};
      for (const std::string& argument : request(from).to_arguments()) argv.push_back(argument);
      const CommandResult result = run_command(argv, options);
      if (result.exit_code == 0) break;  // it makes fewer such calls than that
      ++kills;
      images::clean_temporaries(dir_ / "state/tmp");
      const images::Store store = images::Store::open(dir_ / "state/images");
      const images::LayerStore layers(dir_ / "state/layers");
      const images::StoreLock lock = store.lock();
      store.sweep(lock);
      layers.sweep(lock, images::needed_layers(store));
      EXPECT_THAT(files_below(dir_ / "state/tmp"), IsEmpty());
      if (store.images().empty()) {
        EXPECT_THAT(files_below(dir_ / "state/images/blobs/sha256"), IsEmpty());
        EXPECT_THAT(files_below(dir_ / "state/layers/sha256"), IsEmpty());
      } else {
        EXPECT_EQ(layers.paths_of(store.config_of(store.get_image("busybox"))).size(), 3U);
      }
    }
    remove_tree(dir_ / "state");
  }
  EXPECT_GT(kills, 20);
}

}  // namespace
}  // namespace minidocker::worker
