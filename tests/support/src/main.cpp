// main() of every test program: GoogleTest's, and the skips by need as the last lines.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include <gtest/gtest.h>

#include "skips.hpp"

namespace {

/// glibc's posix_spawn leaves the two signals that glibc keeps for itself ignored, and its
/// sigaction refuses to touch them. What a test sees must not depend on who started it.
void reset_glibcs_signals() {
  const std::array<unsigned long, 4> by_default{};  // the kernel's struct sigaction, all zero
  for (const int signal : {32, 33}) {
    ::syscall(SYS_rt_sigaction, signal, by_default.data(), nullptr, sizeof(unsigned long));
  }
}

}  // namespace

int main(int argc, char** argv) {
  reset_glibcs_signals();
  ::testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  for (const auto& [need, count] : minidocker::testing::skip_counts()) {
    std::printf("skipped for want of %s: %d\n", need.c_str(), count);
  }
  return status;
}
