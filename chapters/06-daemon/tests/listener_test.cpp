#include "minidocker/http/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::http {
namespace {

TEST(Address, IsReadAndWrittenTheSame) {
  for (const char* text : {"127.0.0.1:5000", "[::1]:5000", "[::]:0", "unix:/run/x.sock"}) {
    EXPECT_EQ(Address::parse(text).str(), text);
  }
  EXPECT_EQ(Address::parse("localhost:1").str(), "127.0.0.1:1");
  EXPECT_EQ(Address::parse(":5000").str(), "[::]:5000");
}

TEST(Address, KnowsWhoCanReachIt) {
  EXPECT_TRUE(Address::parse("127.3.2.1:1").is_local());
  EXPECT_TRUE(Address::parse("[::1]:1").is_local());
  EXPECT_TRUE(Address::parse("unix:/x").is_local());
  EXPECT_FALSE(Address::parse("0.0.0.0:1").is_local());
  EXPECT_FALSE(Address::parse(":1").is_local());
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"", "5000", "host:1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1:x", "127.1:5", "[::1:5", "unix:relative", "unix:"}) {
    EXPECT_THROW(Address::parse(text), Error) << text;
  }
}

TEST(Listener, ASocketIsForItsOwnerAlone) {
  const TempDir dir;
  const Listener listener = listen_on(Address::parse("unix:" + (dir / "s")));
  struct stat status{};
  ASSERT_EQ(::lstat((dir / "s").c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(Listener, TakesThePlaceOfADeadOneOnly) {
  const TempDir dir;
  const Address address = Address::parse("unix:" + (dir / "s"));
  {
    const Listener living = listen_on(address);
    EXPECT_THROW(static_cast<void>(listen_on(address)), Error);
  }
  EXPECT_NO_THROW(static_cast<void>(listen_on(address)));
  const Address file = Address::parse("unix:" + (dir / "file"));
  testing::write_text(dir / "file", "precious");
  EXPECT_THROW(static_cast<void>(listen_on(file)), SystemError);
  EXPECT_EQ(testing::read_text(dir / "file"), "precious");
}

TEST(Listener, APathMayBeLongerThanASocketsName) {
  const TempDir dir;
  const std::string deep = dir / std::string(100, 'x') + "/" + std::string(100, 'y');
  make_dirs(deep);
  static_cast<void>(listen_on(Address::parse("unix:" + deep + "/s")));
  EXPECT_TRUE(exists(deep + "/s"));
}

}  // namespace
}  // namespace minidocker::http
