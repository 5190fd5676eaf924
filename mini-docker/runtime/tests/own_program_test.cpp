// The image's program is ours: what CVE-2019-5736 did. Only a static program can be run in a root
// without libraries, so these are built where mini-runc is one: in a release.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "minidocker/toolbox/unique_fd.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

class OwnProgram : public RuncTest {
 protected:
  // Is it this file? Its mount has no path to compare.
  bool is_mini_runc(const std::string& file) {
    struct stat one{};
    struct stat other{};
    return ::stat(file.c_str(), &one) == 0 &&
           ::stat(command_line({}).front().c_str(), &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
  }
};

TEST_F(OwnProgram, CannotBeWrittenByWhoRunsItInside) {
  MD_NEEDS("root");
  // CVE-2019-5736: the image's program is /proc/self/exe, that is mini-runc; somebody in the same
  // PID namespace opens it and waits for its end. The full FIFO, its log, lets it live until then.
  const std::string fifo = bundle_->rootfs() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const UniqueFd log(::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  while (::write(log.get(), "x", 1) == 1) {
  }
  bundle_->no_name_space("pid");
  bundle_->command({"/proc/self/exe", "--log", "/fifo", "list", "nonsense"});
  bundle_->write();
  const std::string pid_file = dir_.path() + "/pid";
  std::vector<std::string> line =
      command_line({"run", "-b", bundle_->dir(), "--pid-file", pid_file, id_});
  line.insert(line.begin(), {"sh", "-c", "exec \"$@\" 2>&1", "sh"});
  testing::RunningCommand running(line);
  ASSERT_TRUE(running.read_until("nonsense")) << running.out();
  const std::string program = "/proc/" + testing::read_text(pid_file) + "/exe";
  ASSERT_TRUE(is_mini_runc(program));
  const UniqueFd opened(::open(program.c_str(), O_PATH | O_CLOEXEC));
  ASSERT_GE(opened.get(), 0);
  std::array<char, 4096> drained;
  while (::read(log.get(), drained.data(), drained.size()) > 0) {
  }
  running.wait();
  const std::string again = "/proc/self/fd/" + std::to_string(opened.get());
  const UniqueFd writable(::open(again.c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(writable.get(), -1);
  EXPECT_EQ(errno, EROFS) << std::strerror(errno);
}

TEST_F(OwnProgram, ExecutedAnewItIsStillCalledMiniRunc) {
  MD_NEEDS("root");
  bundle_->no_name_space("pid");
  EXPECT_EQ(output_of("cat /proc/$PPID/comm"), "mini-runc");
}

}  // namespace
}  // namespace minidocker::runtime
