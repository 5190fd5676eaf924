#include "names.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

TEST(ContainerNames, IdsAre64HexDigitsAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const std::string id = make_id();
    EXPECT_TRUE(std::regex_match(id, std::regex("[0-9a-f]{64}"))) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100U);
}

TEST(ContainerNames, AShortIdIsNeverANumber) {
  for (int i = 0; i < 2000; ++i) {
    EXPECT_NE(short_id(make_id()).find_first_not_of("0123456789"), std::string::npos);
  }
}

TEST(ContainerNames, MadeUpNamesAreAnAdjectiveAndASurname) {
  EXPECT_TRUE(std::regex_match(make_name(0), std::regex("[a-z]+_[a-z]+")));
  EXPECT_TRUE(std::regex_match(make_name(3), std::regex("[a-z]+_[a-z]+[0-9]")));
  EXPECT_NO_THROW(check_name(make_name(0)));
}

TEST(ContainerNames, TakesWhatDockerTakes) {
  for (const char* name : {"web", "web-1", "a.b_c", "0x", "Z9"}) {
    EXPECT_NO_THROW(check_name(name)) << name;
  }
}

TEST(ContainerNames, RefusesOthersInDockersWords) {
  for (const char* name : {"", "a", "-web", ".web", "a/b", "a b", "w\xc3\xa9"}) {
    EXPECT_THROW(check_name(name), Error) << name;
  }
  try {
    check_name("a/b");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "Invalid container name (a/b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
  }
}

}  // namespace
}  // namespace minidocker::engine
