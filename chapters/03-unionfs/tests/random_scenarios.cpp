#include "random_scenarios.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace minidocker::unionfs::testing {
namespace {

/// Leaves out of `operations` one after the other, the last first; true if any could be spared.
bool shorten(std::vector<Operation>& operations, const std::function<bool()>& is_still_wrong) {
  const std::size_t before = operations.size();
  for (std::size_t i = operations.size(); i-- > 0;) {
    const auto at = operations.begin() + static_cast<std::ptrdiff_t>(i);
    const Operation left_out = *at;
    operations.erase(at);
    if (is_still_wrong()) continue;
    operations.insert(operations.begin() + static_cast<std::ptrdiff_t>(i), left_out);
  }
  return operations.size() < before;
}

}  // namespace

std::string in_words(const Scenario& scenario) {
  std::string text;
  const auto add = [&text](const std::string& title, const std::vector<Operation>& operations) {
    text += title + "\n";
    for (const Operation& operation : operations) text += "  " + in_words(operation) + "\n";
  };
  for (const auto& layer : scenario.layers) add("layer:", layer);
  add("container:", scenario.work);
  return text;
}

// What could not be spared before it may be spared when something else is gone: until nothing is.
Scenario shrunk(Scenario scenario, const Oracle& oracle) {
  const auto is_still_wrong = [&] { return !oracle(scenario).empty(); };
  for (bool is_shorter = true; is_shorter;) {
    is_shorter = shorten(scenario.work, is_still_wrong);
    for (auto& layer : scenario.layers) is_shorter |= shorten(layer, is_still_wrong);
  }
  return scenario;
}

std::uint32_t first_seed() {
  const char* given = ::getenv("MD_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device{}();
}

void try_seeds(std::uint32_t first, std::uint32_t count,
               const std::function<Scenario(std::mt19937&)>& make, const Oracle& oracle) {
  ::umask(0);
  for (std::uint32_t seed = first; seed != first + count; ++seed) {
    std::mt19937 random(seed);
    const Scenario scenario = make(random);
    if (oracle(scenario).empty()) continue;
    const Scenario small = shrunk(scenario, oracle);
    ADD_FAILURE() << "MD_SEED=" << seed << "\n" << in_words(small) << oracle(small);
    return;
  }
}

std::string difference(const std::string& what, const std::vector<std::string>& wanted,
                       const std::vector<std::string>& got) {
  if (wanted == got) return {};
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::set_difference(wanted.begin(), wanted.end(), got.begin(), got.end(),
                      std::back_inserter(missing));
  std::set_difference(got.begin(), got.end(), wanted.begin(), wanted.end(),
                      std::back_inserter(extra));
  return fmt::format("{}\n  missing: {}\n  too much: {}\n", what, missing, extra);
}

}  // namespace minidocker::unionfs::testing
