#pragma once
/// \file
/// What a test says about the table docs/cgroup-drivers.md, which features_test.cpp makes of it: it
/// reads the sources for these two calls. In a test of suite Each they hold for v1 and v2, in one
/// of V1..., V2... or Systemd... for that driver.

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
