#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "spec_builder.hpp"

namespace fs = std::filesystem;

namespace minidocker::engine {
namespace {

/// Filesystems of their own below /dev, and what each container has its own of.
bool is_skipped(const fs::path& path) {
  static constexpr std::array<std::string_view, 8> kSkipped{"pts", "shm",     "mqueue", "hugepages",
                                                            "fd",  "console", "ptmx",   "core"};
  return std::ranges::find(kSkipped, path.filename().string()) != kSkipped.end();
}

void add_device(std::vector<spec::Device>& devices, const fs::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return;  // vanished meanwhile
  if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return;
  spec::Device device;
  device.type = S_ISBLK(status.st_mode) ? 'b' : 'c';
  device.path = path;
  device.major = major(status.st_rdev);
  device.minor = minor(status.st_rdev);
  device.file_mode = status.st_mode & 07777U;
  device.uid = status.st_uid;
  device.gid = status.st_gid;
  devices.push_back(device);
}

void add_below(std::vector<spec::Device>& devices, const fs::path& directory) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    if (is_skipped(entry.path())) continue;
    if (entry.is_symlink(error)) continue;
    if (entry.is_directory(error)) {
      add_below(devices, entry.path());
    } else {
      add_device(devices, entry.path());
    }
  }
}

}  // namespace

std::vector<spec::Device> host_devices() {
  // The runtime makes these itself.
  static constexpr std::array<std::string_view, 6> kDefaults{
      "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
  std::vector<spec::Device> devices;
  add_below(devices, "/dev");
  std::erase_if(devices, [](const spec::Device& device) {
    return std::ranges::find(kDefaults, device.path) != kDefaults.end();
  });
  std::ranges::sort(devices, {}, &spec::Device::path);
  return devices;
}

}  // namespace minidocker::engine
