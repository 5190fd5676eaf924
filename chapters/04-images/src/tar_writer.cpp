#include "minidocker/images_unpack/tar_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "tar_header.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kPrefixBytes = 155;
constexpr std::uint64_t kMaxSmall = 07777777;      // in a field of 8 bytes
constexpr std::uint64_t kMaxLarge = 077777777777;  // in a field of 12 bytes
constexpr std::string_view kZeros{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16};

char flag_of(TarEntry::Type type) {
  using Type = TarEntry::Type;
  switch (type) {
    case Type::file:
      return '0';
    case Type::hard_link:
      return '1';
    case Type::symlink:
      return '2';
    case Type::character_device:
      return '3';
    case Type::block_device:
      return '4';
    case Type::directory:
      return '5';
    case Type::fifo:
      break;
  }
  return '6';
}

// A length counts its own digits too.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (rest + std::to_string(length).size() != length) {
    length = rest + std::to_string(length).size();
  }
  return fmt::format("{} {}={}\n", length, key, value);
}

// `-0.5`: before 1970 the fraction of a timespec counts the other way than digits do.
std::string time_text(const struct timespec& time) {
  if (time.tv_nsec == 0) return std::to_string(time.tv_sec);
  const bool before = time.tv_sec < 0;
  const long nanoseconds = before ? 1'000'000'000 - time.tv_nsec : time.tv_nsec;
  std::string text = fmt::format("{}{}.{:09}", before ? "-" : "",
                                 before ? -(time.tv_sec + 1) : time.tv_sec, nanoseconds);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

// Where a long name is cut in two for ustar: at a slash, which is not written. 0: it cannot be.
std::size_t split_of(std::string_view name) {
  const std::size_t slash = name.rfind('/', std::min(kPrefixBytes, name.size() - 2));
  if (slash == std::string_view::npos || name.size() - slash - 1 > kNameBytes) return 0;
  return slash;
}

void put(std::array<char, kTarBlock>& block, std::size_t at, std::string_view text) {
  std::memcpy(block.data() + at, text.data(), text.size());
}

// Octal digits up to the last byte but one; 0 for what does not fit and stands in a pax header.
void put_number(std::array<char, kTarBlock>& block, std::size_t at, std::size_t size,
                std::uint64_t value, std::uint64_t most) {
  put(block, at, fmt::format("{:0{}o}", value > most ? 0 : value, size - 1));
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("member {}: {}", minidocker::quoted(name), why));
}

// GNU tar begins each extent with a block of the archive, others do not: where all but the last are
// whole blocks, nobody can misread.
void check_extents(const TarEntry& entry) {
  std::uint64_t end = 0;
  bool whole = true;
  for (const TarExtent& extent : entry.extents) {
    const bool fits = extent.offset <= entry.size && extent.size <= entry.size - extent.offset;
    if (!whole || !fits || extent.offset < end || extent.size == 0) {
      refuse(entry.name, "its extents overlap, leave it, or are no whole blocks");
    }
    whole = extent.size % kTarBlock == 0;
    end = extent.offset + extent.size;
  }
}

void check(const TarEntry& entry) {
  if (entry.name.empty()) refuse(entry.name, "it has no name");
  if ((entry.name + entry.link).find('\0') != std::string::npos) {
    refuse(entry.name, "its name or its target holds a NUL byte");
  }
  for (const auto& [name, value] : entry.xattrs) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      refuse(entry.name,
             fmt::format("no archive can hold an attribute named {}", minidocker::quoted(name)));
    }
  }
}

// The list before the data of a sparse file, filled up to whole blocks; the last extent says where
// the file ends.
std::string extent_lines(const TarEntry& entry) {
  std::vector<TarExtent> extents = entry.extents;
  const std::uint64_t end = extents.empty() ? 0 : extents.back().offset + extents.back().size;
  if (end != entry.size || extents.empty()) extents.push_back({entry.size, 0});
  std::string text = fmt::format("{}\n", extents.size());
  for (const TarExtent& extent : extents)
    text += fmt::format("{}\n{}\n", extent.offset, extent.size);
  text.resize((text.size() + kTarBlock - 1) / kTarBlock * kTarBlock, '\0');
  return text;
}

std::string sparse_records(const TarEntry& entry) {
  return pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.minor", "0") +
         pax_record("GNU.sparse.name", entry.name) +
         pax_record("GNU.sparse.realsize", std::to_string(entry.size));
}

std::string name_of(const TarEntry& entry) {
  const bool is_directory = entry.type == TarEntry::Type::directory;
  return is_directory && !entry.name.ends_with('/') ? entry.name + "/" : entry.name;
}

}  // namespace

// One block; `entry` with the name and the size that the block shall say.
struct TarWriter::Header {
  std::string name;
  char flag;
  std::uint64_t size;
  const TarEntry& entry;

