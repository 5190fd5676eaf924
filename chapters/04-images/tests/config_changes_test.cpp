#include "minidocker/images/config_changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::images {
namespace {

using ::testing::HasSubstr;

std::string refusal_of(const std::string& line) {
  try {
    static_cast<void>(change_config("{}", line));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    return error.what();
  }
  return "";
}

TEST(ConfigChanges, CommandsAreListsOrLinesForTheShell) {
  EXPECT_EQ(change_config("{}", R"(CMD ["a", "b c"])"), R"({"Cmd":["a","b c"]})");
  EXPECT_EQ(change_config("{}", "cmd echo $HOME"), R"({"Cmd":["/bin/sh","-c","echo $HOME"]})");
  EXPECT_EQ(change_config("{}", "ENTRYPOINT [\"/e\"]"), R"({"Entrypoint":["/e"]})");
  EXPECT_EQ(change_config("{}", "CMD [not json]"), R"({"Cmd":["/bin/sh","-c","[not json]"]})");
}

TEST(ConfigChanges, VariablesAreAddedAndReplaced) {
  EXPECT_EQ(change_config(R"({"Env":["A=1"]})", "ENV A=2 B=\"x y\" C=a\\ b"),
            R"({"Env":["A=2","B=x y","C=a b"]})");
  EXPECT_EQ(change_config("{}", "ENV NAME all the rest"), R"({"Env":["NAME=all the rest"]})");
  EXPECT_EQ(change_config("{}", "ENV A='$1' B=\\$2"), R"({"Env":["A=$1","B=$2"]})");
}

TEST(ConfigChanges, TheOthersSetWhatTheyAreCalledAfter) {
  EXPECT_EQ(
      change_config(
          "{}",
          "EXPOSE 80 53/udp 8000-8001/tcp\n\nLABEL a=1 b=2\nUSER me\nWORKDIR /a\nWORKDIR b\n"
          "VOLUME /v \"/w x\"\nVOLUME [\"/z\"]\nSTOPSIGNAL TERM\nONBUILD RUN x"),
      R"({"ExposedPorts":{"53/udp":{},"80/tcp":{},"8000/tcp":{},"8001/tcp":{}},"Labels":{"a":"1","b":"2"},)"
      R"("OnBuild":["RUN x"],"StopSignal":"TERM","User":"me",)"
      R"("Volumes":{"/v":{},"/w x":{},"/z":{}},"WorkingDir":"/a/b"})");
}

TEST(ConfigChanges, SayWhichLineIsWrong) {
  EXPECT_THAT(refusal_of("RUN make"), HasSubstr("change \"RUN make\": it is not a valid change"));
  EXPECT_THAT(refusal_of("HEALTHCHECK CMD x"), HasSubstr("health checks are not run"));
  EXPECT_THAT(refusal_of("CMD"), HasSubstr("requires at least one argument"));
  EXPECT_THAT(refusal_of("ENV A"), HasSubstr("must have two arguments"));
  EXPECT_THAT(refusal_of("ENV A=1 B"), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(refusal_of("ENV A=\"b"), HasSubstr("a quote is not closed"));
  EXPECT_THAT(refusal_of("ENV A=$B"), HasSubstr("variables are not expanded"));
  EXPECT_THAT(refusal_of("USER a b"), HasSubstr("exactly one argument"));
  for (const char* port : {"x", "80/x", "99999", "1-", "-1", "1-2-3", "2-1"}) {
    EXPECT_THAT(refusal_of(std::string("EXPOSE ") + port), HasSubstr("PORT")) << port;
  }
}

}  // namespace
}  // namespace minidocker::images
