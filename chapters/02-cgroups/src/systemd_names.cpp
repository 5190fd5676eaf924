#include "minidocker/cgroups/systemd_names.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

constexpr std::size_t kMaxUnitName = 255;
constexpr std::string_view kSliceEnd = ".slice";

bool may_stand_in_unit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
         c == '_' || c == '.' || c == '-';
}

[[noreturn]] void refuse_path(std::string_view path, std::string_view why) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("cgroup path {}: {}; hint: with systemd it is SLICE:PREFIX:NAME, such as "
                          "system.slice:docker:web",
                          quoted(path), why));
}

[[noreturn]] void refuse_slice(std::string_view slice) {
  throw Error(
      ErrorKind::invalid_argument,
      fmt::format("{} is no name of a slice; hint: such as a-b.slice, which lies in a.slice",
                  quoted(slice)));
}

std::string unit_name(std::string_view path, std::string_view prefix, std::string_view name) {
  if (name.empty()) refuse_path(path, "the name is empty");
  if (name.ends_with(kSliceEnd)) {
    refuse_path(path, "a container is no slice: systemd starts no processes in one");
  }
  std::string unit = escape_unit(prefix);
  if (!prefix.empty()) unit += '-';
  unit += escape_unit(name);
  unit += ".scope";
  if (unit.front() == '.') unit.replace(0, 1, "\\x2e");  // a hidden file is no unit
  if (unit.size() > kMaxUnitName) refuse_path(path, "the unit's name has more than 255 bytes");
  return unit;
}

}  // namespace

ScopeName parse_scope_path(std::string_view path, std::string_view default_slice) {
  const std::size_t first = path.find(':');
  const std::size_t second = first == std::string_view::npos ? first : path.find(':', first + 1);
  if (second == std::string_view::npos || path.find(':', second + 1) != std::string_view::npos) {
    refuse_path(path, "not three parts with colons between them");
  }
  std::string_view slice = path.substr(0, first);
  if (slice.empty()) slice = default_slice;
  (void)slice_path(slice);
  return {std::string(slice),
          unit_name(path, path.substr(first + 1, second - first - 1), path.substr(second + 1))};
}

std::string escape_unit(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (may_stand_in_unit(c)) {
      escaped += c;
    } else {
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string slice_path(std::string_view slice) {
  if (!slice.ends_with(kSliceEnd) || slice.size() > kMaxUnitName) refuse_slice(slice);
  const std::string_view name = slice.substr(0, slice.size() - kSliceEnd.size());
  if (name == "-") return "";
  const bool parts_are_named = !name.empty() && name.front() != '-' && name.back() != '-' &&
                               name.find("--") == std::string_view::npos;
  if (!parts_are_named || !std::ranges::all_of(name, may_stand_in_unit)) refuse_slice(slice);
  std::string path;
  for (std::size_t dash = name.find('-'); dash != std::string_view::npos;
       dash = name.find('-', dash + 1)) {
    path.append("/").append(name.substr(0, dash)).append(kSliceEnd);
  }
  return path.append("/").append(slice);
}

}  // namespace minidocker::cgroups
