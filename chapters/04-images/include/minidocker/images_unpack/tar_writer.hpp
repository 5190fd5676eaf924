#pragma once
/// \file
/// Writing tar archives that everybody can read: ustar, with a pax header (POSIX.1-2001) before
/// what ustar cannot say. The same members give the same bytes, wherever and whenever.

#include <cstdint>
#include <string>
#include <string_view>

#include "minidocker/images_unpack/byte_sink.hpp"
#include "minidocker/images_unpack/tar_reader.hpp"

namespace minidocker::images_unpack {

/// Writes one archive from front to end.
class TarWriter {
 public:
  /// `sink` is borrowed.
  explicit TarWriter(ByteSink& sink) : sink_(sink) {}

  /// Begins a member: what TarReader would give for it, except that a directory's name needs no
  /// slash at its end. All data of the one before must have been written. A file that is `sparse`
  /// is written in GNU's form 1.0; all of its extents but the last must be whole blocks of 512
  /// bytes. Throws invalid_argument for what no archive can say (an empty name, a NUL in a name, a
  /// `=` in an attribute's), and what the sink throws.
  void add(const TarEntry& entry);
  /// The next piece of the present member's data: as many bytes in all as its size says, or, of a
  /// sparse file, as its extents do. Throws internal if it would be more.
  void write_data(std::string_view data);
  /// Writes the mark of the end. Throws internal if data is missing.
  void finish();

 private:
  struct Header;
  void write_member(const Header& header, std::string_view records);
  void expect_no_data() const;
  void pad(std::uint64_t size);

  ByteSink& sink_;
  std::string name_;        // of the present member
  std::uint64_t size_ = 0;  // what its header says
  std::uint64_t left_ = 0;  // of it that was not written yet
};

}  // namespace minidocker::images_unpack
