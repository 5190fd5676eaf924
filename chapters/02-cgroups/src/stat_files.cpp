#include "stat_files.hpp"

#include <dirent.h>

#include <cstdint>
#include <map>

#include "group_files.hpp"

namespace minidocker::cgroups {

std::string StatFiles::text(std::string_view file) const {
  if (path_.empty()) return "";
  return read_control(path_ + "/" + std::string(file)).value_or("");
}

std::optional<std::uint64_t> StatFiles::number(std::string_view file) const {
  return parse_number(text(file));
}

std::optional<Bytes> StatFiles::bytes(std::string_view file) const {
  return as_bytes(number(file));
}

std::optional<Pressure> StatFiles::pressure(std::string_view file) const {
  return parse_pressure(text(file));
}

std::vector<std::string> StatFiles::page_sizes(std::string_view end) const {
  constexpr std::string_view kStart = "hugetlb.";
  std::vector<std::string> sizes;
  if (path_.empty()) return sizes;
  for (const std::string& name : names_in(path_, DT_REG)) {
    if (!name.starts_with(kStart) || !name.ends_with(end)) continue;
    const std::string size = name.substr(kStart.size(), name.size() - kStart.size() - end.size());
    if (size.find('.') == std::string::npos) sizes.push_back(size);
  }
  return sizes;
}

std::string one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::optional<Bytes> as_bytes(std::optional<std::uint64_t> number) {
  return number ? std::optional(Bytes{*number}) : std::nullopt;
}

std::optional<Bytes> bytes_of(const std::map<std::string, std::uint64_t>& table,
                              const std::string& key) {
  const auto found = table.find(key);
  return found == table.end() ? std::nullopt : std::optional(Bytes{found->second});
}

}  // namespace minidocker::cgroups
