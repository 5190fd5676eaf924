// The fuzzer's corpus, replayed.
#include <string_view>

#include <gtest/gtest.h>

#include "minidocker/testing/corpus.hpp"
#include "texts_fuzzer.hpp"

namespace minidocker::registry {
namespace {

TEST(TextsCorpus, EndsInValuesOrErrors) {
  constexpr std::string_view kOthers("\"-9[}\0\xff:/", 9);
  testing::replay_corpus("chapters/05-registry/tests/corpus/texts", kOthers, fuzz_text);
}

}  // namespace
}  // namespace minidocker::registry
