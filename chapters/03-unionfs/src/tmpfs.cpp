#include "minidocker/unionfs/tmpfs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <cerrno>

#include <array>
#include <utility>

#include "copy_up_child.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::unionfs {

namespace {

// The options with the mode of what is covered appended; in a buffer, as a child allocates nothing.
class OptionsWithMode {
 public:
  OptionsWithMode(const char* options, mode_t mode) noexcept {
    const char* before = options != nullptr ? options : "";
    const auto written = fmt::format_to_n(text_.data(), text_.size() - 1, "{}{}mode={:o}", before,
                                          *before != '\0' ? "," : "", mode & 07777U);
    fits_ = written.size < text_.size();
    *written.out = '\0';
  }
  [[nodiscard]] bool fits() const noexcept { return fits_; }
  [[nodiscard]] const char* c_str() const noexcept { return text_.data(); }

 private:
  std::array<char, 4096> text_;  // one page is all the kernel looks at
  bool fits_ = false;
};

StepResult mount_on(UniqueFd where, const MountTmpfs& step, const char* options) noexcept {
  const FdPath path(where.get());
  const sys::Result<> mounted = sys::mount(step.source, path.c_str(), "tmpfs", step.flags, options);
  leave_to_execve(std::move(where));
  return mounted;
}

// Covers a directory that is there: the mount shall look like it.
StepResult cover_plainly(UniqueFd where, const MountTmpfs& step) noexcept {
  if (step.options != nullptr && names_mode(step.options)) {
    return mount_on(std::move(where), step, step.options);
  }
  const sys::Result<struct stat> status = sys::fstat(where.get());
  if (!status) return status;
  const OptionsWithMode options(step.options, status.value().st_mode);
  if (!options.fits()) return StepResult::failure(EINVAL);
  return mount_on(std::move(where), step, options.c_str());
}

// Opened before it is covered; its owner goes with what is in it.
StepResult cover_with_copy(UniqueFd where, const MountTmpfs& step) noexcept {
  const sys::Result<UniqueFd> covered = sys::openat(where.get(), ".", O_RDONLY | O_DIRECTORY);
  if (!covered) return covered;
  const sys::Result<struct stat> status = sys::fstat(covered.value().get());
  if (!status) return status;
  if (StepResult mounted = cover_plainly(std::move(where), step); !mounted) return mounted;
  const sys::Result<UniqueFd> top =
      open_in_root(*step.root, step.destination, O_RDONLY | O_DIRECTORY);
  if (!top) return top;
  const int to = top.value().get();
  const sys::Result<> owned =
      sys::fchownat(to, "", status.value().st_uid, status.value().st_gid, AT_EMPTY_PATH);
  if (!owned) return owned;
  return copy_up(covered.value().get(), to);
}

StepResult cover(UniqueFd where, const MountTmpfs& step) noexcept {
  return step.content == TmpfsContent::copy ? cover_with_copy(std::move(where), step)
                                            : cover_plainly(std::move(where), step);
}

}  // namespace

bool names_mode(std::string_view options) noexcept {
  return options.starts_with("mode=") || options.find(",mode=") != std::string_view::npos;
}

StepResult MountTmpfs::run(ChildContext&) const noexcept {
  sys::Result<UniqueFd> there = open_in_root(*root, destination, O_PATH | O_DIRECTORY);
  if (there) return cover(std::move(there).value(), *this);
  if (there.error() != ENOENT) return there;
  sys::Result<UniqueFd> made = make_dirs_in_root(*root, destination, 0755);
  if (!made) return made;
  return mount_on(std::move(made).value(), *this, options);
}

std::string MountTmpfs::describe() const {
  std::string words = flags != 0 ? trace::flags_in_words(sys::kMountFlagNames, flags) : "";
  if (options != nullptr && *options != '\0')
    words += (words.empty() ? "" : ", ") + std::string(options);
  const char* copy = content == TmpfsContent::copy ? " with a copy of what it covers" : "";
  return fmt::format("mount a tmpfs on {}{}{}", destination, copy,
                     words.empty() ? "" : " (" + words + ")");
}

}  // namespace minidocker::unionfs
