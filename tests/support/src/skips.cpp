#include "skips.hpp"

namespace minidocker::testing {
namespace {

std::map<std::string, int>& counts() {
  static std::map<std::string, int> counts;
  return counts;
}

}  // namespace

void count_skip(const std::string& need) { ++counts()[need]; }

const std::map<std::string, int>& skip_counts() { return counts(); }

}  // namespace minidocker::testing
