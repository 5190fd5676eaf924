#pragma once
/// \file
/// What `pull` and `push` print, in docker's words.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// `image` with `:latest` if it has neither tag nor digest.
[[nodiscard]] std::string image_with_tag(const std::string& image);
/// The domain that references have for what people and docker's file call a registry: nothing and
/// `https://index.docker.io/v1/` are `docker.io`.
[[nodiscard]] std::string registry_domain(const std::string& server);

/// The lines before the first layer: `Using default tag: latest`, `latest: Pulling from
/// busybox`.
[[nodiscard]] std::string pull_heading(const std::string& image);
/// The lines after the last one: digest, status, whole name. `image` as it was typed.
[[nodiscard]] std::string pull_ending(const std::string& image, const engine::PulledImage& pulled);

/// The line before the first layer of a push.
[[nodiscard]] std::string push_heading(const std::string& image);
/// The line after the last one: `latest: digest: sha256:...`.
[[nodiscard]] std::string push_ending(const std::string& image, const std::string& digest);

/// Which way the layers go: each has its own words.
enum class Way { pull, push };
/// Where the lines of the layers go.
enum class Canvas {
  lines,     ///< each news is a line; how far a layer has come is not told
  terminal,  ///< each layer has a line, which changes
};

/// Puts news of layers into text.
class LayerLines {
 public:
  using Clock = std::chrono::steady_clock;  ///< for rates
  /// A terminal of so many `columns` shows bars only if they fit in; `now` is what time it is.
  LayerLines(Canvas canvas, Way way, unsigned columns = 200,
             std::function<Clock::time_point()> now = Clock::now)
      : canvas_(canvas), way_(way), columns_(columns), now_(std::move(now)) {}
  /// What has to be printed for it; may be empty.
  [[nodiscard]] std::string tell(const engine::LayerProgress& progress);

 private:
  /// A layer on the terminal.
  struct Row {
    std::size_t number = 0;  // from above
    engine::LayerProgress::Phase phase = engine::LayerProgress::Phase::waiting;
    std::uint64_t moved_before = 0;  // when the phase began
    Clock::time_point begun = {};
  };
  [[nodiscard]] std::string amounts(Row& row, const engine::LayerProgress& progress) const;

  Canvas canvas_;
  Way way_;
  unsigned columns_;
  std::function<Clock::time_point()> now_;
  std::map<std::string, Row> rows_;  // by layer, numbered in the order of their first news
};

}  // namespace minidocker::cli
