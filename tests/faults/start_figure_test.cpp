/// \file
/// docs/figures/start-time.svg shows the steps that a start has. `make bench` draws it anew: with
/// MD_UPDATE_GOLDEN=1 in the environment this test writes it.
#include <stdlib.h>

#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bundle.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "start_figure.hpp"

namespace minidocker::testing {
namespace {

const char* const kFigure = MD_SOURCE_DIR "/docs/figures/start-time.svg";

/// One start, as it is told; names that differ from run to run are the same in all.
std::vector<TimedStep> timed_start(const Bundle& bundle) {
  const CommandResult result = run_command(bundle.run_argv({"--explain=json"}));
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  std::string told = std::regex_replace(result.err, std::regex(bundle.work()), "");
  told = std::regex_replace(told, std::regex(bundle.id()), "web");
  return steps_of(told);
}

TEST(StartFigure, ShowsTheStepsOfAStart) {
  MD_NEEDS("root", "busybox", "cgroup1");
  const Bundle bundle({"/bin/true"});
  if (::getenv("MD_UPDATE_GOLDEN") != nullptr) {
    std::vector<std::vector<TimedStep>> runs;
    for (int run = 0; run < 100; ++run) runs.push_back(timed_start(bundle));
    write_text(kFigure, svg_of(medians_of(runs)));
  }
  EXPECT_EQ(labels_in(read_text(kFigure)), labels_of(timed_start(bundle)))
      << "a start has other steps now; `make bench` draws the figure anew";
}

TEST(StartFigure, TimeBelongsToTheInnermostStepAndWaitingToNobody) {
  const std::vector<TimedStep> steps = steps_of(
      R"({"event":"call","name":"read","begin_ns":0,"end_ns":9000})"
      "\n"
      R"({"event":"step","chapter":"runtime","what":"outer"})"
      "\n"
      R"({"event":"call","name":"read","begin_ns":10000,"end_ns":12000})"
      "\n"
      R"({"event":"step","chapter":"02-cgroups","what":"inner"})"
      "\n"
      R"({"event":"call","name":"write","begin_ns":20000,"end_ns":25000})"
      "\n"
      R"({"event":"call","name":"recvmsg","begin_ns":30000,"end_ns":95000})"
      "\n"
      R"({"event":"end"})"
      "\n"
      R"({"event":"call","name":"close","begin_ns":100000,"end_ns":101000})"
      "\n"
      R"({"event":"end"})"
      "\n"
      R"({"event":"step","chapter":"runtime","what":"remove what is left of the container"})"
      "\n");
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_DOUBLE_EQ(steps[0].microseconds, 3);
  EXPECT_DOUBLE_EQ(steps[1].microseconds, 5);
}

TEST(StartFigure, EveryLabelCanBeReadBack) {
  const std::vector<TimedStep> steps{{"runtime", "a <b> & \"c\"", 1},
                                     {"07-security", std::string(90, 'x'), 2}};
  EXPECT_EQ(labels_in(svg_of(steps)), labels_of(steps));
}

TEST(StartFigure, MediansAreOfTheSameSteps) {
  EXPECT_DOUBLE_EQ(medians_of({{{"runtime", "a", 1}}, {{"runtime", "a", 9}}, {{"runtime", "a", 2}}})
                       .at(0)
                       .microseconds,
                   2);
  EXPECT_THROW((void)medians_of({{{"runtime", "a", 1}}, {{"runtime", "b", 9}}}),
               std::runtime_error);
}

}  // namespace
}  // namespace minidocker::testing
