#include "minidocker/toolbox/sys/file.hpp"

#include <linux/close_range.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::is_close_on_exec;

constexpr int kNoFd = 999'999;

class SysFile : public ::testing::Test {
 protected:
  [[nodiscard]] UniqueFd make(const char* name, std::string_view content = "0123456789") const {
    UniqueFd file = sys::openat(dir_.get(), name, O_RDWR | O_CREAT, 0640).or_throw(name);
    sys::write(file.get(), content.data(), content.size()).or_throw(name);
    sys::lseek(file.get(), 0, SEEK_SET).or_throw(name);
    return file;
  }

  TempDir temp_;
  UniqueFd dir_ = sys::open(temp_.path().c_str(), O_RDONLY | O_DIRECTORY).or_throw("dir");
};

TEST_F(SysFile, OpenedDescriptorsAreCloseOnExec) {
  const UniqueFd file = make("a");
  EXPECT_TRUE(is_close_on_exec(::getpid(), file.get()));
  const UniqueFd by_openat2 = sys::openat2(dir_.get(), "a", O_RDONLY, 0).or_throw("a");
  EXPECT_TRUE(is_close_on_exec(::getpid(), by_openat2.get()));
  const UniqueFd copy = sys::dup(file.get()).or_throw("a");
  EXPECT_TRUE(is_close_on_exec(::getpid(), copy.get()));
  const UniqueFd memory = sys::memfd_create("m", 0).or_throw("m");
  EXPECT_TRUE(is_close_on_exec(::getpid(), memory.get()));
}

TEST_F(SysFile, OpenAsksForTheModeOnlyWhenItCreates) {
  EXPECT_EQ(fmt::format("openat({0}, \"a\", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600)\n"
                        "openat({0}, \"a\", O_RDONLY|O_CLOEXEC)\n"
                        "openat({0}, \"b\", O_RDONLY|O_CLOEXEC) = ENOENT",
                        dir_.get()),
            recorded([&] {
              (void)sys::openat(dir_.get(), "a", O_WRONLY | O_CREAT | O_EXCL, 0600);
              (void)sys::openat(dir_.get(), "a", O_RDONLY);
              (void)sys::openat(dir_.get(), "b", O_RDONLY);
            }));
}

TEST_F(SysFile, Openat2TellsTheRulesOfResolution) {
  const UniqueFd file = make("a");
  EXPECT_EQ(fmt::format("openat2({0}, \"a\", {{flags=O_RDONLY|O_CLOEXEC, mode=0, "
                        "resolve=RESOLVE_IN_ROOT}})\n"
                        "openat2({0}, \"..\", {{flags=O_RDONLY|O_CLOEXEC, mode=0, "
                        "resolve=RESOLVE_BENEATH}}) = EXDEV",
                        dir_.get()),
            recorded([&] {
              (void)sys::openat2(dir_.get(), "a", O_RDONLY, RESOLVE_IN_ROOT);
              (void)sys::openat2(dir_.get(), "..", O_RDONLY, RESOLVE_BENEATH);
            }));
}

TEST_F(SysFile, Openat2CreatesWithTheModeGiven) {
  EXPECT_TRUE(sys::openat2(dir_.get(), "new", O_WRONLY | O_CREAT, RESOLVE_BENEATH, 0600).ok());
  EXPECT_EQ(0600U, sys::fstatat(dir_.get(), "new", 0).or_throw("new").st_mode & 07777);
}

TEST_F(SysFile, OpeningADirectoryCreatesNothingAndTakesNoMode) {
  EXPECT_EQ(fmt::format("openat({0}, \".\", O_RDONLY|O_DIRECTORY|O_CLOEXEC)\n"
                        "openat2({0}, \".\", {{flags=O_RDONLY|O_DIRECTORY|O_CLOEXEC, mode=0, "
                        "resolve=0}})\n"
                        "openat({0}, \".\", O_WRONLY|O_TMPFILE|O_CLOEXEC, 0600)",
                        dir_.get()),
            recorded([&] {
              (void)sys::openat(dir_.get(), ".", O_RDONLY | O_DIRECTORY, 0700);
              (void)sys::openat2(dir_.get(), ".", O_RDONLY | O_DIRECTORY, 0, 0700);
              (void)sys::openat(dir_.get(), ".", O_WRONLY | O_TMPFILE, 0600);
            }));
}

