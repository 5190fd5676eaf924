#include "read_ahead.hpp"

#include <algorithm>
#include <utility>

namespace minidocker::images_unpack {

ReadAhead::ReadAhead(ByteStream& below) : below_(below), hash_thread_([this] { hash_blocks(); }) {
  try {
    read_thread_ = std::jthread([this] { read_below(); });
  } catch (...) {
    stop();  // or the other thread would wait for ever
    throw;
  }
}

ReadAhead::~ReadAhead() { stop(); }

void ReadAhead::stop() {
  const MutexLock lock(mutex_);
  stopped_ = true;
  more_.notify_all();
  room_.notify_one();
}

// --- the reader ------------------------------------------------------------------------------

// False if nobody wants more.
bool ReadAhead::wait_for_room() {
  const MutexLock lock(mutex_);
  while (!stopped_ && filled_ - std::min(hashed_, given_) == kBlocks) room_.wait(mutex_);
  return !stopped_;
}

void ReadAhead::end(std::exception_ptr failure) {
  const MutexLock lock(mutex_);
  failure_ = std::move(failure);
  ended_ = true;
  more_.notify_all();
}

void ReadAhead::read_below() {
  try {
    for (std::uint64_t number = 0; wait_for_room(); ++number) {
      Block& block = blocks_[number % kBlocks];
      block.size = read_full(below_, block.data.data(), kBlockBytes);
      if (block.size == 0) break;
      const MutexLock lock(mutex_);
      ++filled_;
      more_.notify_all();
    }
    end(nullptr);
  } catch (...) {
    end(std::current_exception());
  }
}

// --- the others --------------------------------------------------------------------------------

// Null at the end.
const ReadAhead::Block* ReadAhead::wait_for_block(std::uint64_t ReadAhead::* used) {
  const MutexLock lock(mutex_);
  while (!stopped_ && !ended_ && filled_ == this->*used) more_.wait(mutex_);
  if (stopped_ || filled_ == this->*used) return nullptr;
  return &blocks_[this->*used % kBlocks];
}

void ReadAhead::release_block(std::uint64_t ReadAhead::* used) {
  const MutexLock lock(mutex_);
  ++(this->*used);
  room_.notify_one();
}

void ReadAhead::hash_blocks() {
  while (const Block* block = wait_for_block(&ReadAhead::hashed_)) {
    hasher_.update(block->data.data(), block->size);
    release_block(&ReadAhead::hashed_);
  }
}

std::string_view ReadAhead::next_piece() {
  if (has_block_) release_block(&ReadAhead::given_);
  const Block* block = wait_for_block(&ReadAhead::given_);
  has_block_ = block != nullptr;
  if (!has_block_) {
    const MutexLock lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    return {};
  }
  bytes_ += block->size;
  return {block->data.data(), block->size};
}

images::Digest ReadAhead::digest() {
  hash_thread_.join();
  return hasher_.finish();
}

}  // namespace minidocker::images_unpack
