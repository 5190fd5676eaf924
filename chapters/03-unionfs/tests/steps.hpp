#pragma once
/// \file
/// What the tests of this chapter share: who runs them, and where.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "minidocker/testing/sandbox.hpp"
#include "minidocker/testing/steps.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::unionfs::testing {

using minidocker::testing::error_of;
using minidocker::testing::succeeds;

/// Runs `body` as an ordinary user who is root of his own user namespace.
inline void in_user_namespace(const std::function<void()>& body) {
  minidocker::testing::as_user([&body] { minidocker::testing::in_sandbox(body); });
}

/// Runs `body` as root in a sandbox, and once more in_user_namespace.
inline void as_root_and_as_user(const std::function<void()>& body) {
  {
    SCOPED_TRACE("as root");
    minidocker::testing::in_sandbox(body);
  }
  SCOPED_TRACE("as an ordinary user");
  in_user_namespace(body);
}

/// Opens /tmp/root, made if missing, as the root of a container.
inline int container_root() {
  make_dirs("/tmp/root");
  return sys::open("/tmp/root", O_PATH | O_DIRECTORY).or_throw("/tmp/root").release();
}

/// The mount at exactly `target`; an entry without a target if there is none.
inline MountEntry mount_at(const std::string& target) {
  const std::vector<MountEntry> mounts = read_mountinfo();
  const MountEntry* entry = find_mount(mounts, target);
  return entry != nullptr && entry->target == target ? *entry : MountEntry{};
}

/// The permission bits at `path`.
inline mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

}  // namespace minidocker::unionfs::testing
