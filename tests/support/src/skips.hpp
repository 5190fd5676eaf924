#pragma once
/// \file
/// How many tests of this run were skipped, by need.

#include <map>
#include <string>

namespace minidocker::testing {

/// Counts one more test that `need` kept from running.
void count_skip(const std::string& need);
/// The counts so far.
[[nodiscard]] const std::map<std::string, int>& skip_counts();

}  // namespace minidocker::testing
