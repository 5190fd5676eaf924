#include "minidocker/toolbox/files.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::read_text;
using testing::write_text;
using Names = std::vector<std::string>;

/// The message of the SystemError that `code` throws.
template <class Code>
std::string error_of(const Code& code) {
  try {
    code();
  } catch (const SystemError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

class Files : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(std::string_view name) const { return temp_ / name; }
  [[nodiscard]] mode_t mode_of(const std::string& name) const {
    return sys::fstatat(AT_FDCWD, path(name).c_str(), 0).or_throw(name).st_mode & 07777;
  }
  TempDir temp_;
};

TEST_F(Files, RegularOnesOfAnyLengthAreReadWhole) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65535},
                                 std::size_t{65536}, std::size_t{65537}, std::size_t{200000}}) {
    write_text(path("file"), std::string(size, 'x'));
    EXPECT_EQ(std::string(size, 'x'), read_regular_file(path("file"))) << size;
  }
}

TEST_F(Files, AreReadToTheirEndWhateverTheirSize) {
  for (const std::size_t size : {0UL, 1UL, 4096UL, 4097UL, 1'000'000UL}) {
    const std::string content(size, 'x');
    write_text(path("a"), content);
    EXPECT_EQ(content, read_file(path("a")));
  }
  EXPECT_FALSE(read_file("/proc/self/mountinfo").empty()) << "a file whose size says 0";
}

TEST_F(Files, AreReadFromWhereTheDescriptorStands) {
  write_text(path("a"), "0123456789");
  const UniqueFd file = sys::open(path("a").c_str(), O_RDONLY).or_throw("a");
  sys::lseek(file.get(), 7, SEEK_SET).or_throw("a");
  EXPECT_EQ("789", read_all(file.get(), "a"));
}

TEST_F(Files, ReadingTellsPathAndReason) {
  EXPECT_EQ("openat(\"/no/such\"): no such file or directory (ENOENT)",
            error_of([] { (void)read_file("/no/such"); }));
  EXPECT_EQ("read(\"/tmp\"): is a directory (EISDIR)", error_of([] { (void)read_file("/tmp"); }));
}

TEST_F(Files, AbsenceIsNoErrorWhenOnlyLooking) {
  EXPECT_EQ(std::nullopt, find_file("/no/such"));
  EXPECT_EQ(std::nullopt, find_file("/etc/passwd/below-a-file"));
  write_text(path("a"), "here");
  EXPECT_EQ("here", find_file(path("a")));
  EXPECT_THROW((void)find_file("/tmp"), SystemError);
}

/// Ends a process as soon as somebody has opened a file.
class EndAfterOpen final : public trace::Sink {
 public:
  explicit EndAfterOpen(Process& process) : process_(process) {}
  void enter(const trace::Step&) override {}
  void leave() override {}
  void call(const trace::Record& record) noexcept override {
    const trace::Session silent(nullptr);
    if (record.call->name != std::string_view("openat") || !process_) return;
    process_.send(SIGKILL);
    process_.wait();
  }

 private:
  Process& process_;
};

TEST_F(Files, OfAProcessThatEndsMeanwhileAreAbsentToo) {
  Process process = Process::spawn({"sleep", "1000"});
  const std::string stat = fmt::format("/proc/{}/stat", process.pid());
  EndAfterOpen sink(process);
  const trace::Session session(&sink);
  EXPECT_EQ(std::nullopt, find_file(stat));
}

TEST_F(Files, ControlFilesAreWrittenByOneWriteAndNeverMade) {
  write_text(path("control"), "");
  const std::string file = path("control");
  const std::string told = recorded([&file] { write_control(file, "64m"); });
  EXPECT_TRUE(told.starts_with("openat(AT_FDCWD, \"" + file + "\", O_WRONLY|O_CLOEXEC)\nwrite("));
  EXPECT_TRUE(told.ends_with(", \"64m\", 3)")) << told;
  EXPECT_EQ("64m", read_text(file));
  EXPECT_EQ("openat(\"/no/such\", \"x\"): no such file or directory (ENOENT)",
            error_of([] { write_control("/no/such", "x"); }));
}

TEST_F(Files, AControlFileThatRefusesAValueIsToldWithTheValue) {
  const std::string told = error_of([] { write_control("/proc/self/oom_score_adj", "many"); });
  EXPECT_EQ("write(\"/proc/self/oom_score_adj\", \"many\"): invalid argument (EINVAL)", told);
}

