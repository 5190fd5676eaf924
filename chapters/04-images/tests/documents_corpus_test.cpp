// The fuzzer's corpus, replayed.
#include <string_view>

#include <gtest/gtest.h>

#include "documents_fuzzer.hpp"
#include "minidocker/testing/corpus.hpp"

namespace minidocker::images {
namespace {

TEST(DocumentsCorpus, EndsInValuesOrErrors) {
  constexpr std::string_view kOthers("\"-9[}\0\xff:/", 9);
  testing::replay_corpus("chapters/04-images/tests/corpus/documents", kOthers, fuzz_document);
}

}  // namespace
}  // namespace minidocker::images
