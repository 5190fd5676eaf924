// Random work on real overlays: what find_changes says must be what a comparison of everything
// before and after says, and a layer that travels must arrive as it was. MD_SEED=N repeats a run.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest-spi.h>

#include "layers.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/unionfs/changes.hpp"
#include "minidocker/unionfs/export.hpp"
#include "minidocker/unionfs/layer_writer.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "random_scenarios.hpp"
#include "steps.hpp"
#include "tree_snapshot.hpp"

namespace minidocker::unionfs {
namespace {

using unionfs::testing::difference;
using unionfs::testing::first_seed;
using unionfs::testing::full_comparison;
using unionfs::testing::kMerged;
using unionfs::testing::lines_of;
using unionfs::testing::Mounted;
using unionfs::testing::Operation;
using unionfs::testing::random_operations;
using unionfs::testing::Scenario;
using unionfs::testing::Snapshot;
using unionfs::testing::snapshot;
using unionfs::testing::try_seeds;
using Lines = std::vector<std::string>;

// Who is asked for the changes.
using Finder = std::vector<Change> (*)(const std::string& upper, std::span<const std::string>);

Scenario random_scenario(std::mt19937& random) {
  Scenario scenario;
  scenario.layers.resize(1 + random() % 3);
  for (auto& layer : scenario.layers) layer = random_operations(random, 30);
  scenario.work = random_operations(random, 25);
  return scenario;
}

void perform_all(const std::string& dir, const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) unionfs::testing::perform(dir, operation);
}

std::vector<std::string> build_layers(const Scenario& scenario, const std::string& base) {
  std::vector<std::string> lowers;
  for (const auto& operations : scenario.layers) {
    const std::string layer = fmt::format("{}/layer-{}", base, lowers.size());
    make_dirs(layer);
    if (lowers.empty()) {
      perform_all(layer, operations);
    } else {
      const Mounted mounted(lowers, layer);
      perform_all(kMerged, operations);
    }
    lowers.insert(lowers.begin(), layer);
  }
  return lowers;
}

// Until the clock of the filesystem has moved on, a change could not be told from none.
void wait_for_the_clock(const std::string& base) {
  const auto now = [&base] {
    struct stat status{};
    minidocker::testing::write_text(base + "/probe", "x");
    EXPECT_EQ(::stat((base + "/probe").c_str(), &status), 0);
    return std::pair(status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
  };
  const auto first = now();
  while (now() == first) {
  }
}

Lines lines(const std::vector<Change>& changes) {
  Lines lines;
  for (const Change& change : changes) {
    lines.push_back(fmt::format("{} {}", letter_of(change.kind), change.path));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void copy_tree(const std::string& from, const std::string& to) {
  make_dirs(to);
  const auto result = minidocker::testing::run_command({"cp", "-a", from + "/.", to});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
}

void apply(const std::string& upper, const std::vector<std::string>& lowers, const std::string& to,
           LayerForm form) {
  make_dirs(to);
  LayerWriter writer(to, form);
  export_layer(upper, lowers, writer);
  writer.finish();
}

Snapshot seen_with(const std::string& top, std::vector<std::string> layers) {
  layers.insert(layers.begin(), top);
  const Mounted mounted(layers, "");
  return snapshot(kMerged);
}

// What is wrong; empty if nothing is.
std::string run(const Scenario& scenario, const std::string& base, Finder find) {
  const std::vector<std::string> lowers = build_layers(scenario, base);
  wait_for_the_clock(base);
  const std::string upper = base + "/upper";
  Snapshot before;
  Snapshot after;
  std::string wrong;
  {
    const Mounted mounted(lowers, upper);
    before = snapshot(kMerged);
    copy_tree(kMerged, base + "/plain");
    perform_all(kMerged, scenario.work);
    after = snapshot(kMerged);
    wrong += difference("changes while mounted", full_comparison(before, after),
                        lines(find(upper, lowers)));
  }
  // A file that got a second name keeps the inode number it had before its copy into the upper
  // directory; only the next mount shows the two names as one file.
  after = seen_with(upper, lowers);
  apply(upper, lowers, base + "/moved", LayerForm::overlay);
  wrong += difference("as overlay", lines_of(after), lines_of(seen_with(base + "/moved", lowers)));
  apply(upper, lowers, base + "/plain", LayerForm::plain);
  wrong += difference("as plain tree", lines_of(after), lines_of(snapshot(base + "/plain")));
  return wrong;
}

std::string run_anew(const Scenario& scenario, Finder find) {
  static int number = 0;
  const std::string base = fmt::format("/tmp/run-{}", number++);
  make_dirs(base);
  std::string wrong = run(scenario, base, find);
  remove_tree(base);
  return wrong;
}

std::string run_anew_with_ours(const Scenario& scenario) {
  return run_anew(scenario, find_changes);
}

TEST(Oracle, ChangesAndTravellingLayersAgreeWithAFullComparison) {
  MD_NEEDS("root", "overlay");
  minidocker::testing::in_sandbox(
      [] { try_seeds(first_seed(), 60, random_scenario, run_anew_with_ours); });
}

TEST(Oracle, HoldsForAnOrdinaryUserToo) {
  MD_NEEDS("root", "user", "userns", "overlay");
  unionfs::testing::in_user_namespace(
      [] { try_seeds(first_seed(), 20, random_scenario, run_anew_with_ours); });
}

// 7 shows the bug; 5 hides it unless there is a 6, which can be spared only when 5 is gone.
TEST(Shrinking, GoesOnUntilNothingMoreCanBeSpared) {
  const auto has = [](const std::vector<Operation>& work, std::uint32_t value) {
    return std::ranges::count(work, value, &Operation::value) > 0;
  };
  const auto oracle = [&](const Scenario& scenario) -> std::string {
    const bool is_hidden = has(scenario.work, 5) && !has(scenario.work, 6);
    return has(scenario.work, 7) && !is_hidden ? "wrong" : "";
  };
  Scenario scenario{{{{0, 0, 0, 1}}, {}}, {}};
  for (const std::uint32_t value : {1U, 5U, 2U, 6U, 7U, 3U})
    scenario.work.push_back({0, 0, 0, value});
  const Scenario small = unionfs::testing::shrunk(scenario, oracle);
  EXPECT_TRUE(small.layers[0].empty());
  ASSERT_EQ(small.work.size(), 1U);
  EXPECT_EQ(small.work[0].value, 7U);
}

// A finder that knows no whiteouts: two operations show it.
std::vector<Change> find_no_deletions(const std::string& upper,
                                      std::span<const std::string> lowers) {
  std::vector<Change> changes = find_changes(upper, lowers);
  std::erase_if(changes, [](const Change& change) { return change.kind == ChangeKind::deleted; });
  return changes;
}

TEST(Oracle, FindsABugAndTellsTheFewStepsThatShowItAndTheirSeed) {
  MD_NEEDS("root", "overlay");
  minidocker::testing::in_sandbox([] {
    ::testing::TestPartResultArray told;
    {
      const ::testing::ScopedFakeTestPartResultReporter reporter(&told);
      const auto oracle = [](const Scenario& scenario) {
        return run_anew(scenario, find_no_deletions);
      };
      try_seeds(1, 60, random_scenario, oracle);
    }
    ASSERT_EQ(told.size(), 1);
    const std::string words = told.GetTestPartResult(0).message();
    EXPECT_NE(words.find("MD_SEED="), std::string::npos) << words;
    EXPECT_NE(words.find("missing: [\"D /"), std::string::npos) << words;
    std::size_t steps = 0;
    for (std::size_t at = words.find("\n  "); at < words.find("changes while mounted"); ++steps) {
      at = words.find("\n  ", at + 1);
    }
    EXPECT_LE(steps, 4U) << words;
  });
}

}  // namespace
}  // namespace minidocker::unionfs
