#include "minidocker/cgroups/location.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::cgroups {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::array<std::pair<Mode, std::string_view>, 4> kModes{
    {{Mode::none, "none"}, {Mode::v1, "v1"}, {Mode::hybrid, "hybrid"}, {Mode::v2, "v2"}}};
constexpr std::array<std::pair<Manager, std::string_view>, 3> kManagers{
    {{Manager::nobody, ""}, {Manager::system, "\tsystem"}, {Manager::user, "\tuser"}}};

[[noreturn]] void refuse_path(std::string_view path, std::string_view why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("cgroup path {}: {}", quoted(path), why));
}

/// "/a/b" for "a//b/", refusing what could leave the hierarchy or garble a line of text.
std::string clean_path(std::string_view path) {
  std::string clean;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view name = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (name.empty() || name == ".") continue;
    if (name == "..") refuse_path(path, "must not hold \"..\"");
    if (name.size() > kMaxName) refuse_path(path, "a name in it has more than 255 bytes");
    if (std::ranges::any_of(name, [](unsigned char c) { return c < ' ' || c == 0x7f; })) {
      refuse_path(path, "must not hold control characters");
    }
    clean.append("/").append(name);
  }
  if (clean.empty()) refuse_path(path, "names no group");
  return clean;
}

std::string joined(std::string_view base, std::string_view group) {
  return base == "/" ? std::string(group) : std::string(base).append(group);
}

std::string parent_of(const std::string& group) {
  const std::size_t slash = group.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : group.substr(0, slash);
}

/// May we make groups in `base`? Root is not asked: only a read-only mount stops it.
bool may_make_in(const Hierarchy& hierarchy, const std::string& base, uid_t who) {
  if (hierarchy.read_only) return false;
  if (who == 0) return true;
  return sys::faccessat(AT_FDCWD, joined(hierarchy.mount, base).c_str(), W_OK).ok();
}

/// Has v2's group `base` what the common limits need?
bool has_controllers(const Hierarchy& hierarchy, const std::string& base) {
  const std::optional<std::string> text =
      read_control(joined(hierarchy.mount, base) + "/cgroup.controllers");
  return text && holds_word(*text, "memory") && holds_word(*text, "cpu") &&
         holds_word(*text, "pids");
}

Reason no_hierarchy() {
  return {ErrorKind::unavailable, "no cgroup hierarchy is mounted",
          "mount cgroup2 on /sys/fs/cgroup"};
}

Reason not_writable(const Hierarchy& hierarchy) {
  const std::string where =
      hierarchy.controllers.empty() ? hierarchy.mount : hierarchy.controllers + " hierarchy";
  if (hierarchy.read_only) {
    return {ErrorKind::permission, "cgroups are mounted read-only",
            fmt::format("{} is read-only; remount it, or run where it is writable", where)};
  }
  return {ErrorKind::permission, "no delegated cgroup",
          fmt::format("neither the root of {} nor our own group {} may be written by uid {}; run "
                      "as root, or have a group delegated (systemd: Delegate=yes)",
                      where, quoted(hierarchy.own), sys::geteuid())};
}

using Choice = std::variant<std::string, Reason>;

/// v1: the base a path starts from, or our own group where that is not ours to write.
Choice choose_v1(const Hierarchy& hierarchy, bool absolute, uid_t who) {
  const std::string wanted = absolute ? "/" : hierarchy.own;
  if (may_make_in(hierarchy, wanted, who)) return wanted;
  if (absolute && hierarchy.own != "/" && may_make_in(hierarchy, hierarchy.own, who)) {
    const trace::Scope told("02-cgroups", "go below our own group " + hierarchy.own,
                            "the root of the hierarchy may not be written");
    return hierarchy.own;
  }
  return not_writable(hierarchy);
}

