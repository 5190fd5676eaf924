#include "minidocker/registry/pull.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <map>
#include <thread>

#include "fakes.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {
namespace {

using images::Descriptor;
using images::Digest;
using Cause = TransportError::Cause;
using Phase = BlobProgress::Phase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const images::Platform kHost{"linux", "amd64", ""};

std::string config_of(std::size_t layers, const std::string& architecture = "amd64") {
  std::string ids;
  for (std::size_t i = 0; i < layers; ++i) {
    ids += fmt::format("{}\"{}\"", i == 0 ? "" : ",", Digest::of(std::to_string(i)).str());
  }
  return fmt::format(
      R"({{"os":"linux","architecture":"{}","rootfs":{{"type":"layers","diff_ids":[{}]}}}})",
      architecture, ids);
}

Descriptor described(const std::string& type, const std::string& content) {
  return {type, Digest::of(content), content.size()};
}

// What a registry holds, and what is asked of it.
class PullTest : public ::testing::Test {
 protected:
  PullTest() {
    const std::string config = config_of(2);
    blobs_[Digest::of(config).str()] = config;
    for (const std::string& layer : {kLower, kUpper}) blobs_[Digest::of(layer).str()] = layer;
    manifest_.config = described(images::kOciConfig, config);
    manifest_.layers = {described(images::kOciLayerGzip, kLower),
                        described(images::kOciLayerGzip, kUpper)};
    put_manifest();
  }

