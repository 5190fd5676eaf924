#pragma once
/// \file
/// `--filter` of `images`.

#include <string>
#include <vector>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// `dangling=true`, `label=K=V`, `reference=PATTERN`, `before=IMAGE`, `since=IMAGE`. Throws
/// UsageError in docker's words for others.
[[nodiscard]] engine::ImageFilters parse_image_filters(const std::vector<std::string>& words);

}  // namespace minidocker::cli
