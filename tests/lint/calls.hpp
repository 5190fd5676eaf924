#pragma once
/// \file
/// Where a C++ file calls a function of a given name, told apart from declaring one.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::lint {

/// One call.
struct Call {
  std::size_t offset;     ///< of the name
  std::string qualifier;  ///< "sys", "fs", "::" for a call into the global namespace, "" for none
};

/// Calls of `name` in a code view: `name(`, `::name(`, `ns::name(`. Calls on an object (`x.name(`,
/// `x->name(`) and declarations (`int name(`) are left out; a qualifier is its last part.
[[nodiscard]] std::vector<Call> find_calls(std::string_view code, std::string_view name);

/// Does this code declare or define a function `name` of its own?
[[nodiscard]] bool declares(std::string_view code, std::string_view name);

}  // namespace minidocker::lint
