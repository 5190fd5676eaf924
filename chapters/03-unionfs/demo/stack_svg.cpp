#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "stack.hpp"

namespace layers_demo {
namespace {

constexpr int kColumn = 92;
constexpr int kRow = 34;
constexpr int kLeft = 80;
constexpr int kTop = 40;

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '&':
        result += "&amp;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string words(int x, int y, const std::string& text, std::string_view anchor = "middle") {
  return fmt::format("  <text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(text));
}

std::string box(int x, int y, std::string_view kind, const std::string& text) {
  return fmt::format(
             "  <rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>\n", kind,
             x, y, kColumn - 8, kRow - 8) +
         words(x + (kColumn - 8) / 2, y + 17, text);
}

std::string cell(int x, int y, Cell cell) {
  switch (cell) {
    case Cell::file:
      return box(x, y, "file", "file");
    case Cell::directory:
      return box(x, y, "dir", "directory");
    case Cell::opaque:
      return box(x, y, "gone", "opaque");
    case Cell::whiteout:
      return box(x, y, "gone", "whiteout");
    case Cell::nothing:
      break;
  }
  return {};
}

constexpr const char* kStyle =
    "  <style>\n"
    "    text { font: 12px sans-serif; fill: #222; }\n"
    "    rect { stroke: #555; }\n"
    "    .file { fill: #cfe3f7; } .dir { fill: #f4f4f4; } .gone { fill: #f5c9c4; }\n"
    "    .seen { fill: #d6efcf; }\n"
    "  </style>\n";

}  // namespace

std::string as_svg(const Picture& picture) {
  const int width = kLeft + kColumn * static_cast<int>(picture.paths.size()) + 10;
  const int height = kTop + kRow * (static_cast<int>(picture.layers.size()) + 1) + 10;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\">\n{2}",
      width, height, kStyle);
  svg += words(10, kTop + 17, "seen", "start");
  for (std::size_t row = 0; row < picture.layers.size(); ++row) {
    svg += words(10, kTop + kRow * (static_cast<int>(row) + 1) + 17, picture.layers[row], "start");
  }
  for (std::size_t column = 0; column < picture.paths.size(); ++column) {
    const int x = kLeft + kColumn * static_cast<int>(column);
    svg += words(x + (kColumn - 8) / 2, kTop - 14, picture.paths[column]);
    const int seen = picture.seen(column);
    if (seen >= 0) {
      svg += box(x, kTop, "seen", picture.layers[static_cast<std::size_t>(seen)]);
    }
    for (std::size_t row = 0; row < picture.layers.size(); ++row) {
      const int y = kTop + kRow * (static_cast<int>(row) + 1);
      svg += cell(x, y, picture.cells[row][column]);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace layers_demo
