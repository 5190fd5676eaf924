#include <unistd.h>

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checks.hpp"
#include "minidocker/spec/destination.hpp"
#include "minidocker/spec/mount_options.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::spec {
namespace {

using minidocker::quoted;

void check_destination(Checks& checks, const std::string& place, const Mount& mount) {
  if (mount.destination.empty()) checks.fail(place, "missing");
  if (!mount.destination.starts_with('/')) {
    checks.warn(place,
                fmt::format("{} is not absolute, taken as below \"/\"", quoted(mount.destination)));
  }
  const std::string path = normal_destination(mount.destination);
  if (path == "/") checks.fail(place, "the root cannot be mounted over, use /root/path");
  if (!is_coverable(path)) {
    checks.fail(place, fmt::format("{} lies inside /proc, where only files such as "
                                   "/proc/cpuinfo may be covered",
                                   quoted(mount.destination)));
  }
}

// In a user namespace the kernel lets a container mount only what shows its own namespaces.
struct OwnView {
  std::string_view filesystem;
  NamespaceType needed;
};
constexpr std::array<OwnView, 3> kOwnViews = {{{"proc", NamespaceType::pid},
                                               {"mqueue", NamespaceType::ipc},
                                               {"sysfs", NamespaceType::network}}};

void check_own_view(const Checks& checks, const std::string& place, const Mount& mount,
                    const Linux& config) {
  if (config.find(NamespaceType::user) == nullptr) return;
  for (const OwnView& view : kOwnViews) {
    if (view.filesystem != mount.type || config.find(view.needed) != nullptr) continue;
    checks.fail(place, fmt::format("{} in a user namespace needs a {} namespace too; bind the "
                                   "host's instead",
                                   mount.type, name_of(view.needed)));
  }
}

// The kernel takes a filesystem's owner as an id of the mounter's user namespace (EINVAL).
void check_owner(const Checks& checks, const std::string& place, std::string_view option,
                 const Linux& config) {
  const bool is_group = option.starts_with("gid=");
  if (!is_group && !option.starts_with("uid=")) return;
  const std::vector<IdMapping>& mappings = is_group ? config.gid_mappings : config.uid_mappings;
  const auto id = minidocker::parse_number<std::uint32_t>(option.substr(4));
  if (!id || is_mapped(*id, mappings)) return;  // what is no number, the filesystem refuses
  checks.fail(place, fmt::format("{} is not mapped by /linux/{}Mappings; hint: leave it out",
                                 quoted(option), option.substr(0, 3)));
}

void check_word(const Checks& checks, const std::string& place, const std::string& word,
                const Mount& mount, bool is_bind, const Linux& config) {
  // No filesystem is asked when something is bound: the kernel would drop the word in silence, and
  // a typing error in "ro" would leave the bind writable.
  if (is_bind && !is_mount_flag(word)) {
    checks.fail(place, fmt::format("{} is no option of a bind", quoted(word)));
  }
  if (mount.type == "tmpfs" || mount.type == "devpts") check_owner(checks, place, word, config);
}

void check_options(const Checks& checks, const std::string& place, const Mount& mount,
                   const MountOptions& options, const Linux& config) {
  for (std::size_t i = 0; i < mount.options.size(); ++i) {
    check_word(checks, fmt::format("{}/options/{}", place, i), mount.options[i], mount,
               options.is_bind(), config);
  }
  if (options.copy_up && mount.type != "tmpfs") {
    checks.fail(place + "/options", "\"tmpcopyup\" is for a tmpfs only");
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (options.data.size() >= page) {
    checks.fail(place + "/options",
                fmt::format("{} bytes of options for the filesystem, mount(2) takes less than {}",
                            options.data.size(), page));
  }
}

void check_id_mapped(const Checks& checks, const std::string& place, const Mount& mount,
                     const MountOptions& options, const Linux& config) {
  const bool has_maps = !mount.uid_mappings.empty() || !mount.gid_mappings.empty();
  if (!has_maps && options.id_mapped == IdMapped::no) return;
  if (!options.is_bind()) {
    checks.fail(has_maps ? place + "/uidMappings" : place + "/options", "only a bind can map ids");
  }
  for (const auto& [maps, name] : {std::pair(&mount.uid_mappings, "/uidMappings"),
                                   std::pair(&mount.gid_mappings, "/gidMappings")}) {
    if (has_maps && maps->empty()) {
      checks.fail(place + name, "missing: ids are mapped with both lists or with none");
    }
    check_mappings(checks, place + name, *maps);
  }
  if (!has_maps && config.find(NamespaceType::user) == nullptr) {
    checks.fail(
        place + "/options",
        "no uidMappings and gidMappings, and no user namespace in /linux/namespaces to take "
        "them from");
  }
}

void check_mount(Checks& checks, const std::string& place, const Mount& mount,
                 const Linux& config) {
  check_destination(checks, place + "/destination", mount);
  const MountOptions options = parse_mount_options(mount.options);
  check_options(checks, place, mount, options, config);
  check_id_mapped(checks, place, mount, options, config);
  if (options.is_bind()) {
    if (mount.source.empty()) checks.fail(place + "/source", "missing: what is to be bound?");
    return;
  }
  if (mount.type == "bind") {
    checks.fail(place + "/options", "type \"bind\" needs the option \"bind\" or \"rbind\"");
  }
  if (mount.type.empty()) {
    checks.fail(place + "/type", "missing, and the options hold neither \"bind\" nor \"rbind\"");
  }
  check_own_view(checks, place + "/type", mount, config);
}

}  // namespace

void check_mounts(Checks& checks, const Spec& spec) {
  const bool own_mounts = spec.linux_.find(NamespaceType::mount) != nullptr;
  if (!own_mounts && !spec.mounts.empty()) {
    checks.fail("/mounts",
                "needs a mount namespace in /linux/namespaces, or the host would see "
                "these mounts");
  }
  if (!own_mounts && spec.root.readonly) {
    checks.fail("/root/readonly", "needs a mount namespace in /linux/namespaces");
  }
  for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
    check_mount(checks, fmt::format("/mounts/{}", i), spec.mounts[i], spec.linux_);
  }
}

}  // namespace minidocker::spec
