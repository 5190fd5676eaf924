#include "minidocker/images_unpack/tar_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "minidocker/toolbox/error.hpp"
#include "tar_header.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{512} * 1024;
// An extended header holds names and attributes (64 KiB each at most) of one member; global ones
// say little, but to every member that follows.
constexpr std::uint64_t kMaxExtension = std::uint64_t{1024} * 1024;
constexpr int kMaxExtensions = 16;  // before one member

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

TarReader::TarReader(ByteStream& stream, std::string what)
    : stream_(stream), what_(std::move(what)), buffer_(kBufferBytes) {}

void TarReader::refuse(const std::string& why) const {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what_, why));
}

// Makes at least `wanted` bytes lie together in the buffer. False if the stream ends before.
bool TarReader::fill(std::size_t wanted) {
  if (end_ - begin_ >= wanted) return true;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  while (end_ < wanted) {
    const std::size_t got = stream_.read(buffer_.data() + end_, buffer_.size() - end_);
    if (got == 0) return false;
    end_ += got;
  }
  return true;
}

std::string_view TarReader::take(std::size_t size, std::string_view why) {
  if (!fill(size)) refuse(std::string(why));
  const std::string_view taken(buffer_.data() + begin_, size);
  begin_ += size;
  return taken;
}

std::string_view TarReader::read_data() {
  if (left_ == 0) return {};
  if (begin_ == end_ && !fill(1)) refuse("the archive ends in the middle of a file");
  const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(left_, end_ - begin_));
  left_ -= now;
  return take(now, "");
}

void TarReader::skip_rest() {
  while (!read_data().empty()) {
  }
  take(static_cast<std::size_t>(padding_), "the archive ends in the middle of a file");
  padding_ = 0;
}

bool TarReader::at_end_mark(std::string_view block) {
  if (!is_zero_block(block)) return false;
  if (fill(kTarBlock) && !is_zero_block(take(kTarBlock, ""))) {
    refuse("data follows the mark of the archive's end");
  }
  return true;
}

std::string TarReader::read_extension(std::uint64_t size) {
  if (size > kMaxExtension) {
    refuse(fmt::format("an extended header of {} bytes, more than {} are not read", size,
                       kMaxExtension));
  }
  left_ = size;
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
  padding_ = (kTarBlock - *size % kTarBlock) % kTarBlock;
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

std::optional<TarEntry> TarReader::next() {
  Extended extended;
  while (!ended_) {
    skip_rest();
    if (!fill(1)) break;  // some programs leave the end mark out
    // A copy: reading on moves the buffer.
    const std::string block(take(kTarBlock, "the archive ends in the middle of a header"));
    if (at_end_mark(block)) break;
    if (!checksum_agrees(block)) refuse("a header's checksum disagrees: no tar, or damaged");
    if (read_special(block, extended)) continue;

    std::string why;
    TarEntry entry = parse_tar_header(block, why);
    if (!extended.name.empty()) entry.name = std::move(extended.name);
    if (!extended.link.empty()) entry.link = std::move(extended.link);
    if (type_flag(block) == 'S') why = "it is a sparse file, which is not supported";
    if (why.empty()) apply_pax_records(global_, extended.records, entry, why);
    settle_type(type_flag(block), entry);
    if (why.empty() && entry.name.empty()) why = "it has no name";
    if (!why.empty()) refuse(fmt::format("member {}: {}", minidocker::quoted(entry.name), why));
    if (!has_data(entry.type)) entry.size = 0;
    left_ = entry.size;
    padding_ = (kTarBlock - entry.size % kTarBlock) % kTarBlock;
    return entry;
  }
  ended_ = true;
  if (extended.count > 0) refuse("the archive ends after an extended header");
  return std::nullopt;
}

void TarReader::drain() {
  begin_ = end_ = 0;
  while (stream_.read(buffer_.data(), buffer_.size()) > 0) {
  }
}

}  // namespace minidocker::images_unpack
