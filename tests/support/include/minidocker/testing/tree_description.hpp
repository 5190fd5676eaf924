#pragma once
/// \file
/// A tree of files put into words, so that two can be compared: all that an archive should keep.

#include <map>
#include <string>
#include <vector>

namespace minidocker::testing {

/// Path below a root ("." for itself) to type, mode, owner, time, the first of its names and their
/// number, target, device, content and attributes.
using TreeDescription = std::map<std::string, std::string>;

/// Reads all below `root`, links not followed. Fails the running test at a file that vanishes.
[[nodiscard]] TreeDescription describe_tree(const std::string& root);

/// The paths that only one has, or that are not the same in both.
[[nodiscard]] std::vector<std::string> differing_paths(const TreeDescription& ours,
                                                       const TreeDescription& theirs);

/// A line for each path of either that the other lacks or describes otherwise, each line cut off
/// where it gets long, and no more than a hundred; nothing if they are the same.
[[nodiscard]] std::string differences(const TreeDescription& ours, const TreeDescription& theirs);

}  // namespace minidocker::testing
