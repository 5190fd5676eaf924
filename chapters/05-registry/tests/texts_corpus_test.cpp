// The fuzzer's corpus, replayed: each text as it is, cut off at every byte, and with
// single bytes changed.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/testing/observe.hpp"
#include "texts_fuzzer.hpp"

namespace minidocker::registry {
namespace {

const std::string kCorpus = MD_SOURCE_DIR "/chapters/05-registry/tests/corpus/texts/";

TEST(TextsCorpus, EachEndsInAValueOrAnError) {
  const std::vector<std::string> names = testing::files_below(kCorpus);
  ASSERT_GE(names.size(), 10U);
  for (const std::string& name : names) {
    const std::string text = testing::read_text(kCorpus + name);
    EXPECT_NO_THROW(fuzz_text(text)) << name;
    for (std::size_t length = 0; length < text.size(); ++length) {
      ASSERT_NO_THROW(fuzz_text(std::string_view(text).substr(0, length))) << name << length;
    }
  }
}

TEST(TextsCorpus, EachWithAChangedByteEndsInAValueOrAnError) {
  constexpr std::string_view kOthers("\"-9[}\0\xff:/", 9);
  for (const std::string& name : testing::files_below(kCorpus)) {
    std::string text = testing::read_text(kCorpus + name);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char before = std::exchange(text[i], kOthers[i % kOthers.size()]);
      ASSERT_NO_THROW(fuzz_text(text)) << name << " byte " << i;
      text[i] = before;
    }
  }
}

}  // namespace
}  // namespace minidocker::registry
