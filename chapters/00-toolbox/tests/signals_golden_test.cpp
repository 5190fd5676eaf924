// The transcript about signals of this chapter's text. As in golden_test.cpp, MD_UPDATE_GOLDEN=1 in
// the environment writes it anew.
#include <signal.h>
#include <stdlib.h>

#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
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

std::string session(const std::string& command) {
  return "$ " + command + "\n" + testing::run_command({"/bin/sh", "-c", command}).out;
}

TEST(Golden, AnIgnoredSignalSurvivesExecve) {
  testing::in_child([] {
    begin_with_no_signal_ignored();
    const std::string path = MD_SOURCE_DIR "/chapters/00-toolbox/tests/golden/signals.txt";
    const std::string told =
        session("grep SigIgn /proc/self/status") + session("nohup grep SigIgn /proc/self/status");
    if (::getenv("MD_UPDATE_GOLDEN") != nullptr) testing::write_text(path, told);
    EXPECT_EQ(testing::find_text(path).value_or(""), told)
        << "the text of the chapter shows something else; MD_UPDATE_GOLDEN=1 writes it anew";
  });
}

}  // namespace
}  // namespace minidocker
