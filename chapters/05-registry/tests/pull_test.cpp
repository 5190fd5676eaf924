#include "minidocker/registry/pull.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "pull_fixture.hpp"

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
