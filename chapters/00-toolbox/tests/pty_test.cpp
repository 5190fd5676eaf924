#include "minidocker/toolbox/pty.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker {
namespace {

class PtyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MD_NEEDS("tty");
    pty_ = Pty::open("/dev/ptmx").or_throw("/dev/ptmx");
  }
  [[nodiscard]] bool echoes() const {
    return (sys::tcgetattr(pty_.slave.get()).or_throw("slave").c_lflag & ECHO) != 0;
  }
  Pty pty_;
};

TEST_F(PtyTest, CarriesBytesBetweenItsSidesAndIsCloseOnExec) {
  sys::write(pty_.slave.get(), "hi", 2).or_throw("slave");
  char buffer[8] = {};
  EXPECT_EQ(2U, sys::read(pty_.master.get(), buffer, sizeof(buffer)).or_throw("master"));
  EXPECT_STREQ("hi", buffer);
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), pty_.master.get()));
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), pty_.slave.get()));
}

TEST_F(PtyTest, OnlyTerminalsAreTerminals) {
  const Pipe pipe = Pipe::make();
  EXPECT_TRUE(is_terminal(pty_.slave.get()));
  EXPECT_FALSE(is_terminal(pipe.read_end.get()));
  EXPECT_FALSE(is_terminal(-1));
}

TEST_F(PtyTest, RawModeIsUndoneAtItsEnd) {
  EXPECT_TRUE(echoes());
  {
    const RawMode raw(pty_.slave.get());
    EXPECT_FALSE(echoes());
  }
  EXPECT_TRUE(echoes());
}

TEST_F(PtyTest, RawModeIsNotUndoneByAChild) {
  const RawMode raw(pty_.slave.get());
  testing::in_child([&raw] { raw.~RawMode(); });
  EXPECT_FALSE(echoes());
}

TEST_F(PtyTest, RawModeOfAPipeDoesNothing) {
  const Pipe pipe = Pipe::make();
  EXPECT_NO_THROW(RawMode(pipe.read_end.get()));
}

TEST_F(PtyTest, TheWindowSizeIsCopied) {
  const Pty other = Pty::open("/dev/ptmx").or_throw("/dev/ptmx");
  sys::set_window_size(other.master.get(), {50, 132, 0, 0}).or_throw("size");
  copy_window_size(other.master.get(), pty_.master.get());
  EXPECT_EQ(132, sys::window_size(pty_.slave.get()).or_throw("slave").ws_col);
  copy_window_size(-1, pty_.master.get());
  EXPECT_EQ(132, sys::window_size(pty_.slave.get()).or_throw("slave").ws_col);
}

TEST_F(PtyTest, WhatIsNoMultiplexerIsRefused) {
  EXPECT_EQ(ENOENT, Pty::open("/no/ptmx").error());
  const auto null = Pty::open("/dev/null");
  EXPECT_EQ(ENOTTY, null.error());
  EXPECT_STREQ("ioctl", null.call().name);
}

TEST_F(PtyTest, AMissingDescriptorForTheSlaveIsToldByTheCallThatWantedIt) {
  testing::in_child([] {
    // Room for one more descriptor: the master's.
    const int next = sys::dup(0, 0).or_throw("next").get();
    sys::set_rlimit(0, RLIMIT_NOFILE, {static_cast<rlim_t>(next) + 1, 4096}).or_throw("limit");
    const auto pty = Pty::open("/dev/ptmx");
    EXPECT_EQ(EMFILE, pty.error());
    EXPECT_STREQ("ioctl", pty.call().name);
  });
}

}  // namespace
}  // namespace minidocker
