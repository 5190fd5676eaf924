#pragma once
/// \file
/// What a test says about the table docs/cgroup-drivers.md, which features_test.cpp makes of it: it
/// reads the sources for these two calls. In a test of suite EachDriver they hold for all, in one
/// of V1... or Systemd... for that driver, in one of V2... for v2 and systemd.

#include <gtest/gtest.h>

namespace minidocker::cgroups {

/// This test shows, by what processes meet or files hold, that `feature` works.
inline void covers(const char* feature) { ::testing::Test::RecordProperty("covers", feature); }

/// This test shows that `feature` is refused by name, for `reason`.
inline void lacks(const char* feature, const char* reason) {
  ::testing::Test::RecordProperty("lacks", feature);
  ::testing::Test::RecordProperty("reason", reason);
}

}  // namespace minidocker::cgroups
