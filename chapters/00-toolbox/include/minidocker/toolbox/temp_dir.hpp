#pragma once
/// \file
/// An owned temporary directory.

#include <string>
#include <string_view>

namespace minidocker {

/// Owns a fresh directory (mode 0700) and removes it with all it holds. Does nothing in a process
/// other than the one that made it.
class TempDir {
 public:
  /// Makes `parent`/mini-docker-XXXXXX; `parent` empty: TMPDIR or /tmp. Throws SystemError.
  explicit TempDir(std::string_view parent = {});
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }  ///< absolute
  /// `path()/name`.
  [[nodiscard]] std::string operator/(std::string_view name) const;
  /// The directory stays; its path goes to the caller.
  std::string release() noexcept;

 private:
  std::string path_;
  int maker_ = -1;
};

}  // namespace minidocker
