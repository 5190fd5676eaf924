#include "minidocker/unionfs/merged_copy.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>
#include <string>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "steps.hpp"

namespace minidocker::unionfs {
namespace {

using minidocker::testing::CommandResult;
using minidocker::testing::find_text;
using minidocker::testing::read_text;
using minidocker::testing::run_command;
using minidocker::testing::write_text;

constexpr const char* kTop = "/tmp/top";
constexpr const char* kBottom = "/tmp/bottom";
constexpr const char* kCopy = "/tmp/copy";

/// In directories of their own below /tmp of a sandbox.
void with_layers(const std::function<void()>& body) {
  minidocker::testing::in_sandbox([&body] {
    for (const char* dir : {kTop, kBottom, kCopy}) make_dirs(dir);
    body();
  });
}

void copy() { copy_merged({kTop, kBottom}, kCopy); }

struct stat status_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

void make_opaque(const std::string& dir) {
  EXPECT_EQ(::setxattr(dir.c_str(), "user.overlay.opaque", "y", 1, 0), 0);
}

TEST(MergedCopy, UpperLayersHideWhatIsBelow) {
  MD_NEEDS("root");
  with_layers([] {
    for (const char* dir : {"/merged", "/opaque", "/replaced", "/gone"}) {
      make_dirs(std::string(kBottom) + dir);
      write_text(std::string(kBottom) + dir + "/below", "below");
    }
    make_dirs(std::string(kTop) + "/merged");
    write_text(std::string(kTop) + "/merged/above", "above");
    make_dirs(std::string(kTop) + "/opaque");
    make_opaque(std::string(kTop) + "/opaque");
    write_text(std::string(kTop) + "/replaced", "a file");
    EXPECT_EQ(::mknod((std::string(kTop) + "/gone").c_str(), S_IFCHR, 0), 0);
    copy();
    EXPECT_EQ(
        minidocker::testing::files_below(kCopy),
        (std::vector<std::string>{"merged", "merged/above", "merged/below", "opaque", "replaced"}));
    EXPECT_EQ(
        ::getxattr((std::string(kCopy) + "/opaque").c_str(), "user.overlay.opaque", nullptr, 0), -1)
        << "overlay's own";
  });
}

// As the kernel's overlay has it, which looks for the mark below the top only.
TEST(MergedCopy, TheTopsOfLayersAreAlwaysMerged) {
  MD_NEEDS("root");
  with_layers([] {
    make_opaque(kTop);
    write_text(std::string(kBottom) + "/below", "below");
    copy();
    EXPECT_EQ(find_text(std::string(kCopy) + "/below"), "below");
  });
}

TEST(MergedCopy, WhereTheFilesystemSharesNothingItIsAskedOnce) {
  MD_NEEDS("root");
  with_layers([] {
    for (const char* name : {"/a", "/b"}) write_text(std::string(kBottom) + name, "x");
    trace::Recording recording;
    {
      const trace::Session session(&recording);
      copy();
    }
    EXPECT_EQ(std::ranges::count_if(recording.entries(),
                                    [](const trace::Recording::Entry& entry) {
                                      return entry.record.call != nullptr &&
                                             entry.record.call->name == std::string("ioctl");
                                    }),
              1);
  });
}

TEST(MergedCopy, HolesStayHoles) {
  MD_NEEDS("root");
  with_layers([] {
    const std::string sparse = std::string(kBottom) + "/sparse";
    write_text(sparse, "begin");
    EXPECT_EQ(::truncate(sparse.c_str(), 64 << 20), 0);
    const int fd = ::open(sparse.c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_EQ(::pwrite(fd, "middle", 6, 32 << 20), 6);
    ::close(fd);
    copy();
    EXPECT_EQ(run_command({"cmp", sparse, std::string(kCopy) + "/sparse"}).exit_code, 0);
    const struct stat copied = status_of(std::string(kCopy) + "/sparse");
    EXPECT_EQ(copied.st_size, 64 << 20);
    EXPECT_LT(copied.st_blocks * 512, 1 << 20);
  });
}

TEST(MergedCopy, NamesOfOneFileStayNamesOfOneFile) {
  MD_NEEDS("root");
  with_layers([] {
    make_dirs(std::string(kBottom) + "/a/b");
    write_text(std::string(kBottom) + "/z", "linked");
    for (const char* name : {"/a/b/y", "/x"}) {
      EXPECT_EQ(
          ::link((std::string(kBottom) + "/z").c_str(), (std::string(kBottom) + name).c_str()), 0);
    }
    copy();
    const struct stat first = status_of(std::string(kCopy) + "/x");
    EXPECT_EQ(first.st_nlink, 3U);
    EXPECT_EQ(first.st_ino, status_of(std::string(kCopy) + "/a/b/y").st_ino);
    EXPECT_NE(first.st_ino, status_of(std::string(kBottom) + "/x").st_ino) << "not the layer's";
  });
}

TEST(MergedCopy, CapabilitiesAndSpecialBitsSurviveTheChangeOfOwner) {
  MD_NEEDS("root");
  with_layers([] {
    const std::string program = std::string(kBottom) + "/program";
    write_text(program, "x");
    EXPECT_EQ(::chown(program.c_str(), 12, 34), 0);
    EXPECT_EQ(::chmod(program.c_str(), 06755), 0);
    const unsigned char capability[20] = {1, 0, 0, 2, 0, 4};  // cap_net_bind_service, effective
    EXPECT_EQ(::setxattr(program.c_str(), "security.capability", capability, sizeof(capability), 0),
              0);
    copy();
    const struct stat copied = status_of(std::string(kCopy) + "/program");
    EXPECT_EQ(copied.st_mode & 07777U, 06755U);
    EXPECT_EQ(copied.st_uid, 12U);
    EXPECT_EQ(
        ::getxattr((std::string(kCopy) + "/program").c_str(), "security.capability", nullptr, 0),
        static_cast<ssize_t>(sizeof(capability)));
  });
}

TEST(MergedCopy, DirectoriesWithoutPermissionAreCopiedByAnOrdinaryUserToo) {
  MD_NEEDS("root", "user");
  minidocker::testing::in_sandbox(
      [] {
        for (const char* dir : {kTop, kBottom, kCopy}) make_dirs(dir);
        make_dirs(std::string(kBottom) + "/shut/within");
        write_text(std::string(kBottom) + "/shut/within/file", "x");
        EXPECT_EQ(::chmod((std::string(kBottom) + "/shut").c_str(), 0555), 0);
        copy();
        EXPECT_EQ(status_of(std::string(kCopy) + "/shut").st_mode & 0777U, 0555U);
        EXPECT_EQ(read_text(std::string(kCopy) + "/shut/within/file"), "x");
        EXPECT_EQ(::chmod((std::string(kBottom) + "/shut").c_str(), 0755), 0);
        EXPECT_EQ(::chmod((std::string(kCopy) + "/shut").c_str(), 0755), 0);
      },
      {.as_user = true});
}

TEST(MergedCopy, ADeepTreeNeedsFewDescriptors) {
  MD_NEEDS("root");
  with_layers([] {
    std::string deep = kBottom;
    for (int i = 0; i < 700; ++i) deep += "/d";
    make_dirs(deep);
    copy();
    EXPECT_EQ(minidocker::testing::files_below(kCopy).size(), 700U);
  });
}

/// The error of copying `layer` to `copy`.
SystemError error_of_copy(const std::string& layer, const std::string& copy) {
  try {
    copy_merged({layer}, copy);
  } catch (const SystemError& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was said";
  return {"", "", 0};
}

TEST(MergedCopy, AFullDiskIsAnErrorThatNamesTheFile) {
  MD_NEEDS("root");
  with_layers([] {
    EXPECT_EQ(::mount("none", kTop, "tmpfs", 0, "size=400k"), 0);
    make_dirs(std::string(kTop) + "/layer");
    make_dirs(std::string(kTop) + "/copy");
    write_text(std::string(kTop) + "/layer/large", std::string(256 << 10, 'x'));
    const SystemError error =
        error_of_copy(std::string(kTop) + "/layer", std::string(kTop) + "/copy");
    EXPECT_EQ(error.code(), ENOSPC);
    EXPECT_NE(std::string(error.what()).find("\"large\""), std::string::npos) << error.what();
  });
}

TEST(MergedCopy, BetweenFilesystemsIsRefusedWithAHint) {
  MD_NEEDS("root");
  with_layers([] {
    EXPECT_EQ(::mount("none", kCopy, "ramfs", 0, nullptr), 0);
    write_text(std::string(kBottom) + "/file", "x");
    const SystemError error = error_of_copy(kBottom, kCopy);
    EXPECT_EQ(error.code(), EXDEV);
    EXPECT_NE(std::string(error.what()).find("on one filesystem"), std::string::npos)
        << error.what();
  });
}

/// The names of the calls by which `layer` is copied to `copy`, without repetitions.
std::set<std::string> calls_of_copy(const std::string& layer, const std::string& copy) {
  trace::Recording recording;
  {
    const trace::Session session(&recording);
    copy_merged({layer}, copy);
  }
  std::set<std::string> names;
  for (const trace::Recording::Entry& entry : recording.entries()) {
    if (entry.record.call != nullptr) names.insert(entry.record.call->name);
  }
  return names;
}

/// The first physical extent of a file, as filefrag(8) prints it.
std::string extent_of(const std::string& path) {
  const CommandResult result = run_command({"filefrag", "-v", path});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return minidocker::testing::lines_of(result.out).at(3);
}

TEST(MergedCopy, SharesBlocksWhereTheFilesystemCan) {
  MD_NEEDS("root", "mkfs.btrfs");
  minidocker::testing::in_sandbox([] {
    write_text("/tmp/disk", "");
    EXPECT_EQ(::truncate("/tmp/disk", 256 << 20), 0);
    const std::string mkfs = minidocker::testing::path_of("mkfs.btrfs");
    const CommandResult made = run_command({mkfs, "-q", "/tmp/disk"});
    ASSERT_EQ(made.exit_code, 0) << made.in_words();
    make_dirs("/tmp/btrfs");
    const CommandResult mounted = run_command({"mount", "-o", "loop", "/tmp/disk", "/tmp/btrfs"});
    ASSERT_EQ(mounted.exit_code, 0) << mounted.in_words();
    make_dirs("/tmp/btrfs/layer");
    make_dirs("/tmp/btrfs/copy");
    const std::string content(1 << 20, 'x');
    write_text("/tmp/btrfs/layer/large", content);
    write_text("/tmp/btrfs/layer/odd", "12345");
    const std::set<std::string> calls = calls_of_copy("/tmp/btrfs/layer", "/tmp/btrfs/copy");
    EXPECT_TRUE(calls.contains("ioctl"));
    EXPECT_FALSE(calls.contains("copy_file_range"));
    ::sync();
    EXPECT_EQ(extent_of("/tmp/btrfs/layer/large"), extent_of("/tmp/btrfs/copy/large"));
    EXPECT_EQ(read_text("/tmp/btrfs/copy/odd"), "12345");
    write_text("/tmp/btrfs/copy/large", "mine");
    EXPECT_EQ(read_text("/tmp/btrfs/layer/large"), content) << "until one of them is written";
    EXPECT_EQ(run_command({"umount", "/tmp/btrfs"}).exit_code, 0);
  });
}

}  // namespace
}  // namespace minidocker::unionfs
