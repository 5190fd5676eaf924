#pragma once
/// \file
/// Random stacks of layers with a container's work on top, one for each seed. One that shows a bug
/// is told with its seed, and shortened before: what it needs not is left out.

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "random_operations.hpp"

namespace minidocker::unionfs::testing {

/// What is done: each layer in an overlay of those before it, the lowest first.
struct Scenario {
  std::vector<std::vector<Operation>> layers;  ///< what made them
  std::vector<Operation> work;                 ///< the container's, on top of all
};

/// What is wrong with a run of it; empty if nothing is.
using Oracle = std::function<std::string(const Scenario&)>;

/// The scenario as a list of what is done, layer by layer.
[[nodiscard]] std::string in_words(const Scenario& scenario);
/// Leaves out whatever is not needed for `oracle` to find something wrong.
[[nodiscard]] Scenario shrunk(Scenario scenario, const Oracle& oracle);
/// MD_SEED of the environment, which repeats a run; else any.
[[nodiscard]] std::uint32_t first_seed();
/// Runs a scenario for each of `count` seeds. Fails the test for the first one that goes wrong.
void try_seeds(std::uint32_t first, std::uint32_t count,
               const std::function<Scenario(std::mt19937&)>& make, const Oracle& oracle);
/// The lines that are in one of two sorted lists only; empty if they are equal.
[[nodiscard]] std::string difference(const std::string& what,
                                     const std::vector<std::string>& wanted,
                                     const std::vector<std::string>& got);

}  // namespace minidocker::unionfs::testing
