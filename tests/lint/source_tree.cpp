#include "source_tree.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace minidocker::lint {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What never belongs to the sources. Build trees are recognised by what CMake leaves in them.
bool is_left_out(const fs::path& directory) {
  const std::string name = directory.filename();
  if (name == ".ci") return false;
  return name.starts_with('.') || name == "build" || name.starts_with("build-") ||
         fs::exists(directory / "CMakeCache.txt");
}

}  // namespace

bool SourceFile::ends_with(std::string_view end) const { return path.ends_with(end); }

bool SourceFile::starts_with(std::string_view start) const { return path.starts_with(start); }

bool SourceFile::is_header() const { return ends_with(".hpp") || ends_with(".h"); }

bool SourceFile::is_cpp() const { return is_header() || ends_with(".cpp") || ends_with(".c"); }

bool SourceFile::is_test() const {
  return starts_with("tests/") || path.find("/tests/") != std::string::npos;
}

SourceTree SourceTree::load(const fs::path& root) {
  SourceTree tree;
  for (fs::recursive_directory_iterator at(root), end; at != end; ++at) {
    if (at->is_directory() && is_left_out(at->path())) {
      at.disable_recursion_pending();
    } else if (at->is_regular_file() && !at->is_symlink()) {
      tree.add(at->path().lexically_relative(root).string(), read_file(at->path()));
    }
  }
  std::ranges::sort(tree.files_, {}, &SourceFile::path);
  return tree;
}

SourceTree SourceTree::of(const std::map<std::string, std::string>& files) {
  SourceTree tree;
  for (const auto& [path, text] : files) tree.add(path, text);
  return tree;
}

void SourceTree::add(std::string path, std::string text) {
  SourceFile file{std::move(path), std::move(text), {}};
  if (file.is_cpp()) file.views = split_views(file.text);
  files_.push_back(std::move(file));
}

const SourceFile* SourceTree::find(std::string_view path) const {
  const auto at = std::ranges::lower_bound(files_, path, {}, &SourceFile::path);
  return at != files_.end() && at->path == path ? &*at : nullptr;
}

bool SourceTree::exists(std::string_view path) const {
  const std::string below = std::string(path) + "/";
  return path.empty() || find(path) != nullptr ||
         std::ranges::any_of(files_, [&](const SourceFile& f) { return f.starts_with(below); });
}

}  // namespace minidocker::lint
