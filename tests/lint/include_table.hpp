#pragma once
/// \file
/// Rule: includes follow the house's table, and third-party headers stay in .cpp files.

#include <string>

#include "finding.hpp"
#include "house.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Checks every #include of every room, and that every header of ours belongs to a room.
[[nodiscard]] Findings check_include_table(const SourceTree& tree, const House& house);

/// Reports every permission of the table that no file of its room uses: it would let in tomorrow
/// what nobody has argued for.
[[nodiscard]] Findings check_unused_permissions(const SourceTree& tree, const House& house);

/// "openssl" for "openssl/evp.h", "std" for what the language and the system bring, empty for a
/// header nobody has entered here yet.
[[nodiscard]] std::string library_of(const std::string& include_name);

}  // namespace minidocker::lint
