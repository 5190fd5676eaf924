#include "minidocker/spec/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "checks.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {
namespace {

using minidocker::quoted;

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "1.x.y", optionally followed by "-rc.1" or "+dev" as semantic versions may be.
bool is_supported_version(std::string_view version) {
  version = version.substr(0, version.find_first_of("-+"));
  const auto first = version.find('.');
  const auto second = version.find('.', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return false;
  return version.substr(0, first) == "1" &&
         all_digits(version.substr(first + 1, second - first - 1)) &&
         all_digits(version.substr(second + 1));
}

void check_top_level(const Checks& checks, const Spec& spec) {
  if (!is_supported_version(spec.oci_version)) {
    checks.fail("/ociVersion", fmt::format("version {} is not supported, expected 1.x.y",
                                           quoted(spec.oci_version)));
  }
  if (spec.root.path.empty()) checks.fail("/root/path", "missing");
  for (const auto& [key, value] : spec.annotations) {
    if (key.empty()) checks.fail("/annotations/", "the name of an annotation must not be empty");
  }
}

}  // namespace

void Checks::fail(std::string_view place, std::string_view why) const {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}{}: {}", file_, base_, place, why));
}

void Checks::warn(std::string_view place, std::string_view why) {
  warnings_.push_back(fmt::format("{}: {}{}: {}", file_, base_, place, why));
}

void Checks::require_absolute(std::string_view place, std::string_view path) const {
  if (path.empty()) fail(place, "missing");
  if (!path.starts_with('/')) fail(place, fmt::format("{} is not an absolute path", quoted(path)));
}

bool is_mapped(std::uint32_t id, const std::vector<IdMapping>& mappings) noexcept {
  return mappings.empty() || std::ranges::any_of(mappings, [id](const IdMapping& m) {
           return id >= m.container_id && id - m.container_id < m.size;
         });
}

std::vector<std::string> validate(const Spec& spec, std::string_view file) {
  Checks checks(file);
  check_top_level(checks, spec);
  check_process(checks, spec);
  check_namespaces(checks, spec);
  check_id_maps(checks, spec.linux_);
  check_mounts(checks, spec);
  check_paths_and_devices(checks, spec.linux_);
  check_resources(Checks(file, "/linux/resources"), spec.linux_.resources);
  return checks.take_warnings();
}

void validate(const Resources& resources, std::string_view file) {
  check_resources(Checks(file), resources);
}

}  // namespace minidocker::spec
