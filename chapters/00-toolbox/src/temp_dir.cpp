#include "minidocker/toolbox/temp_dir.hpp"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker {
namespace {

constexpr int kMaxTries = 100;

std::string choose_parent(std::string_view parent) {
  if (!parent.empty()) return std::string(parent);
  const char* from_environment = std::getenv("TMPDIR");
  return from_environment != nullptr && *from_environment == '/' ? from_environment : "/tmp";
}

/// Six letters from the clock. They need not be secret: mkdir(2) refuses a name that is taken, so
/// a guess can only make us try again.
std::string letters() {
  static constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  auto ticks =
      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  ticks *= 0x9e3779b97f4a7c15U;  // spreads the low bits, which change fastest, over all others
  ticks >>= 16;
  std::string text;
  for (int i = 0; i < 6; ++i, ticks /= kAlphabet.size())
    text += kAlphabet[ticks % kAlphabet.size()];
  return text;
}

}  // namespace

TempDir::TempDir(std::string_view parent) : maker_(sys::own_pid()) {
  const std::string prefix = choose_parent(parent) + "/mini-docker-";
  for (int i = 0;; ++i) {
    const std::string path = prefix + letters();
    sys::Result<> made = sys::mkdir(path.c_str(), 0700);
    if (made.error() == EEXIST && i < kMaxTries) continue;
    std::move(made).or_throw(quoted(path), "TMPDIR may name another place for temporary files");
    path_ = path;
    return;
  }
}

TempDir::TempDir(TempDir&& other) noexcept
    : path_(std::exchange(other.path_, {})), maker_(other.maker_) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this == &other) return *this;
  TempDir taken(std::move(other));
  std::swap(path_, taken.path_);
  std::swap(maker_, taken.maker_);
  return *this;
}

TempDir::~TempDir() {
  if (path_.empty() || maker_ != sys::own_pid()) return;
  try {
    remove_tree(path_);
  } catch (const std::exception& error) {
    const std::string line = fmt::format("mini-docker: temporary files stay: {}\n", error.what());
    (void)sys::write(2, line.data(), line.size());
  }
}

std::string TempDir::operator/(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

std::string TempDir::release() noexcept { return std::exchange(path_, {}); }

}  // namespace minidocker