TEST_F(SysFile, ReadsAndWritesAtThePosition) {
  const UniqueFd file = make("a");
  char buffer[4] = {};
  EXPECT_EQ(2U, sys::read(file.get(), buffer, 2).or_throw("a"));
  EXPECT_STREQ("01", buffer);
  EXPECT_EQ(1U, sys::write(file.get(), "x", 1).or_throw("a"));
  EXPECT_EQ("01x3456789", testing::read_text(temp_ / "a"));
}

TEST_F(SysFile, TransfersTellDescriptorTextAndSize) {
  const UniqueFd file = make("a");
  char buffer[8];
  EXPECT_EQ(fmt::format("read({0}, 8)\nwrite({0}, \"hi\", 2)\nlseek({0}, 0, 0)", file.get()),
            recorded([&] {
              (void)sys::read(file.get(), buffer, 8);
              (void)sys::write(file.get(), "hi", 2);
              (void)sys::lseek(file.get(), 0, SEEK_SET);
            }));
}

TEST_F(SysFile, CopiesAreToldAndAFileGrowsByAHole) {
  const UniqueFd from = make("a");
  const UniqueFd to = make("b", "");
  EXPECT_EQ(
      fmt::format("copy_file_range({}, {}, 4)\nftruncate({}, 100)", from.get(), to.get(), to.get()),
      recorded([&] {
        EXPECT_EQ(4U, sys::copy_file_range(from.get(), to.get(), 4).value());
        EXPECT_TRUE(sys::ftruncate(to.get(), 100).ok());
      }));
  EXPECT_EQ(testing::read_text(temp_ / "b"), "0123" + std::string(96, '\0'));
  // Which filesystems share content is for the storage drivers to find out; none shares with proc.
  const UniqueFd proc = sys::open("/proc/self/status", O_RDONLY).or_throw("status");
  EXPECT_FALSE(sys::clone_file(to.get(), proc.get()).ok());
}

TEST_F(SysFile, ABadDescriptorIsEbadfForEveryCallOnDescriptors) {
  char buffer[8];
  EXPECT_EQ(EBADF, sys::ftruncate(kNoFd, 0).error());
  EXPECT_EQ(EBADF, sys::clone_file(kNoFd, 0).error());
  EXPECT_EQ(EBADF, sys::copy_file_range(kNoFd, kNoFd, 1).error());
  EXPECT_EQ(EBADF, sys::close(kNoFd).error());
  EXPECT_EQ(EBADF, sys::read(kNoFd, buffer, 8).error());
  EXPECT_EQ(EBADF, sys::write(kNoFd, buffer, 8).error());
  EXPECT_EQ(EBADF, sys::lseek(kNoFd, 0, SEEK_SET).error());
  EXPECT_EQ(EBADF, sys::fsync(kNoFd).error());
  EXPECT_EQ(EBADF, sys::syncfs(kNoFd).error());
  EXPECT_EQ(EBADF, sys::dup(kNoFd).error());
  EXPECT_EQ(EBADF, sys::pass_on_as(kNoFd, 5).error());
  EXPECT_EQ(EBADF, sys::set_cloexec(kNoFd, true).error());
  EXPECT_EQ(EBADF, sys::set_nonblocking(kNoFd, true).error());
  EXPECT_EQ(EBADF, sys::probe_fd(kNoFd).error());
  EXPECT_EQ(EBADF, sys::fstat(kNoFd).error());
  EXPECT_EQ(EBADF, sys::fstatfs(kNoFd).error());
  EXPECT_EQ(EBADF, sys::getdents64(kNoFd, buffer, 8).error());
  EXPECT_EQ(EBADF, sys::flock(kNoFd, LOCK_EX).error());
}

