#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checks.hpp"
#include "minidocker/spec/mount_options.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {
namespace {

using minidocker::quoted;

constexpr std::size_t kHostNameMax = 64;      // uname(2)
constexpr std::size_t kMaxMappings = 340;     // user_namespaces(7), since Linux 4.15
constexpr std::uint32_t kMajorMax = 0xfff;    // makedev(3): the kernel's dev_t has 12 bits
constexpr std::uint32_t kMinorMax = 0xfffff;  // and 20 bits
constexpr std::uint32_t kSecond = 1'000'000'000;

void require_namespace(const Checks& checks, std::string_view place, const Linux& config,
                       NamespaceType type) {
  if (config.find(type) != nullptr) return;
  checks.fail(place, fmt::format("needs a {} namespace in /linux/namespaces, or it would hold "
                                 "for the host",
                                 name_of(type)));
}

void check_name(const Checks& checks, std::string_view place, const std::string& name,
                const Linux& config) {
  if (name.empty()) return;
  if (name.size() > kHostNameMax) {
    checks.fail(place, fmt::format("{} bytes are too long, the kernel takes {}", name.size(),
                                   kHostNameMax));
  }
  require_namespace(checks, place, config, NamespaceType::uts);
}

void check_list(const Checks& checks, const std::vector<Namespace>& namespaces) {
  for (std::size_t i = 0; i < namespaces.size(); ++i) {
    const Namespace& entry = namespaces[i];
    const std::string place = fmt::format("/linux/namespaces/{}", i);
    const auto here = namespaces.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find_if(namespaces.begin(), here,
                     [&](const Namespace& other) { return other.type == entry.type; }) != here) {
      checks.fail(place + "/type", fmt::format("{} is there twice", quoted(name_of(entry.type))));
    }
    if (!entry.path.empty()) checks.require_absolute(place + "/path", entry.path);
  }
}

void check_time_offset(const Checks& checks, std::string_view clock,
                       const std::optional<TimeOffset>& offset, const Linux& config) {
  if (!offset) return;
  const std::string place = fmt::format("/linux/timeOffsets/{}", clock);
  if (!config.makes(NamespaceType::time)) {
    checks.fail(place,
                "needs a new time namespace in /linux/namespaces: a clock is shifted "
                "before the namespace's first process");
  }
  if (offset->nanosecs >= kSecond) {
    checks.fail(place + "/nanosecs", fmt::format("{} is out of range, expected less than {}",
                                                 offset->nanosecs, kSecond));
  }
}

// --- id maps --------------------------------------------------------------------------------

bool overlap(std::uint32_t a, std::uint32_t a_size, std::uint32_t b, std::uint32_t b_size) {
  return std::uint64_t{a} < std::uint64_t{b} + b_size &&
         std::uint64_t{b} < std::uint64_t{a} + a_size;
}

void check_map(const Checks& checks, const std::string& place,
               const std::vector<IdMapping>& mappings, const Namespace* user) {
  if (user == nullptr && !mappings.empty()) {
    checks.fail(place, "needs a new user namespace in /linux/namespaces");
  }
  if (user != nullptr && user->path.empty() && mappings.empty()) {
    checks.fail(place, "missing: a new user namespace needs at least one range");
  }
  if (user != nullptr && !user->path.empty() && !mappings.empty()) {
    checks.fail(place, fmt::format("the user namespace {} is joined and has its own mappings",
                                   quoted(user->path)));
  }
  check_mappings(checks, place, mappings);
}

// --- paths, devices -------------------------------------------------------------------------

void check_paths(const Checks& checks, std::string_view place,
                 const std::vector<std::string>& paths, const Linux& config) {
  if (paths.empty()) return;
  if (config.find(NamespaceType::mount) == nullptr) {
    checks.fail(place,
                "needs a mount namespace in /linux/namespaces, or the host's paths would "
                "be covered");
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    checks.require_absolute(fmt::format("{}/{}", place, i), paths[i]);
  }
}

void check_devices(const Checks& checks, const std::vector<Device>& devices) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    const std::string place = fmt::format("/linux/devices/{}", i);
    checks.require_absolute(place + "/path", device.path);
    if (device.major > kMajorMax) {
      checks.fail(place + "/major",
                  fmt::format("{} is out of range, expected 0 to {}", device.major, kMajorMax));
    }
    if (device.minor > kMinorMax) {
      checks.fail(place + "/minor",
                  fmt::format("{} is out of range, expected 0 to {}", device.minor, kMinorMax));
    }
  }
}

void check_cgroups_path(const Checks& checks, std::string_view path) {
  constexpr std::string_view kPlace = "/linux/cgroupsPath";
  std::string_view rest = path;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('/'), rest.size());
    if (rest.substr(0, end) == "..") {
      checks.fail(kPlace, fmt::format("{} leads upwards", quoted(path)));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

}  // namespace

void check_mappings(const Checks& checks, const std::string& place,
                    const std::vector<IdMapping>& mappings) {
  constexpr std::uint64_t kIds = 0xffffffff;  // ids 0 to 2^32-2
  if (mappings.size() > kMaxMappings) {
    checks.fail(place, fmt::format("{} ranges are too many, the kernel takes {}", mappings.size(),
                                   kMaxMappings));
  }
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    const IdMapping& m = mappings[i];
    const std::string entry = fmt::format("{}/{}", place, i);
    if (m.size == 0) checks.fail(entry + "/size", "0 maps nothing, expected at least 1");
    if (std::uint64_t{m.container_id} + m.size > kIds || std::uint64_t{m.host_id} + m.size > kIds) {
      checks.fail(entry, "the range ends above the highest id, 4294967294");
    }
    for (std::size_t j = 0; j < i; ++j) {
      const IdMapping& other = mappings[j];
      if (overlap(m.container_id, m.size, other.container_id, other.size) ||
          overlap(m.host_id, m.size, other.host_id, other.size)) {
        checks.fail(entry, fmt::format("overlaps {}/{}", place, j));
      }
    }
  }
}

void check_namespaces(Checks& checks, const Spec& spec) {
  const Linux& config = spec.linux_;
  check_list(checks, config.namespaces);
  check_name(checks, "/hostname", spec.hostname, config);
  check_name(checks, "/domainname", spec.domainname, config);
  check_time_offset(checks, "monotonic", config.monotonic, config);
  check_time_offset(checks, "boottime", config.boottime, config);
}

void check_id_maps(Checks& checks, const Linux& config) {
  const Namespace* user = config.find(NamespaceType::user);
  check_map(checks, "/linux/uidMappings", config.uid_mappings, user);
  check_map(checks, "/linux/gidMappings", config.gid_mappings, user);
}

void check_paths_and_devices(Checks& checks, const Linux& config) {
  constexpr std::string_view kPropagation = "/linux/rootfsPropagation";
  if (!config.rootfs_propagation.empty()) {
    if (propagation_flags(config.rootfs_propagation) == 0) {
      checks.fail(kPropagation,
                  fmt::format("unknown word {}, expected shared, slave, private or unbindable, "
                              "or one of these with an r in front",
                              quoted(config.rootfs_propagation)));
    }
    require_namespace(checks, kPropagation, config, NamespaceType::mount);
  }
  check_paths(checks, "/linux/maskedPaths", config.masked_paths, config);
  check_paths(checks, "/linux/readonlyPaths", config.readonly_paths, config);
  check_devices(checks, config.devices);
  check_cgroups_path(checks, config.cgroups_path);
}

}  // namespace minidocker::spec
