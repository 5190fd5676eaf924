#pragma once
/// \file
/// The words of a mount's `options`, sorted by what has to be done with them.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::spec {

/// Shall the owners in a bind be seen through id maps?
enum class IdMapped : std::uint8_t {
  no,    ///< as they are
  top,   ///< "idmap": in the mount itself
  tree,  ///< "ridmap": in those below it, too
};

/// What the options of one mount ask for (mount(2), mount_setattr(2),
/// config.md#linux-mount-options).
struct MountOptions {
  std::uint64_t set = 0;    ///< MS_* flags to set; MS_BIND and MS_REC tell binds
  std::uint64_t clear = 0;  ///< MS_* flags asked to be off ("rw", "dev", "exec"); not in `set`
  std::vector<std::uint64_t> propagation;  ///< MS_PRIVATE..., each a mount(2) call of its own
  std::uint64_t recursive_set = 0;         ///< MOUNT_ATTR_* for mount_setattr(2) with AT_RECURSIVE
  std::uint64_t recursive_clear = 0;  ///< its attr_clr; holds MOUNT_ATTR__ATIME for atime words
  IdMapped id_mapped = IdMapped::no;  ///< "idmap", "ridmap"
  bool copy_up = false;               ///< "tmpcopyup": fill the tmpfs with what it covers
  std::string data;  ///< words that are no flags, joined with commas, for the filesystem

  /// Is it a bind ("bind" or "rbind")?
  [[nodiscard]] bool is_bind() const noexcept;
  /// Is it a bind with everything below ("rbind")?
  [[nodiscard]] bool is_recursive_bind() const noexcept;
  bool operator==(const MountOptions&) const = default;  ///< member by member
};

/// Sorts the words; of two that contradict each other the later one holds. Never fails: words
/// that are no flags are data for the filesystem, which will say what it does not know.
[[nodiscard]] MountOptions parse_mount_options(std::span<const std::string> words);

/// MS_* flags of a propagation word ("private", "rslave", "shared", ...); 0 if it is none.
[[nodiscard]] std::uint64_t propagation_flags(std::string_view word) noexcept;

/// Is it a word that parse_mount_options knows, rather than data for the filesystem?
[[nodiscard]] bool is_mount_flag(std::string_view word) noexcept;

/// Every word that parse_mount_options knows, sorted: the `mountOptions` of `features`.
[[nodiscard]] std::vector<std::string_view> known_mount_options();

}  // namespace minidocker::spec
