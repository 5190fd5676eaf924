#include "output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "minidocker/toolbox/pty.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "usage_error.hpp"

namespace minidocker::cli {

namespace {

bool is_regular_or_missing(const std::string& path) {
  const sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, path.c_str(), 0);
  return !status || S_ISREG(status.value().st_mode) || S_ISDIR(status.value().st_mode);
}

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

OutputFile::OutputFile(const std::string& path, const std::string& verb) : path_(path) {
  if (path.empty()) {
    if (is_terminal(STDOUT_FILENO)) {
      throw UsageError(fmt::format("cowardly refusing to {} to a terminal. Use the -o flag or "
                                   "redirect",
                                   verb),
                       1);
    }
    fd_ = sys::dup(STDOUT_FILENO).or_throw("standard output");
    return;
  }
  if (!is_regular_or_missing(path)) {
    fd_ = sys::open(path.c_str(), O_WRONLY).or_throw(path);
    return;
  }
  // Without a name it goes when we do, even if we are killed.
  sys::Result<UniqueFd> unnamed = sys::open(directory_of(path).c_str(), O_WRONLY | O_TMPFILE, 0600);
  is_unnamed_ = unnamed.ok();
  if (is_unnamed_) {
    fd_ = std::move(unnamed).value();
    return;
  }
  const bool has_none = unnamed.error() == EOPNOTSUPP || unnamed.error() == EISDIR;
  if (!has_none) static_cast<void>(std::move(unnamed).or_throw(path));
  // A filesystem without such files (open(2), O_TMPFILE).
  temporary_ = temporary_name();
  fd_ = sys::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600).or_throw(temporary_);
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) static_cast<void>(sys::unlink(temporary_.c_str()));
}

std::string OutputFile::temporary_name() const {
  return fmt::format("{}.tmp-{}", path_, ::getpid());
}

sys::Result<> OutputFile::link_as(const std::string& name) const {
  const std::string file = fmt::format("/proc/self/fd/{}", fd_.get());
  return sys::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW);
}

void OutputFile::commit() {
  if (is_unnamed_) {
    sys::Result<> linked = link_as(path_);
    if (linked.error() != EEXIST) return std::move(linked).or_throw(path_);
    // Only a rename takes the place of what is there.
    const std::string name = temporary_name();
    link_as(name).or_throw(name);
    temporary_ = name;
  }
  if (temporary_.empty()) return;
  sys::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str()).or_throw(path_);
  temporary_.clear();
}

}  // namespace minidocker::cli
