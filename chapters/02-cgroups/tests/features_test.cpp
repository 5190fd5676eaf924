// docs/cgroup-drivers.md is made of what the kernel tests say of themselves (features.hpp): a line
// for each feature, a cell for each driver. This test makes it anew and fails if it is another;
// MD_WRITE=1 writes it. A feature that a driver's tests do not mention fails too.
#include <array>
#include <cstdlib>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "minidocker/testing/observe.hpp"

namespace minidocker::cgroups {
namespace {

using testing::files_below;
using testing::lines_of;
using testing::read_text;
using testing::write_text;

const std::string kRoom = std::string(MD_SOURCE_DIR) + "/chapters/02-cgroups/tests";
const std::string kTable = std::string(MD_SOURCE_DIR) + "/docs/cgroup-drivers.md";

constexpr const char* kHead =
    "# Which driver can what\n"
    "\n"
    "Made by `MD_WRITE=1 build/tests/cgroups_unit_test --gtest_filter='Features.*'` out of what "
    "the\n"
    "kernel tests of chapters/02-cgroups say of themselves (`tests/features.hpp`); a test fails "
    "when it\n"
    "is not current. *tested*: a test meets it on a machine that has this driver (v1: hybrid host; "
    "v2,\n"
    "systemd: the microVMs of `make test-vm`). *unsupported*: a test sees it refused, or absent, "
    "by name.\n"
    "A scope that systemd has made is a directory of v2, on which the same tests are run.\n"
    "\n"
    "| feature | v1 | v2 | systemd |\n"
    "|---|---|---|---|\n";

enum Column { kV1, kV2, kSystemd, kColumns };
using Row = std::array<std::string, kColumns>;

/// The drivers that a suite is about.
std::vector<Column> columns_of(const std::string& suite) {
  if (suite == "EachDriver" || suite == "Io") return {kV1, kV2, kSystemd};
  if (suite.starts_with("V1")) return {kV1};
  if (suite.starts_with("V2")) return {kV2, kSystemd};
  if (suite.starts_with("Systemd")) return {kSystemd};
  return {};
}

/// What one source says, added to `rows`.
void read_source(const std::string& text, std::map<std::string, Row>& rows) {
  static const std::regex kTest(R"(TEST(?:_[FP])?\((\w+),\s*(\w+)\))");
  static const std::regex kSays(
      R"re(\b(covers|lacks)\(\s*"([^"]+)"(?:,\s*"([^"]+)"(?:\s*"([^"]*)")?)?\s*\))re");
  std::vector<Column> columns;
  const std::regex either(
      "(?:"
      R"(TEST(?:_[FP])?\(\w+,\s*\w+\))"
      "|"
      R"re(\b(?:covers|lacks)\((?:[^()"]|"[^"]*")*\))re"
      ")");
  for (std::sregex_iterator at(text.begin(), text.end(), either), end; at != end; ++at) {
    const std::string found = at->str();
    std::smatch match;
    if (std::regex_match(found, match, kTest)) {
      columns = columns_of(match[1]);
    } else if (std::regex_match(found, match, kSays)) {
      const std::string cell =
          match[1] == "covers" ? "tested" : "unsupported: " + match[3].str() + match[4].str();
      for (const Column column : columns) rows[match[2]][column] = cell;
    }
  }
}

std::map<std::string, Row> rows_of_the_tests() {
  std::map<std::string, Row> rows;
  for (const std::string& file : files_below(kRoom)) {
    if (file.ends_with("_test.cpp") && file != "features_test.cpp") {
      read_source(read_text(kRoom + "/" + file), rows);
    }
  }
  return rows;
}

std::string table_of(const std::map<std::string, Row>& rows) {
  std::string text = kHead;
  for (const auto& [feature, row] : rows) {
    text += fmt::format("| {} | {} | {} | {} |\n", feature, row[kV1], row[kV2], row[kSystemd]);
  }
  return text;
}

TEST(Features, EachIsTestedOrRefusedByNameOnEachDriver) {
  const std::map<std::string, Row> rows = rows_of_the_tests();
  EXPECT_GT(rows.size(), 30U);
  for (const auto& [feature, row] : rows) {
    EXPECT_NE("", row[kV1]) << feature << " is not mentioned by a test of v1";
    EXPECT_NE("", row[kV2]) << feature << " is not mentioned by a test of v2";
    EXPECT_NE("", row[kSystemd]) << feature << " is not mentioned by a test of systemd";
  }
}

TEST(Features, TableIsWhatTheTestsSay) {
  const std::string table = table_of(rows_of_the_tests());
  if (std::getenv("MD_WRITE") != nullptr) write_text(kTable, table);
  EXPECT_EQ(table, read_text(kTable)) << "MD_WRITE=1 makes it anew";
}

TEST(Features, OfASourceAreFoundByTheTestThatSaysThem) {
  std::map<std::string, Row> rows;
  read_source(
      "TEST_P(EachDriver, One) {\n  covers(\"a\");\n}\n"
      "TEST_F(V1Limits, Two) {\n  covers(\"b (c)\");\n}\n"
      "TEST_P(V2Limits, Three) {\n  lacks(\"b (c)\",\n        \"v2 has none\");\n}\n"
      "TEST(Other, Four) { covers(\"d\"); }\n"
      "TEST_F(SystemdScope, Five) { covers(\"a\"); }\n",
      rows);
  EXPECT_EQ((std::map<std::string, Row>{
                {"a", {"tested", "tested", "tested"}},
                {"b (c)", {"tested", "unsupported: v2 has none", "unsupported: v2 has none"}}}),
            rows);
}

}  // namespace
}  // namespace minidocker::cgroups
