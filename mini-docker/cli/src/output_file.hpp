#pragma once
/// \file
/// A file that is there as a whole, or not at all.

#include <string>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::cli {

/// Where an archive goes: standard output, or a file under a temporary name beside its own. Pipes
/// and devices are written to directly. What is not committed is removed.
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
  std::string path_;
  std::string temporary_;  // empty: it has its own name already
  UniqueFd fd_;
};

}  // namespace minidocker::cli
