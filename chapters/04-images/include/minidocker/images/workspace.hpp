#pragma once
/// \file
/// A place for what is not finished yet. Everything unfinished of one run lies in one directory
/// that is locked while the run lives, so that a later run can tell rubbish from work.

#include <string>
#include <string_view>

#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::images {

/// Owns a fresh, locked directory and removes it with all it holds.
class Workspace {
 public:
  /// Makes one in `temporaries` (made if missing), which must lie on the filesystem of what is
  /// finished later, as it is moved there by rename(2). Throws SystemError.
  explicit Workspace(const std::string& temporaries);

  /// A path in it that no earlier call gave: `blob-1`, `layer-2`, ...
  [[nodiscard]] std::string fresh(std::string_view prefix);

 private:
  UniqueFd lock_;  // before dir_, whose making fills it
  TempDir dir_;
  unsigned count_ = 0;
};

/// Removes what killed runs left in `temporaries`; what a living Workspace holds stays. Returns
/// how many were removed. A missing directory is fine. Throws SystemError.
std::size_t clean_temporaries(const std::string& temporaries);

}  // namespace minidocker::images
