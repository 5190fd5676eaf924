#include "minidocker/unionfs/fuse_overlay.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/find_program.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::unionfs {
namespace {

constexpr const char* kProgram = "fuse-overlayfs";
constexpr const char* kDevice = "/dev/fuse";
constexpr int kServerFd = 3;  // the connection, in the program

void check_path(const std::string& path) {
  if (path.find_first_of(":,\\") == std::string::npos) return;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: fuse-overlayfs takes no path with ':', ',' or '\\'; hint: put the "
                          "state elsewhere, or choose another storage driver",
                          quoted(path)));
}

std::string options_of(const OverlayLayers& layers) {
  std::string options = "lowerdir=";
  for (const std::string& lower : layers.lowers) {
    check_path(lower);
    options += (options.back() == '=' ? "" : ":") + lower;
  }
  check_path(layers.upper);
  options += fmt::format(",upperdir={},workdir={}", layers.upper, layers.work);
  if (layers.sync == UpperSync::never) options += ",volatile";
  return options;
}

/// fuse(4)'s options: the kernel checks permissions by mode and owner, for every user.
UniqueFd mount_connection(int connection) {
  const UniqueFd fs = sys::fsopen("fuse").or_throw("fuse");
  const std::string number = std::to_string(connection);
  const std::array<std::pair<const char*, const char*>, 6> values{{{"source", kProgram},
                                                                   {"subtype", kProgram},
                                                                   {"fd", number.c_str()},
                                                                   {"rootmode", "40000"},
                                                                   {"user_id", "0"},
                                                                   {"group_id", "0"}}};
  for (const auto& [key, value] : values) {
    sys::fsconfig_string(fs.get(), key, value).or_throw(fmt::format("fuse, {}={}", key, value));
  }
  for (const char* flag : {"default_permissions", "allow_other"}) {
    sys::fsconfig_flag(fs.get(), flag).or_throw(fmt::format("fuse, {}", flag));
  }
  sys::fsconfig_create(fs.get()).or_throw("fuse");
  return sys::fsmount(fs.get(), 0).or_throw("fuse");
}

Process serve(const std::string& program, const OverlayLayers& layers, int connection) {
  const UniqueFd null = sys::open("/dev/null", O_RDWR).or_throw("/dev/null");
  const std::array<std::pair<int, int>, 4> fds{
      {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}, {connection, kServerFd}}};
  return Process::spawn(
      {program, "-f", "-o", options_of(layers), fmt::format("/dev/fd/{}", kServerFd)}, fds);
}

}  // namespace

std::optional<std::string> find_fuse_overlayfs() { return find_program(kProgram); }

FuseOverlay start_fuse_overlay(const std::string& program, const OverlayLayers& layers) {
  const trace::Scope scope("03-unionfs", "have fuse-overlayfs serve the layers as one tree",
                           "an overlay that needs nothing of the kernel but FUSE");
  const UniqueFd connection = sys::open(kDevice, O_RDWR).or_throw(kDevice);
  FuseOverlay overlay;
  overlay.mount = mount_connection(connection.get());
  overlay.server = serve(program, layers, connection.get());
  return overlay;
}

void attach(FuseOverlay& overlay, const std::string& target) {
  sys::move_mount(overlay.mount.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH)
      .or_throw(quoted(target));
  overlay.mount.reset();
}

}  // namespace minidocker::unionfs
