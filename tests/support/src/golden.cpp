#include "minidocker/testing/golden.hpp"

#include <stdlib.h>

#include <regex>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {

void expect_golden(const std::string& path, const std::string& text) {
  const std::string file = MD_SOURCE_DIR "/" + path;
  if (::getenv("MD_UPDATE_GOLDEN") != nullptr) write_text(file, text);
  EXPECT_EQ(find_text(file).value_or(""), text)
      << "the text shows something else; MD_UPDATE_GOLDEN=1 and `make quote` write it anew";
}

std::string session(const std::string& command) {
  const std::string bin = MD_BINARY_DIR "/bin";
  const CommandResult result =
      run_command({"/bin/sh", "-c", command}, {.env = {"PATH=/usr/bin:/bin:" + bin}});
  const std::string text = "$ " + command + "\n" + result.out + result.err;
  return std::regex_replace(text, std::regex(bin), "build/bin");
}

}  // namespace minidocker::testing
