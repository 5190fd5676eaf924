#pragma once
/// \file
/// What programs do to a tree of files, at random. Each operation stands for itself and may fail,
/// so that any part of a sequence is a sequence again, and one that shows a bug can be shortened.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace minidocker::unionfs::testing {

/// One operation: `kind` chooses what, `first` and `second` where, `value` with what.
struct Operation {
  std::uint32_t kind = 0;    ///< index into what there is to do
  std::uint32_t first = 0;   ///< a path
  std::uint32_t second = 0;  ///< another one
  std::uint32_t value = 0;   ///< a mode, an owner, a content
};

/// `count` operations.
[[nodiscard]] std::vector<Operation> random_operations(std::mt19937& random, std::size_t count);
/// Does it in `dir`.
void perform(const std::string& dir, const Operation& operation);
/// The paths that it is about, relative.
[[nodiscard]] std::vector<std::string> paths_of(const Operation& operation);
/// In words, as a shell would say it.
[[nodiscard]] std::string in_words(const Operation& operation);

}  // namespace minidocker::unionfs::testing