TEST_F(Files, AControlFileThatTakesOnlyAPartHasRefused) {
  testing::in_child([this] {
    ::signal(SIGXFSZ, SIG_IGN);
    write_text(path("control"), "");
    sys::set_rlimit(0, RLIMIT_FSIZE, {4, 4}).or_throw("limit");
    EXPECT_EQ(EIO, write_control_at(AT_FDCWD, path("control").c_str(), "0123456").error());
  });
}

TEST_F(Files, WritingAllGoesOnUntilAllIsWritten) {
  Pipe pipe = Pipe::make();
  const std::string large(1'000'000, 'x');
  sys::Cloned reader = sys::clone3({}).or_throw("clone3");
  if (reader.pid == 0) {
    pipe.write_end.reset();
    sys::exit_group(read_all(pipe.read_end.get(), "pipe") == large ? 0 : 1);
  }
  write_all(pipe.write_end.get(), large, "pipe");
  pipe.write_end.reset();
  EXPECT_EQ(0, sys::wait_child(reader.pid).or_throw("reader").si_status);
  EXPECT_EQ("write(\"nothing\"): bad file descriptor (EBADF)",
            error_of([] { write_all(-1, "x", "nothing"); }));
}

TEST_F(Files, AnAtomicWriteReplacesTheWholeFileWithExactlyTheMode) {
  testing::in_child([this] {
    ::umask(077);
    write_atomically(path("a"), "old and long", 0600);
    write_atomically(path("a"), "new", 0644);
    EXPECT_EQ("new", read_text(path("a")));
    EXPECT_EQ(0644U, mode_of("a"));
    EXPECT_EQ(Names{"a"}, list_dir(temp_.path()));
  });
}

TEST_F(Files, AFailedAtomicWriteLeavesNothing) {
  make_dirs(path("a/full"));
  EXPECT_EQ("renameat2(\"" + path("a") + "\"): is a directory (EISDIR)",
            error_of([this] { write_atomically(path("a"), "x"); }));
  EXPECT_EQ(Names{"a"}, list_dir(temp_.path()));
  EXPECT_THROW(write_atomically("/no/such/dir/file", "x"), SystemError);
}

TEST_F(Files, ADurableWriteSyncsFileThenNameThenDirectory) {
  const std::string told =
      recorded([this] { write_atomically(path("a"), "x", 0644, Durability::synced); });
  std::vector<std::string> calls;
  for (const std::string& line : testing::lines_of(told)) {
    calls.push_back(line.substr(0, line.find('(')));
  }
  EXPECT_EQ((Names{"openat", "fchmod", "write", "fsync", "renameat2", "openat", "fsync"}), calls);
}

TEST_F(Files, AStaleTemporaryNameIsPassedOver) {
  const std::string stale = ".mini-docker-" + std::to_string(::getpid()) + "-0";
  write_text(path(stale), "of one who was killed");
  write_atomically(path("a"), "x");
  EXPECT_EQ("x", read_text(path("a")));
  EXPECT_EQ("of one who was killed", read_text(path(stale)));
}

TEST_F(Files, ARelativeNameIsReplacedInTheWorkingDirectory) {
  testing::in_child([this] {
    sys::chdir(temp_.path().c_str()).or_throw("chdir");
    write_atomically("plain", "x");
    EXPECT_EQ("x", read_text(path("plain")));
    make_dirs("one//two/");
    EXPECT_TRUE(exists(path("one/two")));
  });
}

TEST_F(Files, DirectoriesAreMadeWithTheirParents) {
  make_dirs(path("a/b/c"), 0700);
  EXPECT_EQ(0700U, mode_of("a/b/c"));
  EXPECT_NO_THROW(make_dirs(path("a/b/c")));
  EXPECT_NO_THROW(make_dirs("/"));
  write_text(path("file"), "");
  EXPECT_EQ("mkdirat(\"" + path("file") + "\"): not a directory (ENOTDIR)",
            error_of([this] { make_dirs(path("file")); }));
  EXPECT_THROW(make_dirs(path("file/below")), SystemError);
  EXPECT_THROW(make_dirs(""), SystemError);
}

TEST_F(Files, ExistenceFollowsLinks) {
  sys::symlinkat("nowhere", AT_FDCWD, path("dangling").c_str()).or_throw("link");
  sys::symlinkat("/etc/passwd", AT_FDCWD, path("good").c_str()).or_throw("link");
  EXPECT_FALSE(exists(path("dangling")));
  EXPECT_TRUE(exists(path("good")));
}

