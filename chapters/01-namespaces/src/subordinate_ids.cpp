#include "minidocker/namespaces/subordinate_ids.hpp"

#include <algorithm>
#include <array>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::namespaces {
namespace {

/// Calls `visit` with the first three fields of each line `a:b:c[:...]`.
template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::array<std::string_view, 3> fields;
    for (std::string_view& field : fields) {
      field = line.substr(0, line.find(':'));
      line.remove_prefix(std::min(field.size() + 1, line.size()));
    }
    visit(fields);
  }
}

/// Own id first, then range after range.
std::vector<IdMapping> stack_up(std::uint32_t own, const std::vector<IdRange>& ranges) {
  std::vector<IdMapping> maps{{0, own, 1}};
  std::uint32_t next = 1;
  for (const IdRange& range : ranges) {
    maps.push_back({next, range.first, range.count});
    next += range.count;
  }
  return maps;
}

/// Does the union of `ranges`, which are sorted, hold all ids of the mapping? newuidmap(1) does not
/// mind that a mapping spans several lines of subuid(5).
bool is_inside(const IdMapping& mapping, const std::vector<IdRange>& ranges) {
  std::uint64_t next = mapping.outside;
  const std::uint64_t end = next + mapping.count;
  for (const IdRange& range : ranges) {
    if (range.first <= next) next = std::max(next, std::uint64_t{range.first} + range.count);
  }
  return next >= end;
}

}  // namespace

std::vector<IdRange> parse_subordinate_ids(std::string_view text, std::string_view name,
                                           uid_t uid) {
  std::vector<IdRange> ranges;
  for_each_line(text, [&](const std::array<std::string_view, 3>& fields) {
    const bool ours =
        (!name.empty() && fields[0] == name) || parse_number<std::uint32_t>(fields[0]) == uid;
    const std::optional<std::uint32_t> first = parse_number<std::uint32_t>(fields[1]);
    const std::optional<std::uint32_t> count = parse_number<std::uint32_t>(fields[2]);
    if (ours && first && count && *count > 0) ranges.push_back({*first, *count});
  });
  return ranges;
}

std::optional<std::string> find_login_name(std::string_view passwd, uid_t uid) {
  std::optional<std::string> name;
  for_each_line(passwd, [&](const std::array<std::string_view, 3>& fields) {
    if (!name && !fields[0].empty() && parse_number<std::uint32_t>(fields[2]) == uid)
      name = fields[0];
  });
  return name;
}

SubordinateIds subordinate_ids(uid_t user) {
  const std::string name =
      find_login_name(find_file("/etc/passwd").value_or(""), user).value_or("");
  return {parse_subordinate_ids(find_file("/etc/subuid").value_or(""), name, user),
          parse_subordinate_ids(find_file("/etc/subgid").value_or(""), name, user)};
}

RootlessMaps rootless_maps(uid_t uid, gid_t gid, const SubordinateIds& extra) {
  return {stack_up(uid, extra.uids), stack_up(gid, extra.gids)};
}

std::optional<IdMapping> find_forbidden(const std::vector<IdMapping>& maps, std::uint32_t own,
                                        std::vector<IdRange> allowed) {
  std::sort(allowed.begin(), allowed.end(),
            [](const IdRange& a, const IdRange& b) { return a.first < b.first; });
  for (const IdMapping& mapping : maps) {
    const bool is_own = mapping.outside == own && mapping.count == 1;
    if (!is_own && !is_inside(mapping, allowed)) return mapping;
  }
  return std::nullopt;
}

}  // namespace minidocker::namespaces
