#pragma once
/// \file
/// Where the data of sparse files goes, in the four ways in which GNU tar has written it down
/// (GNU tar manual, "Sparse Formats"; tar(5)), as pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/images_unpack/tar_reader.hpp"
#include "tar_header.hpp"

namespace minidocker::images_unpack {

/// Most extents that one file may have.
inline constexpr std::size_t kMaxExtents = 200'000;

/// Reads the old form: up to four extents in a header, up to 21 in each block that follows it. Puts
/// them behind `extents`. Nothing if a number is damaged; else whether another such block follows.
[[nodiscard]] std::optional<bool> parse_old_extents(std::string_view block, bool is_header,
                                                    std::vector<TarExtent>& extents);
/// The size of the whole file in a header of the old form.
[[nodiscard]] std::optional<std::uint64_t> old_real_size(std::string_view block);

/// `OFFSET,SIZE,OFFSET,SIZE`: pax 0.1, and 0.0 once its records are put together. Nothing if it is
/// damaged.
[[nodiscard]] std::optional<std::vector<TarExtent>> parse_extents_text(std::string_view text);

/// Reads the list that pax 1.0 puts before the data: the count, then offsets and sizes, each a
/// line.
class ExtentLines {
 public:
  /// The next character. False if it is damaged.
  [[nodiscard]] bool add(char c);
  /// Is the list whole?
  [[nodiscard]] bool done() const noexcept { return count_ && numbers_ == 2 * *count_; }
  /// What was read.
  [[nodiscard]] std::vector<TarExtent> take() { return std::move(extents_); }

 private:
  bool add_number();
  std::optional<std::uint64_t> count_;
  std::uint64_t numbers_ = 0;
  std::string digits_;
  std::vector<TarExtent> extents_;
};

/// What records of a member say of a sparse file.
struct SparseRecords {
  bool is_sparse = false;                           ///< is there any?
  bool lines_follow = false;                        ///< 1.0: the list stands before the data
  std::optional<std::string> name;                  ///< the file's own
  std::optional<std::uint64_t> real_size;           ///< of the whole file
  std::optional<std::vector<TarExtent>> extents{};  ///< 0.0 and 0.1
};
/// Sorts them out; an empty `why` on success.
[[nodiscard]] SparseRecords find_sparse_records(const PaxRecords& records, std::string& why);

/// Makes `entry`, whose size is what the archive holds of it, a file of `real_size` bytes. False
/// if the extents overlap, stand in disorder, leave the file or are not what the archive holds.
[[nodiscard]] bool settle_extents(std::vector<TarExtent> extents, std::uint64_t real_size,
                                  TarEntry& entry);

}  // namespace minidocker::images_unpack
