#include "minidocker/runtime/relay.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <span>
#include <utility>

#include <string>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::runtime {
namespace {

/// One round of poll and proceed.
void turn(Relay& relay) {
  struct pollfd fd = relay.wants();
  ASSERT_TRUE(sys::poll(std::span(&fd, 1), 1000).ok());
  relay.proceed(fd.revents);
}

struct Ends {
  Pipe source = Pipe::make();
  Pipe sink = Pipe::make();
};

TEST(Relay, CopiesUntilTheSourceEnds) {
  Ends ends;
  UniqueFd source = std::move(ends.source.write_end);
  Relay relay(std::move(ends.source.read_end), {std::move(ends.sink.write_end)});
  write_all(source.get(), "hello", "source");
  turn(relay);
  source.reset();
  turn(relay);
  EXPECT_TRUE(relay.is_done());
  EXPECT_EQ(read_all(ends.sink.read_end.get(), "sink"), "hello");
}

TEST(Relay, EndsWhenNobodyReads) {
  ASSERT_TRUE(sys::ignore_signal(SIGPIPE).ok());
  Ends ends;
  ends.sink.read_end.reset();
  Relay relay(std::move(ends.source.read_end), {std::move(ends.sink.write_end)});
  write_all(ends.source.write_end.get(), "hello", "source");
  turn(relay);
  EXPECT_TRUE(relay.is_done());
  EXPECT_EQ(relay.wants().fd, -1);
}

TEST(Relay, HoldsWhatASlowReaderHasNotTaken) {
  Ends ends;
  sys::set_nonblocking(ends.sink.write_end.get(), true).or_throw();
  Relay relay(std::move(ends.source.read_end), {std::move(ends.sink.write_end)});
  const std::string much(60'000, 'x');
  write_all(ends.source.write_end.get(), much, "source");
  ends.source.write_end.reset();
  std::string got;
  for (int round = 0; round < 1000 && !relay.is_done(); ++round) {
    turn(relay);
    if (relay.holds_bytes()) {
      EXPECT_EQ(relay.wants().events, POLLOUT) << "no reading ahead of what is not written";
    }
    std::string piece(4096, '\0');
    struct pollfd readable{ends.sink.read_end.get(), POLLIN, 0};
    if (sys::poll(std::span(&readable, 1), 0).value() == 0) continue;
    piece.resize(sys::read(ends.sink.read_end.get(), piece.data(), piece.size()).or_throw());
    got += piece;
  }
  got += read_all(ends.sink.read_end.get(), "sink");
  EXPECT_EQ(got, much);
}

}  // namespace
}  // namespace minidocker::runtime
