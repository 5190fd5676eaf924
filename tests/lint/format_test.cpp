// Rule: clang-format 19 would change nothing.
#include <cstdio>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "repository.hpp"

namespace minidocker::lint {
namespace {

// Runs `command` in the repository: what it printed, and what pclose said.
std::pair<std::string, int> run(const std::string& command) {
  FILE* pipe = ::popen(("cd '" MD_SOURCE_DIR "' && " + command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) return {"popen failed", -1};
  std::string output;
  for (int c = std::getc(pipe); c != EOF; c = std::getc(pipe)) output += static_cast<char>(c);
  return {output, ::pclose(pipe)};
}

TEST(Format, SeesALineThatIsLaidOutWrong) {
  MD_NEEDS("clang-format-19");
  const auto [output, status] =
      run("echo 'int  x ;' | clang-format-19 --dry-run -Werror --assume-filename=a.cpp");
  EXPECT_NE(status, 0);
  EXPECT_THAT(output, ::testing::HasSubstr("clang-format"));
}

TEST(Format, OfTheRepositoryIsWhatTheToolMakes) {
  MD_NEEDS("clang-format-19");
  std::string files;
  for (const SourceFile& file : repository().files()) {
    if (file.is_cpp()) files += " '" + file.path + "'";
  }
  const auto [output, status] = run("clang-format-19 --dry-run -Werror --ferror-limit=1" + files);
  EXPECT_EQ(status, 0) << output << "run make format";
}

}  // namespace
}  // namespace minidocker::lint