  [[nodiscard]] bool name_fits() const { return name.size() <= kNameBytes || split_of(name) > 0; }

  // All that ustar has no room for.
  [[nodiscard]] std::string records() const {
    std::map<std::string, std::string> records;
    if (!name_fits()) records["path"] = name;
    if (entry.link.size() > kNameBytes) records["linkpath"] = entry.link;
    if (entry.uid > kMaxSmall) records["uid"] = std::to_string(entry.uid);
    if (entry.gid > kMaxSmall) records["gid"] = std::to_string(entry.gid);
    if (size > kMaxLarge) records["size"] = std::to_string(size);
    const auto seconds = static_cast<std::uint64_t>(entry.mtime.tv_sec);  // negative: very large
    if (entry.mtime.tv_nsec != 0 || seconds > kMaxLarge) records["mtime"] = time_text(entry.mtime);
    for (const auto& [key, value] : entry.xattrs) records["SCHILY.xattr." + key] = value;
    std::string text;
    for (const auto& [key, value] : records) text += pax_record(key, value);
    return text;
  }

  [[nodiscard]] std::array<char, kTarBlock> block() const {
    std::array<char, kTarBlock> block{};
    const std::size_t split = name.size() > kNameBytes ? split_of(name) : 0;
    if (split > 0) put(block, 345, name.substr(0, split));
    put(block, 0, std::string_view(name).substr(split > 0 ? split + 1 : 0, kNameBytes));
    put_number(block, 100, 8, entry.mode, kMaxSmall);
    put_number(block, 108, 8, entry.uid, kMaxSmall);
    put_number(block, 116, 8, entry.gid, kMaxSmall);
    put_number(block, 124, 12, size, kMaxLarge);
    put_number(block, 136, 12, static_cast<std::uint64_t>(entry.mtime.tv_sec), kMaxLarge);
    block[156] = flag;
    put(block, 157, std::string_view(entry.link).substr(0, kNameBytes));
    put(block, 257,
        std::string_view("ustar\0"
                         "00",
                         8));
    put_number(block, 329, 8, entry.major, kMaxSmall);
    put_number(block, 337, 8, entry.minor, kMaxSmall);
    put(block, 148, "        ");
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put(block, 148, fmt::format("{:06o}", sum));
    block[154] = '\0';
    return block;
  }
};

void TarWriter::pad(std::uint64_t size) {
  for (std::uint64_t at = size; at % kTarBlock != 0;) {
    const std::uint64_t now = std::min<std::uint64_t>(kTarBlock - at % kTarBlock, kZeros.size());
    sink_.write(kZeros.substr(0, now));
    at += now;
  }
}

void TarWriter::write_member(const Header& header, std::string_view records) {
  if (!records.empty()) {
    TarEntry description;
    description.mode = 0644;
    const Header before{("PaxHeaders/" + header.name).substr(0, kNameBytes), 'x', records.size(),
                        description};
    const std::array<char, kTarBlock> block = before.block();
    sink_.write({block.data(), block.size()});
    sink_.write(records);
    pad(records.size());
  }
  const std::array<char, kTarBlock> block = header.block();
  sink_.write({block.data(), block.size()});
}

void TarWriter::expect_no_data() const {
  if (left_ == 0) return;
  throw Error(ErrorKind::internal, fmt::format("member {}: {} bytes of its data are missing",
                                               minidocker::quoted(name_), left_));
}

void TarWriter::add(const TarEntry& entry) {
  expect_no_data();
  check(entry);
  name_ = entry.name;
  const bool is_file = entry.type == TarEntry::Type::file;
  Header header{name_of(entry), flag_of(entry.type), is_file ? entry.size : 0, entry};
  std::string records;
  std::string list;
  if (is_file && entry.sparse) {
    check_extents(entry);
    list = extent_lines(entry);
    header.size = list.size();
    for (const TarExtent& extent : entry.extents) header.size += extent.size;
    header.name = ("GNUSparseFile/" + entry.name).substr(0, kNameBytes);
    records = sparse_records(entry);
  }
  write_member(header, records + header.records());
  sink_.write(list);
  size_ = header.size;
  left_ = header.size - list.size();
}

void TarWriter::write_data(std::string_view data) {
  if (data.size() > left_) {
    throw Error(ErrorKind::internal,
                fmt::format("member {}: it has more data than it says", minidocker::quoted(name_)));
  }
  sink_.write(data);
  left_ -= data.size();
  if (left_ == 0) pad(size_);
}

void TarWriter::finish() {
  expect_no_data();
  for (std::size_t i = 0; i < 2 * kTarBlock; i += kZeros.size()) sink_.write(kZeros);
}

}  // namespace minidocker::images_unpack