TEST_F(SysFile, SyncingIsTraced) {
  const UniqueFd file = make("a");
  EXPECT_EQ(fmt::format("fsync({0})\nsyncfs({0})", file.get()), recorded([&] {
              (void)sys::fsync(file.get());
              (void)sys::syncfs(file.get());
            }));
}

TEST_F(SysFile, DupTakesTheLowestNumberAllowed) {
  const UniqueFd file = make("a");
  EXPECT_GE(sys::dup(file.get(), 100).or_throw("a").get(), 100);
}

TEST_F(SysFile, PassingOnClearsCloseOnExec) {
  const UniqueFd file = make("a");
  const UniqueFd target = sys::dup(file.get(), 150).or_throw("a");
  sys::pass_on_as(file.get(), target.get()).or_throw("a");
  EXPECT_FALSE(is_close_on_exec(::getpid(), target.get()));
  EXPECT_TRUE(is_close_on_exec(::getpid(), file.get()));
  sys::pass_on_as(file.get(), file.get()).or_throw("a");
  EXPECT_FALSE(is_close_on_exec(::getpid(), file.get()));
}

TEST_F(SysFile, CloseOnExecIsSetOnlyWhenItDiffers) {
  const UniqueFd file = make("a");
  EXPECT_EQ(fmt::format("fcntl({0}, \"F_GETFD\", 0)\nfcntl({0}, \"F_GETFD\", 0)\n"
                        "fcntl({0}, \"F_SETFD\", 0)",
                        file.get()),
            recorded([&] {
              (void)sys::set_cloexec(file.get(), true);
              (void)sys::set_cloexec(file.get(), false);
            }));
}

TEST_F(SysFile, NonblockingCanBeSetAndCleared) {
  const UniqueFd file = make("a");
  sys::set_nonblocking(file.get(), true).or_throw("a");
  EXPECT_NE(0, ::fcntl(file.get(), F_GETFL) & O_NONBLOCK);
  sys::set_nonblocking(file.get(), false).or_throw("a");
  EXPECT_EQ(0, ::fcntl(file.get(), F_GETFL) & O_NONBLOCK);
}

TEST_F(SysFile, CloseRangeClosesAllFromANumberOn) {
  testing::in_child([&] {
    const int high = sys::dup(dir_.get(), 400).or_throw("dir").release();
    EXPECT_EQ(
        "close_range(400, 0xffffffff, CLOSE_RANGE_CLOEXEC)\n"
        "close_range(400, 0xffffffff, 0)\n"
        "close_range(400, 0xffffffff, 0x40) = EINVAL",
        recorded([] {
          (void)sys::close_range_from(400, CLOSE_RANGE_CLOEXEC);
          (void)sys::close_range_from(400, 0);
          (void)sys::close_range_from(400, 0x40);
        }));
    EXPECT_EQ(EBADF, sys::probe_fd(high).error());
  });
}

TEST_F(SysFile, StatusIsReadByDescriptorAndByName) {
  const UniqueFd file = make("a");
  EXPECT_EQ(10, sys::fstat(file.get()).or_throw("a").st_size);
  EXPECT_EQ(10, sys::fstatat(dir_.get(), "a", AT_SYMLINK_NOFOLLOW).or_throw("a").st_size);
  EXPECT_NE(0, sys::fstatfs(file.get()).or_throw("a").f_type);
  EXPECT_EQ(fmt::format("fstat({0})\n"
                        "newfstatat({1}, \"no\", AT_SYMLINK_NOFOLLOW) = ENOENT\n"
                        "fstatfs({0})",
                        file.get(), dir_.get()),
            recorded([&] {
              (void)sys::fstat(file.get());
              (void)sys::fstatat(dir_.get(), "no", AT_SYMLINK_NOFOLLOW);
              (void)sys::fstatfs(file.get());
            }));
}

TEST_F(SysFile, AccessIsJudgedForTheEffectiveIds) {
  const UniqueFd file = make("a");
  EXPECT_TRUE(sys::faccessat(dir_.get(), "a", R_OK).ok());
  EXPECT_EQ(fmt::format("faccessat2({}, \"a\", 1, AT_EACCESS) = EACCES", dir_.get()),
            recorded([&] { (void)sys::faccessat(dir_.get(), "a", X_OK); }));
}

