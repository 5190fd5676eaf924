#include "minidocker/images/worker_protocol.hpp"

#include <initializer_list>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace minidocker::images {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WorkerRequest, BecomesArgumentsAndIsReadFromThem) {
  const WorkerRequest request{"/s", "/l", "/t", "/image.tar", "", Owners::squash};
  EXPECT_THAT(request.to_arguments(),
              ElementsAre("unpack", "--store", "/s", "--layers", "/l", "--tmp", "/t", "--from",
                          "/image.tar", "--owners", "squash"));
  EXPECT_EQ(WorkerRequest::parse(request.to_arguments()).to_arguments(), request.to_arguments());
  const WorkerRequest other{"/s", "/l", "/t", "", "abc", Owners::keep};
  EXPECT_EQ(WorkerRequest::parse(other.to_arguments()).image, "abc");
}

TEST(WorkerRequest, OfAPullNamesTheImageAndWhoWeAre) {
  WorkerRequest request{"/s", "/l", "/t", "", "", Owners::keep};
  request.verb = WorkerVerb::pull;
  request.reference = "h/x:1";
  request.docker_config = "/root/.docker/config.json";
  EXPECT_THAT(
      request.to_arguments(),
      ElementsAre("pull", "--store", "/s", "--layers", "/l", "--tmp", "/t", "--reference", "h/x:1",
                  "--docker-config", "/root/.docker/config.json", "--owners", "keep"));
  request.plain_http = PlainHttp::yes;
  const WorkerRequest again = WorkerRequest::parse(request.to_arguments());
  EXPECT_EQ(again.to_arguments(), request.to_arguments());
  EXPECT_EQ(again.verb, WorkerVerb::pull);
  EXPECT_EQ(again.plain_http, PlainHttp::yes);
}

TEST(WorkerRequest, OfASaveAnImportAndAnExportTellWhatTheyNeed) {
  WorkerRequest save{"/s", "/l", "/t", "", "", Owners::keep, WorkerVerb::save};
  save.names = {"a", "b:1"};
  save.to = "-";
  EXPECT_THAT(save.to_arguments(),
              ElementsAre("save", "--store", "/s", "--layers", "/l", "--tmp", "/t", "--to", "-",
                          "--name", "a", "--name", "b:1", "--owners", "keep"));
  EXPECT_THAT(WorkerRequest::parse(save.to_arguments()).names, ElementsAre("a", "b:1"));

  WorkerRequest import{"/s", "/l", "/t", "-", "", Owners::keep, WorkerVerb::import_root};
  import.changes = "CMD a\nUSER b";
  import.comment = "--from somewhere";
  import.created = "2024-01-01T00:00:00Z";
  const WorkerRequest read = WorkerRequest::parse(import.to_arguments());
  EXPECT_EQ(read.changes, import.changes);
  EXPECT_EQ(read.comment, import.comment);
  EXPECT_EQ(read.created, import.created);

  WorkerRequest out{"/s", "/l", "/t", "", "", Owners::keep, WorkerVerb::export_root};
  out.tree = "/tree";
  EXPECT_EQ(WorkerRequest::parse(out.to_arguments()).tree, "/tree");
}

