#include "env_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "usage_error.hpp"
#include "words.hpp"

namespace minidocker::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[noreturn]] void bad_file(const std::string& path, const std::string& why) {
  throw UsageError(fmt::format("invalid env file ({}): {}", path, why));
}

}  // namespace

std::string parse_env(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (text.empty() || equals == 0) {
    throw UsageError(
        fmt::format("invalid argument \"{}\" for \"-e, --env\" flag: invalid "
                    "environment variable: {}",
                    text, text));
  }
  if (equals != std::string::npos) return text;
  const char* value = std::getenv(text.c_str());
  return value == nullptr ? text : text + "=" + value;
}

std::vector<std::string> parse_env_file(std::string_view text, const std::string& path) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> env;
  for (std::string line : split(text, '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line.starts_with('#')) continue;
    const std::string name = line.substr(0, line.find('='));
    if (name.empty()) bad_file(path, fmt::format("no variable name on line '{}'", line));
    if (name.find_first_of(" \t") != std::string::npos) {
      bad_file(path, fmt::format("variable '{}' contains whitespaces", name));
    }
    const bool has_value = name.size() != line.size();
    if (has_value || std::getenv(name.c_str()) != nullptr) env.push_back(parse_env(line));
  }
  return env;
}

std::vector<std::string> read_env_file(const std::string& path) {
  std::string text;
  try {
    text = read_file(path);
  } catch (const SystemError& error) {
    throw UsageError(fmt::format("open {}: {}", path, errno_words(error.code())));
  }
  return parse_env_file(text, path);
}

}  // namespace minidocker::cli
