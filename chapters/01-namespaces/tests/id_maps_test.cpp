#include "minidocker/namespaces/id_maps.hpp"

#include <linux/capability.h>

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::namespaces {
namespace {

using Maps = std::vector<IdMapping>;
using ::testing::HasSubstr;

constexpr std::uint64_t kSetIds = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID;

std::string message_of(const Maps& maps) {
  try {
    check_id_map(maps, IdType::uid);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(IdMappings, AreParsedFromACommandLine) {
  EXPECT_EQ(parse_id_mappings("0:1000:1,1:100000:65536", "--uid-map"),
            (Maps{{0, 1000, 1}, {1, 100000, 65536}}));
}

TEST(IdMappings, AMalformedOneIsNamedWithItsOption) {
  for (const char* text : {"", "0:1000", "0:1000:1:2", "a:1:1", "0:-1:1", "0:1:4294967296", ","}) {
    try {
      (void)parse_id_mappings(text, "--uid-map");
      ADD_FAILURE() << "taken: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr("--uid-map"));
    }
  }
}

TEST(IdMappings, TheKernelsColumnsAreParsed) {
  EXPECT_EQ(
      parse_id_map_file("         0       1000          1\n         1     100000      65536\n"),
      (Maps{{0, 1000, 1}, {1, 100000, 65536}}));
  EXPECT_TRUE(parse_id_map_file("").empty());
}

TEST(IdMappings, AreWrittenOneALine) {
  EXPECT_EQ(format_id_map(Maps{{0, 1000, 1}, {1, 100000, 65536}}), "0 1000 1\n1 100000 65536\n");
}

TEST(IdMappings, WhatIsWrittenIsReadBack) {
  const Maps maps{{0, 5, 7}, {100, 4294967290, 4}};
  EXPECT_EQ(parse_id_map_file(format_id_map(maps)), maps);
}

TEST(CheckIdMap, TakesWhatTheKernelTakes) {
  EXPECT_EQ(message_of({{0, 1000, 1}, {1, 100000, 65536}}), "no error");
  EXPECT_EQ(message_of({{0, 0, 4294967295}}), "no error");
  EXPECT_EQ(message_of({{0, 10, 5}, {5, 15, 5}}), "no error");
}

TEST(CheckIdMap, NamesTheLineThatIsWrong) {
  EXPECT_THAT(message_of({{0, 1000, 0}}), HasSubstr("\"0 1000 0\" maps no id"));
  EXPECT_THAT(message_of({{1, 0, 4294967295}}), HasSubstr("beyond the last id"));
  EXPECT_THAT(message_of({{0, 4294967295, 1}}), HasSubstr("beyond the last id"));
  EXPECT_THAT(message_of({{0, 0, 10}, {9, 100, 1}}),
              HasSubstr("lines \"0 0 10\" and \"9 100 1\" overlap"));
  EXPECT_THAT(message_of({{0, 0, 10}, {20, 5, 1}}), HasSubstr("overlap"));
}

TEST(CheckIdMap, TakesAtMost340Lines) {
  Maps maps;
  for (std::uint32_t i = 0; i < 340; ++i) maps.push_back({i, i, 1});
  EXPECT_EQ(message_of(maps), "no error");
  maps.push_back({340, 340, 1});
  EXPECT_THAT(message_of(maps), HasSubstr("341 lines, wanted 1 to 340"));
  EXPECT_THAT(message_of({}), HasSubstr("0 lines"));
}

TEST(ChooseWriter, ThePrivilegedWriteTheFilesThemselves) {
  EXPECT_EQ(choose_writer({0, 0, kSetIds}, Maps{{0, 100000, 65536}}, Maps{{0, 100000, 65536}}),
            MapWriter::direct);
}

TEST(ChooseWriter, AUsersOwnIdsNeedNoHelp) {
  EXPECT_EQ(choose_writer({1000, 100, 0}, Maps{{0, 1000, 1}}, Maps{{7, 100, 1}}),
            MapWriter::direct_own_id);
}

TEST(ChooseWriter, AnythingElseNeedsTheHelpers) {
  const MapCredentials user{1000, 100, 0};
  EXPECT_EQ(choose_writer(user, Maps{{0, 1001, 1}}, Maps{{0, 100, 1}}), MapWriter::helpers);
  EXPECT_EQ(choose_writer(user, Maps{{0, 1000, 1}}, Maps{{0, 100, 2}}), MapWriter::helpers);
  EXPECT_EQ(choose_writer(user, Maps{{0, 1000, 1}, {1, 100000, 9}}, Maps{{0, 100, 1}}),
            MapWriter::helpers);
  EXPECT_EQ(choose_writer({1000, 100, 1ULL << CAP_SETUID}, Maps{{0, 5, 1}}, Maps{{0, 5, 1}}),
            MapWriter::helpers);
}

TEST(WhyMapRefused, AnIdThatOurNamespaceDoesNotHave) {
  EXPECT_THAT(why_map_refused(EPERM, IdType::gid, Maps{{0, 5, 10}}, Maps{{0, 1000, 10}}, {}),
              HasSubstr("\"0 5 10\" names ids that do not exist in our own user namespace; see "
                        "/proc/self/gid_map"));
}

TEST(WhyMapRefused, RootWithoutSetfcap) {
  const Maps all{{0, 0, 4294967295}};
  EXPECT_THAT(why_map_refused(EPERM, IdType::uid, Maps{{0, 0, 1}}, all, {0, 0, kSetIds}),
              HasSubstr("CAP_SETFCAP"));
  const MapCredentials full{0, 0, kSetIds | 1ULL << CAP_SETFCAP};
  EXPECT_THAT(why_map_refused(EPERM, IdType::uid, Maps{{0, 0, 1}}, all, full), HasSubstr("once"));
}

TEST(WhyMapRefused, OtherErrnosSayEnoughThemselves) {
  EXPECT_EQ(why_map_refused(ESRCH, IdType::uid, Maps{{0, 0, 1}}, Maps{}, {}), "");
}

}  // namespace
}  // namespace minidocker::namespaces
