#include "minidocker/toolbox/trace_sinks.hpp"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::trace {
namespace {

constexpr sys::CallInfo kCall{"frobnicate", "frobnicate(2)"};

Record record_of(std::int64_t result, int error = 0) {
  Record record;
  record.call = &kCall;
  record.pid = 7;
  record.begin_ns = 1'000'000;
  record.end_ns = 3'500'000;
  record.result = result;
  record.error = error;
  record.add(text("\xff"));
  return record;
}

/// What a writer of `format` writes when `tell` talks to it.
template <class Tell>
std::string written(Format format, const Tell& tell) {
  Pipe pipe = Pipe::make();
  tell(*make_writer(format, pipe.write_end.get(), "runtime"));
  pipe.write_end.reset();
  return read_all(pipe.read_end.get(), "pipe");
}

TEST(TextWriter, TellsStepsReasonsAndCallsIndented) {
  const std::string told = written(Format::text, [](Sink& sink) {
    sink.enter({"01-namespaces", "set the host name", "the container has a name of its own"});
    sink.call(record_of(0));
    sink.leave();
    sink.enter({"02-cgroups", "join", ""});
    sink.leave();
  });
  const auto lines = testing::lines_of(told);
  ASSERT_EQ(4U, lines.size()) << told;
  EXPECT_EQ("runtime: set the host name  [01-namespaces]", lines[0]);
  EXPECT_EQ("  because the container has a name of its own", lines[1]);
  EXPECT_EQ(0U, lines[2].find("  frobnicate(")) << lines[2];
  EXPECT_NE(std::string::npos, lines[2].find(" = 0  <2.500 ms>  frobnicate(2)")) << lines[2];
  EXPECT_EQ("runtime: join  [02-cgroups]", lines[3]);
}

TEST(TextWriter, LeavingTooOftenDoesNoHarm) {
  EXPECT_EQ("runtime: a  [x]\n", written(Format::text, [](Sink& sink) {
              sink.leave();
              sink.enter({"x", "a", ""});
            }));
}

TEST(JsonWriter, WritesOneObjectALineWhateverTheBytes) {
  const std::string told = written(Format::json, [](Sink& sink) {
    sink.enter({"01-namespaces", "do", "why"});
    sink.call(record_of(-1, EPERM));
    sink.leave();
  });
  const auto lines = testing::lines_of(told);
  ASSERT_EQ(3U, lines.size());
  const auto step = nlohmann::json::parse(lines[0]);
  EXPECT_EQ("step", step["event"]);
  EXPECT_EQ("do", step["what"]);
  const auto call = nlohmann::json::parse(lines[1]);
  EXPECT_EQ("frobnicate", call["name"]);
  EXPECT_EQ("EPERM", call["error"]);
  EXPECT_EQ(7, call["pid"]);
  EXPECT_EQ(2'500'000, call["end_ns"].get<int>() - call["begin_ns"].get<int>());
  EXPECT_EQ("end", nlohmann::json::parse(lines[2])["event"]);
}

TEST(Writer, IsNotTracedItselfAndSurvivesAClosedDescriptor) {
  Recording recording;
  const Session session(&recording);
  const auto writer = make_writer(Format::text, 999'999, "x");
  writer->enter({"c", "what", ""});
  EXPECT_TRUE(recording.entries().empty());
}

TEST(Sink, AmendingMeansTellingAgainUnlessItKnowsBetter) {
  const std::string told =
      written(Format::text, [](Sink& sink) { sink.amend(record_of(-1, ENOENT)); });
  EXPECT_NE(std::string::npos, told.find("ENOENT"));
}

TEST(SharedRecords, ComeFromAChild) {
  SharedRecords records(10);
  testing::in_child([&records] {
    records.set_step(3);
    records.call(record_of(42));
  });
  const std::vector<Record> drained = records.drain();
  ASSERT_EQ(1U, drained.size());
  EXPECT_EQ(42, drained[0].result);
  EXPECT_EQ(3, drained[0].step);
  EXPECT_TRUE(records.drain().empty()) << "each record is drained once";
}

TEST(SharedRecords, WhatFindsNoRoomIsCounted) {
  SharedRecords records(2);
  for (int i = 0; i < 5; ++i) records.call(record_of(i));
  records.amend(record_of(99));
  const std::vector<Record> drained = records.drain();
  ASSERT_EQ(2U, drained.size());
  EXPECT_EQ(1, drained[1].result) << "an amendment of a lost record must not hit another";
  EXPECT_EQ(3U, records.lost());
}

TEST(SharedRecords, TheLastOneCanBeAmended) {
  SharedRecords records(2);
  records.amend(record_of(1));
  records.set_step(1);
  records.call(record_of(0));
  records.amend(record_of(-1, ENOENT));
  const std::vector<Record> drained = records.drain();
  ASSERT_EQ(1U, drained.size());
  EXPECT_EQ(ENOENT, drained[0].error);
  EXPECT_EQ(1, drained[0].step);
  EXPECT_EQ(0U, records.lost());
}

TEST(SharedRecords, StepsAreTheParentsToTell) {
  SharedRecords records(1);
  const Session session(&records);
  {
    const Scope scope("00-toolbox", "a step");
  }
  EXPECT_TRUE(records.drain().empty());
  EXPECT_EQ(0U, records.lost());
}

}  // namespace
}  // namespace minidocker::trace
