#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checks.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/linux_names.hpp"

namespace minidocker::spec {
namespace {

using minidocker::quoted;

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

void check_program(Checks& checks, const Process& process) {
  if (process.args.empty()) checks.fail("/process/args", "expected the program to run");
  checks.require_absolute("/process/cwd", process.cwd);
  for (std::size_t i = 0; i < process.env.size(); ++i) {
    const auto equals = process.env[i].find('=');
    if (equals != std::string::npos && equals != 0) continue;
    checks.fail(fmt::format("/process/env/{}", i),
                fmt::format("{} is not of the form NAME=value", quoted(process.env[i])));
  }
  if (process.console_size && !process.terminal) {
    checks.warn("/process/consoleSize", "ignored, as there is no terminal");
  }
  if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000)) {
    checks.fail("/process/oomScoreAdj",
                fmt::format("{} is out of range, expected -1000 to 1000", *process.oom_score_adj));
  }
}

void check_id(const Checks& checks, const std::string& place, std::uint32_t id,
              const std::vector<IdMapping>& mappings, std::string_view list) {
  if (id == UINT32_MAX) {
    checks.fail(place, fmt::format("{} is not an id: the kernel means \"unchanged\" by it", id));
  }
  if (is_mapped(id, mappings)) return;
  checks.fail(place, fmt::format("{} is not mapped by {}", id, list));
}

void check_user(Checks& checks, const User& user, const Linux& config) {
  if (user.umask && *user.umask > 0777) {
    checks.fail("/process/user/umask",
                fmt::format("{} is out of range, expected 0 to 511 (0777)", *user.umask));
  }
  check_id(checks, "/process/user/uid", user.uid, config.uid_mappings, "/linux/uidMappings");
  check_id(checks, "/process/user/gid", user.gid, config.gid_mappings, "/linux/gidMappings");
  for (std::size_t i = 0; i < user.additional_gids.size(); ++i) {
    check_id(checks, fmt::format("/process/user/additionalGids/{}", i), user.additional_gids[i],
             config.gid_mappings, "/linux/gidMappings");
  }
}

void check_names(Checks& checks, std::string_view set, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (capability_number(names[i])) continue;
    checks.warn(fmt::format("/process/capabilities/{}/{}", set, i),
                fmt::format("unknown capability {} is ignored", quoted(names[i])));
  }
}

// An ambient capability that is not inheritable too cannot be raised; that is no fault, as the
// bundles of `runc spec` are made so, and every runtime leaves it out.
void check_capabilities(Checks& checks, const Capabilities& sets) {
  check_names(checks, "bounding", sets.bounding);
  check_names(checks, "effective", sets.effective);
  check_names(checks, "inheritable", sets.inheritable);
  check_names(checks, "permitted", sets.permitted);
  check_names(checks, "ambient", sets.ambient);
  for (std::size_t i = 0; i < sets.effective.size(); ++i) {
    if (holds(sets.permitted, sets.effective[i])) continue;
    checks.fail(fmt::format("/process/capabilities/effective/{}", i),
                fmt::format("{} must be in the permitted set too", quoted(sets.effective[i])));
  }
}

void check_rlimits(const Checks& checks, const std::vector<Rlimit>& limits) {
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const Rlimit& limit = limits[i];
    const std::string place = fmt::format("/process/rlimits/{}", i);
    if (!rlimit_number(limit.type)) {
      checks.fail(place + "/type", fmt::format("unknown limit {}", quoted(limit.type)));
    }
    const auto before = limits.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find_if(limits.begin(), before,
                     [&](const Rlimit& other) { return other.type == limit.type; }) != before) {
      checks.fail(place + "/type", fmt::format("{} is there twice", limit.type));
    }
    if (limit.soft > limit.hard) {
      checks.fail(place + "/soft",
                  fmt::format("{} is above the hard limit {}", limit.soft, limit.hard));
    }
  }
}

}  // namespace

void check_process(Checks& checks, const Spec& spec) {
  check_program(checks, spec.process);
  check_user(checks, spec.process.user, spec.linux_);
  if (spec.process.capabilities) check_capabilities(checks, *spec.process.capabilities);
  check_rlimits(checks, spec.process.rlimits);
}

}  // namespace minidocker::spec
