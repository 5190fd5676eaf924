#include "image_picture.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "durations.hpp"
#include "tables.hpp"

namespace minidocker::cli {

namespace {

constexpr std::size_t kShownText = 60;
constexpr int kColumn = 250;
constexpr int kRow = 58;
constexpr int kBox = 46;
constexpr int kNameBox = 28;
constexpr int kEdge = 12;
constexpr std::size_t kDrawnText = 38;
constexpr std::size_t kDrawnNames = 34;

constexpr const char* kStyle =
    "  <style>\n"
    "    text { font: 12px sans-serif; fill: #222; } .small { font-size: 10px; fill: #555; }\n"
    "    rect { stroke: #555; fill: #cfe3f7; } .image { fill: #d6efcf; }\n"
    "    line { stroke: #555; }\n"
    "  </style>\n";

std::string short_digest(const std::string& digest) { return digest.substr(7, 12); }

std::string names_of(const engine::ImageDetails& image) {
  if (image.summary.tags.empty()) return "<none> " + image.summary.id.substr(0, 12);
  return fmt::format("{}", fmt::join(image.summary.tags, ", "));
}

/// What made it, on one line.
std::string shown_text(const engine::LayerSummary& layer, std::size_t width) {
  std::string text = layer.created_by;
  std::ranges::replace_if(text, [](unsigned char c) { return c < ' '; }, ' ');
  return shortened(text, width);
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string label(int x, int y, const char* kind, const std::string& text) {
  return fmt::format("  <text x=\"{}\" y=\"{}\" class=\"{}\">{}</text>\n", x, y, kind,
                     escaped(text));
}

std::string line(int x1, int y1, int x2, int y2) {
  return fmt::format("  <line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n", x1, y1, x2, y2);
}

std::string box(int x, int y, int height, const char* kind) {
  return fmt::format(
      "  <rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>\n", kind, x, y,
      kColumn - 2 * kEdge, height);
}

}  // namespace

ImagePicture::ImagePicture(const std::vector<engine::ImageDetails>& images) {
  for (const engine::ImageDetails& image : images) add(image);
}

void ImagePicture::add(const engine::ImageDetails& image) {
  std::size_t at = 0;
  for (const engine::LayerSummary& layer : image.layers) {
    const auto [place, is_new] = by_chain_.try_emplace(layer.chain_id, nodes_.size());
    if (is_new) {
      nodes_.push_back({layer, {}, {}});
      nodes_[at].above.push_back(place->second);
    }
    at = place->second;
  }
  nodes_[at].images.push_back(names_of(image));
}

void ImagePicture::write_text(std::size_t at, const std::string& begin, const std::string& rest,
                              std::string& text) const {
  const Node& node = nodes_[at];
  text += fmt::format("{}{}  {:>8}  {}\n", begin, short_digest(node.layer.diff_id),
                      size_in_words(node.layer.size), shown_text(node.layer, kShownText));
  for (const std::string& image : node.images) text += fmt::format("{}= {}\n", rest, image);
  // A layer with one above it needs no branch: images are higher than terminals are wide.
  if (node.above.size() == 1) return write_text(node.above.front(), rest, rest, text);
  for (std::size_t i = 0; i < node.above.size(); ++i) {
    const bool is_last = i + 1 == node.above.size();
    write_text(node.above[i], rest + (is_last ? "└─ " : "├─ "), rest + (is_last ? "   " : "│  "),
               text);
  }
}

std::string ImagePicture::as_text() const {
  std::string text;
  for (const std::size_t lowest : nodes_.front().above) write_text(lowest, "", "", text);
  for (const std::string& image : nodes_.front().images) text += "= " + image + " (no layers)\n";
  return text;
}

void ImagePicture::draw(std::size_t at, int column, int row, Drawing& drawing) const {
  const Node& node = nodes_[at];
  // Heights count from below, and upwards is negative in SVG.
  const int left = column * kColumn + kEdge;
  const int top = -(row + 1) * kRow;
  drawing.rows = std::max(drawing.rows, row + (node.images.empty() ? 1 : 2));
  drawing.shapes += box(left, top, kBox, "layer");
  drawing.shapes += label(left + 8, top + 18, "",
                          short_digest(node.layer.diff_id) + "  " + size_in_words(node.layer.size));
  drawing.shapes += label(left + 8, top + 36, "small", shown_text(node.layer, kDrawnText));
  if (!node.images.empty()) {
    drawing.shapes += box(left, top - kNameBox, kNameBox, "image");
    drawing.shapes +=
        label(left + 8, top - 10, "",
              shortened(fmt::format("{}", fmt::join(node.images, ", ")), kDrawnNames));
  }
  for (const std::size_t above : node.above) {
    const bool goes_on = above == node.above.front() && node.images.empty();
    const int next = goes_on ? column : drawing.columns++;
    drawing.shapes += line(left + kBox, top, next * kColumn + kEdge + kBox, top - kRow + kBox);
    draw(above, next, row + 1, drawing);
  }
}

std::string ImagePicture::as_svg() const {
  Drawing drawing;
  for (const std::size_t lowest : nodes_.front().above) {
    const int column = drawing.columns++;
    draw(lowest, column, 0, drawing);
  }
  const int width = drawing.columns * kColumn;
  const int height = drawing.rows * kRow + kEdge;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 -{1} {0} "
      "{1}\">\n{2}{3}</svg>\n",
      width, height, kStyle, drawing.shapes);
}

}  // namespace minidocker::cli
