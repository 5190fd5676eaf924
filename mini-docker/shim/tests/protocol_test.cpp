#include "minidocker/shim/protocol.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "codec.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::shim {
namespace {

UniqueFd null_device() { return sys::open("/dev/null", O_RDWR).or_throw("/dev/null"); }

Start start_message() {
  Start start;
  start.id = std::string(64, 'a');
  start.root =
      OverlayRoot{{"/layers/top", "/layers/bottom"}, "/c/upper", "/c/work", "/c/rootfs", true};
  start.user = "www:adm";
  start.directory = "/run/shim/a";
  start.state_root = "/run/runtime";
  start.runtime = "/usr/bin/crun";
  start.scope_helper = "/usr/libexec/mini-docker/mini-scope";
  start.fds.spec = sys::memfd_create("spec", 0).or_throw();
  write_all(start.fds.spec.get(), "{}", "spec");
  sys::lseek(start.fds.spec.get(), 0, SEEK_SET).or_throw();
  start.fds.in = null_device();
  start.fds.out = null_device();
  start.fds.err = null_device();
  return start;
}

TEST(ShimProtocol, AStartArrivesWithItsDescriptors) {
  const SocketPair sockets = SocketPair::make();
  const Start sent = start_message();
  send(sockets.ours.get(), sent);
  const std::optional<Request> request = receive_request(sockets.theirs.get());
  ASSERT_TRUE(request);
  const Start& got = std::get<Start>(*request);
  EXPECT_EQ(got.id, sent.id);
  EXPECT_EQ(got.user, sent.user);
  EXPECT_EQ(got.root, sent.root);
  EXPECT_EQ(got.directory, sent.directory);
  EXPECT_EQ(got.state_root, sent.state_root);
  EXPECT_EQ(got.runtime, sent.runtime);
  EXPECT_EQ(got.scope_helper, sent.scope_helper);
  EXPECT_FALSE(got.explain);
  EXPECT_EQ(read_all(got.fds.spec.get(), "spec"), "{}");
  EXPECT_TRUE(got.fds.in && got.fds.out && got.fds.err && !got.fds.trace);
}

TEST(ShimProtocol, NarrationHasADescriptorOfItsOwn) {
  const SocketPair sockets = SocketPair::make();
  Start sent = start_message();
  sent.explain = trace::Format::json;
  sent.fds.trace = null_device();
  send(sockets.ours.get(), sent);
  const std::optional<Request> request = receive_request(sockets.theirs.get());
  EXPECT_EQ(std::get<Start>(*request).explain, trace::Format::json);
  EXPECT_TRUE(std::get<Start>(*request).fds.trace);
}

TEST(ShimProtocol, HundredsOfLayersFitIntoAMessage) {
  const SocketPair sockets = SocketPair::make();
  Start sent = start_message();
  std::get<OverlayRoot>(sent.root).lowers.assign(400, std::string(200, 'x'));
  send(sockets.ours.get(), sent);
  EXPECT_EQ(std::get<Start>(*receive_request(sockets.theirs.get())).root, sent.root);
}

TEST(ShimProtocol, EveryKindOfRootArrivesAsItWas) {
  const OverlayRoot overlay{{"/layers/top"}, "/c/upper", "/c/work", "/c/rootfs", false};
  for (const Root& root : {Root(DirectoryRoot{"/c/rootfs"}), Root(overlay),
                           Root(ServedRoot{"/usr/bin/fuse-overlayfs", overlay})}) {
    const SocketPair sockets = SocketPair::make();
    Start sent = start_message();
    sent.root = root;
    send(sockets.ours.get(), sent);
    EXPECT_EQ(std::get<Start>(*receive_request(sockets.theirs.get())).root, root);
  }
}

TEST(ShimProtocol, SmallMessagesRoundTrip) {
  const SocketPair sockets = SocketPair::make();
  send(sockets.ours.get(), Resize{24, 80});
  send(sockets.ours.get(), Signal{15});
  EXPECT_EQ(std::get<Resize>(*receive_request(sockets.theirs.get())), (Resize{24, 80}));
  EXPECT_EQ(std::get<Signal>(*receive_request(sockets.theirs.get())), Signal{15});
}

TEST(ShimProtocol, EventsRoundTrip) {
  const SocketPair sockets = SocketPair::make();
  const std::vector<Event> events{
      Started{}, Exited{137}, Failed{ErrorKind::not_found, "exec: \"x\": \"\xff\" not found", 127}};
  for (const Event& event : events) {
    send(sockets.ours.get(), event);
    const std::optional<Event> got = receive_event(sockets.theirs.get());
    ASSERT_TRUE(got);
    EXPECT_EQ(got->index(), event.index());
  }
}

TEST(ShimProtocol, TheEndIsNoMessage) {
  SocketPair sockets = SocketPair::make();
  sockets.ours.reset();
  EXPECT_FALSE(receive_event(sockets.theirs.get()));
}

TEST(ShimProtocol, NonsenseIsRefused) {
  for (const char* text : {"", "x", "[]", "{}", R"({"type":"fly"})", R"({"type":"resize"})",
                           R"({"type":"resize","rows":"a","columns":2})",
                           R"({"type":"signal","number":0})", R"({"type":"signal","number":65})"}) {
    EXPECT_THROW(static_cast<void>(decode_request(text)), Error) << text;
    EXPECT_THROW(static_cast<void>(decode_event(text)), Error) << text;
  }
}

TEST(ShimProtocol, AnotherVersionIsRefusedByName) {
  std::string text = encode(start_message());
  const std::string version = fmt::format("\"version\":{}", kProtocolVersion);
  text.replace(text.find(version), version.size(), "\"version\":9");
  try {
    static_cast<void>(decode_request(text));
    FAIL() << "version 9 was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("protocol version 9"), std::string::npos);
  }
}

TEST(ShimFiles, AnExitRecordIsReadBack) {
  const TempDir dir;
  EXPECT_FALSE(find_exit_record(dir.path()));
  const ExitRecord record{127, "exec: \"x\": executable file not found in $PATH", 1'700};
  write_exit_record(dir.path(), record);
  EXPECT_EQ(find_exit_record(dir.path()), record);
}

TEST(ShimFiles, TheControlSocketWorksHoweverLongItsPathIs) {
  const TempDir dir;
  const std::string deep = dir / std::string(120, 'd');
  make_dirs(deep);
  EXPECT_FALSE(connect(deep)) << "nobody listens yet";
  const UniqueFd listener = listen(deep);
  EXPECT_TRUE(connect(deep));
  EXPECT_FALSE(connect(dir / "nosuch"));
}

}  // namespace
}  // namespace minidocker::shim
