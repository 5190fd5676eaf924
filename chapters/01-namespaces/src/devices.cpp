#include "minidocker/namespaces/devices.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::namespaces {
namespace {

constexpr mode_t kDeviceForAll = S_IFCHR | 0666;

StepResult make_parents(int dir, const char* name) noexcept {
  std::array<char, PATH_MAX> parent;
  const std::size_t length = static_cast<std::size_t>(std::strrchr(name, '/') - name);
  if (length >= parent.size()) return StepResult::failure(ENAMETOOLONG);
  std::memcpy(parent.data(), name, length);
  parent[length] = '\0';
  return make_dirs_in_root(dir, parent.data(), 0755);
}

/// A node that is there already will do if it is the same device.
StepResult accept_same_device(int dir, const char* name, mode_t mode, dev_t device,
                              const sys::Result<>& made) noexcept {
  const sys::Result<struct stat> status = sys::fstatat(dir, name, AT_SYMLINK_NOFOLLOW);
  if (!status) return status;
  const bool same_type = (status.value().st_mode & S_IFMT) == (mode & S_IFMT);
  return same_type && status.value().st_rdev == device ? StepResult::ok() : StepResult(made);
}

StepResult make_node(int dir, const char* name, const MakeDevice& device) noexcept {
  const sys::Result<> made = sys::mknodat(dir, name, device.mode, device.device);
  if (!made && made.error() == EEXIST) {
    return accept_same_device(dir, name, device.mode, device.device, made);
  }
  if (!made || (device.uid == 0 && device.gid == 0)) return made;
  return sys::fchownat(dir, name, device.uid, device.gid, AT_SYMLINK_NOFOLLOW);
}

const char* type_in_words(mode_t mode) {
  if (S_ISBLK(mode)) return "block device";
  return S_ISFIFO(mode) ? "FIFO" : "character device";
}

}  // namespace

std::span<const DefaultDevice> default_devices() noexcept {
  static constexpr std::array<DefaultDevice, 6> kDevices{{
      {"null", kDeviceForAll, 1, 3},
      {"zero", kDeviceForAll, 1, 5},
      {"full", kDeviceForAll, 1, 7},
      {"tty", kDeviceForAll, 5, 0},
      {"random", kDeviceForAll, 1, 8},
      {"urandom", kDeviceForAll, 1, 9},
  }};
  return kDevices;
}

std::vector<DefaultLink> default_links() {
  std::vector<DefaultLink> links{{"fd", "/proc/self/fd"},
                                 {"ptmx", "pts/ptmx"},
                                 {"stdin", "/proc/self/fd/0"},
                                 {"stdout", "/proc/self/fd/1"},
                                 {"stderr", "/proc/self/fd/2"}};
  if (exists("/proc/kcore")) links.push_back({"core", "/proc/kcore"});
  return links;
}

StepResult OpenDir::run(ChildContext&) const noexcept {
  sys::Result<UniqueFd> opened = make_dirs_in_root(*root, path, 0755);
  if (opened) *dir = opened.value().release();
  return opened;
}

std::string OpenDir::describe() const { return fmt::format("open the directory {}", quoted(path)); }

StepResult MakeDevice::run(ChildContext&) const noexcept {
  if (std::strchr(name, '/') == nullptr) return make_node(*dir, name, *this);
  const StepResult parents = make_parents(*dir, name);
  if (!parents) return parents;
  const sys::Result<ParentAndName> place = open_parent_in_root(*dir, name);
  if (!place) return place;
  return make_node(place.value().parent.get(), place.value().name.data(), *this);
}

std::string MakeDevice::describe() const {
  const std::string what = fmt::format("make the {} {}", type_in_words(mode), quoted(name));
  const std::string who =
      uid == 0 && gid == 0 ? std::string() : fmt::format(", owner {}:{}", uid, gid);
  if (S_ISFIFO(mode)) return fmt::format("{} ({:04o}{})", what, mode & 07777, who);
  return fmt::format("{} ({}:{}, {:04o}{})", what, major(device), minor(device), mode & 07777, who);
}

StepResult BindDevice::run(ChildContext&) const noexcept {
  const sys::Result<UniqueFd> file = make_file_in_root(*dir, name, 0666);
  if (!file) return file;
  return sys::mount(source, FdPath(file.value().get()).c_str(), nullptr, MS_BIND, nullptr);
}

std::string BindDevice::describe() const {
  return fmt::format("bind the host's {} on {}", quoted(source), quoted(name));
}

StepResult MakeSymlink::run(ChildContext&) const noexcept {
  const sys::Result<> made = sys::symlinkat(target, *dir, name);
  if (!made && made.error() == EEXIST) return StepResult::ok();
  return made;
}

std::string MakeSymlink::describe() const {
  return fmt::format("make the link {} -> {}", quoted(name), quoted(target));
}

StepResult SetUmask::run(ChildContext&) const noexcept { return sys::umask(mask); }

std::string SetUmask::describe() const { return fmt::format("set the umask to {:04o}", mask); }

}  // namespace minidocker::namespaces
