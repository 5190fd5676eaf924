#include "tar_header.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <vector>

namespace minidocker::images_unpack {

namespace {

// tar(5), "POSIX ustar Archives": where the fields stand.
struct Field {
  std::size_t offset;
  std::size_t size;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kMtime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr std::size_t kType = 156;
constexpr Field kLink{157, 100};
constexpr Field kMagic{257, 6};
constexpr Field kMajor{329, 8};
constexpr Field kMinor{337, 8};
constexpr Field kPrefix{345, 155};

// The kernel's dev_t has no more; the rest would be cut off, and 4096:0 be a whiteout.
constexpr unsigned kMaxMajor = (1U << 12U) - 1;
constexpr unsigned kMaxMinor = (1U << 20U) - 1;
constexpr std::int64_t kMaxId = std::numeric_limits<std::uint32_t>::max() - 1;

std::string_view field(std::string_view block, Field where) {
  return block.substr(where.offset, where.size);
}

// Text ends at a NUL or with the field.
std::string text_field(std::string_view block, Field where) {
  const std::string_view raw = field(block, where);
  return std::string(raw.substr(0, raw.find('\0')));
}

std::optional<std::int64_t> parse_base256(std::string_view raw) {
  // The top bit says "base 256", the next one is the sign.
  const bool negative = (static_cast<unsigned char>(raw[0]) & 0x40U) != 0;
  std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    auto byte = static_cast<unsigned char>(raw[i]);
    if (i == 0) byte = negative ? byte : static_cast<unsigned char>(byte & 0x7fU);
    const std::uint64_t top = value >> 55U;  // must not be pushed out: sign bits only
    if (top != (negative ? 0x1ffU : 0U)) return std::nullopt;
    value = (value << 8U) | byte;
  }
  return static_cast<std::int64_t>(value);
}

std::optional<TarEntry::Type> type_of(char flag) {
  using Type = TarEntry::Type;
  switch (flag) {
    case '\0':
    case '0':
    case '7':
    case 'S':
      return Type::file;
    case '1':
      return Type::hard_link;
    case '2':
      return Type::symlink;
    case '3':
      return Type::character_device;
    case '4':
      return Type::block_device;
    case '5':
      return Type::directory;
    case '6':
      return Type::fifo;
    default:
      return std::nullopt;
  }
}

// Types that say more than a tree of files can hold.
std::string why_not(char flag) {
  switch (flag) {
    case 'D':
      return "it is a directory of an incremental dump, which is not supported";
    case 'M':
      return "it goes on from another volume, which is not supported";
    case 'N':
      return "it is a list of long names as GNU tar before 1.11 wrote them, which is not supported";
    default:
      return "its type is unknown";
  }
}

bool set_id(std::string_view block, Field where, std::uint32_t& id) {
  const std::optional<std::int64_t> value = parse_tar_number(field(block, where));
  if (!value || *value < 0 || *value > kMaxId) return false;
  id = static_cast<std::uint32_t>(*value);
  return true;
}

bool parse_decimal(std::string_view text, std::uint64_t limit, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value <= limit;
}

// `-12.345`: seconds with a fraction; the fraction counts forward in time also before 1970.
bool parse_time(std::string_view text, struct timespec& time) {
  const std::size_t dot = std::min(text.find('.'), text.size());
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + dot, seconds);
  if (error != std::errc() || end != text.data() + dot) return false;
  std::string digits(dot < text.size() ? text.substr(dot + 1) : "");
  digits.resize(9, '0');
  std::uint64_t nanoseconds = 0;
  if (!parse_decimal(digits, 999'999'999, nanoseconds)) return false;
  time = {seconds, static_cast<long>(nanoseconds)};
  if (text.starts_with('-') && nanoseconds > 0) {
    if (seconds == std::numeric_limits<std::int64_t>::min()) return false;
    time = {seconds - 1, 1'000'000'000 - static_cast<long>(nanoseconds)};
  }
  return true;
}

bool apply_id(const std::string& text, std::uint32_t& id) {
  std::uint64_t value = 0;
  if (!parse_decimal(text, static_cast<std::uint64_t>(kMaxId), value)) return false;
  id = static_cast<std::uint32_t>(value);
  return true;
}

constexpr std::string_view kXattr = "SCHILY.xattr.";
constexpr std::string_view kLibarchiveXattr = "LIBARCHIVE.xattr.";

// Records that a tree of files can do without: names of owners, times of access, where a file once
// lay; and those of holes, which are read elsewhere.
bool is_dispensable(std::string_view key) {
  constexpr std::string_view kDispensable[] = {
      "LIBARCHIVE.creationtime",
      "SCHILY.dev",
      "SCHILY.ino",
      "SCHILY.nlink",
      "atime",
      "charset",
      "comment",
      "ctime",
      "gname",
      "hdrcharset",
      "uname",
  };
  return std::ranges::find(kDispensable, key) != std::end(kDispensable) ||
         key.starts_with("GNU.sparse.");
}

bool apply_record(const std::string& key, const std::string& value, TarEntry& entry) {
  if (key.starts_with(kXattr)) {
    entry.xattrs[key.substr(kXattr.size())] = value;
    return key.size() > kXattr.size() && key.find('\0') == std::string::npos;
  }
  // Data may hold NULs, names may not: the kernel would see another name than we check.
  const bool is_text = value.find('\0') == std::string::npos;
  if (key == "path") return entry.name = value, is_text && !value.empty();
  if (key == "linkpath") return entry.link = value, is_text;
  if (key == "uid") return apply_id(value, entry.uid);
  if (key == "gid") return apply_id(value, entry.gid);
  if (key == "mtime") return parse_time(value, entry.mtime);
  if (key == "size") {
    return parse_decimal(value, std::numeric_limits<std::int64_t>::max(), entry.size);
  }
  if (!is_dispensable(key)) entry.unused_records.insert(key);
  return true;
}

// Sparse files of form 0.0 repeat two keywords, an offset and a size for each extent: they become
// the list of form 0.1. False if one is missing.
bool add_extent_number(std::string_view key, std::string_view value, bool& wants_offset,
                       PaxRecords& records) {
  const bool is_offset = key == "GNU.sparse.offset";
  if (is_offset != wants_offset || value.find(',') != std::string_view::npos) return false;
  std::string& list = records["GNU.sparse.map"];
  if (!list.empty()) list += ',';
  list += value;
  wants_offset = !wants_offset;
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_tar_number(std::string_view raw) {
  if (!raw.empty() && (static_cast<unsigned char>(raw[0]) & 0x80U) != 0) return parse_base256(raw);
  raw = raw.substr(0, raw.find('\0'));
  while (raw.starts_with(' ')) raw.remove_prefix(1);
  while (raw.ends_with(' ')) raw.remove_suffix(1);
  std::int64_t value = 0;
  if (raw.empty()) return value;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value, 8);
  if (error != std::errc() || end != raw.data() + raw.size() || value < 0) return std::nullopt;
  return value;
}

bool is_zero_block(std::string_view block) {
  return block.find_first_not_of('\0') == std::string_view::npos;
}

bool checksum_agrees(std::string_view block) {
  std::int64_t plain = 0;
  std::int64_t with_sign = 0;
  for (std::size_t i = 0; i < kTarBlock; ++i) {
    plain += static_cast<unsigned char>(block[i]);
    with_sign += static_cast<signed char>(block[i]);
  }
  for (const char c : field(block, kChecksum)) {  // counts as blanks
    plain += ' ' - static_cast<unsigned char>(c);
    with_sign += ' ' - static_cast<signed char>(c);
  }
  const std::optional<std::int64_t> said = parse_tar_number(field(block, kChecksum));
  return said && (*said == plain || *said == with_sign);
}

char type_flag(std::string_view block) { return block[kType]; }

std::optional<std::uint64_t> size_field(std::string_view block) {
  const std::optional<std::int64_t> size = parse_tar_number(field(block, kSize));
  if (!size || *size < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*size);
}

TarEntry parse_tar_header(std::string_view block, std::string& why) {
  TarEntry entry;
  entry.name = text_field(block, kName);
  const std::string_view magic = field(block, kMagic);
  const bool ustar = magic == std::string_view("ustar\0", 6);
  if (ustar && block[kPrefix.offset] != '\0') {
    entry.name = text_field(block, kPrefix) + "/" + entry.name;
  }
  entry.link = text_field(block, kLink);
  const std::optional<TarEntry::Type> type = type_of(type_flag(block));
  const std::optional<std::int64_t> mode = parse_tar_number(field(block, kMode));
  const std::optional<std::int64_t> mtime = parse_tar_number(field(block, kMtime));
  const std::optional<std::uint64_t> size = size_field(block);
  if (!type) why = why_not(type_flag(block));
  if (!mode || !mtime || !size) why = "a number in its header is damaged";
  if (!why.empty()) return entry;

  entry.type = *type;
  entry.mode = static_cast<mode_t>(*mode & 07777);
  entry.mtime.tv_sec = *mtime;
  entry.size = *size;
  if (!set_id(block, kUid, entry.uid) || !set_id(block, kGid, entry.gid)) {
    why = "an owner in its header is damaged";
  }
  const bool device =
      entry.type == TarEntry::Type::character_device || entry.type == TarEntry::Type::block_device;
  if (device && (!set_id(block, kMajor, entry.major) || !set_id(block, kMinor, entry.minor) ||
                 entry.major > kMaxMajor || entry.minor > kMaxMinor)) {
    why = "a device number in its header is damaged";
  }
  return entry;
}

bool parse_pax_records(std::string_view text, PaxRecords& records) {
  bool wants_offset = true;
  while (!text.empty() && text[0] != '\0') {
    const std::size_t blank = text.find(' ');
    std::uint64_t length = 0;
    if (blank == std::string_view::npos ||
        !parse_decimal(text.substr(0, blank), text.size(), length) || length < blank + 3) {
      return false;
    }
    std::string_view record = text.substr(blank + 1, length - blank - 1);
    const std::size_t equals = record.find('=');
    if (!record.ends_with('\n') || equals == std::string_view::npos || equals == 0) return false;
    record.remove_suffix(1);
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1);
    if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes") {
      if (!add_extent_number(key, value, wants_offset, records)) return false;
    } else {
      records[std::string(key)] = value;
    }
    text.remove_prefix(length);
  }
  return wants_offset;
}

void apply_pax_records(const PaxRecords& global, const PaxRecords& own, TarEntry& entry,
                       std::string& why) {
  const auto apply = [&](const std::string& key, const std::string& value) {
    if (key.starts_with("GNU.volume.")) {
      why = "it goes on from another volume, which is not supported";
    } else if (!value.empty() || key.starts_with("SCHILY.xattr.")) {
      // An empty value takes a record of a global header back.
      if (!apply_record(key, value, entry)) why = "its extended header is damaged at " + key;
    }
  };
  for (const auto& [key, value] : global) {
    if (!own.contains(key)) apply(key, value);
  }
  for (const auto& [key, value] : own) apply(key, value);
  // libarchive writes each attribute twice.
  std::erase_if(entry.unused_records, [&](const std::string& key) {
    return key.starts_with(kLibarchiveXattr) &&
           entry.xattrs.contains(key.substr(kLibarchiveXattr.size()));
  });
}

void settle_type(char flag, TarEntry& entry) {
  const bool plain = flag == '\0' || flag == '0';
  if (plain && entry.name.ends_with('/')) entry.type = TarEntry::Type::directory;
}

}  // namespace minidocker::images_unpack
