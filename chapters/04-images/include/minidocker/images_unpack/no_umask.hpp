#pragma once
/// \file
/// The process's umask out of the way.

#include <sys/types.h>

#include "minidocker/toolbox/result.hpp"

namespace minidocker::images_unpack {

/// While it lives, files get the modes that they are made with: an archive's, not our habits'. This
/// saves a call for each file. The umask belongs to the whole process, so only one of these may
/// live at a time, around all threads that unpack.
class NoUmask {
 public:
  NoUmask();
  NoUmask(const NoUmask&) = delete;
  NoUmask& operator=(const NoUmask&) = delete;
  ~NoUmask();

 private:
  sys::Result<mode_t> before_;
};

}  // namespace minidocker::images_unpack
