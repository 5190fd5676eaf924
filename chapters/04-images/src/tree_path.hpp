#pragma once
/// \file
/// Names of archive members as paths beneath a layer's directory, and the open directories on the
/// way to them.

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "minidocker/images_unpack/tar_reader.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::images_unpack {

/// A path without leading, trailing, double slashes and "."; empty: the layer's root itself.
struct TreePath {
  std::string text;                          ///< "usr/bin/env"
  [[nodiscard]] std::string parent() const;  ///< "usr/bin"; empty: the root
  [[nodiscard]] const char* name() const;    ///< "env"
  [[nodiscard]] bool is_root() const noexcept { return text.empty(); }  ///< the layer itself?
};

/// Normalises the name of a member (or the target of a hard link). An empty `why` on success;
/// absolute names and ".." are refused: no honest layer has them.
[[nodiscard]] TreePath parse_tree_path(std::string_view name, std::string& why);

/// Opens directories of a layer by descriptor and keeps some of them open, as the members of a
/// directory mostly stand together. A symlink on the way is followed as long as it stays in the
/// layer; one that leads out is an error.
class Directories {
 public:
  /// `root` is borrowed; `what` names the layer in errors.
  Directories(int root, std::string what) : root_(root), what_(std::move(what)) {}

  /// The directory `path` (empty: the root), made with its parents (mode 0755) where missing.
  /// Borrowed, O_PATH, until the next call that is not const. Throws.
  int open(const std::string& path);
  /// Something was removed or replaced: what was opened may no longer be there.
  void forget() { opened_.clear(); }
  /// An error about `path`, naming the layer.
  [[noreturn]] void refuse(std::string_view path, std::string_view why) const;

 private:
  UniqueFd try_open(const std::string& path, int& error) const;
  UniqueFd make(const std::string& path);
  void make_one(int parent, const std::string& name, const std::string& path) const;
  void replace_whiteout(int parent, const std::string& name, const std::string& path) const;
  [[nodiscard]] std::string name_of(const std::string& path) const { return what_ + ": " + path; }
  int root_;
  std::string what_;
  std::unordered_map<std::string, UniqueFd> opened_;
};

}  // namespace minidocker::images_unpack