  void put_manifest() {
    text_ = images::to_json(manifest_);
    manifests_["1"] = text_;
    manifests_[Digest::of(text_).str()] = text_;
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
    EXPECT_THAT(store_.images(), IsEmpty());
    EXPECT_THAT(downloads(), IsEmpty());
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

  [[nodiscard]] std::vector<Phase> phases_of(const std::string& content) const {
    std::vector<Phase> phases;
    for (const BlobProgress& progress : told_) {
      if (progress.digest == Digest::of(content)) phases.push_back(progress.phase);
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

// --- what comes of it ----------------------------------------------------------------------------

TEST_F(PullTest, AnImageIsInTheStoreUnderItsName) {
  const PulledImage pulled = pull();
  EXPECT_TRUE(pulled.is_new);
  EXPECT_THAT(pulled.warnings, IsEmpty());
  const images::Image image = store_.get_image("h.example/x:1");
  EXPECT_EQ(image.id, pulled.id);
  EXPECT_EQ(image.manifest.digest, Digest::of(text_));
  EXPECT_EQ(testing::read_text(store_.blob_path(Digest::of(kLower))), kLower);
  EXPECT_EQ(testing::read_text(store_.blob_path(Digest::of(kUpper))), kUpper);
  EXPECT_EQ(testing::read_text(store_.blob_path(Digest::of(text_))), text_);
  EXPECT_EQ(phases_of(kUpper).front(), Phase::waiting);
  EXPECT_EQ(phases_of(kUpper).back(), Phase::done);
}

TEST_F(PullTest, WhatIsThereIsNotFetched) {
  pull();
  told_.clear();
  EXPECT_FALSE(pull().is_new);
  EXPECT_EQ(times_asked("/blobs/"), 3U);
  EXPECT_THAT(phases_of(kLower), ElementsAre(Phase::exists));
}

TEST_F(PullTest, ADamagedBlobOfTheStoreIsFetchedAnew) {
  pull();
  testing::write_text(store_.blob_path(Digest::of(kUpper)), std::string(kUpper.size(), '?'));
  EXPECT_TRUE(pull().is_new);
  EXPECT_EQ(testing::read_text(store_.blob_path(Digest::of(kUpper))), kUpper);
}

TEST_F(PullTest, ALayerThatAnImageHasTwiceIsFetchedOnce) {
  manifest_.layers[0] = manifest_.layers[1];
  put_manifest();
  pull();
  EXPECT_EQ(times_asked(Digest::of(kUpper).str()), 1U);
}

TEST_F(PullTest, ADigestLeadsToAnImageWithoutAName) {
  const PulledImage pulled = pull("h.example/x@" + Digest::of(text_).str());
  EXPECT_THAT(store_.get_image(pulled.id.str()).names, IsEmpty());
}

TEST_F(PullTest, ATagBesideADigestIsItsName) {
  pull("h.example/x:mine@" + Digest::of(text_).str());
  EXPECT_EQ(store_.get_image("h.example/x:mine").manifest.digest, Digest::of(text_));
}

// --- indexes -------------------------------------------------------------------------------------

class IndexTest : public PullTest {
 protected:
  void put_index(std::vector<Descriptor> manifests) {
    index_ = images::to_json(images::Index{std::move(manifests)});
    manifests_["1"] = index_;
    manifests_[Digest::of(index_).str()] = index_;
  }
  [[nodiscard]] Descriptor entry(const images::Platform& platform) const {
    Descriptor descriptor = described(images::kOciManifest, text_);
    descriptor.platform = platform;
    return descriptor;
  }
  std::string index_;
};

TEST_F(IndexTest, LeadsToTheManifestOfThePlatform) {
  Descriptor other = described(images::kOciManifest, "is never asked for");
  other.platform = images::Platform{"linux", "arm64", "v8"};
  Descriptor attestation = other;
  attestation.platform = images::Platform{"unknown", "unknown", ""};
  put_index({attestation, other, entry(kHost)});
  EXPECT_EQ(pull().digest, Digest::of(index_));
  EXPECT_EQ(store_.get_image("h.example/x:1").manifest.digest, Digest::of(text_));
  EXPECT_EQ(times_asked("/manifests/"), 2U);
}

TEST_F(IndexTest, WithoutThePlatformNamesThoseThatThereAre) {
  put_index({entry({"linux", "s390x", ""}), entry({"linux", "arm", "v7"})});
  EXPECT_EQ(
      refusal(),
      "pull h.example/x:1: no matching manifest for linux/amd64 in the manifest list entries: "
      "there are linux/s390x, linux/arm/v7");
}

TEST_F(IndexTest, MayBeNestedButNotForEver) {
  put_index({entry(kHost)});
  for (int depth = 0; depth < 3; ++depth) {
    put_index({described(images::kOciIndex, index_)});
  }
  pull();
  put_index({described(images::kOciIndex, index_)});
  EXPECT_THAT(failure_of([&] { return pull(); }), HasSubstr("nested deeper than 4"));
}

TEST_F(IndexTest, MayNotLeadToAnotherManifestThanItSays) {
  put_index({entry(kHost)});
  manifests_[Digest::of(text_).str()] = text_ + " ";
  EXPECT_THAT(refusal(), HasSubstr("damaged or forged"));
}

// --- registries that lie, fail, or are slow ------------------------------------------------------

TEST_F(PullTest, AManifestThatIsNotWhatWasAskedForIsRefused) {
  const std::string digest = Digest::of("another").str();
  manifests_[digest] = text_;
  EXPECT_THAT(refusal("h.example/x@" + digest), HasSubstr("was asked for manifest " + digest));
}

TEST_F(PullTest, ADocumentWithTwoTypesIsRefused) {
  FakeTransport liar([this](const HttpRequest&) {
    return answer(200, text_, {{"content-type", std::string(images::kOciIndex)}});
  });
  Session session("h.example", {}, liar, clock_);
  EXPECT_THAT(failure_of([&] {
                return pull_image(Reference::parse("h.example/x:1"), session, store_, {},
                                  [](const BlobProgress&) {});
              }),
              HasSubstr("the registry says"));
}

TEST_F(PullTest, ABlobWithAnotherContentIsRefused) {
  change_ = [this](const HttpRequest&, const std::string& blob) {
    return answer(200, blob == kUpper ? std::string(blob.size(), '?') : blob);
  };
  EXPECT_THAT(refusal(), HasSubstr("damaged or forged"));
}

TEST_F(PullTest, ABlobThatIsLongerIsRefusedBeforeItIsStored) {
  change_ = [this](const HttpRequest&, const std::string& blob) {
    return answer(200, blob == kUpper ? std::string(100'000, '?') : blob);
  };
  EXPECT_THAT(refusal(), HasSubstr("sends more than the 15 bytes that its manifest says"));
}

TEST_F(PullTest, ABlobWhoseLengthIsAnotherIsRefusedBeforeItsFirstByte) {
  change_ = [](const HttpRequest&, const std::string& blob) {
    return answer(200, blob, {{"content-length", "99"}});
  };
  EXPECT_THAT(refusal(), HasSubstr("the registry has \"99\" bytes of it"));
}

TEST_F(PullTest, ACutDownloadGoesOnWhereItStopped) {
  std::vector<std::string> ranges;
  change_ = [&](const HttpRequest& request, const std::string& blob) {
    if (blob != kUpper) return answer(200, blob);
    for (const auto& [name, value] : request.headers) {
      if (name == "Range") ranges.push_back(value);
    }
    if (!ranges.empty()) {
      return answer(206, blob.substr(8), {{"content-range", fmt::format("bytes 8-14/15")}});
    }
    transport_.cut();
    return answer(200, blob.substr(0, 8));
  };
  pull();
  EXPECT_THAT(ranges, ElementsAre("bytes=8-"));
  EXPECT_THAT(clock_.waited(), ElementsAre(500));
  EXPECT_THAT(phases_of(kUpper), ::testing::Contains(Phase::again));
}

TEST_F(PullTest, ARegistryThatKnowsNoRangesSendsAllAnew) {
  int count = 0;
  change_ = [&](const HttpRequest&, const std::string& blob) {
    if (blob == kUpper && ++count == 1) {
      transport_.cut();
      return answer(200, blob.substr(0, 8));
    }
    return answer(200, blob);
  };
  pull();
  EXPECT_EQ(testing::read_text(store_.blob_path(Digest::of(kUpper))), kUpper);
}

TEST_F(PullTest, AnswersThatEndTooEarlyAreTriedAFewTimes) {
  change_ = [this](const HttpRequest&, const std::string& blob) {
    return answer(200, blob == kUpper ? blob.substr(0, 3) : blob);
  };
  EXPECT_THAT(failure_of([&] { return pull(); }),
              HasSubstr("the answer ended after 3 of 15 bytes"));
  EXPECT_THAT(clock_.waited(), ElementsAre(500, 1000, 2000, 4000));
}

TEST_F(PullTest, APartOfSomethingElseIsRefused) {
  int count = 0;
  change_ = [&](const HttpRequest&, const std::string& blob) {
    if (blob != kUpper) return answer(200, blob);
    if (++count > 1) return answer(206, "x", {{"content-range", "bytes 7-14/15"}});
    transport_.cut();
    return answer(200, blob.substr(0, 8));
  };
  EXPECT_THAT(refusal(), HasSubstr("asked for the bytes from 8 of 15, the registry sent \"bytes "
                                   "7-14/15\""));
}

TEST_F(PullTest, ABlobThatIsMissingIsNamed) {
  blobs_.erase(Digest::of(kUpper).str());
  EXPECT_THAT(refusal(), HasSubstr("blob " + Digest::of(kUpper).str() + ": unknown"));
}

TEST_F(PullTest, ATagThatIsMissingIsNotFound) {
  EXPECT_EQ(kind_of_failure([&] { return pull("h.example/x:2"); }), ErrorKind::not_found);
}

// --- a pull after another that was cut off
// --------------------------------------------------------

TEST_F(PullTest, ThePullAfterOneThatWasCutOffGoesOnThere) {
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

TEST_F(PullTest, WhatAnotherBootLeftIsNotBelieved) {
  make_dirs(store_.dir() + "/downloads/another-boot");
  testing::write_text(store_.dir() + "/downloads/another-boot/" + Digest::of(kUpper).hex(), kUpper);
  pull();
  EXPECT_EQ(times_asked(Digest::of(kUpper).str()), 1U);
  EXPECT_THAT(downloads(), IsEmpty());
}

TEST_F(PullTest, WhatWasLeftAndIsDamagedIsRefusedAndRemoved) {
  pull();  // makes the directory
  const std::string boot = list_dir(store_.dir() + "/downloads").front();
  testing::write_text(store_.blob_path(Digest::of(kUpper)), "damaged, too");
  testing::write_text(store_.dir() + "/downloads/" + boot + "/" + Digest::of(kUpper).hex(),
                      std::string(kUpper.size() + 9, '?'));
  EXPECT_THAT(failure_of([&] { return pull(); }), HasSubstr("damaged or forged"));
  EXPECT_THAT(downloads(), IsEmpty());
  EXPECT_TRUE(pull().is_new);
}

TEST_F(PullTest, AFileThatCannotBeMadeIsTold) {
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

TEST_F(PullTest, LayersAreReadWhileTheyCome) {
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

TEST_F(PullTest, LayersOfTheStoreAreReadToo) {
  pull();
  Reading reading;
  consumer_ = &reading;
  pull();
  EXPECT_THAT(reading.read, ElementsAre(kLower, kUpper));
}

TEST_F(PullTest, AForgedLayerHasNoEndForWhoeverReadsIt) {
  Reading reading;
  consumer_ = &reading;
  change_ = [this](const HttpRequest&, const std::string& blob) {
    return answer(200, blob == kLower ? std::string(blob.size(), '?') : blob);
  };
  EXPECT_THAT(refusal(), HasSubstr("damaged or forged"));
  EXPECT_THAT(reading.read, IsEmpty());
  EXPECT_EQ(reading.commits, 0);
}

TEST_F(PullTest, WhatAReaderRefusesEndsThePull) {
  struct Refusing final : Reading {
    void on_piece(const std::string&) override {
      throw Error(ErrorKind::invalid_argument, "it climbs by \"..\"");
    }
  } reading;
  consumer_ = &reading;
  EXPECT_THAT(refusal(), HasSubstr("it climbs by"));
  EXPECT_EQ(reading.commits, 0);
}

TEST_F(PullTest, AServerThatSendsAllAnewDisturbsNoReader) {
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

// --- images that cannot be one -------------------------------------------------------------------

TEST_F(PullTest, WhatIsNoImageIsRefusedBeforeAnythingIsFetched) {
  manifest_.config.media_type = "application/vnd.cncf.helm.config.v1+json";
  put_manifest();
  EXPECT_THAT(refusal(), HasSubstr("it is no image but \"application/vnd.cncf.helm"));
  EXPECT_EQ(times_asked("/blobs/"), 0U);
}

TEST_F(PullTest, LayersOfAnUnknownKindAreRefused) {
  manifest_.layers[1].media_type = "application/vnd.oci.image.layer.v1.tar+lz4";
  put_manifest();
  EXPECT_THAT(refusal(), HasSubstr("tar+lz4\", which cannot be unpacked"));
}

TEST_F(PullTest, ALayerMayNotHaveTwoSizes) {
  manifest_.layers[0] = manifest_.layers[1];
  manifest_.layers[0].size += 1;
  put_manifest();
  EXPECT_THAT(refusal(), HasSubstr("two sizes"));
}

TEST_F(PullTest, AnImageThatWouldFillTheDiskIsRefused) {
  manifest_.layers[0].size = ~std::uint64_t{0} - 3;
  put_manifest();
  EXPECT_THAT(refusal(), HasSubstr("its layers have more than"));
}

TEST_F(PullTest, AConfigForOtherLayersIsRefusedBeforeTheyAreFetched) {
  manifest_.layers.pop_back();
  put_manifest();
  EXPECT_THAT(refusal(), HasSubstr("names 1 layers, its config 2"));
  EXPECT_EQ(times_asked(Digest::of(kLower).str()), 0U);
}

TEST_F(PullTest, AnImageForAnotherPlatformIsPulledWithAWarning) {
  const std::string config = config_of(2, "s390x");
  blobs_[Digest::of(config).str()] = config;
  manifest_.config = described(images::kOciConfig, config);
  put_manifest();
  EXPECT_THAT(pull().warnings, ElementsAre(HasSubstr("its platform (linux/s390x)")));
}

// --- two at once ---------------------------------------------------------------------------------

TEST_F(PullTest, TwoPullsOfOneImageFetchItOnce) {
  std::vector<std::jthread> pulls;
  for (int i = 0; i < 2; ++i) {
    pulls.emplace_back([this] {
      Session session("h.example", {}, transport_, clock_);
      PullOptions options;
      options.platform = kHost;
      pull_image(Reference::parse("h.example/x:1"), session, store_, options,
                 [](const BlobProgress&) {});
    });
  }
  pulls.clear();
  EXPECT_EQ(times_asked("/blobs/"), 3U);
}

}  // namespace
}  // namespace minidocker::registry
