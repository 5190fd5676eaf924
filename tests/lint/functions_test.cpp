#include "functions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "views.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kSource = R"(#define X { \
  }
namespace a {
struct Point : Base {
  int x = 0;
  int sum() const { return x; }
};
enum class Color { red };
constexpr Entry kTable[] = {{1}, {2}};
constexpr std::array<int, 2> kPair{1, 2};
template <class T>
int run(T t) {
  if (t) { return 1; }
  return 0;
}
Point::Point(int a) : x_{a}, y_(a) {
  go();
}
auto Point::name() const noexcept -> std::string { return ""; }
struct stat status_of(int fd) { return {}; }
}  // namespace a
)";

std::vector<std::string> names_of(Kind kind) {
  std::vector<std::string> heads;
  for (const Definition& d : find_definitions(split_views(kSource).code)) {
    if (d.kind == kind) heads.push_back(d.head);
  }
  return heads;
}

bool is_defined(std::string_view name) {
  for (const Definition& d : find_definitions(split_views(kSource).code)) {
    if (defines(d, name)) return true;
  }
  return false;
}

TEST(Functions, TypesEnumerationsAndTablesAreToldApart) {
  EXPECT_THAT(names_of(Kind::type), ::testing::ElementsAre("struct Point : Base"));
  EXPECT_THAT(names_of(Kind::enumeration), ::testing::ElementsAre("enum class Color"));
  EXPECT_THAT(names_of(Kind::table), SizeIs(2));
}

TEST(Functions, AreFoundInsideNamespacesAndTypes) {
  EXPECT_THAT(names_of(Kind::function), ::testing::Contains("int sum() const"));
  EXPECT_THAT(names_of(Kind::function), ::testing::Contains("int run(T t)"));
  EXPECT_THAT(names_of(Kind::function), ::testing::Contains("struct stat status_of(int fd)"));
}

TEST(Functions, AreFoundByName) {
  EXPECT_TRUE(is_defined("run"));
  EXPECT_TRUE(is_defined("Point"));
  EXPECT_TRUE(is_defined("Point::name"));
  EXPECT_TRUE(is_defined("kTable"));
  EXPECT_TRUE(is_defined("kPair"));
  EXPECT_FALSE(is_defined("name"));
  EXPECT_FALSE(is_defined("go"));
}

TEST(Functions, EndAtTheirOwnBrace) {
  const std::string code = "int f() {\n  if (x) {\n  }\n}\nint g() {}\n";
  const std::vector<Definition> found = find_definitions(code);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(code.substr(found[0].open, found[0].close - found[0].open + 1),
            "{\n  if (x) {\n  }\n}");
}

}  // namespace
}  // namespace minidocker::lint
