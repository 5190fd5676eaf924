// The fuzzer's corpus, replayed.
#include <string_view>

#include <gtest/gtest.h>

#include "message_fuzzer.hpp"
#include "minidocker/testing/corpus.hpp"

namespace minidocker::http {
namespace {

TEST(MessageCorpus, EndsInValuesOrErrors) {
  constexpr std::string_view kOthers("\r\n:0 \0\xff;", 8);
  testing::replay_corpus("chapters/06-daemon/tests/corpus", kOthers, fuzz_message);
}

}  // namespace
}  // namespace minidocker::http
