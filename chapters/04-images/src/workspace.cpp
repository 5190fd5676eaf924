#include "minidocker/images/workspace.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images {

namespace {

UniqueFd open_directory(const std::string& path) {
  return sys::open(path.c_str(), O_RDONLY | O_DIRECTORY).or_throw(path);
}

// Held shared while a directory is made and locked, exclusively while rubbish is looked for: a
// directory seen without a lock then is rubbish for certain.
UniqueFd lock_directory(const std::string& path, int operation) {
  UniqueFd directory = open_directory(path);
  sys::flock(directory.get(), operation).or_throw(path);
  return directory;
}

TempDir make_locked(const std::string& temporaries, UniqueFd& lock) {
  make_dirs(temporaries, 0700);
  const UniqueFd parent = lock_directory(temporaries, LOCK_SH);
  TempDir dir(temporaries);
  lock = lock_directory(dir.path(), LOCK_EX);
  return dir;
}

}  // namespace

Workspace::Workspace(const std::string& temporaries) : dir_(make_locked(temporaries, lock_)) {}

std::string Workspace::fresh(std::string_view prefix) {
  return fmt::format("{}/{}-{}", dir_.path(), prefix, ++count_);
}

std::size_t clean_temporaries(const std::string& temporaries) {
  if (!exists(temporaries)) return 0;
  const UniqueFd parent = lock_directory(temporaries, LOCK_EX);
  std::size_t removed = 0;
  for (const std::string& name : list_dir(temporaries)) {
    const std::string path = temporaries + "/" + name;
    const sys::Result<UniqueFd> entry =
        sys::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (entry.ok() && !sys::flock(entry.value().get(), LOCK_EX | LOCK_NB).ok()) continue;
    remove_tree(path);
    ++removed;
  }
  return removed;
}

}  // namespace minidocker::images
