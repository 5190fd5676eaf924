#pragma once
/// \file
/// What processes of a test do in their groups, and the memory in which they tell of it.

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include "group_fixture.hpp"

namespace minidocker::cgroups {

/// Shared by the test and its children.
struct Board {
  std::atomic<std::int64_t> start_ns;   ///< when they were told
  sem_t gate;                           ///< closed until children may go
  std::atomic<bool> ready;              ///< a child has come to where it was to come
  std::atomic<std::uint64_t> count;     ///< of what a child does all the time
  std::atomic<std::uint64_t> failed;    ///< what should not have happened
  std::atomic<std::int64_t> cpu_ns[2];  ///< processor time used
  std::atomic<bool> stop;               ///< children end
};

/// The test's board, cleared.
inline Board* board = nullptr;
inline void clear_board() {
  if (board == nullptr) {
    void* memory =
        ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    board = static_cast<Board*>(memory);
  }
  new (board) Board{};
  ::sem_init(&board->gate, 1, 0);
}

inline std::int64_t nanoseconds_of(clockid_t clock) {
  struct timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

/// Burns the `wall_ms` from the moment on when all were told to go; tells how much processor time
/// it got of it.
inline int spin(std::size_t slot, std::int64_t wall_ms) {
  ::sem_wait(&board->gate);
  ::sem_post(&board->gate);  // for whoever comes next
  while (nanoseconds_of(CLOCK_MONOTONIC) - board->start_ns < wall_ms * 1'000'000) {
  }
  board->cpu_ns[slot] = nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID);
  return 0;
}

/// Starts all spinners.
inline void start_race() {
  board->start_ns = nanoseconds_of(CLOCK_MONOTONIC);
  ::sem_post(&board->gate);
}

/// Takes `size` bytes and uses each page; the group's limit may end it.
inline void hold(std::size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  auto* bytes = static_cast<volatile char*>(memory);
  for (std::size_t i = 0; i < size; i += 4096) bytes[i] = 1;
}

/// Takes more than any limit here.
inline int be_a_hog() {
  hold(64 << 20);
  return 0;
}

/// Forks for ever, and so do its children; each fork that fails is tried again.
[[noreturn]] inline void bomb() {
  while (true) {
    if (::fork() >= 0) ++board->count;
  }
}

/// Waits until `holds` does; false after 10 s.
template <class Condition>
bool eventually(Condition holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace minidocker::cgroups
