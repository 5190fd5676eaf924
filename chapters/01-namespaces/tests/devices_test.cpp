#include "minidocker/namespaces/devices.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace minidocker::namespaces {
namespace {

TEST(DefaultDevices, AreTheSixOfTheSpecAndForEveryone) {
  std::map<std::string, std::pair<unsigned, unsigned>> numbers;
  for (const DefaultDevice& device : default_devices()) {
    EXPECT_EQ(device.mode, static_cast<mode_t>(S_IFCHR | 0666)) << device.name;
    numbers[device.name] = {device.major, device.minor};
  }
  const std::map<std::string, std::pair<unsigned, unsigned>> expected{
      {"null", {1, 3}},   {"zero", {1, 5}},    {"full", {1, 7}},
      {"random", {1, 8}}, {"urandom", {1, 9}}, {"tty", {5, 0}}};
  EXPECT_EQ(numbers, expected);
}

TEST(DefaultLinks, HaveCoreOnlyWhereTheHostHasKcore) {
  std::map<std::string, std::string> links;
  for (const DefaultLink& link : default_links()) links[link.name] = link.target;
  EXPECT_EQ(links["ptmx"], "pts/ptmx");
  EXPECT_EQ(links["fd"], "/proc/self/fd");
  EXPECT_EQ(links["stderr"], "/proc/self/fd/2");
  EXPECT_EQ(links.count("core") == 1, ::access("/proc/kcore", F_OK) == 0);
}

}  // namespace
}  // namespace minidocker::namespaces
