#pragma once
/// \file
/// JSON of foreign origin: bounded in size and depth before it is parsed, and read member by
/// member with errors that say which document and which member.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace minidocker::images {

/// Largest manifest, index or config that is looked at, in bytes.
inline constexpr std::size_t kMaxDocument = 4 * 1024 * 1024;
/// Deepest nesting of arrays and objects.
inline constexpr int kMaxDepth = 64;

/// Parses an object or array. `what` names the document in errors. Throws invalid_argument.
[[nodiscard]] nlohmann::json parse_document(std::string_view text, std::string_view what);

/// A member of `object`; null if it is missing or JSON null.
[[nodiscard]] const nlohmann::json* find_member(const nlohmann::json& object, const char* key);
/// A string, empty if missing. Throws invalid_argument if it is something else.
[[nodiscard]] std::string string_member(const nlohmann::json& object, const char* key,
                                        std::string_view what);
/// A number that is not negative. Throws invalid_argument if it is missing or something else.
[[nodiscard]] std::uint64_t number_member(const nlohmann::json& object, const char* key,
                                          std::string_view what);
/// An array of strings, empty if missing. Throws invalid_argument.
[[nodiscard]] std::vector<std::string> strings_member(const nlohmann::json& object, const char* key,
                                                      std::string_view what);
/// Throws invalid_argument: `WHAT: member KEY must be MUST_BE`.
[[noreturn]] void refuse_member(std::string_view what, std::string_view key,
                                std::string_view must_be);

}  // namespace minidocker::images
