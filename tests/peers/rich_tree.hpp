#pragma once
/// \file
/// A tree that holds all that a layer can: what tests give to others and expect back.

#include <string>

namespace minidocker::testing {

/// What some program or other loses of a tree is in files of its own, so that a test can name it.
namespace lossy {
inline constexpr char kRoot[] = ".";         ///< time of the root itself: year 2014
inline constexpr char kExact[] = "exact";    ///< time with nanoseconds
inline constexpr char kBefore[] = "before";  ///< time before 1970, with a fraction
inline constexpr char kLater[] = "later";    ///< time in 2446, the last of ext4
inline constexpr char kEmptyAttribute[] = "empty-attribute";  ///< user.empty with no value
}  // namespace lossy

/// Makes `dir`: modes with every special bit, owners beyond 21 bits, symbolic and hard links, a
/// FIFO, devices with large numbers, names of odd bytes and of any length, user.* attributes, a
/// file capability. All times not named above are whole seconds. Needs root and a file system with
/// extended attributes.
void make_rich_tree(const std::string& dir);

}  // namespace minidocker::testing
