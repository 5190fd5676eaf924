#pragma once
/// \file
/// An overlay that is mounted for the length of a scope, in the sandbox of a test.

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <string>
#include <vector>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "steps.hpp"

namespace minidocker::unionfs::testing {

/// Where it is mounted.
inline constexpr char kMerged[] = "/tmp/merged";

/// Mounts `upper`, made with its work directory if missing, over `lowers`; read-only with an empty
/// `upper`. Unmounts at the end.
class Mounted {
 public:
  /// The topmost layer comes first.
  Mounted(const std::vector<std::string>& lowers, const std::string& upper) {
    const OverlayLayers layers{lowers, upper, upper.empty() ? "" : upper + ".work"};
    make_dirs(kMerged);
    if (!upper.empty()) {
      make_dirs(upper);
      make_dirs(layers.work);
    }
    ChildPlan plan;
    EXPECT_TRUE(succeeds(make_mount_overlay(plan, layers, kMerged)));
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  ~Mounted() { EXPECT_EQ(::umount(kMerged), 0); }
};

}  // namespace minidocker::unionfs::testing
