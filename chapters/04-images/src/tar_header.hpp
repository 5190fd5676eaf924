#pragma once
/// \file
/// The fields of a tar header and of pax records, as pure functions.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "minidocker/images_unpack/tar_reader.hpp"

namespace minidocker::images_unpack {

/// Archives consist of blocks of this size.
inline constexpr std::size_t kTarBlock = 512;

/// Records of pax extended headers, by keyword.
using PaxRecords = std::map<std::string, std::string>;

/// Octal digits with blanks around, or GNU's base 256 for large and negative numbers. Nothing if
/// it is neither or does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_tar_number(std::string_view field);
/// Is it 512 zeros?
[[nodiscard]] bool is_zero_block(std::string_view block);
/// Does the header's checksum agree? Sums of signed bytes, as some old programs made, do too.
[[nodiscard]] bool checksum_agrees(std::string_view block);
/// The type flag.
[[nodiscard]] char type_flag(std::string_view block);
/// The size field; nothing if it is no number or negative.
[[nodiscard]] std::optional<std::uint64_t> size_field(std::string_view block);
/// The header's fields without extensions; an empty `why` on success.
[[nodiscard]] TarEntry parse_tar_header(std::string_view block, std::string& why);
/// `LENGTH KEYWORD=VALUE\n` one after the other, put into `records`. False if damaged.
[[nodiscard]] bool parse_pax_records(std::string_view text, PaxRecords& records);
/// Puts records in the place of fields, a member's own in the place of global ones. An empty `why`
/// on success.
void apply_pax_records(const PaxRecords& global, const PaxRecords& own, TarEntry& entry,
                       std::string& why);
/// Before ustar a directory was a file whose name ends in a slash. Only once extensions have had
/// their say: the name in the header is cut after 100 bytes, and may end in a slash by that.
void settle_type(char flag, TarEntry& entry);

}  // namespace minidocker::images_unpack
