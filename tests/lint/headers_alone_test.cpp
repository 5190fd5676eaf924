// Rule: every header compiles alone. The compiler checks it (target lint_headers, which `make lint`
// builds); this test holds that target's list to the headers there are.
#include <fstream>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

std::set<std::string> listed_headers() {
  std::ifstream list(MD_BINARY_DIR "/headers.txt");
  std::set<std::string> names;
  for (std::string name; std::getline(list, name);) names.insert(name);
  return names;
}

TEST(HeadersAlone, AreAllCompiled) {
  std::set<std::string> present;
  for (const SourceFile& file : repository().files()) {
    if (file.is_header()) present.insert(file.path);
  }
  EXPECT_FALSE(present.empty());
  EXPECT_EQ(listed_headers(), present) << "run make lint: it brings the list up to date";
}

}  // namespace
}  // namespace minidocker::lint