TEST(WorkerRequest, SaysWhichArgumentIsWrong) {
  const auto refusal = [](const std::vector<std::string>& arguments) -> std::string {
    try {
      static_cast<void>(WorkerRequest::parse(arguments));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::vector<std::string> good{"unpack", "--store", "s", "--layers", "l", "--tmp", "t"};
  const auto with = [&good](std::initializer_list<const char*> more) {
    std::vector<std::string> all = good;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  EXPECT_EQ(refusal(with({"--from", "f"})), "");
  EXPECT_THAT(refusal({}), HasSubstr("a verb is missing"));
  EXPECT_THAT(refusal({"dance"}), HasSubstr("verb \"dance\" is unknown"));
  std::vector<std::string> pull = with({});
  pull.front() = "pull";
  EXPECT_THAT(refusal(pull), HasSubstr("--reference is missing"));
  pull.insert(pull.end(), {"--reference", "x", "--from", "f"});
  EXPECT_THAT(refusal(pull), HasSubstr("pull has no option --from"));
  EXPECT_THAT(refusal(with({"--from", "f", "--reference", "x"})),
              HasSubstr("unpack has no option --reference"));
  EXPECT_THAT(refusal({"unpack", "--store"}), HasSubstr("missing after --store"));
  EXPECT_THAT(refusal({"unpack", "--store", "s", "--from", "f"}), HasSubstr("--layers is missing"));
  EXPECT_THAT(refusal(with({"--from", "f", "--name", "x"})), HasSubstr("no option --name"));
  EXPECT_THAT(refusal(with({})), HasSubstr("either --from or --image"));
  EXPECT_THAT(refusal(with({"--from", "f", "--image", "i"})), HasSubstr("either"));
  EXPECT_THAT(refusal(with({"--colour", "blue"})), HasSubstr("unknown option \"--colour\""));
  EXPECT_THAT(refusal(with({"--owners", "mine"})), HasSubstr("--owners \"mine\" is unknown"));
}

WorkerEvent again(const WorkerEvent& event) { return WorkerEvent::parse(event.to_line()); }

TEST(WorkerEvent, ComesThroughThePipeAsItWas) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::layer;
  event.diff_id = "sha256:x";
  event.entries = 3;
  event.bytes = 4;
  event.reused = true;
  EXPECT_EQ(event.to_line(),
            R"({"bytes":4,"diff_id":"sha256:x","entries":3,"event":"layer","reused":true})"
            "\n");
  EXPECT_EQ(again(event).to_line(), event.to_line());

  event = {};
  event.type = WorkerEvent::Type::image;
  event.id = "sha256:i";
  event.manifest = "sha256:m";
  event.names = {"a", "b"};
  event.digest = "sha256:d";
  event.is_new = true;
  EXPECT_EQ(again(event).to_line(), event.to_line());

  using Phase = WorkerEvent::Phase;
  event = {};
  event.type = WorkerEvent::Type::transfer;
  event.digest = "sha256:b";
  event.moved = 3;
  event.size = 4;
  for (const Phase phase :
       {Phase::exists, Phase::waiting, Phase::moving, Phase::again, Phase::done}) {
    event.phase = phase;
    EXPECT_EQ(again(event).phase, phase);
    EXPECT_EQ(again(event).to_line(), event.to_line());
  }
  EXPECT_EQ(again(WorkerEvent{}).type, WorkerEvent::Type::done);
}

TEST(WorkerEvent, CarriesErrorsOfEveryKindAndWarnings) {
  for (const ErrorKind kind :
       {ErrorKind::not_found, ErrorKind::conflict, ErrorKind::invalid_argument,
        ErrorKind::unavailable, ErrorKind::permission, ErrorKind::internal}) {
    WorkerEvent event;
    event.type = WorkerEvent::Type::error;
    event.kind = kind;
    event.message = "no \xff utf-8";
    EXPECT_EQ(again(event).kind, kind);
    EXPECT_EQ(again(event).message, "no \xef\xbf\xbd utf-8");
  }
  WorkerEvent warning;
  warning.type = WorkerEvent::Type::warning;
  warning.message = "w";
  EXPECT_EQ(again(warning).message, "w");
}

TEST(WorkerEvent, OfAnUnknownKindIsAnError) {
  EXPECT_THROW(static_cast<void>(WorkerEvent::parse("{}")), Error);
  EXPECT_THROW(static_cast<void>(WorkerEvent::parse(R"({"event":"dance"})")), Error);
  EXPECT_THROW(static_cast<void>(WorkerEvent::parse(R"({"event":"error","kind":"odd"})")), Error);
  EXPECT_THROW(static_cast<void>(WorkerEvent::parse(R"({"event":"layer"})")), Error);
}

}  // namespace
}  // namespace minidocker::images
