#pragma once
/// \file
/// A small writer of tar archives that writes whatever it is told, hostile or not, and the helpers
/// that turn archives into layers and images.

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "minidocker/images/digest.hpp"

namespace minidocker::images_unpack::testing {

/// What a header says; everything may be a lie.
struct Member {
  std::string name;          ///< at most 100 bytes
  char type = '0';           ///< type flag
  std::string content = {};  ///< data
  std::string link = {};     ///< at most 100 bytes
  unsigned mode = 0644;      ///< permissions
  unsigned uid = 0;          ///< owner
  unsigned gid = 0;          ///< group
  std::uint64_t mtime = 1;   ///< seconds
  unsigned major = 0;        ///< device
  unsigned minor = 0;        ///< device
};

/// Sets the checksum of a header.
inline void seal(std::string& header) {
  std::memset(header.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::memcpy(header.data() + 148, fmt::format("{:06o}\0 ", sum).c_str(), 7);
}

/// A header block in ustar form.
inline std::string header_of(const Member& member) {
  std::string header(512, '\0');
  const auto put = [&header](std::size_t at, std::string_view text) {
    std::memcpy(header.data() + at, text.data(), text.size());
  };
  put(0, member.name);
  put(100, fmt::format("{:07o}", member.mode));
  put(108, fmt::format("{:07o}", member.uid));
  put(116, fmt::format("{:07o}", member.gid));
  put(124, fmt::format("{:011o}", member.content.size()));
  put(136, fmt::format("{:011o}", member.mtime));
  header[156] = member.type;
  put(157, member.link);
  put(257, std::string_view("ustar\0"
                            "00",
                            8));
  put(329, fmt::format("{:07o}", member.major));
  put(337, fmt::format("{:07o}", member.minor));
  seal(header);
  return header;
}

/// Builds an archive.
class TarBuilder {
 public:
  /// Appends a member.
  TarBuilder& add(const Member& member) { return raw(header_of(member)).data(member.content); }
  /// Appends a directory.
  TarBuilder& dir(const std::string& name, unsigned mode = 0755) {
    return add({.name = name, .type = '5', .mode = mode});
  }
  /// Appends a file.
  TarBuilder& file(const std::string& name, const std::string& content = "content") {
    return add({.name = name, .content = content});
  }
  /// Appends a pax header that describes the next member.
  TarBuilder& pax(const std::string& key, const std::string& value, char type = 'x') {
    std::size_t length = key.size() + value.size() + 3;
    const std::size_t digits = std::to_string(length + 2).size();
    length += digits;
    if (std::to_string(length).size() > digits) ++length;
    return add({.name = "pax",
                .type = type,
                .content = std::to_string(length) + " " + key + "=" + value + "\n"});
  }
  /// Appends bytes as they are.
  TarBuilder& raw(std::string_view bytes) {
    archive_ += bytes;
    return *this;
  }
  /// Appends data, filled up to whole blocks.
  TarBuilder& data(std::string_view bytes) {
    archive_ += bytes;
    archive_.append((512 - bytes.size() % 512) % 512, '\0');
    return *this;
  }
  /// The archive with its end mark.
  [[nodiscard]] std::string finish() const { return archive_ + std::string(1024, '\0'); }
  /// The archive as far as it is.
  [[nodiscard]] const std::string& unfinished() const { return archive_; }

 private:
  std::string archive_;
};

}  // namespace minidocker::images_unpack::testing
