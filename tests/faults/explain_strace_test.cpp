/// \file
/// The story that --explain tells is the one that strace sees: no call of the list is left out,
/// none is invented. tests/mutants/run shows that one untold mkdir makes this red.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bundle.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "narrated_calls.hpp"

namespace minidocker::testing {
namespace {

/// Runs the bundle under both and compares.
void expect_true_story(const Bundle& bundle, int exit_code) {
  const std::string log = bundle.work() + "/strace";
  std::vector<std::string> argv{"strace", "-f", "-X", "verbose", "-s", "4096", "-o", log};
  for (const std::string& word : bundle.run_argv({"--explain=json"})) argv.push_back(word);
  const CommandResult result = run_command(argv);
  ASSERT_EQ(result.exit_code, exit_code) << result.in_words();
  std::string told;
  for (const std::string& line : lines_of(result.err)) {
    if (line.starts_with("{")) told += line + "\n";  // the error of a failed run is not a story
  }
  const CallSet made = narrated(of_our_program(parse_strace(read_text(log))));
  EXPECT_GT(made.size(), 100U);
  EXPECT_EQ(difference(made, narrated(parse_explain(told))), "");
}

TEST(Explain, TellsOfARunWhatStraceSees) {
  MD_NEEDS("root", "strace", "busybox");
  expect_true_story(Bundle({"/bin/true"}), 0);
}

TEST(Explain, TellsOfAFailedRunWhatStraceSees) {
  MD_NEEDS("root", "strace", "busybox");
  expect_true_story(Bundle({"/no/such/program"}), 1);
}

TEST(Explain, DifferenceNamesTheCallThatWasNotTold) {
  const CallSet made{"runtime mkdir(\"/x\", 493)", "runtime chroot(\"/\")"};
  EXPECT_EQ(difference(made, {"runtime chroot(\"/\")"}),
            "made, not told: runtime mkdir(\"/x\", 493)\n");
  EXPECT_EQ(difference({}, {"runtime chroot(\"/\")"}), "told, not made: runtime chroot(\"/\")\n");
}

}  // namespace
}  // namespace minidocker::testing
