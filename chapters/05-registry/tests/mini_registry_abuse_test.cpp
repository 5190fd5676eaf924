// Our registry with clients that mean no good, or have no luck; and killed in the middle of it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mini_registry.hpp"
#include "minidocker/images/digest.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {
namespace {

using images::Digest;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kManifestType[] = "application/vnd.oci.image.manifest.v1+json";

std::size_t files_of_uploads(const std::string& dir) {
  std::size_t count = 0;
  for (const std::string& name : testing::files_below(dir + "/uploads")) {
    count += name.find("/upload-") != std::string::npos ? 1 : 0;
  }
  return count;
}

std::string put_blob(const std::string& repository, std::string_view content) {
  return ask("PUT", begin_upload(repository) + "?digest=" + Digest::of(content).str(), content);
}

/// A blob, and a manifest of nothing else. What was acknowledged before the registry was gone.
std::vector<std::string> push_image(const std::string& repository, const std::string& content) {
  std::vector<std::string> acknowledged;
  const auto note = [&acknowledged](const std::string& head) {
    const std::string digest = header(head, "Docker-Content-Digest");
    if (!digest.empty()) acknowledged.push_back(digest);
  };
  try {
    const Digest digest = Digest::of(content);
    note(put_blob(repository, content));
    const std::string blob = fmt::format(
        R"({{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}})",
        digest.str(), content.size());
    note(ask("PUT", "/v2/" + repository + "/manifests/1",
             fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]}})",
                         kManifestType, blob, blob),
             fmt::format("Content-Type: {}\r\n", kManifestType)));
  } catch (const Error&) {  // nobody listens any more
  }
  return acknowledged;
}

bool has_landlock() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 2;
}

TEST(MiniRegistryAbuse, HasNoPowerAndReachesNothingButItsDirectory) {
  MD_NEEDS("root");
  in_network([] {
    const TempDir dir;
    const MiniRegistry registry(dir / "r");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      EXPECT_EQ(testing::status_field(registry.pid(), set), "0000000000000000") << set;
    }
    EXPECT_EQ(testing::status_field(registry.pid(), "NoNewPrivs"), "1");
    EXPECT_EQ(testing::status_field(registry.pid(), "Seccomp"), "2");
    if (!has_landlock()) return;
    // A tag that is a link to the outside: read, it would be a manifest that is unknown (404).
    testing::write_text(dir / "outside", Digest::of("x").str());
    make_dirs(dir / "r/repositories/x/_tags");
    ASSERT_EQ(::symlink((dir / "outside").c_str(), (dir / "r/repositories/x/_tags/1").c_str()), 0);
    EXPECT_THAT(ask("GET", "/v2/x/manifests/1"), StartsWith("HTTP/1.1 500"));
  });
}

TEST(MiniRegistryAbuse, ABodyThatEndsTooSoonIsNoBlob) {
  MD_NEEDS("root");
  in_network([] {
    const TempDir dir;
    const MiniRegistry registry(dir / "r");
    const std::string place = begin_upload("x");
    const RawClient client;
    client.send(
        fmt::format("PUT {}?digest={} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", place,
                    Digest::of("half").str()));
    client.end_sending();
    client.wait_for_end();
    // Its upload is there still, with what came.
    EXPECT_EQ(header(ask("GET", place), "Range"), "0-3");
    EXPECT_THAT(ask("HEAD", "/v2/x/blobs/" + Digest::of("half").str()), StartsWith("HTTP/1.1 404"));
  });
}

TEST(MiniRegistryAbuse, WhatFollowsABodyIsNotOfIt) {
  MD_NEEDS("root");
  in_network([] {
    const TempDir dir;
    const MiniRegistry registry(dir / "r");
    const RawClient client;
    const std::string put = fmt::format(
        "PUT {}?digest={} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n01234and more\r\n\r\n",
        begin_upload("x"), Digest::of("01234").str());
    EXPECT_THAT(client.ask(put), StartsWith("HTTP/1.1 201"));
    EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 400"));
    client.wait_for_end();
  });
}

