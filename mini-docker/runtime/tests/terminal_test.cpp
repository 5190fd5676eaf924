// Terminals: in the foreground, and handed over a console socket.
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include <nlohmann/json.hpp>

#include "minidocker/toolbox/unique_fd.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using testing::CommandResult;

// Listens as conmon does and receives the master side.
class ConsoleListener {
 public:
  explicit ConsoleListener(const std::string& path)
      : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(
        ::bind(listener_.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
  }

  // The descriptor of the one message, and the number of its payload bytes.
  UniqueFd receive(ssize_t& payload) {
    const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char data[64];
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {data, sizeof(data)};
    struct msghdr message = {};
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    payload = ::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return {};
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return UniqueFd(fd);
  }

 private:
  UniqueFd listener_;
};

std::string read_to_end(int master) {
  std::string text;
  char buffer[256];
  ssize_t size = 0;
  while ((size = ::read(master, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;  // EIO: the last slave is closed
}

class Terminal : public RuncTest {
 protected:
  void SetUp() override {
    MD_NEEDS("tty");
    RuncTest::SetUp();
    if (bundle_ != nullptr) (*bundle_)["process"]["terminal"] = true;
  }
};

TEST_F(Terminal, InTheForegroundItIsOursAndTheProgramsOwn) {
  bundle_->script("test -t 0 && test -t 1 && test -t 2 && echo <>/dev/tty && tty; exit 5");
  bundle_->write();
  const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_}, {.pty = true});
  EXPECT_EQ(result.exit_code, 5) << result.in_words();
  EXPECT_NE(result.out.find("/dev/"), std::string::npos) << result.in_words();
}

TEST_F(Terminal, WhatIsTypedArrives) {
  bundle_->script("echo ready; read line; echo \"got $line\"");
  bundle_->write();
  testing::RunningCommand run(command_line({"run", "--bundle", bundle_->dir(), id_}),
                              {.pty = true});
  ASSERT_TRUE(run.read_until("ready"));
  run.write("hello\n");
  EXPECT_TRUE(run.read_until("got hello")) << run.out();
  EXPECT_EQ(run.wait().exit_code, 0);
}

TEST_F(Terminal, ControlCInterruptsTheProgramNotTheRuntime) {
  bundle_->script("trap 'exit 9' INT; echo ready; while :; do sleep 0.01; done");
  bundle_->write();
  testing::RunningCommand run(command_line({"run", "--bundle", bundle_->dir(), id_}),
                              {.pty = true});
  ASSERT_TRUE(run.read_until("ready"));
  run.write("\x03");
  EXPECT_EQ(run.wait().exit_code, 9);
}

TEST_F(Terminal, TheConsoleSocketGetsTheMasterSide) {
  const std::string path = dir_ / "console";
  ConsoleListener listener(path);
  bundle_->script("stty size; echo done");
  (*bundle_)["process"]["consoleSize"] = {{"height", 33}, {"width", 44}};
  bundle_->write();
  testing::RunningCommand create(
      command_line({"create", "--console-socket", path, "--bundle", bundle_->dir(), id_}));
  ssize_t payload = 0;
  const UniqueFd master = listener.receive(payload);
  ASSERT_TRUE(master);
  EXPECT_GE(payload, 1);
  EXPECT_EQ(create.wait().exit_code, 0);
  EXPECT_TRUE(::isatty(master.get()));
  EXPECT_EQ(runc({"start", id_}).exit_code, 0);
  EXPECT_EQ(read_to_end(master.get()), "33 44\r\ndone\r\n");
}

TEST_F(Terminal, TheConsoleIsTheProgramsTerminal) {
  const std::string path = dir_ / "console";
  ConsoleListener listener(path);
  bundle_->script("echo out >/dev/console; echo tty >/dev/tty");
  bundle_->write();
  testing::RunningCommand run(
      command_line({"run", "-d", "--console-socket", path, "--bundle", bundle_->dir(), id_}));
  ssize_t payload = 0;
  const UniqueFd master = listener.receive(payload);
  ASSERT_TRUE(master);
  EXPECT_EQ(run.wait().exit_code, 0);
  EXPECT_EQ(read_to_end(master.get()), "out\r\ntty\r\n");
}

TEST_F(Terminal, ADetachedOneNeedsAConsoleSocket) {
  bundle_->write();
  for (const auto& command : {std::vector<std::string>{"create"}, {"run", "-d"}}) {
    std::vector<std::string> args = command;
    args.insert(args.end(), {"--bundle", bundle_->dir(), id_});
    const CommandResult result = runc(args);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_NE(result.err.find("console socket"), std::string::npos) << result.err;
    EXPECT_TRUE(states().empty());
  }
}

TEST_F(Terminal, AConsoleSocketNeedsATerminal) {
  (*bundle_)["process"]["terminal"] = false;
  bundle_->write();
  const CommandResult result =
      runc({"create", "--console-socket", dir_ / "console", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(states().empty());
}

TEST_F(Terminal, AConsoleSocketThatNobodyListensToIsNamed) {
  bundle_->write();
  const CommandResult result =
      runc({"create", "--console-socket", dir_ / "nobody", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("nobody"), std::string::npos) << result.err;
  EXPECT_TRUE(states().empty());
}

}  // namespace
}  // namespace minidocker::runtime
