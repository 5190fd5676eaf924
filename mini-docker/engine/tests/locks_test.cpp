#include "locks.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::engine {
namespace {

TEST(FileLock, IsHeldByOne) {
  const TempDir dir;
  std::optional<FileLock> first = FileLock::try_take(dir / "lock");
  ASSERT_TRUE(first);
  EXPECT_FALSE(FileLock::try_take(dir / "lock"));
  first.reset();
  EXPECT_TRUE(FileLock::try_take(dir / "lock"));
}

// The one who waits must not end up with a file that has no name while somebody else takes a new
// one of that name.
TEST(FileLock, OneWhoseFileWasRemovedIsTakenAnew) {
  const TempDir dir;
  std::optional<FileLock> first = FileLock::take(dir / "lock");
  std::future<FileLock> waiting =
      std::async(std::launch::async, [&] { return FileLock::take(dir / "lock"); });
  remove_tree(dir / "lock");
  first.reset();
  const FileLock second = waiting.get();
  EXPECT_TRUE(exists(dir / "lock"));
  EXPECT_FALSE(FileLock::try_take(dir / "lock")) << "it is held by the one who waited";
}

}  // namespace
}  // namespace minidocker::engine
