#include "minidocker/toolbox/child_plan.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker {
namespace {

/// Appends its letter to a text, and fails if told to.
struct Append {
  static constexpr StepInfo kInfo{"00-toolbox", "a test wants to see the order"};
  char letter;
  char* text;
  StepResult result;
  StepResult run(ChildContext&) const noexcept {
    text[std::strlen(text)] = letter;
    return result;
  }
  [[nodiscard]] std::string describe() const { return std::string("append ") + letter; }
};

/// A step that makes a call which fails.
struct CloseNothing {
  static constexpr StepInfo kInfo{"00-toolbox", "a test wants to see it fail"};
  StepResult run(ChildContext&) const noexcept { return sys::close(-1); }
  [[nodiscard]] std::string describe() const { return "close nothing"; }
};

TEST(StepResult, IsMadeOfWhatACallAnswered) {
  ChildContext context;
  const StepResult result = CloseNothing{}.run(context);
  EXPECT_EQ(EBADF, result.error);
  EXPECT_STREQ("close", result.call->name);
  EXPECT_TRUE(StepResult::ok());
  EXPECT_EQ(EPIPE, StepResult::failure(EPIPE).error);
  EXPECT_EQ(nullptr, StepResult::failure(EPIPE).call);
  EXPECT_STREQ("01.7", StepResult::todo("01.7").exercise);
  EXPECT_EQ(ENOSYS, StepResult::todo("01.7").error);
}

TEST(ChildPlan, RunsItsStepsInOrder) {
  ChildPlan plan;
  char text[8] = {};
  plan.add(Append{'a', text, {}});
  plan.add(Append{'b', text, {}});
  ChildContext context;
  EXPECT_TRUE(plan.run(context));
  EXPECT_STREQ("ab", text);
}

TEST(ChildPlan, StopsAtTheFirstFailureAndTellsWhere) {
  ChildPlan plan;
  char text[8] = {};
  plan.add(Append{'a', text, {}});
  plan.add(Append{'b', text, StepResult::failure(EPERM)});
  plan.add(Append{'c', text, {}});
  ChildContext context;
  EXPECT_EQ(EPERM, plan.run(context).error);
  EXPECT_EQ(1U, context.step);
  EXPECT_STREQ("ab", text);
}

TEST(ChildPlan, DescribesItsStepsWithoutRunningThem) {
  ChildPlan plan;
  char text[8] = {};
  plan.add(Append{'a', text, {}});
  plan.add(CloseNothing{});
  ASSERT_EQ(2U, plan.size());
  const std::vector<StepDescription> steps = plan.describe();
  EXPECT_EQ("append a", steps[0].what);
  EXPECT_EQ("00-toolbox", steps[1].chapter);
  EXPECT_EQ("a test wants to see it fail", steps[1].why);
  EXPECT_STREQ("", text);
  EXPECT_THROW((void)plan.describe(2), std::out_of_range);
}

TEST(ChildPlan, TellsTheRecordsWhichStepRuns) {
  trace::SharedRecords records(10);
  const trace::Session session(&records);
  ChildPlan plan;
  char text[8] = {};
  plan.add(Append{'a', text, {}});
  plan.add(CloseNothing{});
  ChildContext context;
  context.records = &records;
  EXPECT_FALSE(plan.run(context));
  const std::vector<trace::Record> seen = records.drain();
  ASSERT_EQ(1U, seen.size());
  EXPECT_EQ(1, seen[0].step);
}

TEST(ChildPlan, KeepsCopiesThatDoNotMove) {
  ChildPlan plan;
  std::vector<const char*> copies;
  for (int i = 0; i < 2000; ++i) copies.push_back(plan.copy("text " + std::to_string(i)));
  for (int i = 0; i < 2000; ++i) {
    EXPECT_EQ("text " + std::to_string(i), copies[static_cast<std::size_t>(i)]);
  }
}

TEST(ChildPlan, KeepsArraysAsExecWantsThem) {
  ChildPlan plan;
  const std::vector<std::string> texts{"one", "", "three"};
  char** array = plan.copy_array(texts);
  EXPECT_STREQ("one", array[0]);
  EXPECT_STREQ("", array[1]);
  EXPECT_STREQ("three", array[2]);
  EXPECT_EQ(nullptr, array[3]);
}

TEST(ChildPlan, KeepsValuesAndSlots) {
  ChildPlan plan;
  const std::vector<long> values{1, 2, 3};
  const std::span<const long> copies = plan.copy_values(std::span<const long>(values));
  EXPECT_EQ(3, copies[2]);
  int* slot = plan.make(-1);
  EXPECT_EQ(-1, *slot);
}

TEST(ChildPlan, RefusesTextThatTheKernelWouldReadOnlyInPart) {
  ChildPlan plan;
  try {
    (void)plan.copy(std::string_view("a\0b", 3));
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::invalid_argument, error.kind());
    EXPECT_STREQ("\"a\\000b\": a NUL byte cannot be passed to the kernel", error.what());
  }
}

}  // namespace
}  // namespace minidocker
