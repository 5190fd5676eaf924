// Blobs on their way: what a pull that was cut off leaves to the next one, and who reads layers
// while they come.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <vector>

#include "minidocker/toolbox/files.hpp"
#include "pull_fixture.hpp"

namespace minidocker::registry {
namespace {

using images::Digest;
using Cause = TransportError::Cause;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using LayerDownloads = PullTest;

// --- a pull after another that was cut off
// --------------------------------------------------------

TEST_F(LayerDownloads, ThePullAfterOneThatWasCutOffGoesOnThere) {
  parallel_ = 1;
  change_ = [this](const HttpRequest&, const std::string& blob) {
    if (blob != kUpper) return answer(200, blob);
    throw TransportError(Cause::nonsense, "gone");
  };
  EXPECT_THAT(failure_of([&] { return pull(); }), HasSubstr("gone"));
  EXPECT_THAT(store_.images(), IsEmpty());
  EXPECT_THAT(downloads(), ::testing::Contains(HasSubstr(Digest::of(kLower).hex())));
  const std::string half = downloads().front().substr(0, downloads().front().find('/'));
  testing::write_text(store_.dir() + "/downloads/" + half + "/" + Digest::of(kUpper).hex(),
                      kUpper.substr(0, 8));
  std::vector<std::string> ranges;
  change_ = [&](const HttpRequest& request, const std::string& blob) {
    EXPECT_EQ(blob, kUpper) << "what was whole is not fetched again";
    for (const auto& [name, value] : request.headers) {
      if (name == "Range") ranges.push_back(value);
    }
    return answer(206, blob.substr(8), {{"content-range", "bytes 8-14/15"}});
  };
  EXPECT_TRUE(pull().is_new);
  EXPECT_THAT(ranges, ElementsAre("bytes=8-"));
  EXPECT_EQ(testing::read_text(store_.blob_path(Digest::of(kUpper))), kUpper);
  EXPECT_THAT(downloads(), IsEmpty());
}

TEST_F(LayerDownloads, WhatAnotherBootLeftIsNotBelieved) {
  make_dirs(store_.dir() + "/downloads/another-boot");
  testing::write_text(store_.dir() + "/downloads/another-boot/" + Digest::of(kUpper).hex(), kUpper);
  pull();
  EXPECT_EQ(times_asked(Digest::of(kUpper).str()), 1U);
  EXPECT_THAT(downloads(), IsEmpty());
}

TEST_F(LayerDownloads, WhatWasLeftAndIsDamagedIsRefusedAndRemoved) {
  pull();  // makes the directory
  const std::string boot = list_dir(store_.dir() + "/downloads").front();
  testing::write_text(store_.blob_path(Digest::of(kUpper)), "damaged, too");
  testing::write_text(store_.dir() + "/downloads/" + boot + "/" + Digest::of(kUpper).hex(),
                      std::string(kUpper.size() + 9, '?'));
  EXPECT_THAT(failure_of([&] { return pull(); }), HasSubstr("damaged or forged"));
  EXPECT_THAT(downloads(), IsEmpty());
  EXPECT_TRUE(pull().is_new);
}

TEST_F(LayerDownloads, AFileThatCannotBeMadeIsTold) {
  pull();  // makes the directory
  const std::string boot = list_dir(store_.dir() + "/downloads").front();
  testing::write_text(store_.blob_path(Digest::of(kUpper)), "damaged");
  make_dirs(store_.dir() + "/downloads/" + boot + "/" + Digest::of(kUpper).hex());
  EXPECT_THAT(failure_of([&] { return pull(); }), HasSubstr("EISDIR"));
}

// --- whoever reads layers while they come --------------------------------------------------------

// Reads all layers, one after the other.
class Reading : public LayerConsumer {
 public:
  void consume(const std::vector<ArrivingLayer>& layers) override {
    for (const ArrivingLayer& layer : layers) {
      const LayerBytes bytes = layer.open();
      std::string all;
      char buffer[4];
      while (const std::size_t got = bytes(buffer, sizeof buffer)) {
        all.append(buffer, got);
        on_piece(all);
      }
      read.push_back(all);
    }
  }
  void commit(const images::StoreLock&) override { ++commits; }
  virtual void on_piece(const std::string&) {}
  std::vector<std::string> read;
  int commits = 0;
};

TEST_F(LayerDownloads, LayersAreReadWhileTheyCome) {
  // The server sends the end of a layer only when its beginning has been read.
  struct Witness final : Reading {
    void on_piece(const std::string&) override { begun.count_down(begun.try_wait() ? 0 : 1); }
    std::latch begun{1};
  } reading;
  consumer_ = &reading;
  change_ = [&](const HttpRequest& request, const std::string& blob) {
    if (blob != kLower) return answer(200, blob);
    if (request.headers.empty()) {
      transport_.cut();
      return answer(200, blob.substr(0, 8));
    }
    reading.begun.wait();
    return answer(206, blob.substr(8),
                  {{"content-range", fmt::format("bytes 8-{}/{}", blob.size() - 1, blob.size())}});
  };
  pull();
  EXPECT_THAT(reading.read, ElementsAre(kLower, kUpper));
  EXPECT_EQ(reading.commits, 1);
}

TEST_F(LayerDownloads, LayersOfTheStoreAreReadToo) {
  pull();
  Reading reading;
  consumer_ = &reading;
  pull();
  EXPECT_THAT(reading.read, ElementsAre(kLower, kUpper));
}

TEST_F(LayerDownloads, AForgedLayerHasNoEndForWhoeverReadsIt) {
  Reading reading;
  consumer_ = &reading;
  change_ = [this](const HttpRequest&, const std::string& blob) {
    return answer(200, blob == kLower ? std::string(blob.size(), '?') : blob);
  };
  EXPECT_THAT(refusal(), HasSubstr("damaged or forged"));
  EXPECT_THAT(reading.read, IsEmpty());
  EXPECT_EQ(reading.commits, 0);
}

TEST_F(LayerDownloads, WhatAReaderRefusesEndsThePull) {
  struct Refusing final : Reading {
    void on_piece(const std::string&) override {
      throw Error(ErrorKind::invalid_argument, "it climbs by \"..\"");
    }
  } reading;
  consumer_ = &reading;
  EXPECT_THAT(refusal(), HasSubstr("it climbs by"));
  EXPECT_EQ(reading.commits, 0);
}

TEST_F(LayerDownloads, AServerThatSendsAllAnewDisturbsNoReader) {
  Reading reading;
  consumer_ = &reading;
  int count = 0;
  change_ = [&](const HttpRequest&, const std::string& blob) {
    if (blob == kLower && ++count == 1) {
      transport_.cut();
      return answer(200, blob.substr(0, 14));
    }
    return answer(200, blob);
  };
  pull();
  EXPECT_THAT(reading.read, ElementsAre(kLower, kUpper));
}

}  // namespace
}  // namespace minidocker::registry
