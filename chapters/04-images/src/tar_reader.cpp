#include "minidocker/images_unpack/tar_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "minidocker/toolbox/error.hpp"
#include "tar_header.hpp"
#include "tar_sparse.hpp"

namespace minidocker::images_unpack {

namespace {

// An extended header holds names and attributes (64 KiB each at most) of one member; global ones
// say little, but to every member that follows.
constexpr std::uint64_t kMaxExtension = std::uint64_t{1024} * 1024;
constexpr int kMaxExtensions = 16;  // before one member
constexpr char kOldSparse = 'S';
constexpr char kCutFile[] = "the archive ends in the middle of a file";

std::string without_trailing_nul(std::string text) {
  text.resize(std::min(text.find('\0'), text.size()));
  return text;
}

bool has_data(TarEntry::Type type) { return type == TarEntry::Type::file; }

}  // namespace

// What the special members before a member say about it.
struct TarReader::Extended {
  PaxRecords records;  // of a pax header
  std::string name;    // of GNU's long name
  std::string link;    // of GNU's long link
  int count = 0;
};

void TarReader::refuse(const std::string& why) const {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what_, why));
}

// Is there anything left of the present piece, or another one?
bool TarReader::fill() {
  if (rest_.empty()) rest_ = pieces_.next_piece();
  return !rest_.empty();
}

// Headers and what fills data up to a whole block lie in one piece, as pieces are whole blocks.
std::string_view TarReader::take(std::size_t size, std::string_view why) {
  if (!fill() || rest_.size() < size) refuse(std::string(why));
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

void TarReader::begin_data(std::uint64_t stored, std::span<const TarExtent> extents) {
  extents_.assign(extents.rbegin(), extents.rend());
  padding_ = (kTarBlock - stored % kTarBlock) % kTarBlock;
}

std::string_view TarReader::read_data() {
  if (extents_.empty()) return {};
  if (!fill()) refuse(kCutFile);
  TarExtent& extent = extents_.back();
  const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(extent.size, rest_.size()));
  data_offset_ = extent.offset;
  extent.offset += now;
  extent.size -= now;
  if (extent.size == 0) extents_.pop_back();
  return take(now, "");
}

void TarReader::skip_rest() {
  while (!read_data().empty()) {
  }
  // Some archives end with the last byte of the last file (umoci 0.4.7's insert): nothing is lost.
  if (padding_ > 0 && fill()) {
    rest_.remove_prefix(std::min(static_cast<std::size_t>(padding_), rest_.size()));
  }
  padding_ = 0;
}

bool TarReader::at_end_mark(std::string_view block) {
  if (!is_zero_block(block)) return false;
  if (fill() && rest_.size() >= kTarBlock && !is_zero_block(take(kTarBlock, ""))) {
    refuse("data follows the mark of the archive's end");
  }
  return true;
}

std::string TarReader::read_extension(std::uint64_t size) {
  if (size > kMaxExtension) {
    refuse(fmt::format("an extended header of {} bytes, more than {} are not read", size,
                       kMaxExtension));
  }
  const TarExtent whole{0, size};
  begin_data(size, {&whole, size > 0 ? 1U : 0U});
  std::string text;
  for (std::string_view piece = read_data(); !piece.empty(); piece = read_data()) text += piece;
  skip_rest();
  return text;
}

// Members that describe the next one. False if the block is none of them.
bool TarReader::read_special(std::string_view block, Extended& extended) {
  const char type = type_flag(block);
  if (std::string_view("xXgLKV").find(type) == std::string_view::npos) return false;
  const std::optional<std::uint64_t> size = size_field(block);
  if (!size) refuse("the size of an extended header is damaged");
  if (++extended.count > kMaxExtensions) refuse("too many extended headers before one member");
  if (type == 'g' && (global_bytes_ += *size) > kMaxExtension) {
    refuse(
        fmt::format("global extended headers of more than {} bytes are not read", kMaxExtension));
  }
  std::string text = read_extension(*size);
  if (type == 'L') {
    extended.name = without_trailing_nul(std::move(text));
  } else if (type == 'K') {
    extended.link = without_trailing_nul(std::move(text));
  } else if (type != 'V') {  // V, the name of a volume, says nothing
    PaxRecords& records = type == 'g' ? global_ : extended.records;
    if (!parse_pax_records(text, records)) refuse("an extended header is damaged");
    if (global_.size() > 1000) refuse("too many records in global headers");
  }
  return true;
}

