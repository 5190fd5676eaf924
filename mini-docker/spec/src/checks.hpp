#pragma once
/// \file
/// What the parts of validate() share.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/spec/spec.hpp"

namespace minidocker::spec {

/// Collects warnings; throws at the first fault.
class Checks {
 public:
  /// `file`, and `base`, where the places of faults begin, are borrowed.
  explicit Checks(std::string_view file, std::string_view base = "") : file_(file), base_(base) {}

  /// Throws Error(invalid_argument) `FILE: PLACE: WHY`; `place` is a JSON pointer.
  [[noreturn]] void fail(std::string_view place, std::string_view why) const;
  /// Keeps `FILE: PLACE: WHY`.
  void warn(std::string_view place, std::string_view why);
  /// An error unless `path` begins with "/".
  void require_absolute(std::string_view place, std::string_view path) const;

  /// The warnings; they go to the caller.
  [[nodiscard]] std::vector<std::string> take_warnings() { return std::move(warnings_); }

 private:
  std::string_view file_;
  std::string_view base_;
  std::vector<std::string> warnings_;
};

/// Is `id` one of the container's user namespace? Without mappings it is the caller's: then all
/// are.
[[nodiscard]] bool is_mapped(std::uint32_t id, const std::vector<IdMapping>& mappings) noexcept;

/// Faults in the ranges of one map: too many, empty, too high, overlapping.
void check_mappings(const Checks& checks, const std::string& place,
                    const std::vector<IdMapping>& mappings);

/// \name The parts
/// Each looks at one object of the specification.
///@{
void check_process(Checks& checks, const Spec& spec);
void check_mounts(Checks& checks, const Spec& spec);
void check_namespaces(Checks& checks, const Spec& spec);
void check_id_maps(Checks& checks, const Linux& config);
void check_paths_and_devices(Checks& checks, const Linux& config);
void check_resources(const Checks& checks, const Resources& resources);
///@}

}  // namespace minidocker::spec
