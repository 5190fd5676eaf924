#include "transfer_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace minidocker::cli {
namespace {

using Phase = engine::LayerProgress::Phase;
using ::testing::HasSubstr;

engine::LayerProgress layer(const char* name, Phase phase, std::uint64_t moved = 0) {
  return {name, phase, moved, 3'000'000};
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
  EXPECT_EQ(lines.tell(layer("a", Phase::exists)), "a: Already exists\n");
  EXPECT_EQ(lines.tell(layer("b", Phase::waiting)), "b: Pulling fs layer\n");
  EXPECT_EQ(lines.tell(layer("b", Phase::moving, 5)), "");
  EXPECT_EQ(lines.tell(layer("b", Phase::again, 5)), "b: Retrying\n");
  EXPECT_EQ(lines.tell(layer("b", Phase::done)), "b: Pull complete\n");
}

TEST(LayerLines, AreOneForEachLayerOnATerminal) {
  LayerLines lines(Canvas::terminal, Way::pull);
  EXPECT_EQ(lines.tell(layer("a", Phase::waiting)), "a: Pulling fs layer\n");
  EXPECT_EQ(lines.tell(layer("b", Phase::waiting)), "b: Pulling fs layer\n");
  const std::string half = lines.tell(layer("a", Phase::moving, 1'500'000));
  EXPECT_THAT(half, HasSubstr("\x1b[2A\r\x1b[2Ka: Downloading ["));
  EXPECT_THAT(half,
              HasSubstr("[" + std::string(25, '=') + ">" + std::string(25, ' ') + "]  1.5MB/3MB"));
  EXPECT_THAT(half, HasSubstr("\r\x1b[2B"));
  EXPECT_THAT(lines.tell(layer("b", Phase::done)), HasSubstr("\x1b[1A\r\x1b[2Kb: Pull complete"));
}

}  // namespace
}  // namespace minidocker::cli
