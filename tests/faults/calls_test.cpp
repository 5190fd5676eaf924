/// \file
/// mini-runc beside the floor: the same clone, mount, cgroup and capability calls, and not many
/// others.
///
/// Both are free to name a thing as they like, so calls are compared by what they mean:
///  - a path is where it leads: descriptors, /proc/self/fd/N, the working directory and pivot_root
///    are followed; ROOT is the container's root, inside and outside;
///  - mkdir and mkdirat, rmdir and unlinkat, openat and openat2 are one thing each; AT_EMPTY_PATH
///    only says how the path was given;
///  - the source of a mount counts for binds only: elsewhere it is a name for mountinfo;
///  - dropping a capability that the bounding set does not hold changes nothing, and is left out.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bundle.hpp"
#include "meaning.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "narrated_calls.hpp"
#include "strace_log.hpp"

namespace minidocker::testing {
namespace {

// What reading and checking a configuration, a state that others find, safe paths, an error for
// each step and looking after the process take.
constexpr std::size_t kMoreThanTheFloor = 60;

std::vector<TracedCall> strace(const Bundle& bundle, const std::vector<std::string>& command) {
  const std::string log = bundle.work() + "/strace";
  std::vector<std::string> argv{"strace", "-f", "-X", "verbose", "-s", "4096", "-o", log};
  argv.insert(argv.end(), command.begin(), command.end());
  const CommandResult result = run_command(argv);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return of_our_program(parse_strace(read_text(log)));
}

/// Both runs, of the same bundle, in groups of the same name.
struct Pair {
  std::vector<TracedCall> ours;
  std::vector<TracedCall> floor;

  explicit Pair(const Bundle& bundle) {
    const std::string program = MD_BINARY_DIR "/tests/floor";
    ours = strace(bundle, bundle.run_argv());
    floor = strace(bundle, {program, bundle.rootfs(), "mini-docker/" + bundle.id(), "/bin/true"});
  }
};

std::map<std::string, int> by_name(const std::vector<TracedCall>& calls) {
  std::map<std::string, int> counts;
  for (const TracedCall& call : calls) ++counts[call.name];
  return counts;
}

/// Which calls there are more or fewer of, a line each.
std::string compared_by_name(const Pair& pair) {
  std::map<std::string, int> ours = by_name(pair.ours);
  std::map<std::string, int> floor = by_name(pair.floor);
  for (const auto& [name, count] : floor) ours[name] -= count;
  std::string lines;
  for (const auto& [name, more] : ours) {
    if (more != 0) lines += name + " " + (more > 0 ? "+" : "") + std::to_string(more) + "\n";
  }
  return lines;
}

TEST(Calls, OfCloneMountCgroupAndCapabilitiesAreTheFloors) {
  MD_NEEDS("root", "cgroup1", "strace", "busybox");
  const Bundle bundle({"/bin/true"});
  const Pair pair(bundle);
  const CallSet floor = meanings(pair.floor, bundle.rootfs());
  EXPECT_GT(floor.size(), 100U);
  EXPECT_EQ(difference(meanings(pair.ours, bundle.rootfs()), floor), "")
      << "\"made, not told\": mini-runc's only; \"told, not made\": the floor's only";
}

TEST(Calls, AreSixtyMoreThanTheFloorsAtMost) {
  MD_NEEDS("root", "cgroup1", "strace", "busybox");
  const Bundle bundle({"/bin/true"});
  const Pair pair(bundle);
  std::printf("calls: mini-runc %zu, floor %zu\n", pair.ours.size(), pair.floor.size());
  EXPECT_LE(pair.ours.size(), pair.floor.size() + kMoreThanTheFloor) << compared_by_name(pair);
}

}  // namespace
}  // namespace minidocker::testing
