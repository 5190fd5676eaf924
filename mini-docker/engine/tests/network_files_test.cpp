#include "network_files.hpp"

#include <string>

#include <gtest/gtest.h>

namespace minidocker::engine {
namespace {

TEST(NetworkFiles, ServersOnTheHostsLoopbackAreLeftOut) {
  EXPECT_EQ(resolv_conf_text("search lan\nnameserver 127.0.0.53\nnameserver 10.0.0.1\n"
                             "nameserver ::1\nnameserver ::1%lo\noptions edns0\n"),
            "search lan\nnameserver 10.0.0.1\noptions edns0\n");
}

TEST(NetworkFiles, HostsNamesTheLoopbackAddresses) {
  EXPECT_EQ(hosts_text().rfind("127.0.0.1\tlocalhost\n", 0), 0U);
  EXPECT_NE(hosts_text().find("\n::1\tlocalhost ip6-localhost"), std::string::npos);
}

}  // namespace
}  // namespace minidocker::engine
