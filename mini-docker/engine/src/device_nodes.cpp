#include "device_nodes.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"

namespace fs = std::filesystem;

namespace minidocker::engine {
namespace {

/// Filesystems of their own below /dev, and what each container has its own of.
bool is_skipped(const fs::path& path) {
  static constexpr std::array<std::string_view, 8> kSkipped{"pts", "shm",     "mqueue", "hugepages",
                                                            "fd",  "console", "ptmx",   "core"};
  return std::ranges::find(kSkipped, path.filename().string()) != kSkipped.end();
}

spec::Device node_of(const struct stat& status, std::string path) {
  spec::Device device;
  device.type = S_ISBLK(status.st_mode) ? 'b' : 'c';
  device.path = std::move(path);
  device.major = major(status.st_rdev);
  device.minor = minor(status.st_rdev);
  device.file_mode = status.st_mode & 07777U;
  device.uid = status.st_uid;
  device.gid = status.st_gid;
  return device;
}

bool is_node(const struct stat& status) {
  return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
}

/// All below `source`, links left aside, as if it were `target`.
void add_below(std::vector<spec::Device>& devices, const fs::path& source, const fs::path& target) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(source, error)) {
    if (is_skipped(entry.path())) continue;
    struct stat status{};
    if (::lstat(entry.path().c_str(), &status) != 0) continue;  // vanished meanwhile
    const fs::path place = target / entry.path().filename();
    if (S_ISDIR(status.st_mode)) add_below(devices, entry.path(), place);
    if (is_node(status)) devices.push_back(node_of(status, place));
  }
}

[[noreturn]] void refuse_device(const std::string& path, std::string_view why) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("error gathering device information while adding custom device {}: {}",
                          quoted(path), why));
}

}  // namespace

std::vector<spec::Device> host_devices() {
  // The runtime makes these itself.
  static constexpr std::array<std::string_view, 6> kDefaults{
      "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
  std::vector<spec::Device> devices;
  add_below(devices, "/dev", "/dev");
  std::erase_if(devices, [](const spec::Device& device) {
    return std::ranges::find(kDefaults, device.path) != kDefaults.end();
  });
  std::ranges::sort(devices, {}, &spec::Device::path);
  return devices;
}

std::vector<spec::Device> nodes_at(const DeviceRequest& request) {
  struct stat status{};
  if (::stat(request.source.c_str(), &status) != 0) {
    refuse_device(request.source, "no such file or directory");
  }
  if (is_node(status)) return {node_of(status, request.target)};
  std::vector<spec::Device> devices;
  if (S_ISDIR(status.st_mode)) add_below(devices, request.source, request.target);
  if (devices.empty()) refuse_device(request.source, "not a device node");
  return devices;
}

dev_t disk_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: no such file or directory", quoted(path)));
  }
  if (S_ISBLK(status.st_mode)) return status.st_rdev;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: not a block device; hint: what is limited is a disk", quoted(path)));
}

bool is_device_access(std::string_view text) {
  if (text.empty() || text.find_first_not_of("rwm") != std::string_view::npos) return false;
  return std::ranges::all_of(text, [&](char c) { return std::ranges::count(text, c) == 1; });
}

}  // namespace minidocker::engine
