#pragma once
/// \file
/// Storage drivers: three ways to give each container a root of its own made of layers that nobody
/// may change. All take the same layer directories (see whiteout.hpp), so a container of one driver
/// and a container of another can be made of the same image.
///
/// | name           | the container's root                       | needs                         |
/// |----------------|--------------------------------------------|-------------------------------|
/// | overlay        | the kernel's overlay filesystem            | a filesystem it can stand on  |
/// | fuse-overlayfs | the same, served by a process (libfuse)    | that program, /dev/fuse, root |
/// | vfs            | a copy of all layers (see merged_copy.hpp) | time and space                |

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::unionfs {

/// What becomes the container's root, once it is prepared.
enum class RootForm : std::uint8_t {
  overlay,    ///< an overlay of layers, upper and work, to be mounted on target by the kernel
  fuse,       ///< the same, to be mounted by start_fuse_overlay()
  directory,  ///< target as it is
};

/// Where a container's root is made. All paths are absolute.
struct RootPlace {
  std::vector<std::string> layers;  ///< read-only layers, the topmost first
  std::string upper;                ///< what lies on top of them already; takes the changes
  std::string work;                 ///< for overlays, beside `upper`; not existing yet
  std::string target;               ///< what becomes "/"; not existing yet
};

/// One of them. Stateless.
class StorageDriver {
 public:
  /// As in the table above.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// What prepare() prepares.
  [[nodiscard]] virtual RootForm form() const noexcept = 0;
  /// Tries it in the empty directory `dir`, with a real mount where it needs one: why it cannot
  /// work on that filesystem, in words; nothing if it can. The caller is single-threaded, in a
  /// mount namespace of its own, may mount there, and removes what is left in `dir`.
  [[nodiscard]] virtual std::optional<std::string> why_not(const std::string& dir) const = 0;
  /// Makes what has to be there before the container can be started. What a failure leaves below
  /// `place` is for the caller to remove. Throws.
  virtual void prepare(const RootPlace& place) const = 0;

 protected:
  ~StorageDriver() = default;  // nobody deletes one
};

/// All, the best first.
[[nodiscard]] std::span<const StorageDriver* const> storage_drivers() noexcept;
/// The driver of that name; docker's `overlay2` is overlay. Throws Error(invalid_argument) that
/// tells which there are.
[[nodiscard]] const StorageDriver& storage_driver(std::string_view name);

}  // namespace minidocker::unionfs
