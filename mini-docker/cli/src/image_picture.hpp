#pragma once
/// \file
/// The layers of images as a tree: what several images share is drawn once.

#include <map>
#include <string>
#include <vector>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// A tree whose nodes are layers, each on the one below it.
class ImagePicture {
 public:
  /// Of these images.
  explicit ImagePicture(const std::vector<engine::ImageDetails>& images);

  /// For a terminal: the lowest layer first, branches where images part.
  [[nodiscard]] std::string as_text() const;
  /// A drawing (SVG 1.1): the lowest layer at the bottom, images on top.
  [[nodiscard]] std::string as_svg() const;

 private:
  /// A layer in its place.
  struct Node {
    engine::LayerSummary layer;
    std::vector<std::size_t> above;   // nodes
    std::vector<std::string> images;  // that end here
  };
  /// What is drawn so far.
  struct Drawing {
    int columns = 0;
    int rows = 0;
    std::string shapes;
  };
  void add(const engine::ImageDetails& image);
  void draw(std::size_t node, int column, int row, Drawing& drawing) const;
  void write_text(std::size_t node, const std::string& begin, const std::string& rest,
                  std::string& text) const;

  std::vector<Node> nodes_{{}};  // the first is no layer: what all begin with
  std::map<std::string, std::size_t> by_chain_;
};

}  // namespace minidocker::cli
