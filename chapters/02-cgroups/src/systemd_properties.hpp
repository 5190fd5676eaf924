#pragma once
/// \file
/// Limits as properties of a unit: what systemd must know of them.
///
/// The files of a scope's own directory are systemd's: whenever it looks at the unit again it
/// writes what it knows, and undoes what was only written by us (systemd.resource-control(5), and
/// CGROUP_DELEGATION of systemd's documentation). So each limit goes both ways: as a property to
/// systemd, and into the file, which says at once whether the controller is there at all.

#include <string>
#include <vector>

#include "control_write.hpp"

namespace minidocker::cgroups {

/// A property of a unit as org.freedesktop.systemd1(5) has it.
struct Property {
  /// What D-Bus calls the type.
  enum class Type : char {
    boolean = 'b',  ///< "true" or "false"
    number = 't',   ///< 64 bits, in decimal
    text = 's',     ///< as it is
    bytes = 'y',    ///< an array of bytes, in hex
  };
  std::string name;                                  ///< "MemoryMax"
  Type type = Type::number;                          ///< of the value
  std::string value;                                 ///< as `type` tells
  bool operator==(const Property&) const = default;  ///< member by member
};

/// The properties that say what `writes`, those for v2, say. Files that systemd knows nothing of
/// (cpu.max.burst, io.max, hugetlb.*, ...) have none, and systemd leaves them alone. Throws
/// Error(invalid_argument) for a value that cannot be said so.
[[nodiscard]] std::vector<Property> properties_of(const std::vector<ControlWrite>& writes);

}  // namespace minidocker::cgroups
