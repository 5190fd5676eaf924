#pragma once
/// \file
/// A tree of files put into words, so that two can be compared: all that an archive should keep.

#include <map>
#include <string>

namespace minidocker::images_unpack::testing {

/// Path below `root` ("." for itself) to type, mode, owner, time, links, target, device, attributes
/// and digest of the content.
[[nodiscard]] std::map<std::string, std::string> describe_tree(const std::string& root);

}  // namespace minidocker::images_unpack::testing
