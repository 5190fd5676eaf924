// Random work on real overlays: what find_changes says must be what a comparison of everything
// before and after says, and a layer that travels must arrive as it was. MD_SEED=N repeats a run.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layers.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/unionfs/changes.hpp"
#include "minidocker/unionfs/export.hpp"
#include "minidocker/unionfs/layer_writer.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "random_operations.hpp"
#include "steps.hpp"
#include "tree_snapshot.hpp"

namespace minidocker::unionfs {
namespace {

using unionfs::testing::full_comparison;
using unionfs::testing::in_words;
using unionfs::testing::kMerged;
using unionfs::testing::lines_of;
using unionfs::testing::Mounted;
using unionfs::testing::Operation;
using unionfs::testing::random_operations;
using unionfs::testing::Snapshot;
using unionfs::testing::snapshot;
using Lines = std::vector<std::string>;

// What one run does: some layers, and the container's own work on top of them.
struct Scenario {
  std::vector<std::vector<Operation>> layers;
  std::vector<Operation> work;
};

Scenario random_scenario(std::uint32_t seed) {
  std::mt19937 random(seed);
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

std::string difference(const char* what, const Lines& wanted, const Lines& got) {
  if (wanted == got) return {};
  Lines missing;
  Lines extra;
  std::set_difference(wanted.begin(), wanted.end(), got.begin(), got.end(),
                      std::back_inserter(missing));
  std::set_difference(got.begin(), got.end(), wanted.begin(), wanted.end(),
                      std::back_inserter(extra));
  return fmt::format("{}\n  missing: {}\n  too much: {}\n", what, missing, extra);
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
std::string run(const Scenario& scenario, const std::string& base) {
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
                        lines(find_changes(upper, lowers)));
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

std::string run_anew(const Scenario& scenario) {
  static int number = 0;
  const std::string base = fmt::format("/tmp/run-{}", number++);
  make_dirs(base);
  std::string wrong = run(scenario, base);
  remove_tree(base);
  return wrong;
}

// Leaves out what the failure does not need.
Scenario shrunk(Scenario scenario) {
  const auto shorten = [&scenario](std::vector<Operation>& operations) {
    for (std::size_t i = operations.size(); i-- > 0;) {
      const Operation left_out = operations[i];
      operations.erase(operations.begin() + static_cast<std::ptrdiff_t>(i));
      if (run_anew(scenario).empty()) {
        operations.insert(operations.begin() + static_cast<std::ptrdiff_t>(i), left_out);
      }
    }
  };
  shorten(scenario.work);
  for (auto& layer : scenario.layers) shorten(layer);
  return scenario;
}

std::string in_words(const Scenario& scenario) {
  std::string text;
  const auto add = [&text](const std::string& title, const std::vector<Operation>& operations) {
    text += title + "\n";
    for (const Operation& operation : operations) {
      text += "  " + unionfs::testing::in_words(operation) + "\n";
    }
  };
  for (const auto& layer : scenario.layers) add("layer:", layer);
  add("container:", scenario.work);
  return text;
}

std::uint32_t first_seed() {
  const char* given = ::getenv("MD_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device{}();
}

void try_seeds(std::uint32_t count) {
  ::umask(0);
  const std::uint32_t first = first_seed();
  for (std::uint32_t seed = first; seed != first + count; ++seed) {
    const Scenario scenario = random_scenario(seed);
    if (run_anew(scenario).empty()) continue;
    const Scenario small = shrunk(scenario);
    ADD_FAILURE() << "MD_SEED=" << seed << "\n" << in_words(small) << run_anew(small);
    return;
  }
}

TEST(Oracle, ChangesAndTravellingLayersAgreeWithAFullComparison) {
  MD_NEEDS("root", "overlay");
  minidocker::testing::in_sandbox([] { try_seeds(60); });
}

TEST(Oracle, HoldsForAnOrdinaryUserToo) {
  MD_NEEDS("root", "user", "userns", "overlay");
  unionfs::testing::in_user_namespace([] { try_seeds(20); });
}

}  // namespace
}  // namespace minidocker::unionfs