std::vector<TarExtent> TarReader::read_old_extents(std::string_view block) {
  std::vector<TarExtent> extents;
  std::optional<bool> more = parse_old_extents(block, /*is_header=*/true, extents);
  while (more.value_or(false)) {
    const std::string_view next = take(kTarBlock, "the archive ends in a list of holes");
    more = parse_old_extents(next, /*is_header=*/false, extents);
  }
  if (!more) refuse("a list of holes is damaged, or longer than is read");
  return extents;
}

// The list takes whole blocks of what the archive holds of the file.
std::vector<TarExtent> TarReader::read_extent_lines(TarEntry& entry) {
  ExtentLines lines;
  while (!lines.done()) {
    if (entry.size < kTarBlock) refuse("a list of holes ends too early");
    entry.size -= kTarBlock;
    for (const char c : take(kTarBlock, "the archive ends in a list of holes")) {
      if (lines.done()) break;  // zeros follow
      if (!lines.add(c)) refuse("a list of holes is damaged, or longer than is read");
    }
  }
  return lines.take();
}

// Is it sparse? Its size is then that of the whole file, its extents are known.
void TarReader::find_holes(std::string_view block, const Extended& extended, TarEntry& entry,
                           std::string& why) {
  SparseRecords records = find_sparse_records(extended.records, why);
  const bool is_old = type_flag(block) == kOldSparse;
  if (!why.empty() || (!is_old && !records.is_sparse)) return;
  if (entry.type != TarEntry::Type::file || (is_old && records.is_sparse)) {
    why = "it cannot have holes";
    return;
  }
  std::vector<TarExtent> extents;
  if (is_old) {
    records.real_size = old_real_size(block);
    extents = read_old_extents(block);
  } else {
    extents = records.lines_follow ? read_extent_lines(entry) : std::move(*records.extents);
    if (records.name) entry.name = *records.name;
  }
  if (!records.real_size || !settle_extents(std::move(extents), *records.real_size, entry)) {
    why = "its holes and its size disagree";
  }
}

TarEntry TarReader::describe(const std::string& block, Extended& extended) {
  std::string why;
  TarEntry entry = parse_tar_header(block, why);
  if (!extended.name.empty()) entry.name = std::move(extended.name);
  if (!extended.link.empty()) entry.link = std::move(extended.link);
  if (why.empty()) apply_pax_records(global_, extended.records, entry, why);
  settle_type(type_flag(block), entry);
  if (!has_data(entry.type)) entry.size = 0;
  const std::uint64_t stored = entry.size;
  if (why.empty()) find_holes(block, extended, entry, why);
  if (why.empty() && entry.name.empty()) why = "it has no name";
  if (!why.empty()) refuse(fmt::format("member {}: {}", minidocker::quoted(entry.name), why));
  const TarExtent whole{0, stored};
  begin_data(stored, entry.sparse ? std::span<const TarExtent>(entry.extents)
                                  : std::span<const TarExtent>(&whole, stored > 0 ? 1 : 0));
  return entry;
}

std::optional<TarEntry> TarReader::next() {
  Extended extended;
  while (!ended_) {
    skip_rest();
    if (!fill()) break;  // some programs leave the end mark out
    // A copy: the piece it lies in may be gone when we read on.
    const std::string block(take(kTarBlock, "the archive ends in the middle of a header"));
    if (at_end_mark(block)) break;
    if (!checksum_agrees(block)) refuse("a header's checksum disagrees: no tar, or damaged");
    if (!read_special(block, extended)) return describe(block, extended);
  }
  ended_ = true;
  if (extended.count > 0) refuse("the archive ends after an extended header");
  return std::nullopt;
}

void TarReader::drain() {
  rest_ = {};
  while (!pieces_.next_piece().empty()) {
  }
}

}  // namespace minidocker::images_unpack
