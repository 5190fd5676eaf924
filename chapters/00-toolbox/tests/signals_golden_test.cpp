// The transcript about signals of this chapter's text.
#include <signal.h>

#include <gtest/gtest.h>

#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker {
namespace {

/// Whoever started the tests may ignore or block signals, and it is just that which is inherited.
void begin_with_no_signal_ignored() {
  // Not by signal(3): it refuses 32 and 33, which glibc's posix_spawn(3) leaves ignored.
  for (int number = 1; number < NSIG; ++number) (void)sys::default_signal(number);
  sigset_t none;
  ::sigemptyset(&none);
  sys::set_signal_mask(none).or_throw("an empty signal mask");
}

TEST(Golden, AnIgnoredSignalSurvivesExecve) {
  testing::in_child([] {
    begin_with_no_signal_ignored();
    testing::expect_golden("chapters/00-toolbox/tests/golden/signals.txt",
                           testing::session("grep SigIgn /proc/self/status") +
                               testing::session("nohup grep SigIgn /proc/self/status"));
  });
}

}  // namespace
}  // namespace minidocker
