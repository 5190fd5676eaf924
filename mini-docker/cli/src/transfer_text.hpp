#pragma once
/// \file
/// What `pull` and `push` print, in docker's words.

#include <map>
#include <string>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// `image` with `:latest` if it has neither tag nor digest.
[[nodiscard]] std::string image_with_tag(const std::string& image);
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
  LayerLines(Canvas canvas, Way way) : canvas_(canvas), way_(way) {}
  /// What has to be printed for it; may be empty.
  [[nodiscard]] std::string tell(const engine::LayerProgress& progress);

 private:
  Canvas canvas_;
  Way way_;
  std::map<std::string, std::size_t> rows_;  // by layer, in the order of their first news
};

}  // namespace minidocker::cli
