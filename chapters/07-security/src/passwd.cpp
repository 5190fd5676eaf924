#include "minidocker/security/passwd.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

namespace minidocker::security {
namespace {

constexpr std::uint32_t kMaxId = 0x7FFF'FFFF;

/// Cuts `line` at its first colon and returns what is before it; nothing if there is none.
std::optional<std::string_view> take_field(std::string_view& line) noexcept {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view field = line.substr(0, colon);
  line.remove_prefix(colon + 1);
  return field;
}

bool is_number(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool UserSlot::add_group(gid_t group) noexcept {
  const auto end = groups.begin() + static_cast<std::ptrdiff_t>(group_count);
  if (std::find(groups.begin(), end, group) != end) return true;
  if (group_count == groups.size()) return false;
  groups[group_count++] = group;
  return true;
}

bool UserSlot::set_home(std::string_view directory) noexcept {
  if (!directory.starts_with('/') || directory.size() >= home.size()) return false;
  if (directory.find('\0') != std::string_view::npos) return false;
  *std::ranges::copy(directory, home.begin()).out = '\0';
  return true;
}

bool GroupEntry::has_member(std::string_view user) const noexcept {
  std::string_view rest = members;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (rest.substr(0, comma) == user) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

std::optional<std::uint32_t> parse_id(std::string_view text) noexcept {
  if (!is_number(text)) return std::nullopt;
  std::uint32_t id = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || id > kMaxId) return std::nullopt;
  return id;
}

std::optional<PasswdEntry> parse_passwd_line(std::string_view line) noexcept {
  if (line.starts_with('#')) return std::nullopt;
  const auto name = take_field(line);
  const auto password = name ? take_field(line) : std::nullopt;
  const auto uid = password ? take_field(line) : std::nullopt;
  const auto gid = uid ? take_field(line) : std::nullopt;
  if (!gid || name->empty()) return std::nullopt;
  const auto user_id = parse_id(*uid);
  const auto group_id = parse_id(*gid);
  if (!user_id || !group_id) return std::nullopt;
  // What follows, comment, home and shell, is often cut short in small images.
  const bool has_home = take_field(line).has_value();
  const std::string_view home = has_home ? line.substr(0, line.find(':')) : std::string_view();
  return PasswdEntry{*name, *user_id, *group_id, home};
}

std::optional<GroupEntry> parse_group_line(std::string_view line) noexcept {
  if (line.starts_with('#')) return std::nullopt;
  const auto name = take_field(line);
  const auto password = name ? take_field(line) : std::nullopt;
  const auto gid = password ? take_field(line) : std::nullopt;
  if (!gid || name->empty()) return std::nullopt;
  const auto id = parse_id(*gid);
  if (!id) return std::nullopt;
  return GroupEntry{*name, *id, line.substr(0, std::min(line.find(':'), line.size()))};
}

UserSearch::UserSearch(std::string_view wanted, UserSlot& slot) noexcept : slot_(slot) {
  const std::size_t colon = std::min(wanted.find(':'), wanted.size());
  user_ = wanted.substr(0, colon);
  group_ = wanted.substr(std::min(colon + 1, wanted.size()));
  slot_ = UserSlot{};
}

void UserSearch::remember_name(std::string_view name) noexcept {
  name_size_ = std::min(name.size(), name_.size());
  std::memcpy(name_.data(), name.data(), name_size_);
}

void UserSearch::take_passwd_line(std::string_view line) noexcept {
  if (found_user_) return;
  const std::optional<PasswdEntry> entry = parse_passwd_line(line);
  if (!entry) return;
  const bool matches =
      user_.empty() ? entry->uid == 0 : entry->name == user_ || parse_id(user_) == entry->uid;
  if (!matches) return;
  found_user_ = true;
  slot_.uid = entry->uid;
  slot_.gid = entry->gid;
  (void)slot_.set_home(entry->home);  // one that cannot be used leaves "/"
  remember_name(entry->name);
}

bool UserSearch::wants_group() const noexcept {
  return group_.empty() ? found_user_ : !found_group_;
}

void UserSearch::take_group_line(std::string_view line) noexcept {
  if (!wants_group()) return;
  const std::optional<GroupEntry> entry = parse_group_line(line);
  if (!entry) return;
  if (group_.empty()) {
    if (entry->has_member({name_.data(), name_size_})) too_many_ |= !slot_.add_group(entry->gid);
    return;
  }
  if (entry->name != group_ && parse_id(group_) != entry->gid) return;
  found_group_ = true;
  slot_.gid = entry->gid;
}

UserError UserSearch::finish() noexcept {
  if (!found_user_ && !user_.empty()) {
    const std::optional<std::uint32_t> uid = parse_id(user_);
    if (!uid) return is_number(user_) ? UserError::bad_id : UserError::no_such_user;
    slot_.uid = *uid;
  }
  if (!found_group_ && !group_.empty()) {
    const std::optional<std::uint32_t> gid = parse_id(group_);
    if (!gid) return is_number(group_) ? UserError::bad_id : UserError::no_such_group;
    slot_.gid = *gid;
  }
  // A process without its primary group among the supplementary ones could get round permissions
  // that forbid something to that very group (CVE-2022-36109).
  if (too_many_ || !slot_.add_group(slot_.gid)) return UserError::too_many_groups;
  return UserError::none;
}

}  // namespace minidocker::security
