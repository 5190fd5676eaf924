#pragma once
/// \file
/// What an overlay of layers would show, copied into one plain directory: how the storage driver
/// `vfs` does without a union filesystem.

#include <string>
#include <vector>

namespace minidocker::unionfs {

/// Copies what `layers`, the topmost first, show together into the empty directory `target`, which
/// becomes like their top. Kept are contents with their holes, hard links within a layer, owners,
/// modes, times, devices, and extended attributes but overlay's own. Each file is copied once: what
/// an upper layer hides is not read. Content is shared with the layer where the filesystem can
/// (FICLONE: btrfs, xfs), else copied inside the kernel (copy_file_range(2)).
///
/// Layers and target must lie on one filesystem. Nobody may change them meanwhile. Throws
/// SystemError; what was copied until then is for the caller to remove.
void copy_merged(const std::vector<std::string>& layers, const std::string& target);

}  // namespace minidocker::unionfs
