#pragma once
/// \file
/// Archive members made into files of a layer's directory, in overlay's form.

#include <cstdint>
#include <map>
#include <string>

#include "minidocker/images_unpack/tar_reader.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/toolbox/result.hpp"
#include "tree_path.hpp"

namespace minidocker::images_unpack {

/// Fills one layer directory. The process's umask must be 0.
///
/// Invariant: whatever members come in whatever order, everything is made in a directory that was
/// opened beneath the root, under a name without a slash, without following a link there.
class LayerTree {
 public:
  /// `root` is the layer's directory, borrowed and empty; `what` names the layer in errors.
  LayerTree(int root, std::string what, const UnpackOptions& options, UnpackReport& report);

  /// Makes the member; a file's data comes out of `reader`. Throws.
  void add(const TarEntry& entry, TarReader& reader);
  /// Gives directories what must come last: their times change with every member made in them, and
  /// a directory may forbid what its owner still has to do.
  void finish();

 private:
  // Where a member goes.
  struct Place {
    int parent;        // borrowed
    const char* name;  // in it
    const TreePath& path;
  };
  void add_file(const Place& place, const TarEntry& entry, TarReader& reader);
  void add_empty_file(const Place& place, const TarEntry& entry);
  void write_content(int file, const std::string& path, const TarEntry& entry,
                     TarReader& reader) const;
  void add_directory(const Place& place, const TarEntry& entry);
  void add_symlink(const Place& place, const TarEntry& entry);
  void add_hard_link(const Place& place, const TarEntry& entry);
  sys::Result<> replace_by_link(const Place& place, int from, const char* target);
  void add_device(const Place& place, const TarEntry& entry);
  void add_whiteout(const TreePath& path, const std::string& hidden);
  void make_opaque(const std::string& directory);
  bool add_mark(const TreePath& path);
  [[nodiscard]] bool lies_in_bookkeeping(const TreePath& path) const;
  void finish_directory(const std::string& path, const TarEntry& entry);
  void finish_special(const Place& place, const TarEntry& entry);
  template <class Make>
  auto replacing(const Place& place, Make make);
  bool needs_owner(const TarEntry& entry);
  void set_owner(int dirfd, const char* name, int how, const std::string& path,
                 const TarEntry& entry);
  template <class Set>
  void set_xattrs(const std::string& path, const TarEntry& entry, Set set);
  void remember_directory(const std::string& path, const TarEntry& entry);
  bool takes_over(const std::string& xattr);
  void dropped(const std::string& xattr);
  template <class T>
  T must(sys::Result<T> result, const std::string& path) const;
  [[nodiscard]] std::string name_of(const std::string& path) const;

  int root_;
  std::string what_;
  const UnpackOptions& options_;
  UnpackReport& report_;
  Directories directories_;
  std::map<std::string, TarEntry> unfinished_;  // directories, by path; children sort after parents
  std::uint64_t unfinished_bytes_ = 0;          // memory they take, about
  uid_t uid_;
  gid_t gid_;
};

}  // namespace minidocker::images_unpack
