#include "own_header.hpp"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "includes.hpp"

namespace minidocker::lint {
namespace {

constexpr std::string_view source_directory = "/src/";
constexpr std::string_view public_headers = "/include/minidocker/";

/// "ROOM" and "sub/x" of "ROOM/src/sub/x.cpp"; the room is empty for any other path.
struct Place {
  std::string_view room;
  std::string_view stem;
};

Place place_of(std::string_view path) {
  const std::size_t at = path.find(source_directory);
  if (at == std::string_view::npos || !path.ends_with(".cpp")) return {};
  const std::string_view rest = path.substr(at + source_directory.size());
  return {path.substr(0, at), rest.substr(0, rest.rfind('.'))};
}

/// Is `path` "ROOM/include/minidocker/NAME/STEM.hpp"?
bool is_public_header_of(std::string_view path, const Place& place) {
  if (!path.starts_with(place.room)) return false;
  path.remove_prefix(place.room.size());
  if (!path.starts_with(public_headers)) return false;
  path.remove_prefix(public_headers.size());
  const std::size_t slash = path.find('/');
  return slash != std::string_view::npos &&
         path.substr(slash + 1) == fmt::format("{}.hpp", place.stem);
}

}  // namespace

std::vector<const SourceFile*> own_headers(const SourceTree& tree, const SourceFile& source) {
  std::vector<const SourceFile*> headers;
  const Place place = place_of(source.path);
  if (place.room.empty()) return headers;
  const std::string beside = fmt::format("{}{}{}.hpp", place.room, source_directory, place.stem);
  for (const SourceFile& file : tree.files()) {
    if (file.path == beside || is_public_header_of(file.path, place)) headers.push_back(&file);
  }
  return headers;
}

Findings check_own_header_first(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    const std::vector<const SourceFile*> headers = own_headers(tree, file);
    if (headers.empty()) continue;
    if (headers.size() > 1) {
      findings.push_back({file.path, 1, "two headers have its name: which one is its own?"});
      continue;
    }
    const std::vector<Include> includes = includes_of(tree, file);
    if (includes.empty() || includes.front().target != headers.front()) {
      findings.push_back({file.path, includes.empty() ? 1 : includes.front().line,
                          fmt::format("its own header comes first: {}", headers.front()->path)});
    }
  }
  return findings;
}

}  // namespace minidocker::lint
