#pragma once
/// \file
/// Letters as protocols mean them, whatever the locale.

#include <string>
#include <string_view>

namespace minidocker::registry {

/// `text` with A to Z made small.
[[nodiscard]] inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace minidocker::registry