TEST(MiniRegistryAbuse, PathsLeadNowhereElse) {
  MD_NEEDS("root");
  in_network([] {
    const TempDir dir;
    const MiniRegistry registry(dir / "r");
    testing::write_text(dir / "secret", "secret");
    for (const char* path :
         {"../secret", "..%2fsecret", "%2e%2e/secret", "x/../../secret", "x/manifests/..%2f..",
          "x/manifests/..%2f..%2f..%2fsecret", "x/blobs/sha256:..%2f..%2fsecret",
          "x/blobs/uploads/..%2f..%2fsecret", "_tags/tags/list", "x%00/tags/list"}) {
      EXPECT_THAT(ask("GET", std::string("/v2/") + path), HasSubstr("HTTP/1.1 40")) << path;
      EXPECT_THAT(ask("DELETE", std::string("/v2/") + path), HasSubstr("HTTP/1.1 40")) << path;
    }
    EXPECT_THAT(ask("POST", "/v2/../x/blobs/uploads/"), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(testing::read_text(dir / "secret"), "secret");
    EXPECT_EQ(files_of_uploads(dir / "r"), 0U);
  });
}

TEST(MiniRegistryAbuse, TwoPushesOfOneBlobAreOneBlob) {
  MD_NEEDS("root");
  in_network([] {
    const TempDir dir;
    const MiniRegistry registry(dir / "r");
    const std::string content(3'000'000, 'x');
    std::vector<std::string> answers(8);
    {
      std::vector<std::jthread> clients;
      for (std::size_t i = 0; i < answers.size(); ++i) {
        clients.emplace_back(
            [&answers, &content, i] { answers[i] = put_blob(i % 2 == 0 ? "x" : "y", content); });
      }
    }
    for (const std::string& answer : answers) EXPECT_THAT(answer, StartsWith("HTTP/1.1 201"));
    EXPECT_EQ(testing::files_below(dir / "r/blobs/sha256").size(), 1U);
    EXPECT_EQ(files_of_uploads(dir / "r"), 0U);
    EXPECT_THAT(damage_of(dir / "r"), IsEmpty());
  });
}

TEST(MiniRegistryAbuse, TwoRequestsForOneUploadAreOneTooMany) {
  MD_NEEDS("root");
  in_network([] {
    const TempDir dir;
    const MiniRegistry registry(dir / "r");
    const std::string place = begin_upload("x");
    const std::string request = fmt::format(
        "PATCH {} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", place);
    const RawClient first;
    EXPECT_THAT(first.ask(request), StartsWith("HTTP/1.1 100"));
    EXPECT_THAT(RawClient().ask(request), StartsWith("HTTP/1.1 409"));
    EXPECT_THAT(first.ask("0123"), StartsWith("HTTP/1.1 202"));
  });
}

TEST(MiniRegistryAbuse, UploadsThatWereUnderWayEndWithTheRegistry) {
  MD_NEEDS("root");
  in_network([] {
    const TempDir dir;
    std::string place;
    {
      MiniRegistry registry(dir / "r");
      place = begin_upload("x");
      EXPECT_THAT(ask("PATCH", place, "half"), StartsWith("HTTP/1.1 202"));
      EXPECT_EQ(files_of_uploads(dir / "r"), 1U);
      registry.kill();
    }
    EXPECT_EQ(files_of_uploads(dir / "r"), 1U);
    const MiniRegistry registry(dir / "r");
    EXPECT_EQ(files_of_uploads(dir / "r"), 0U);
    EXPECT_THAT(ask("GET", place), StartsWith("HTTP/1.1 404"));
  });
}

// strace, told to kill at the K-th call of a thread that changes names or waits for the disk.
std::vector<std::string> killer(int k) {
  return {
      testing::path_of("strace"),
      "-f",
      "-o",
      "/dev/null",
      "-e",
      fmt::format("inject=fsync,rename,renameat2,unlink,unlinkat,mkdirat:signal=KILL:when={}", k)};
}

TEST(MiniRegistryAbuse, KeepsWhatItAcknowledgedWhereverItIsKilled) {
  MD_NEEDS("root", "strace");
  in_network([] {
    const TempDir dir;
    int kills = 0;
    for (int k = 1; kills == k - 1; ++k) {
      const std::string repository = fmt::format("x{}", k);
      const std::string content = fmt::format("content {}", k);
      MiniRegistry struck(dir / "r");
      std::vector<std::string> strace{"sh", "-c", "exec \"$0\" \"$@\" 2>&1"};
      for (const std::string& word : killer(k)) strace.push_back(word);
      strace.insert(strace.end(), {"-p", fmt::format("{}", struck.pid())});
      testing::RunningCommand attached(strace);
      ASSERT_TRUE(attached.read_until("attached")) << attached.out();
      const std::vector<std::string> acknowledged = push_image(repository, content);
      if (acknowledged.size() < 2) ++kills;
      struck.kill();
      EXPECT_THAT(damage_of(dir / "r"), IsEmpty()) << "killed at call " << k;
      for (const std::string& digest : acknowledged) {
        EXPECT_TRUE(testing::find_text(dir / "r/blobs/sha256/" + digest.substr(7))) << k;
      }
      MiniRegistry again(dir / "r");
      EXPECT_EQ(push_image(repository, content).size(), 2U) << "killed at call " << k;
      EXPECT_EQ(again.stop().exit_code, 0);
    }
    EXPECT_GT(kills, 5);
  });
}

TEST(MiniRegistryAbuse, StartsAgainWhereverItsStartIsKilled) {
  MD_NEEDS("root", "strace");
  in_network([] {
    const TempDir dir;
    const std::string unnamed = Digest::of("unnamed").hex();
    int kills = 0;
    for (int k = 1; kills == k - 1; ++k) {
      std::vector<std::string> strace = killer(k);
      strace.insert(strace.begin() + 1, "-D");  // ours is the child then, and gets our signals
      try {
        MiniRegistry(dir / "r", {}, strace).kill();
      } catch (const std::runtime_error&) {
        ++kills;
      }
      MiniRegistry again(dir / "r");
      EXPECT_EQ(push_image("x", "content").size(), 2U) << "killed at call " << k;
      again.kill();
      EXPECT_EQ(damage_of(dir / "r"), std::vector<std::string>{}) << "killed at call " << k;
      EXPECT_FALSE(testing::find_text(dir / "r/blobs/sha256/" + unnamed));
      testing::write_text(dir / "r/blobs/sha256/" + unnamed, "unnamed");
    }
    EXPECT_GT(kills, 2);
  });
}

}  // namespace
}  // namespace minidocker::registry
