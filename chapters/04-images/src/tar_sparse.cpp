#include "tar_sparse.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

namespace minidocker::images_unpack {

namespace {

// tar(5), "GNU tar Archives".
constexpr std::size_t kNumber = 12;  // bytes of a field
constexpr std::size_t kHeaderExtents = 386;
constexpr std::size_t kInHeader = 4;
constexpr std::size_t kHeaderExtended = 482;
constexpr std::size_t kRealSize = 483;
constexpr std::size_t kInBlock = 21;
constexpr std::size_t kBlockExtended = 504;
constexpr std::size_t kMaxDigits = 20;

constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int64_t>::max();

std::optional<std::uint64_t> number_at(std::string_view block, std::size_t at) {
  const std::optional<std::int64_t> value = parse_tar_number(block.substr(at, kNumber));
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > kMaxSize) return {};
  return value;
}

}  // namespace

std::optional<bool> parse_old_extents(std::string_view block, bool is_header,
                                      std::vector<TarExtent>& extents) {
  const std::size_t first = is_header ? kHeaderExtents : 0;
  const std::size_t count = is_header ? kInHeader : kInBlock;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = first + i * 2 * kNumber;
    if (block[at + kNumber] == '\0') break;  // an unused place
    const std::optional<std::uint64_t> offset = number_at(block, at);
    const std::optional<std::uint64_t> size = number_at(block, at + kNumber);
    if (!offset || !size || extents.size() == kMaxExtents) return std::nullopt;
    extents.push_back({*offset, *size});
  }
  return block[is_header ? kHeaderExtended : kBlockExtended] != '\0';
}

std::optional<std::uint64_t> old_real_size(std::string_view block) {
  return number_at(block, kRealSize);
}

std::optional<std::vector<TarExtent>> parse_extents_text(std::string_view text) {
  if (text.ends_with(',')) return std::nullopt;
  std::vector<TarExtent> extents;
  bool is_offset = true;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::optional<std::uint64_t> number = parse_size(text.substr(0, comma));
    if (!number || extents.size() == kMaxExtents) return std::nullopt;
    if (is_offset) extents.push_back({*number, 0});
    if (!is_offset) extents.back().size = *number;
    is_offset = !is_offset;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (!is_offset) return std::nullopt;
  return extents;
}

bool ExtentLines::add(char c) {
  if (c != '\n') {
    digits_ += c;
    return digits_.size() <= kMaxDigits;
  }
  const bool good = add_number();
  digits_.clear();
  return good;
}

bool ExtentLines::add_number() {
  const std::optional<std::uint64_t> number = parse_size(digits_);
  if (!number) return false;
  if (!count_) {
    count_ = number;
    return *number <= kMaxExtents;
  }
  if (numbers_++ % 2 == 0) {
    extents_.push_back({*number, 0});
  } else {
    extents_.back().size = *number;
  }
  return true;
}

SparseRecords find_sparse_records(const PaxRecords& records, std::string& why) {
  SparseRecords sparse;
  const auto find = [&records](const char* key) {
    const auto found = records.find(key);
    return found == records.end() ? std::optional<std::string>() : found->second;
  };
  const std::optional<std::string> map = find("GNU.sparse.map");
  const std::optional<std::string> major = find("GNU.sparse.major");
  sparse.is_sparse = map || major || find("GNU.sparse.size");
  if (!sparse.is_sparse) return sparse;
  const bool is_version_1 = major == "1" && find("GNU.sparse.minor") == "0";
  if (major && major != "0" && !is_version_1) {
    why = "it is a sparse file of a version that is not supported";
    return sparse;
  }
  sparse.lines_follow = is_version_1;
  sparse.name = find("GNU.sparse.name");
  const std::optional<std::string> size =
      find(is_version_1 ? "GNU.sparse.realsize" : "GNU.sparse.size");
  if (size) sparse.real_size = parse_size(*size);
  if (!is_version_1) sparse.extents = parse_extents_text(map.value_or(""));
  const bool has_nul = sparse.name && sparse.name->find('\0') != std::string::npos;
  if (has_nul || !sparse.real_size || (!is_version_1 && !sparse.extents)) {
    why = "what it says of its holes is damaged";
  }
  return sparse;
}

bool settle_extents(std::vector<TarExtent> extents, std::uint64_t real_size, TarEntry& entry) {
  std::uint64_t end = 0;
  std::uint64_t stored = 0;
  for (const TarExtent& extent : extents) {
    if (extent.offset < end || extent.offset > real_size) return false;
    if (extent.size > real_size - extent.offset) return false;
    end = extent.offset + extent.size;
    stored += extent.size;
  }
  if (stored != entry.size) return false;
  std::erase_if(extents, [](const TarExtent& extent) { return extent.size == 0; });
  entry.sparse = true;
  entry.extents = std::move(extents);
  entry.size = real_size;
  return true;
}

}  // namespace minidocker::images_unpack
