#include "image_filters.hpp"

#include <fmt/format.h>

#include "usage_error.hpp"

namespace minidocker::cli {

namespace {

constexpr int kFailed = 1;

bool parse_truth(const std::string& key, const std::string& value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  throw UsageError(fmt::format("invalid filter '{}={}'", key, value), kFailed);
}

}  // namespace

engine::ImageFilters parse_image_filters(const std::vector<std::string>& words) {
  engine::ImageFilters filters;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      throw UsageError(
          fmt::format("invalid argument \"{}\" for \"-f, --filter\" flag: invalid "
                      "filter '{}' (should be 'name=value')",
                      word, word));
    }
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (key == "dangling") {
      filters.dangling = parse_truth(key, value);
    } else if (key == "label") {
      filters.labels.push_back(value);
    } else if (key == "reference") {
      filters.references.push_back(value);
    } else if (key == "before") {
      filters.before = value;
    } else if (key == "since") {
      filters.since = value;
    } else {
      throw UsageError(fmt::format("invalid filter '{}'", key), kFailed);
    }
  }
  return filters;
}

}  // namespace minidocker::cli
