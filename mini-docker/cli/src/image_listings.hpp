#pragma once
/// \file
/// Rows of `images`, `history` and `system df`, in docker's words.

#include <cstdint>
#include <string>
#include <vector>

#include "format_template.hpp"
#include "minidocker/engine/engine.hpp"
#include "tables.hpp"

namespace minidocker::cli {

/// Whether a digest is shown, which makes a row for each.
enum class Digests { hidden, shown };
/// Whether times and sizes are for people.
enum class Human { no, yes };

/// `images`: a row for each name of each image; `now` in seconds since 1970.
[[nodiscard]] Listing images_listing(const std::vector<engine::ImageSummary>& images,
                                     std::int64_t now, Cut cut, Digests digests);
/// `history`.
[[nodiscard]] Listing history_listing(const std::vector<engine::HistoryLine>& history,
                                      std::int64_t now, Cut cut, Human human);
/// `system df`.
[[nodiscard]] Listing usage_listing(const engine::DiskUsage& usage);
/// `system df -v`: a table for each kind of thing.
[[nodiscard]] std::string usage_in_full(const engine::DiskUsage& usage, std::int64_t now);

/// How `untagged` and `deleted` are written: docker has two ways.
enum class Spelling { small, capitals };
/// A line for each name or image that was removed.
[[nodiscard]] std::string removed_in_words(const std::vector<engine::RemovedReference>& removed,
                                           Spelling spelling);

}  // namespace minidocker::cli
