#include "stack.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace layers_demo {
namespace {

namespace sys = minidocker::sys;
namespace unionfs = minidocker::unionfs;
using minidocker::UniqueFd;

Cell cell_at(const std::string& path) {
  const sys::Result<struct stat> found = sys::fstatat(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW);
  if (!found) return Cell::nothing;
  if (unionfs::is_whiteout(found.value())) return Cell::whiteout;
  if (!S_ISDIR(found.value().st_mode)) return Cell::file;
  const UniqueFd dir = sys::open(path.c_str(), O_RDONLY | O_DIRECTORY).or_throw(path);
  return unionfs::is_opaque(dir.get()).or_throw(path) ? Cell::opaque : Cell::directory;
}

void add_paths(const std::string& layer, const std::string& below, std::set<std::string>& paths) {
  for (const std::string& name : minidocker::list_dir(layer + "/" + below)) {
    const std::string path = below.empty() ? name : below + "/" + name;
    paths.insert(path);
    const Cell cell = cell_at(layer + "/" + path);
    if (cell == Cell::directory || cell == Cell::opaque) add_paths(layer, path, paths);
  }
}

std::string_view word_for(Cell cell) {
  switch (cell) {
    case Cell::file:
      return "file";
    case Cell::directory:
      return "dir";
    case Cell::opaque:
      return "opaque";
    case Cell::whiteout:
      return "gone";
    case Cell::nothing:
      break;
  }
  return ".";
}

}  // namespace

std::string Stack::layer(std::size_t number) const {
  return fmt::format("{}/{}", directory_, number);
}

std::size_t Stack::count() const {
  for (std::size_t number = 0;; ++number) {
    const std::string next = layer(number + 1);
    sys::Result<struct stat> found = sys::fstatat(AT_FDCWD, next.c_str(), 0);
    if (found.error() == ENOENT) return number;
    // One that is there and cannot be read must not be missing in silence.
    (void)std::move(found).or_throw(minidocker::quoted(next));
  }
}

void Stack::create() const {
  for (const std::string& part : {layer(1), upper(), work(), merged()}) {
    minidocker::make_dirs(part);
  }
}

std::vector<std::string> Stack::lowers() const {
  std::vector<std::string> layers;
  for (std::size_t number = count(); number > 0; --number) layers.push_back(layer(number));
  if (!layers.empty()) return layers;
  throw minidocker::Error(
      minidocker::ErrorKind::not_found,
      fmt::format("{}: no stack of layers; hint: layers new", minidocker::quoted(directory_)));
}

void Stack::mend() const {
  (void)lowers();
  for (const std::string& part : {upper(), work()}) minidocker::make_dirs(part);
}

std::size_t Stack::seal() const {
  const std::size_t number = lowers().size() + 1;
  // What may fail comes first: from the rename on it is a layer.
  minidocker::remove_tree(work());
  sys::renameat2(AT_FDCWD, upper().c_str(), AT_FDCWD, layer(number).c_str())
      .or_throw(minidocker::quoted(upper()));
  mend();
  return number;
}

int Picture::seen(std::size_t column) const {
  for (std::size_t row = 0; row < layers.size(); ++row) {
    const Cell cell = cells[row][column];
    if (cell == Cell::whiteout) return -1;
    if (cell != Cell::nothing) return static_cast<int>(row);
    // What a layer between hides, it hides with all that is in it.
    for (std::size_t above = 0; above < paths.size(); ++above) {
      const bool lies_in = paths[column].starts_with(paths[above] + "/");
      const Cell cover = cells[row][above];
      if (lies_in && cover != Cell::nothing && cover != Cell::directory) return -1;
    }
  }
  return -1;
}

Picture take_picture(const Stack& stack) {
  std::vector<std::string> layers = stack.lowers();
  Picture picture;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    picture.layers.push_back(fmt::format("layer {}", layers.size() - i));
  }
  layers.insert(layers.begin(), stack.upper());
  picture.layers.insert(picture.layers.begin(), "upper");
  std::set<std::string> paths;
  for (const std::string& layer : layers) add_paths(layer, "", paths);
  picture.paths.assign(paths.begin(), paths.end());
  for (const std::string& layer : layers) {
    std::vector<Cell>& row = picture.cells.emplace_back();
    for (const std::string& path : picture.paths) row.push_back(cell_at(layer + "/" + path));
  }
  return picture;
}

std::string as_text(const Picture& picture) {
  std::size_t widest = 4;
  for (const std::string& path : picture.paths) widest = std::max(widest, path.size());
  std::string text = fmt::format("{:<{}}", "path", widest + 2);
  for (const std::string& layer : picture.layers) text += fmt::format("{:<9}", layer);
  text += "seen\n";
  for (std::size_t column = 0; column < picture.paths.size(); ++column) {
    text += fmt::format("{:<{}}", picture.paths[column], widest + 2);
    for (const auto& row : picture.cells) text += fmt::format("{:<9}", word_for(row[column]));
    const int seen = picture.seen(column);
    text += seen < 0 ? "nothing" : picture.layers[static_cast<std::size_t>(seen)];
    text += '\n';
  }
  return text;
}

}  // namespace layers_demo
