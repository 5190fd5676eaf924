#pragma once
/// \file
/// A layer's entries made into files again.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "minidocker/toolbox/unique_fd.hpp"
#include "minidocker/unionfs/layer_entry.hpp"

namespace minidocker::unionfs {

/// What becomes of `.wh.` names.
enum class LayerForm : std::uint8_t {
  overlay,  ///< marks for an overlay that stacks the directory upon others
  plain,    ///< the directory is all there is: what is gone is removed from it
};

/// Applies entries to a directory: in overlay's form to an empty one, in plain form to a tree that
/// holds the layers below. Entries replace what stands in their place; nothing is made outside of
/// the directory, whatever links are in it. Within one layer the order of marks and files does not
/// matter. What a failure leaves is for the caller to remove.
class LayerWriter final : public LayerSink {
 public:
  /// `directory` must exist. Throws SystemError.
  LayerWriter(const std::string& directory, LayerForm form);
  /// Makes one entry. The directories above it must be there. Throws SystemError, or
  /// Error(invalid_argument) for a path or a whiteout that names nothing.
  void add(const LayerEntry& entry) override;
  /// Gives directories what must come last: their times change with every name made in them, and
  /// their modes may forbid to make any. Throws SystemError.
  void finish();

 private:
  struct Place;
  void make(const Place& place, const LayerEntry& entry);
  void make_file(const Place& place, const LayerEntry& entry);
  void make_directory(const Place& place, const LayerEntry& entry);
  void make_hard_link(const Place& place, const LayerEntry& entry);
  void whiteout(const Place& place, std::string_view hidden);
  void make_opaque(const std::string& path);
  void clear(const std::string& path);
  void remove(const Place& place) const;
  [[nodiscard]] UniqueFd dir_at(std::string_view path) const;
  [[nodiscard]] std::string name_of(std::string_view path) const;

  std::string name_;
  UniqueFd root_;
  LayerForm form_;
  std::set<std::string, std::less<>> made_;        // paths of this layer
  std::map<std::string, LayerEntry> directories_;  // to be finished
};

}  // namespace minidocker::unionfs
