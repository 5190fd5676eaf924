#pragma once
/// \file
/// How systemd names groups: units, and the directories it makes for them (systemd.unit(5),
/// systemd.slice(5)).

#include <string>
#include <string_view>

namespace minidocker::cgroups {

/// A scope, systemd's word for a group of processes that somebody else has started, and the slice
/// it lies in.
struct ScopeName {
  std::string slice;                                  ///< "a-b.slice"
  std::string unit;                                   ///< "docker-web.scope"
  bool operator==(const ScopeName&) const = default;  ///< member by member
};

/// `SLICE:PREFIX:NAME`, as engines write /linux/cgroupsPath for this driver: the scope
/// PREFIX-NAME.scope, or NAME.scope without a prefix, in SLICE, or in `default_slice` if that is
/// empty. Throws Error(invalid_argument) for any other form and for names that systemd does not
/// take.
[[nodiscard]] ScopeName parse_scope_path(std::string_view path, std::string_view default_slice);

/// `text` as a part of a unit's name: what may not stand there becomes \\xNN, as systemd-escape(1)
/// writes it; a dash stays.
[[nodiscard]] std::string escape_unit(std::string_view text);

/// Where a slice lies below its systemd's own group: `/a.slice/a-b.slice` for a-b.slice, nothing
/// for -.slice, which is that group. Throws Error(invalid_argument) for what is no slice's name.
[[nodiscard]] std::string slice_path(std::string_view slice);

}  // namespace minidocker::cgroups
