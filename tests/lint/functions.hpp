#pragma once
/// \file
/// Where the definitions of a C++ file begin and end, by its braces. A heuristic that needs no
/// compiler: it relies on clang-format having laid the file out.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::lint {

/// What a brace at namespace or class level opens.
enum class Kind {
  function,     ///< a function's body
  type,         ///< class, struct, union
  enumeration,  ///< enum, enum class
  table,        ///< an initialiser: `= {...}`
};

/// One definition. Offsets are into the file's text.
struct Definition {
  Kind kind;          ///< what it defines
  std::string head;   ///< what stands before the brace, blanks squeezed
  std::size_t begin;  ///< where the head begins
  std::size_t open;   ///< the opening brace
  std::size_t close;  ///< the closing brace
};

/// All definitions in a code view (see views.hpp), outer ones before inner ones. Bodies of
/// functions are not looked into; types are.
[[nodiscard]] std::vector<Definition> find_definitions(std::string_view code);

/// Does this definition define `name`: "run", "Mount::release", "kTable", "ChildPlan"?
[[nodiscard]] bool defines(const Definition& definition, std::string_view name);

}  // namespace minidocker::lint