/// v2: the first place that may be written and has the controllers. Below our own group comes
/// last: it holds us, and a group with processes cannot hand controllers down.
Choice choose_v2(const Hierarchy& hierarchy, bool absolute, uid_t who) {
  std::vector<std::string> bases;
  if (absolute) bases.emplace_back("/");
  bases.push_back(parent_of(hierarchy.own));
  bases.push_back(hierarchy.own);
  std::optional<std::string> usable;
  for (const std::string& base : bases) {
    if (!may_make_in(hierarchy, base, who)) continue;
    if (!usable) usable = base;
    if (!has_controllers(hierarchy, base)) continue;
    usable = base;
    break;
  }
  if (!usable) return not_writable(hierarchy);
  if (*usable == bases.front()) return *usable;
  const trace::Scope told("02-cgroups", "go below " + *usable,
                          "the place asked for may not be written or lacks controllers");
  return *usable;
}

[[noreturn]] void refuse_text(std::string_view whole) {
  throw Error(ErrorKind::invalid_argument, "not a cgroup location: " + quoted(whole));
}

std::string_view take_field(std::string_view& text, char separator, std::string_view whole) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) refuse_text(whole);
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end + 1);
  return field;
}

}  // namespace

const Directory* Location::find(std::string_view controller) const {
  for (const Directory& directory : directories) {
    if (mode == Mode::v2 || names_controller(directory.controllers, controller)) return &directory;
  }
  return nullptr;
}

std::string Location::to_text() const {
  std::string text;
  for (const auto& [value, name] : kModes) {
    if (value == mode) text = name;
  }
  for (const auto& [value, name] : kManagers) {
    if (value == manager) text += name;
  }
  text += '\n';
  for (const Directory& directory : directories) {
    text += fmt::format("{}\t{}\t{}\n", directory.controllers, directory.mount, directory.group);
  }
  return text;
}

Location Location::from_text(std::string_view text) {
  const std::string_view whole = text;
  const std::string_view line = take_field(text, '\n', whole);
  const std::string_view word = line.substr(0, line.find('\t'));
  const auto* mode =
      std::ranges::find_if(kModes, [&](const auto& entry) { return entry.second == word; });
  const auto* manager = std::ranges::find_if(
      kManagers, [&](const auto& entry) { return entry.second == line.substr(word.size()); });
  if (mode == kModes.end() || manager == kManagers.end()) refuse_text(whole);
  Location location{mode->first, {}, manager->first};
  while (!text.empty()) {
    std::string_view rest = take_field(text, '\n', whole);
    const std::string_view controllers = take_field(rest, '\t', whole);
    const std::string_view mount = take_field(rest, '\t', whole);
    location.directories.push_back(
        {std::string(controllers), std::string(mount), clean_path(rest)});
  }
  if ((location.mode == Mode::none) != location.directories.empty()) refuse_text(whole);
  return location;
}

std::variant<Location, Reason> place(const Layout& layout, std::string_view path, uid_t who) {
  const std::string group = clean_path(path);
  if (layout.hierarchies.empty()) return no_hierarchy();
  Location location{layout.mode, {}, Manager::nobody};
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    const bool absolute = path.starts_with('/');
    Choice base = layout.mode == Mode::v2 ? choose_v2(hierarchy, absolute, who)
                                          : choose_v1(hierarchy, absolute, who);
    if (const Reason* reason = std::get_if<Reason>(&base)) return *reason;
    location.directories.push_back(
        {hierarchy.controllers, hierarchy.mount, joined(std::get<std::string>(base), group)});
  }
  return location;
}

Location locate(const Layout& layout, std::string_view path) {
  std::variant<Location, Reason> placed = place(layout, path, sys::geteuid());
  if (const Reason* reason = std::get_if<Reason>(&placed)) {
    refuse(*reason, "cgroup " + quoted(path));
  }
  return std::get<Location>(std::move(placed));
}

std::optional<Reason> why_not(const Layout& layout) {
  std::variant<Location, Reason> placed = place(layout, "/mini-docker", sys::geteuid());
  if (Reason* reason = std::get_if<Reason>(&placed)) return std::move(*reason);
  return std::nullopt;
}

void refuse(const Reason& reason, std::string_view what) {
  throw Error(reason.kind, fmt::format("{} needs a cgroup that may be written: {}; hint: {}", what,
                                       reason.brief, reason.detail));
}

}  // namespace minidocker::cgroups
