#pragma once
/// \file
/// Bytes on their way from a blob to a layer. There are two ways to ask for them: a ByteStream puts
/// them into a buffer of its caller's, a PieceStream shows them where they lie. Stages of both
/// kinds take turns (file, ring, inflate, ring, tar), so nothing is copied between them, and memory
/// stays flat whatever the archive's size.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace minidocker::images_unpack {

/// A source of bytes.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Reads 1 to `size` bytes into `buffer` and returns how many; 0 is the end. Throws.
  virtual std::size_t read(void* buffer, std::size_t size) = 0;
};

/// A source of bytes that shows them in pieces where they lie.
class PieceStream {
 public:
  virtual ~PieceStream() = default;
  /// The next piece, valid until the next call; empty: the end. Every piece but the last is a
  /// multiple of 512 bytes, in which tar counts. Throws.
  virtual std::string_view next_piece() = 0;
};

/// Reads an open file from where it stands.
class FdStream final : public ByteStream {
 public:
  /// `fd` is borrowed; `what` names it in errors.
  FdStream(int fd, std::string what) : fd_(fd), what_(std::move(what)) {}
  std::size_t read(void* buffer, std::size_t size) override;  ///< throws SystemError

 private:
  int fd_;
  std::string what_;
};

/// Reads until `buffer` is full or the stream ends; returns how many bytes.
std::size_t read_full(ByteStream& stream, char* buffer, std::size_t size);

/// Pieces of a stream, read into one buffer when they are asked for.
class BufferedPieces final : public PieceStream {
 public:
  explicit BufferedPieces(ByteStream& below);  ///< `below` is borrowed
  std::string_view next_piece() override;      ///< throws what `below` throws

 private:
  ByteStream& below_;
  std::vector<char> buffer_;
};

/// How many bytes may still come out of foreign archives, whatever they say of themselves: a few
/// kilobytes of gzip can hold terabytes. One budget is shared by all stages and threads of a run.
class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t bytes) : most_(bytes), left_(bytes) {}  ///< of that size
  /// Takes `bytes` away. Throws invalid_argument naming `what` and the limit if fewer are left.
  void take(std::uint64_t bytes, const std::string& what);
  /// Throws as take() if `bytes` could not be taken.
  void check(std::uint64_t bytes, const std::string& what) const;

 private:
  std::uint64_t most_;
  std::atomic<std::uint64_t> left_;
};

/// Hands bytes on and takes them from a budget.
class BoundedStream final : public ByteStream {
 public:
  /// `below` and `budget` are borrowed; `what` names the stream in errors.
  BoundedStream(ByteStream& below, ByteBudget& budget, std::string what)
      : below_(below), budget_(budget), what_(std::move(what)) {}
  std::size_t read(void* buffer, std::size_t size) override;  ///< throws as ByteBudget::take()

 private:
  ByteStream& below_;
  ByteBudget& budget_;
  std::string what_;
};

/// Which code inflates what.
enum class InflateCode : std::uint8_t {
  igzip,  ///< gzip by ISA-L: made for CPUs with carry-less multiplication and SSE 4.2
  zlib,   ///< gzip by zlib: works everywhere, several times slower
  zstd,   ///< zstd by libzstd
};
/// The fastest one for gzip that suits this CPU and was there when this was built.
[[nodiscard]] InflateCode best_gzip_code() noexcept;

/// Inflates gzip (RFC 1952) or zstd (RFC 8878). Members and frames may follow one another, zeros
/// after the last one are ignored; anything else there is an error.
class InflateStream final : public ByteStream {
 public:
  /// `below` is borrowed; `what` names it in errors; `first` is what was taken of it already to
  /// look at. Throws unavailable for code that was not there when this was built.
  InflateStream(PieceStream& below, std::string what, InflateCode code,
                std::string_view first = {});
  ~InflateStream() override;
  /// Throws invalid_argument for damaged or truncated data, and what `below` throws.
  std::size_t read(void* buffer, std::size_t size) override;

 private:
  struct Input;
  std::unique_ptr<Input> input_;
};

/// Finds out by the first bytes how `below` is compressed and returns a stream of what is inside:
/// gzip, zstd, or no compression. Others (bzip2, xz) are refused by name. `below` is borrowed.
[[nodiscard]] std::unique_ptr<ByteStream> decompress(PieceStream& below, const std::string& what);

}  // namespace minidocker::images_unpack
