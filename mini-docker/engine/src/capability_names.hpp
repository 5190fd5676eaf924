#pragma once
/// \file
/// Which capabilities a container gets, by name.

#include <cstdint>
#include <string>
#include <vector>

namespace minidocker::engine {

/// docker's default set, changed by --cap-add and --cap-drop as docker does: "ALL" stands for all
/// that `grantable` (a mask; bit n is capability n) holds, names may lack "CAP_" and be in any
/// case. Sorted by number. Throws Error(invalid_argument) naming an unknown one.
[[nodiscard]] std::vector<std::string> choose_capabilities(const std::vector<std::string>& add,
                                                           const std::vector<std::string>& drop,
                                                           std::uint64_t grantable);
/// All that the mask holds, by name.
[[nodiscard]] std::vector<std::string> names_of_capabilities(std::uint64_t mask);

}  // namespace minidocker::engine
