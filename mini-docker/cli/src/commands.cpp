#include "commands.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {

engine::Engine open_engine(const Globals& globals) {
  engine::Engine engine(engine::Paths::choose(globals.root), globals.storage_driver);
  warn(engine.warnings());
  return engine;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void require_count(const Words& words, std::size_t count, const std::string& command) {
  if (words.size() == count) return;
  if (count == 0) {
    throw UsageError(fmt::format("'mini-docker {}' accepts no arguments", command), kFailed);
  }
  throw UsageError(
      fmt::format("'mini-docker {}' requires {} argument{}", command, count, count == 1 ? "" : "s"),
      kFailed);
}

void require_some(const Words& words, const std::string& command) {
  if (!words.empty()) return;
  throw UsageError(fmt::format("'mini-docker {}' requires at least 1 argument", command), kFailed);
}

std::string last(const Words& values) { return values.empty() ? "" : values.back(); }

}  // namespace minidocker::cli
