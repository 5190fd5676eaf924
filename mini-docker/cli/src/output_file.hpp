#pragma once
/// \file
/// A file that is there as a whole, or not at all.

#include <string>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::cli {

/// Where an archive goes: standard output, or a file that has no name before it is whole; on
/// filesystems that cannot have such files, it has a temporary name beside its own. Pipes and
/// devices are written to directly. What is not committed is removed.
class OutputFile {
 public:
  /// `path` empty: standard output. Throws UsageError for a terminal, which an archive would
  /// derange, and SystemError.
  OutputFile(const std::string& path, const std::string& verb);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }  ///< borrowed
  /// Gives the file its name. Throws SystemError.
  void commit();

 private:
  [[nodiscard]] std::string temporary_name() const;
  [[nodiscard]] sys::Result<> link_as(const std::string& name) const;

  std::string path_;
  std::string temporary_;    // the name to be removed if it is not committed
  bool is_unnamed_ = false;  // O_TMPFILE
  UniqueFd fd_;
};

}  // namespace minidocker::cli
