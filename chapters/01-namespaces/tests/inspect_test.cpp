#include "minidocker/namespaces/inspect.hpp"

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::namespaces {
namespace {

TEST(NsPids, GoFromTheOutermostNamespaceToTheInnermost) {
  EXPECT_EQ(parse_ns_pids("Name:\tsh\nNSpid:\t4711\t12\t1\nNSpgid:\t4711\t12\t1\n"),
            (std::vector<pid_t>{4711, 12, 1}));
}

TEST(NsPids, TheLastLineNeedsNoNewline) {
  EXPECT_EQ(parse_ns_pids("Name:\tsh\nNSpid:\t7"), (std::vector<pid_t>{7}));
}

TEST(NsPids, AStatusWithoutTheLineIsAnError) {
  EXPECT_THROW((void)parse_ns_pids("Name:\tsh\n"), Error);
  EXPECT_THROW((void)parse_ns_pids("Name:\tsh\nNSpid:\t\n"), Error);
}

TEST(NsPids, ANameThatLooksLikeTheLineIsNotIt) {
  // A process may call itself anything; a newline in its name is escaped by the kernel.
  EXPECT_EQ(parse_ns_pids("Name:\tNSpid: 9\nNSpid:\t3\n"), (std::vector<pid_t>{3}));
}

}  // namespace
}  // namespace minidocker::namespaces
