#include "minidocker/namespaces/id_maps.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/numbers.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::namespaces {
namespace {

constexpr std::size_t kMaxLines = 340;          // UID_GID_MAP_MAX_EXTENTS since Linux 4.15
constexpr std::uint64_t kIds = 0xffff'ffffULL;  // (uid_t)-1 means "no id" and is never mapped

const char* file_name(IdType type) { return type == IdType::uid ? "uid_map" : "gid_map"; }

/// Cuts the first word off `text`; words are separated by any of `separators`.
std::string_view take_word(std::string_view& text, std::string_view separators) {
  text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
  const std::size_t end = std::min(text.find_first_of(separators), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

/// Three numbers and nothing else.
std::optional<IdMapping> parse_mapping(std::string_view text, std::string_view separators) {
  const std::optional<std::uint32_t> inside =
      parse_number<std::uint32_t>(take_word(text, separators));
  const std::optional<std::uint32_t> outside =
      parse_number<std::uint32_t>(take_word(text, separators));
  const std::optional<std::uint32_t> count =
      parse_number<std::uint32_t>(take_word(text, separators));
  if (!inside || !outside || !count || !take_word(text, separators).empty()) return std::nullopt;
  return IdMapping{*inside, *outside, *count};
}

std::vector<IdMapping> parse_list(std::string_view text, char between, std::string_view separators,
                                  std::string_view what) {
  std::vector<IdMapping> maps;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(between), text.size());
    const std::optional<IdMapping> mapping = parse_mapping(text.substr(0, end), separators);
    if (!mapping) {
      throw Error(
          ErrorKind::invalid_argument,
          fmt::format("{}: {} is no mapping; write INSIDE:OUTSIDE:COUNT, as in 0:100000:65536",
                      what, quoted(text.substr(0, end))));
    }
    maps.push_back(*mapping);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return maps;
}

bool overlap(std::uint64_t a, std::uint64_t b, std::uint64_t count_a, std::uint64_t count_b) {
  return a < b + count_b && b < a + count_a;
}

std::string in_words(const IdMapping& mapping) {
  return fmt::format("\"{} {} {}\"", mapping.inside, mapping.outside, mapping.count);
}

void check_line(const IdMapping& mapping, IdType type) {
  const bool beyond = std::uint64_t{mapping.inside} + mapping.count > kIds ||
                      std::uint64_t{mapping.outside} + mapping.count > kIds;
  if (mapping.count != 0 && !beyond) return;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: line {} {}", file_name(type), in_words(mapping),
                          beyond ? "goes beyond the last id, 4294967294" : "maps no id at all"));
}

bool has(const MapCredentials& who, int capability) {
  return (who.effective >> static_cast<unsigned>(capability) & 1) != 0;
}

bool is_own_id(std::span<const IdMapping> maps, std::uint32_t own) {
  return maps.size() == 1 && maps[0].count == 1 && maps[0].outside == own;
}

/// Was setgroups(2) given up in our user namespace? Child-safe.
bool is_setgroups_denied() noexcept {
  const sys::Result<UniqueFd> file = sys::open("/proc/self/setgroups", O_RDONLY);
  if (!file) return false;
  std::array<char, 8> text{};
  const sys::Result<std::size_t> size = sys::read(file.value().get(), text.data(), text.size());
  return size && std::string_view(text.data(), size.value()).starts_with("deny");
}

/// Is the whole range mapped, by one line, in the writer's own namespace?
bool is_known(const IdMapping& mapping, std::span<const IdMapping> own) {
  return std::any_of(own.begin(), own.end(), [&mapping](const IdMapping& line) {
    return mapping.outside >= line.inside && std::uint64_t{mapping.outside} + mapping.count <=
                                                 std::uint64_t{line.inside} + line.count;
  });
}

}  // namespace

std::vector<IdMapping> parse_id_mappings(std::string_view text, std::string_view what) {
  std::vector<IdMapping> maps = parse_list(text, ',', ":", what);
  if (!maps.empty()) return maps;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: empty; write INSIDE:OUTSIDE:COUNT, as in 0:100000:65536", what));
}

std::vector<IdMapping> parse_id_map_file(std::string_view text) {
  return parse_list(text, '\n', " \t", "id map");
}

std::string format_id_map(std::span<const IdMapping> maps) {
  std::string text;
  for (const IdMapping& line : maps) {
    text += fmt::format("{} {} {}\n", line.inside, line.outside, line.count);
  }
  return text;
}

bool in_initial_user_namespace() {
  constexpr IdMapping kAll{0, 0, 4294967295};
  return parse_id_map_file(read_file("/proc/self/uid_map")) == std::vector<IdMapping>{kAll};
}

void check_id_map(std::span<const IdMapping> maps, IdType type) {
  if (maps.empty() || maps.size() > kMaxLines) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: {} lines, wanted 1 to {}",
                                                         file_name(type), maps.size(), kMaxLines));
  }
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const IdMapping& a = maps[i];
    check_line(a, type);
    for (const IdMapping& b : maps.first(i)) {
      if (!overlap(a.inside, b.inside, a.count, b.count) &&
          !overlap(a.outside, b.outside, a.count, b.count)) {
        continue;
      }
      throw Error(
          ErrorKind::invalid_argument,
          fmt::format("{}: lines {} and {} overlap", file_name(type), in_words(b), in_words(a)));
    }
  }
}

MapCredentials own_credentials() {
  return {sys::geteuid(), sys::getegid(), sys::capget().or_throw("our capabilities").effective};
}

MapWriter choose_writer(const MapCredentials& who, std::span<const IdMapping> uids,
                        std::span<const IdMapping> gids) noexcept {
  if (has(who, CAP_SETUID) && has(who, CAP_SETGID)) return MapWriter::direct;
  if (is_own_id(uids, who.uid) && is_own_id(gids, who.gid)) return MapWriter::direct_own_id;
  return MapWriter::helpers;
}

std::string why_map_refused(int error, IdType type, std::span<const IdMapping> maps,
                            std::span<const IdMapping> own, const MapCredentials& who) {
  if (error != EPERM) return {};
  for (const IdMapping& line : maps) {
    if (!is_known(line, own)) {
      return fmt::format(
          "line {} names ids that do not exist in our own user namespace; see "
          "/proc/self/{}",
          in_words(line), file_name(type));
    }
  }
  const bool maps_root = std::any_of(maps.begin(), maps.end(),
                                     [](const IdMapping& line) { return line.outside == 0; });
  if (type == IdType::uid && maps_root && !has(who, CAP_SETFCAP)) {
    return "mapping user 0 of our own namespace needs CAP_SETFCAP (Linux 5.12): inside, files "
           "could be given capabilities that count outside";
  }
  return "a map can be written only once, by a process of the parent namespace, and to a namespace "
         "that the same user made";
}

StepResult BecomeRootInside::run(ChildContext&) const noexcept {
  const sys::Result<> left = sys::setgroups(nullptr, 0);
  if (left.error() == EPERM && is_setgroups_denied()) {
    // An ordinary user's namespace, where nobody can leave a group: the caller's are kept.
  } else if (!left) {
    return left;
  }
  const sys::Result<> group = sys::setresgid(0);
  if (!group) return group;
  return sys::setresuid(0);
}

std::string BecomeRootInside::describe() const { return "become root of the user namespace"; }

}  // namespace minidocker::namespaces
