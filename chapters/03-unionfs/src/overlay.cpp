#include "minidocker/unionfs/overlay.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/whiteout.hpp"
#include "overlay_forms.hpp"

namespace minidocker::unionfs {

namespace {

// mount(2) copies one page of options, the NUL included (smallest page size of our machines).
constexpr std::size_t kMaxOptions = 4095;

std::string options_with(const OverlayLayers& layers, const std::vector<std::string>& lowers) {
  std::string options = "lowerdir=";
  for (std::size_t i = 0; i < lowers.size(); ++i) {
    if (i != 0) options += ':';
    options += escape_overlay_path(lowers[i]);
  }
  if (!layers.upper.empty()) {
    options += ",upperdir=" + escape_overlay_path(layers.upper);
    options += ",workdir=" + escape_overlay_path(layers.work);
  }
  options += ",userxattr";
  if (layers.sync == UpperSync::never && !layers.upper.empty()) options += ",volatile";
  return options;
}

// The longest directory that holds all of `paths`: "/a" for "/a/b" and "/a/c/d".
std::string common_directory(const std::vector<std::string>& paths) {
  std::string common = paths.front();
  common.resize(common.rfind('/'));
  for (const std::string& path : paths) {
    while (path.compare(0, common.size() + 1, common + '/') != 0) {
      common.resize(common.rfind('/'));
    }
  }
  return common.empty() ? "/" : common;
}

std::vector<std::string> relative_to(const std::string& directory,
                                     const std::vector<std::string>& paths) {
  const std::size_t skip = directory == "/" ? 1 : directory.size() + 1;
  std::vector<std::string> names;
  names.reserve(paths.size());
  for (const std::string& path : paths) {
    // A name that began with a second slash would be that of another directory, from the root on.
    const std::size_t at = path.find_first_not_of('/', skip);
    names.push_back(at == std::string::npos ? "." : path.substr(at));
  }
  return names;
}

// Remembers the working directory and goes back to it: later steps must not notice.
class WorkingDirectory {
 public:
  StepResult enter(const char* directory) noexcept {
    sys::Result<UniqueFd> here = sys::open(".", O_PATH | O_DIRECTORY);
    if (!here) return here;
    before_ = std::move(here).value();
    return sys::chdir(directory);
  }
  StepResult leave() noexcept { return sys::fchdir(before_.get()); }

 private:
  UniqueFd before_;
};

StepResult mount_appended(const MountOverlay& step) noexcept {
  const sys::Result<UniqueFd> mounted =
      make_overlay({step.lowers, step.upper, step.work, step.sync});
  if (!mounted) return mounted;
  return sys::move_mount(mounted.value().get(), "", AT_FDCWD, step.target, MOVE_MOUNT_F_EMPTY_PATH);
}

}  // namespace

void check_layers(const OverlayLayers& layers) {
  if (layers.lowers.empty()) {
    throw Error(ErrorKind::invalid_argument, "overlay: there is no lower layer to mount");
  }
  if (layers.upper.empty() != layers.work.empty()) {
    throw Error(ErrorKind::invalid_argument,
                "overlay: an upper directory needs a work directory beside it, and the reverse");
  }
  if (layers.upper.empty() && layers.lowers.size() < 2) {
    throw Error(ErrorKind::invalid_argument,
                "overlay: without an upper directory it takes two lower layers; bind a single one");
  }
}

std::string escape_overlay_path(std::string_view path) {
  std::string escaped;
  escaped.reserve(path.size());
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

bool has_user_xattrs(const std::string& dir) {
  const UniqueFd fd = sys::open(dir.c_str(), O_RDONLY | O_DIRECTORY).or_throw(quoted(dir));
  char value = 0;
  // Whoever keeps none does not know of the absence of one either.
  sys::Result<std::size_t> size = sys::fgetxattr(fd.get(), kOpaqueXattr, &value, sizeof(value));
  if (size.error() == EOPNOTSUPP) return false;
  if (size.error() == ENODATA || size.error() == ERANGE) return true;
  std::move(size).or_throw(quoted(dir));
  return true;
}

void require_user_xattrs(const std::string& dir) {
  if (has_user_xattrs(dir)) return;
  throw Error(ErrorKind::unavailable,
              fmt::format("{}: its filesystem keeps no user attributes, without which containers "
                          "cannot remove directories of their image; hint: put it on ext4, xfs, "
                          "btrfs, or a tmpfs of Linux 6.6 or later",
                          quoted(dir)));
}

std::string overlay_options(const OverlayLayers& layers) {
  check_layers(layers);
  return options_with(layers, layers.lowers);
}

OverlayPlan plan_overlay(const OverlayLayers& layers) {
  check_layers(layers);
  OverlayPlan plan;
  plan.options = options_with(layers, layers.lowers);
  if (plan.options.size() <= kMaxOptions) return plan;

  plan.directory = common_directory(layers.lowers);
  std::vector<std::string> names = relative_to(plan.directory, layers.lowers);
  plan.form = OverlayForm::relative;
  plan.options = options_with(layers, names);
  if (plan.options.size() <= kMaxOptions) return plan;

  plan.form = OverlayForm::appended;
  plan.options.clear();
  plan.lowers = std::move(names);
  return plan;
}

StepResult MountOverlay::run(ChildContext&) const noexcept {
  WorkingDirectory working_directory;
  if (directory != nullptr) {
    if (StepResult done = working_directory.enter(directory); !done) return done;
  }
  if (options == nullptr) {
    if (StepResult done = mount_appended(*this); !done) return done;
  } else if (StepResult done = mount_classic(target, options); !done) {
    return done;
  }
  return directory != nullptr ? working_directory.leave() : StepResult::ok();
}

std::string MountOverlay::describe() const {
  std::string what = fmt::format("mount an overlay of {} layer{} on {} (userxattr", lower_count,
                                 lower_count == 1 ? "" : "s", target);
  if (sync == UpperSync::never) what += ", volatile";
  if (options == nullptr) what += ", layers appended one by one";
  return what + (upper != nullptr ? fmt::format("), changes go to {}", upper) : "), read-only");
}

MountOverlay make_mount_overlay(ChildPlan& plan, const OverlayLayers& layers,
                                std::string_view target) {
  const OverlayPlan overlay = plan_overlay(layers);
  MountOverlay step{};
  step.target = plan.copy(target);
  if (!overlay.directory.empty()) step.directory = plan.copy(overlay.directory);
  if (overlay.form == OverlayForm::appended) {
    step.lowers = plan.copy_array(overlay.lowers);
  } else {
    step.options = plan.copy(overlay.options);
  }
  if (!layers.upper.empty()) {
    step.upper = plan.copy(layers.upper);
    step.work = plan.copy(layers.work);
  }
  step.lower_count = static_cast<std::uint32_t>(layers.lowers.size());
  step.sync = layers.upper.empty() ? UpperSync::on_unmount : layers.sync;
  return step;
}

}  // namespace minidocker::unionfs
