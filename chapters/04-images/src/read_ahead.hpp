#pragma once
/// \file
/// The threads of unpacking. One reads a stream ahead of its caller, another hashes it:
///
/// ```
///   below ── reader ──> [ block | block | ... ] ──> hasher
///                                             └───> next_piece()
/// ```
/// The blocks are a ring of fixed size. Each side goes through them in order; the reader waits for
/// the slower of the other two, so memory is bounded whatever the layer's size.

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>
#include <thread>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/images_unpack/byte_stream.hpp"
#include "minidocker/toolbox/mutex.hpp"

namespace minidocker::images_unpack {

/// Reads and hashes `below` ahead of its caller, who alone may call its functions.
///
/// Invariant: block i of the stream lies in place i % kBlocks from when `filled_` exceeds i until
/// both `hashed_` and `given_` do. Who may touch it: the reader before, the others then.
class ReadAhead final : public PieceStream {
 public:
  /// Starts the threads. `below` is borrowed and read by another thread until the stream ends or
  /// this object does. Throws std::system_error if no thread can be had.
  explicit ReadAhead(ByteStream& below);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  /// Waits until the read of `below` that is under way, if any, has returned.
  ~ReadAhead() override;

  std::string_view next_piece() override;  ///< a block; throws what `below` threw
  /// Of all of `below`; once, when next_piece() has returned the end.
  [[nodiscard]] images::Digest digest();
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }  ///< given so far

 private:
  // Smaller blocks cost more: each is a hand-over between threads, and for the inflaters an end.
  static constexpr std::size_t kBlocks = 4;
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20U;
  struct Block {
    std::vector<char> data = std::vector<char>(kBlockBytes);
    std::size_t size = 0;
  };

  void read_below();
  void hash_blocks();
  bool wait_for_room();
  // `used` is hashed_ or given_: how many blocks that side is done with.
  const Block* wait_for_block(std::uint64_t ReadAhead::* used);
  void release_block(std::uint64_t ReadAhead::* used);
  void end(std::exception_ptr failure);
  void stop();

  ByteStream& below_;
  std::array<Block, kBlocks> blocks_;
  Mutex mutex_;
  Condition more_;                                  // blocks are filled, or will never be
  Condition room_;                                  // half of the ring is free
  std::uint64_t filled_ MD_GUARDED_BY(mutex_) = 0;  // blocks so far, by each of the three
  std::uint64_t hashed_ MD_GUARDED_BY(mutex_) = 0;
  std::uint64_t given_ MD_GUARDED_BY(mutex_) = 0;
  bool ended_ MD_GUARDED_BY(mutex_) = false;    // the reader is done
  bool stopped_ MD_GUARDED_BY(mutex_) = false;  // the caller wants no more
  std::exception_ptr failure_ MD_GUARDED_BY(mutex_);

  images::Hasher hasher_;   // the hasher's, the caller's once it has ended
  bool has_block_ = false;  // the caller's: does it look at one?
  std::uint64_t bytes_ = 0;
  std::jthread hash_thread_;
  std::jthread read_thread_;
};

}  // namespace minidocker::images_unpack