TEST_F(SysFile, ReadsLinksWithoutTheirEnd) {
  sys::symlinkat("target", dir_.get(), "link").or_throw("link");
  char buffer[16];
  EXPECT_EQ(6U, sys::readlinkat(dir_.get(), "link", buffer, sizeof(buffer)).or_throw("link"));
  EXPECT_EQ(0, std::memcmp("target", buffer, 6));
  EXPECT_EQ(fmt::format("readlinkat({}, \"no\", 16) = ENOENT", dir_.get()),
            recorded([&] { (void)sys::readlinkat(dir_.get(), "no", buffer, sizeof(buffer)); }));
}

TEST_F(SysFile, ReadsDirectoriesToTheirEnd) {
  char buffer[4096];
  EXPECT_LT(0U, sys::getdents64(dir_.get(), buffer, sizeof(buffer)).or_throw("dir"));
  EXPECT_EQ(0U, sys::getdents64(dir_.get(), buffer, sizeof(buffer)).or_throw("dir"));
  const UniqueFd file = make("a");
  EXPECT_EQ(fmt::format("getdents64({}, 4096) = ENOTDIR", file.get()),
            recorded([&] { (void)sys::getdents64(file.get(), buffer, sizeof(buffer)); }));
}

TEST_F(SysFile, MemoryIsAFileOfNoDirectory) {
  UniqueFd memory;
  EXPECT_EQ("memfd_create(\"m\", MFD_CLOEXEC)",
            recorded([&] { memory = sys::memfd_create("m", 0).or_throw("m"); }));
  EXPECT_EQ(1U, sys::write(memory.get(), "x", 1).or_throw("m"));
  EXPECT_EQ(EINVAL, sys::memfd_create("m", 0x8000).error());
}

TEST_F(SysFile, ALockKeepsOthersOut) {
  const UniqueFd first = make("a");
  const UniqueFd second = sys::openat(dir_.get(), "a", O_RDONLY).or_throw("a");
  EXPECT_TRUE(sys::flock(first.get(), LOCK_EX).ok());
  EXPECT_EQ(fmt::format("flock({}, 6) = EAGAIN", second.get()),
            recorded([&] { (void)sys::flock(second.get(), LOCK_EX | LOCK_NB); }));
}

TEST_F(SysFile, RangesAreLockedApart) {
  const UniqueFd first = make("a");
  const UniqueFd second = sys::openat(dir_.get(), "a", O_RDWR).or_throw("a");
  EXPECT_EQ(fmt::format("fcntl({}, \"F_OFD_SETLKW\", {{l_start=7, l_len=1}})", first.get()),
            recorded([&] { (void)sys::lock_range(first.get(), 7, 1); }));
  EXPECT_TRUE(sys::lock_range(second.get(), 8, 1).ok());
  EXPECT_EQ(
      fmt::format("fcntl({}, \"F_OFD_SETLK\", {{l_start=7, l_len=1}}) = EAGAIN", second.get()),
      recorded([&] { (void)sys::try_lock_range(second.get(), 7, 1); }));
  EXPECT_TRUE(sys::try_lock_range(second.get(), 9, 1).ok());
  EXPECT_EQ(EBADF, sys::lock_range(kNoFd, 0, 1).error());
}

TEST_F(SysFile, SharedMemoryIsSeenByBothSidesOfAFork) {
  void* memory = sys::map_shared(4096).or_throw("memory");
  testing::in_child([memory] { *static_cast<int*>(memory) = 42; });
  EXPECT_EQ(42, *static_cast<int*>(memory));
  EXPECT_EQ("munmap(4096)", recorded([memory] { (void)sys::munmap(memory, 4096); }));
  EXPECT_EQ("mmap(0) = EINVAL", recorded([] { (void)sys::map_shared(0); }));
  EXPECT_EQ(EINVAL, sys::munmap(reinterpret_cast<void*>(1), 4096).error());
}

}  // namespace
}  // namespace minidocker
