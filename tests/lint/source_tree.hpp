#pragma once
/// \file
/// The repository's files in memory, so that a rule is a pure function from files to findings and
/// its self-test needs no disk.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "views.hpp"

namespace minidocker::lint {

/// One file: its path from the repository's top, its text, and for C and C++ its views.
struct SourceFile {
  std::string path;  ///< e.g. "chapters/00-toolbox/src/error.cpp"
  std::string text;  ///< as it is on disk
  Views views;       ///< empty for anything but C and C++

  /// Does the path end like this?
  [[nodiscard]] bool ends_with(std::string_view end) const;
  /// Does the path start like this?
  [[nodiscard]] bool starts_with(std::string_view start) const;
  [[nodiscard]] bool is_header() const;  ///< .hpp or .h
  [[nodiscard]] bool is_cpp() const;     ///< C or C++, header or not
  /// Does it stand in a `tests` directory, of a room or of the house?
  [[nodiscard]] bool is_test() const;
};

/// All files, by path.
class SourceTree {
 public:
  /// Reads the repository at `root`: what git would track, judged by name (no dot directories but
  /// .ci, nothing built). Throws std::runtime_error if a file cannot be read.
  [[nodiscard]] static SourceTree load(const std::filesystem::path& root);

  /// A tree of made-up files, {path, text}: for self-tests.
  [[nodiscard]] static SourceTree of(const std::map<std::string, std::string>& files);

  [[nodiscard]] const std::vector<SourceFile>& files() const { return files_; }  ///< sorted by path
  [[nodiscard]] const SourceFile* find(std::string_view path) const;  ///< nullptr if not there
  /// Is there a file or a directory of this name?
  [[nodiscard]] bool exists(std::string_view path) const;

 private:
  void add(std::string path, std::string text);

  std::vector<SourceFile> files_;
};

}  // namespace minidocker::lint
