// The fuzzer's corpus, replayed: each as it is, cut off at every byte, and with single bytes
// changed.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "message_fuzzer.hpp"
#include "minidocker/testing/observe.hpp"

namespace minidocker::http {
namespace {

const std::string kCorpus = MD_SOURCE_DIR "/chapters/06-daemon/tests/corpus/";

TEST(MessageCorpus, EachEndsInAValueOrAnError) {
  const std::vector<std::string> names = testing::files_below(kCorpus);
  ASSERT_GE(names.size(), 8U);
  for (const std::string& name : names) {
    const std::string text = testing::read_text(kCorpus + name);
    for (std::size_t length = 0; length <= text.size(); ++length) {
      ASSERT_NO_THROW(fuzz_message(std::string_view(text).substr(0, length))) << name << length;
    }
  }
}

TEST(MessageCorpus, EachWithAChangedByteEndsInAValueOrAnError) {
  constexpr std::string_view kOthers("\r\n:0 \0\xff;", 8);
  for (const std::string& name : testing::files_below(kCorpus)) {
    std::string text = testing::read_text(kCorpus + name);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char before = std::exchange(text[i], kOthers[i % kOthers.size()]);
      ASSERT_NO_THROW(fuzz_message(text)) << name << " byte " << i;
      text[i] = before;
    }
  }
}

}  // namespace
}  // namespace minidocker::http