TEST_F(Files, DirectoriesAreListedSortedAndWhole) {
  Names names;
  for (int i = 100; i < 1300; ++i) names.push_back("a-rather-long-name-" + std::to_string(i) + "-");
  for (auto name = names.rbegin(); name != names.rend(); ++name) write_text(path(*name), "");
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, list_dir(temp_.path()));
  EXPECT_THROW((void)list_dir("/no/such"), SystemError);
}

TEST_F(Files, ATreeIsRemovedWithoutFollowingLinks) {
  make_dirs(path("tree/a/b"));
  make_dirs(path("outside"));
  write_text(path("outside/kept"), "");
  write_text(path("tree/a/file"), "");
  sys::symlinkat("../../outside", AT_FDCWD, path("tree/a/link").c_str()).or_throw("link");
  sys::mknodat(AT_FDCWD, path("tree/fifo").c_str(), S_IFIFO | 0600, 0).or_throw("fifo");
  remove_tree(path("tree"));
  EXPECT_EQ(Names{"outside"}, list_dir(temp_.path()));
  EXPECT_TRUE(exists(path("outside/kept")));
}

TEST_F(Files, RemovingAFileALinkOrNothingIsFine) {
  write_text(path("file"), "");
  make_dirs(path("dir"));
  sys::symlinkat("dir", AT_FDCWD, path("link").c_str()).or_throw("link");
  remove_tree(path("file"));
  remove_tree(path("link"));
  remove_tree(path("no/such"));
  EXPECT_EQ(Names{"dir"}, list_dir(temp_.path()));
  EXPECT_THROW(remove_tree("/proc/self/stat"), SystemError);
}

TEST_F(Files, ATreeMayBeRemovedBySeveralAtOnce) {
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 20; ++i) make_dirs(path(fmt::format("tree/{}/inner", i)));
    std::latch all_there(4);
    std::vector<std::string> errors(4);
    std::vector<std::jthread> removers;
    for (std::string& error : errors) {
      removers.emplace_back([&] {
        all_there.arrive_and_wait();
        error = error_of([&] { remove_tree(path("tree")); });
      });
    }
    removers.clear();
    EXPECT_EQ(std::vector<std::string>(4, "nothing was thrown"), errors);
    EXPECT_FALSE(exists(path("tree")));
  }
}

TEST_F(Files, ATreeDeeperThanThereAreDescriptorsIsRemoved) {
  testing::in_child([this] {
    sys::set_rlimit(0, RLIMIT_NOFILE, {128, 128}).or_throw("limit");
    make_dirs(path("deep"));
    UniqueFd dir = sys::open(path("deep").c_str(), O_RDONLY | O_DIRECTORY).or_throw("deep");
    for (int i = 0; i < 1500; ++i) {
      sys::mkdirat(dir.get(), "a-directory", 0755).or_throw("deep");
      dir = sys::openat(dir.get(), "a-directory", O_RDONLY | O_DIRECTORY).or_throw("deep");
    }
    dir.reset();
    remove_tree(path("deep"));
    EXPECT_FALSE(exists(path("deep")));
  });
}

TEST_F(Files, DirectoriesOfOursThatMayNotBeReadOrWrittenAreRemoved) {
  MD_NEEDS("user");
  sys::fchmodat(AT_FDCWD, temp_.path().c_str(), 0777).or_throw("temp");
  testing::in_sandbox(
      [this] {
        for (const mode_t mode : {0000U, 0100U, 0500U}) {
          make_dirs(path("tree/locked/inner"));
          write_text(path("tree/locked/file"), "");
          sys::fchmodat(AT_FDCWD, path("tree/locked").c_str(), mode).or_throw("locked");
          remove_tree(path("tree"));
          EXPECT_FALSE(exists(path("tree"))) << mode;
        }
      },
      {.flags = 0, .as_user = true});
}

TEST_F(Files, WhatIsMountedInATreeIsNotTouched) {
  MD_NEEDS("userns");
  testing::in_sandbox([] {
    make_dirs("/tmp/tree/a/mounted");
    make_dirs("/tmp/precious");
    write_text("/tmp/precious/file", "");
    sys::mount("/tmp/precious", "/tmp/tree/a/mounted", nullptr, MS_BIND, nullptr).or_throw("bind");
    EXPECT_EQ(
        "openat2(\"/tmp/tree\"): invalid cross-device link (EXDEV); hint: something is "
        "mounted there; unmount it first",
        error_of([] { remove_tree("/tmp/tree"); }));
    EXPECT_TRUE(exists("/tmp/precious/file")) << "a bind mount is the same filesystem: the "
                                                 "device number would not have told";
  });
}

}  // namespace
}  // namespace minidocker
