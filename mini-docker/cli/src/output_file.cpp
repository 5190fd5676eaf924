#include "output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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
  std::string name = path;
  if (is_regular_or_missing(path)) {
    temporary_ = fmt::format("{}.tmp-{}", path, ::getpid());
    name = temporary_;
  }
  const int flags = temporary_.empty() ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL;
  fd_ = sys::open(name.c_str(), flags, 0600).or_throw(name);
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) static_cast<void>(sys::unlink(temporary_.c_str()));
}

void OutputFile::commit() {
  if (temporary_.empty()) return;
  sys::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str()).or_throw(path_);
  temporary_.clear();
}

}  // namespace minidocker::cli
