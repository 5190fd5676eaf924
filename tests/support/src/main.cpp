// main() of every test program: GoogleTest's, and the skips by need as the last lines.
#include <cstdio>

#include <gtest/gtest.h>

#include "skips.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  for (const auto& [need, count] : minidocker::testing::skip_counts()) {
    std::printf("skipped for want of %s: %d\n", need.c_str(), count);
  }
  return status;
}
