// The fuzzer's corpus, replayed: what parses is written and read back the same.
#include <string_view>

#include <gtest/gtest.h>

#include "minidocker/testing/corpus.hpp"
#include "parse_fuzzer.hpp"

namespace minidocker::spec {
namespace {

TEST(Corpus, EndsInValuesOrErrors) {
  constexpr std::string_view kOthers("\"-9[}\0\xff", 7);
  testing::replay_corpus("mini-docker/spec/tests/corpus", kOthers, fuzz_parse);
}

}  // namespace
}  // namespace minidocker::spec
