// The fuzzer's corpus, replayed: each document as it is, cut off at every byte, and with single
// bytes changed. No sanitizer report, no exception other than Error, and what parses is written
// and read back the same.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "minidocker/testing/observe.hpp"
#include "parse_fuzzer.hpp"

namespace minidocker::spec {
namespace {

const std::string kCorpus = MD_SOURCE_DIR "/mini-docker/spec/tests/corpus/";

TEST(Corpus, EveryDocumentSurvivesParsing) {
  const auto names = testing::files_below(kCorpus);
  ASSERT_GE(names.size(), 10U);
  for (const std::string& name : names) {
    EXPECT_NO_THROW(fuzz_parse(testing::read_text(kCorpus + name))) << name;
  }
}

TEST(Corpus, EveryTruncationSurvivesParsing) {
  for (const std::string& name : testing::files_below(kCorpus)) {
    const std::string text = testing::read_text(kCorpus + name);
    for (std::size_t length = 0; length < text.size(); ++length) {
      ASSERT_NO_THROW(fuzz_parse(std::string_view(text).substr(0, length))) << name << length;
    }
  }
}

TEST(Corpus, EveryChangedByteSurvivesParsing) {
  constexpr std::string_view kOthers("\"-9[}\0\xff", 7);
  for (const std::string& name : testing::files_below(kCorpus)) {
    std::string text = testing::read_text(kCorpus + name);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char before = std::exchange(text[i], kOthers[i % kOthers.size()]);
      ASSERT_NO_THROW(fuzz_parse(text)) << name << " byte " << i;
      text[i] = before;
    }
  }
}

}  // namespace
}  // namespace minidocker::spec
