#include "read_ahead.hpp"

#include <algorithm>
#include <cstring>
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
  changed_.notify_all();
}

// --- the reader ------------------------------------------------------------------------------

// False if nobody wants more.
bool ReadAhead::wait_for_room() {
  const MutexLock lock(mutex_);
  while (!stopped_ && filled_ - std::min(hashed_, given_) == kBlocks) changed_.wait(mutex_);
  return !stopped_;
}

void ReadAhead::end(std::exception_ptr failure) {
  const MutexLock lock(mutex_);
  failure_ = std::move(failure);
  ended_ = true;
  changed_.notify_all();
}

void ReadAhead::read_below() {
  try {
    for (std::uint64_t number = 0; wait_for_room(); ++number) {
      Block& block = blocks_[number % kBlocks];
      block.size = 0;
      std::size_t got = 1;
      while (block.size < kBlockBytes && got > 0) {
        got = below_.read(block.data.data() + block.size, kBlockBytes - block.size);
        block.size += got;
      }
      if (block.size > 0) {
        const MutexLock lock(mutex_);
        ++filled_;
        changed_.notify_all();
      }
      if (got == 0) break;
    }
    end(nullptr);
  } catch (...) {
    end(std::current_exception());
  }
}

// --- the others --------------------------------------------------------------------------------

// Null at the end.
ReadAhead::Block* ReadAhead::wait_for_block(std::uint64_t ReadAhead::* used) {
  const MutexLock lock(mutex_);
  while (!stopped_ && !ended_ && filled_ == this->*used) changed_.wait(mutex_);
  if (stopped_ || filled_ == this->*used) return nullptr;
  return &blocks_[this->*used % kBlocks];
}

void ReadAhead::release_block(std::uint64_t ReadAhead::* used) {
  const MutexLock lock(mutex_);
  ++(this->*used);
  changed_.notify_all();
}

void ReadAhead::hash_blocks() {
  while (const Block* block = wait_for_block(&ReadAhead::hashed_)) {
    hasher_.update(block->data.data(), block->size);
    release_block(&ReadAhead::hashed_);
  }
}

std::size_t ReadAhead::read(void* buffer, std::size_t size) {
  if (current_ == nullptr) {
    current_ = wait_for_block(&ReadAhead::given_);
    at_ = 0;
  }
  if (current_ == nullptr) {
    const MutexLock lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    return 0;
  }
  const std::size_t now = std::min(size, current_->size - at_);
  std::memcpy(buffer, current_->data.data() + at_, now);
  at_ += now;
  bytes_ += now;
  if (at_ == current_->size) {
    current_ = nullptr;
    release_block(&ReadAhead::given_);
  }
  return now;
}

images::Digest ReadAhead::digest() {
  hash_thread_.join();
  return hasher_.finish();
}

}  // namespace minidocker::images_unpack
