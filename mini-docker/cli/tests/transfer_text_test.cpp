#include "transfer_text.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace minidocker::cli {
namespace {

using Phase = engine::LayerProgress::Phase;
using ::testing::HasSubstr;

engine::LayerProgress layer(const char* name, Phase phase, std::uint64_t moved = 0) {
  return {name, phase, moved, 3'000'000};
}

TEST(RegistryDomain, IsWhatReferencesHave) {
  for (const char* hub : {"", "docker.io", "https://index.docker.io/v1/", "index.docker.io"}) {
    EXPECT_EQ(registry_domain(hub), "docker.io") << hub;
  }
  EXPECT_EQ(registry_domain("h:5000"), "h:5000");
  EXPECT_EQ(registry_domain("https://h.example/v1/"), "h.example");
}

TEST(PullText, SaysWhatIsPulledFromWhere) {
  EXPECT_EQ(pull_heading("busybox"), "Using default tag: latest\nlatest: Pulling from busybox\n");
  EXPECT_EQ(pull_heading("h:5000/x"), "Using default tag: latest\nlatest: Pulling from h:5000/x\n");
  EXPECT_EQ(pull_heading("h:5000/x:1"), "1: Pulling from h:5000/x\n");
  EXPECT_EQ(pull_heading("x@sha256:ab"), "sha256:ab: Pulling from x\n");
}

TEST(PullText, SaysWhatCameOfIt) {
  engine::PulledImage pulled{"docker.io/library/x:latest", "sha256:d", true, {}};
  EXPECT_EQ(pull_ending("x", pulled),
            "Digest: sha256:d\nStatus: Downloaded newer image for x:latest\n"
            "docker.io/library/x:latest\n");
  pulled.is_new = false;
  pulled.name.clear();
  EXPECT_EQ(pull_ending("x@sha256:d", pulled),
            "Digest: sha256:d\nStatus: Image is up to date for x@sha256:d\nx@sha256:d\n");
}

TEST(PushText, SaysWhereToAndWhatCameOfIt) {
  EXPECT_EQ(push_heading("h:5000/x:1"), "The push refers to repository [h:5000/x]\n");
  EXPECT_EQ(push_ending("h:5000/x", "sha256:d"), "latest: digest: sha256:d\n");
  LayerLines lines(Canvas::lines, Way::push);
  EXPECT_EQ(lines.tell(layer("a", Phase::waiting)), "a: Preparing\n");
  EXPECT_EQ(lines.tell(layer("a", Phase::moving, 5)), "");
  EXPECT_EQ(lines.tell(layer("a", Phase::done)), "a: Pushed\n");
  EXPECT_EQ(lines.tell(layer("b", Phase::exists)), "b: Layer already exists\n");
}

TEST(LayerLines, AreOneForEachNewsWhereNothingCanBeChanged) {
  LayerLines lines(Canvas::lines, Way::pull);
  const std::vector<std::pair<Phase, const char*>> story{
      {Phase::exists, "a: Already exists\n"},  {Phase::waiting, "a: Pulling fs layer\n"},
      {Phase::queued, "a: Waiting\n"},         {Phase::moving, ""},
      {Phase::again, "a: Retrying\n"},         {Phase::verifying, "a: Verifying Checksum\n"},
      {Phase::done, "a: Download complete\n"}, {Phase::unpacking, ""},
      {Phase::unpacked, "a: Pull complete\n"}};
  for (const auto& [phase, line] : story) EXPECT_EQ(lines.tell(layer("a", phase, 5)), line);
}

// A terminal, and a clock that stands still until it is told.
class OnTerminal : public ::testing::Test {
 protected:
  [[nodiscard]] LayerLines lines(unsigned columns) const {
    return {Canvas::terminal, Way::pull, columns, [this] { return now_; }};
  }
  LayerLines::Clock::time_point now_{};
};

TEST_F(OnTerminal, EachLayerHasALineThatChanges) {
  LayerLines lines = this->lines(200);
  EXPECT_EQ(lines.tell(layer("a", Phase::waiting)), "a: Pulling fs layer\n");
  EXPECT_EQ(lines.tell(layer("b", Phase::waiting)), "b: Pulling fs layer\n");
  EXPECT_EQ(lines.tell(layer("a", Phase::moving, 1'500'000)),
            "\x1b[2A\r\x1b[2Ka: Downloading [" + std::string(25, '=') + ">" + std::string(25, ' ') +
                "]  1.5MB/3MB\r\x1b[2B");
  EXPECT_EQ(lines.tell(layer("b", Phase::unpacked)), "\x1b[1A\r\x1b[2Kb: Pull complete\r\x1b[1B");
}

TEST_F(OnTerminal, RatesAndTheRestOfTheTimeAreTold) {
  LayerLines lines = this->lines(80);
  EXPECT_THAT(lines.tell(layer("a", Phase::moving, 500'000)), HasSubstr("  500kB/3MB\n"));
  now_ += std::chrono::seconds(2);
  EXPECT_THAT(lines.tell(layer("a", Phase::moving, 1'500'000)),
              HasSubstr("a: Downloading  1.5MB/3MB  500kB/s  3s\r"));
  EXPECT_THAT(lines.tell(layer("a", Phase::unpacking, 10)), HasSubstr("a: Extracting  10B/3MB\r"));
  now_ += std::chrono::seconds(10);
  EXPECT_THAT(lines.tell(layer("a", Phase::unpacking, 100'010)), HasSubstr("  10kB/s  4m49s\r"));
}

}  // namespace
}  // namespace minidocker::cli
