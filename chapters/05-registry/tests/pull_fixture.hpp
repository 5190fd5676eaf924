#pragma once
/// \file
/// A registry in memory with one image of two layers, and pulls of it into a store.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fakes.hpp"
#include "minidocker/registry/pull.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {

inline const images::Platform kHost{"linux", "amd64", ""};

inline std::string config_of(std::size_t layers, const std::string& architecture = "amd64") {
  std::string ids;
  for (std::size_t i = 0; i < layers; ++i) {
    ids += fmt::format("{}\"{}\"", i == 0 ? "" : ",", images::Digest::of(std::to_string(i)).str());
  }
  return fmt::format(
      R"({{"os":"linux","architecture":"{}","rootfs":{{"type":"layers","diff_ids":[{}]}}}})",
      architecture, ids);
}

inline images::Descriptor described(const std::string& type, const std::string& content) {
  return {type, images::Digest::of(content), content.size()};
}

// What a registry holds, and what is asked of it.
class PullTest : public ::testing::Test {
 protected:
  PullTest() {
    const std::string config = config_of(2);
    blobs_[images::Digest::of(config).str()] = config;
    for (const std::string& layer : {kLower, kUpper})
      blobs_[images::Digest::of(layer).str()] = layer;
    manifest_.config = described(images::kOciConfig, config);
    manifest_.layers = {described(images::kOciLayerGzip, kLower),
                        described(images::kOciLayerGzip, kUpper)};
    put_manifest();
  }

  void put_manifest() {
    text_ = images::to_json(manifest_);
    manifests_["1"] = text_;
    manifests_[images::Digest::of(text_).str()] = text_;
  }

  virtual HttpResponse serve(const HttpRequest& request) {
    const std::string last = request.url.substr(request.url.rfind('/') + 1);
    const bool is_blob = request.url.find("/blobs/") != std::string::npos;
    const auto& shelf = is_blob ? blobs_ : manifests_;
    const auto found = shelf.find(last);
    if (found == shelf.end()) return answer(404, R"({"errors":[{"message":"unknown"}]})");
    if (is_blob && change_) return change_(request, found->second);
    return answer(200, found->second);
  }

  PulledImage pull(const std::string& reference = "h.example/x:1") {
    Session session("h.example", {}, transport_, clock_);
    PullOptions options;
    options.platform = kHost;
    options.consumer = consumer_;
    options.parallel = parallel_;
    return pull_image(Reference::parse(reference), session, store_, options,
                      [this](const BlobProgress& progress) { told_.push_back(progress); });
  }

  // Of what is refused nothing stays; what a bad line cut off waits for the next pull.
  std::string refusal(const std::string& reference = "h.example/x:1") {
    std::string words = failure_of([&] { return pull(reference); });
    EXPECT_THAT(store_.images(), ::testing::IsEmpty());
    EXPECT_THAT(downloads(), ::testing::IsEmpty());
    return words;
  }

  // What waits for the next pull.
  [[nodiscard]] std::vector<std::string> downloads() const {
    std::vector<std::string> files = testing::files_below(store_.dir() + "/downloads");
    std::erase_if(files, [](const std::string& path) { return path.find('/') == path.npos; });
    return files;
  }

  [[nodiscard]] std::size_t times_asked(const std::string& what) {
    std::size_t count = 0;
    for (const std::string& line : transport_.asked()) count += line.find(what) != line.npos;
    return count;
  }

  [[nodiscard]] std::vector<BlobProgress::Phase> phases_of(const std::string& content) const {
    std::vector<BlobProgress::Phase> phases;
    for (const BlobProgress& progress : told_) {
      if (progress.digest == images::Digest::of(content)) phases.push_back(progress.phase);
    }
    return phases;
  }

  const std::string kLower = "the lower layer, with some bytes in it";
  const std::string kUpper = "the upper layer";
  TempDir dir_;
  images::Store store_ = images::Store::open(dir_.path() + "/images");
  std::map<std::string, std::string> manifests_;
  std::map<std::string, std::string> blobs_;
  std::function<HttpResponse(const HttpRequest&, const std::string&)> change_;
  images::Manifest manifest_{described("", ""), {}};
  std::string text_;
  FakeClock clock_;
  FakeTransport transport_{[this](const HttpRequest& request) { return serve(request); }};
  std::vector<BlobProgress> told_;
  LayerConsumer* consumer_ = nullptr;
  unsigned parallel_ = 3;
};

}  // namespace minidocker::registry
