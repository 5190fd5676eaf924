#include "cgroup_driver.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/systemd_names.hpp"
#include "minidocker/cgroups/systemd_scope.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::engine {
namespace {

constexpr const char* kChapter = "02-cgroups";

bool is_served_by_systemd() {
  const char* directory = std::getenv("XDG_RUNTIME_DIR");
  return cgroups::find_manager(cgroups::detect(), sys::geteuid(),
                               directory == nullptr ? "" : directory) != cgroups::Manager::nobody;
}

}  // namespace

CgroupDriver choose_cgroup_driver(const CreateRequest& request) {
  if (request.cgroup_driver == "cgroupfs") return CgroupDriver::cgroupfs;
  if (request.cgroup_driver == "systemd") return CgroupDriver::systemd;
  if (!request.cgroup_driver.empty()) {
    throw Error(
        ErrorKind::invalid_argument,
        fmt::format("unknown cgroup driver: {}; hint: cgroupfs or systemd", request.cgroup_driver));
  }
  if (is_served_by_systemd()) {
    const trace::Scope told(kChapter, "choose the cgroup driver systemd",
                            "systemd booted this host, and owns its tree of groups");
    return CgroupDriver::systemd;
  }
  const trace::Scope told(kChapter, "choose the cgroup driver cgroupfs",
                          "no systemd owns the tree here, or none answers to us");
  return CgroupDriver::cgroupfs;
}

std::string cgroups_path(const CreateRequest& request, CgroupDriver driver, const std::string& id) {
  const std::string& parent = request.limits.cgroup_parent;
  if (driver == CgroupDriver::systemd) {
    if (!parent.empty()) (void)cgroups::slice_path(parent);
    return fmt::format("{}:mini-docker:{}", parent, id);
  }
  if (!parent.empty()) return parent + "/" + id;
  return request.runtime.empty() ? "" : "/mini-docker/" + id;
}

}  // namespace minidocker::engine
