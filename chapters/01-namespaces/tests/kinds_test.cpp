#include "minidocker/namespaces/kinds.hpp"

#include <linux/sched.h>

#include <set>

#include <gtest/gtest.h>

namespace minidocker::namespaces {
namespace {

TEST(Kinds, EachHasItsOwnFlagAndName) {
  std::set<std::uint64_t> flags;
  std::set<std::string> names;
  for (const Kind kind : all_kinds()) {
    flags.insert(clone_flag(kind));
    names.insert(proc_name(kind));
  }
  EXPECT_EQ(flags.size(), 8U);
  EXPECT_EQ(names.size(), 8U);
}

TEST(Kinds, MountNamespacesHaveTheGeneralFlagAndTheShortName) {
  EXPECT_EQ(clone_flag(Kind::mnt), static_cast<std::uint64_t>(CLONE_NEWNS));
  EXPECT_STREQ(proc_name(Kind::mnt), "mnt");
}

TEST(Kinds, FlagsAreTheirKindsInWords) {
  EXPECT_EQ(in_words(CLONE_NEWNET | CLONE_NEWPID | CLONE_VM), "pid, net");
  EXPECT_EQ(in_words(0), "none");
  EXPECT_EQ(in_words(all_clone_flags()), "pid, net, ipc, mnt, uts, user, cgroup, time");
}

}  // namespace
}  // namespace minidocker::namespaces
