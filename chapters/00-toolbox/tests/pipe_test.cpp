#include "minidocker/toolbox/pipe.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker {
namespace {

TEST(Pipe, EndsWhenItsWritersAreGone) {
  Pipe pipe = Pipe::make();
  sys::write(pipe.write_end.get(), "x", 1).or_throw("pipe");
  pipe.write_end.reset();
  char buffer[4];
  EXPECT_EQ(1U, sys::read(pipe.read_end.get(), buffer, 4).or_throw("pipe"));
  EXPECT_EQ(0U, sys::read(pipe.read_end.get(), buffer, 4).or_throw("pipe"));
}

TEST(SocketPair, KeepsMessagesApart) {
  const SocketPair pair = SocketPair::make();
  sys::write(pair.ours.get(), "one", 3).or_throw("socket");
  sys::write(pair.ours.get(), "two", 3).or_throw("socket");
  char buffer[16];
  EXPECT_EQ(3U, sys::read(pair.theirs.get(), buffer, 16).or_throw("socket"));
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), pair.ours.get()));
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), pair.theirs.get()));
}

TEST(Pipe, SaysSoWhenThereAreNoDescriptorsLeft) {
  testing::in_child([] {
    sys::set_rlimit(0, RLIMIT_NOFILE, {0, 0}).or_throw("limit");
    try {
      (void)Pipe::make();
      ADD_FAILURE() << "there was a descriptor left";
    } catch (const SystemError& error) {
      EXPECT_STREQ("pipe2: too many open files (EMFILE)", error.what());
    }
    EXPECT_THROW((void)SocketPair::make(), SystemError);
  });
}

}  // namespace
}  // namespace minidocker
