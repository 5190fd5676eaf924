#include "image_listing.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "times.hpp"

namespace minidocker::engine {

namespace {

using images::Digest;
using images::Image;

Bytes size_of(const Shelf& shelf, const images::ImageConfig& config) {
  return shelf.sizes.of(std::set<Digest>(config.diff_ids.begin(), config.diff_ids.end()));
}

bool has_label(const ImageSummary& image, const std::string& wanted) {
  const std::size_t equals = wanted.find('=');
  const auto label = image.labels.find(wanted.substr(0, equals));
  if (label == image.labels.end()) return false;
  return equals == std::string::npos || label->second == wanted.substr(equals + 1);
}

/// Docker matches a pattern with the repository, and with repository and tag.
bool matches(const std::string& name, const std::string& pattern) {
  const std::string repository = name.substr(0, name.find('@'));
  const std::size_t colon = repository.rfind(':');
  const bool has_tag =
      colon != std::string::npos && repository.find('/', colon) == std::string::npos;
  for (const std::string& text : {name, has_tag ? repository.substr(0, colon) : repository}) {
    if (::fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0) return true;
  }
  return false;
}

/// Leaves only the names that match; without patterns all.
void keep_matching(ImageSummary& image, const std::vector<std::string>& patterns) {
  if (patterns.empty()) return;
  const auto is_other = [&patterns](const std::string& name) {
    return std::ranges::none_of(
        patterns, [&name](const std::string& pattern) { return matches(name, pattern); });
  };
  std::erase_if(image.tags, is_other);
  std::erase_if(image.digests, is_other);
}

/// The filters with the images that they name looked up.
class Filter {
 public:
  Filter(const Shelf& shelf, const ImageFilters& filters) : filters_(filters) {
    if (!filters.before.empty()) before_ = created(shelf, filters.before);
    if (!filters.since.empty()) since_ = created(shelf, filters.since);
  }

  [[nodiscard]] bool fits(const ImageSummary& image) const {
    if (filters_.dangling && *filters_.dangling != image.tags.empty()) return false;
    if (before_ && image.created >= *before_) return false;
    if (since_ && image.created <= *since_) return false;
    if (!filters_.references.empty() && image.tags.empty() && image.digests.empty()) return false;
    return std::ranges::all_of(
        filters_.labels, [&image](const std::string& label) { return has_label(image, label); });
  }

 private:
  static std::int64_t created(const Shelf& shelf, const std::string& name) {
    return seconds_of_rfc3339(shelf.store.config_of(shelf.store.get_image(name)).created);
  }

  const ImageFilters& filters_;
  std::optional<std::int64_t> before_;
  std::optional<std::int64_t> since_;
};

}  // namespace

ImageSummary summary_of(const Shelf& shelf, const Image& image,
                        std::vector<std::string>& warnings) {
  ImageSummary summary;
  summary.id = image.id.hex();
  for (const images::ImageName& name : image.names) summary.tags.push_back(name.familiar());
  for (const images::DigestName& name : image.digests) summary.digests.push_back(name.familiar());
  try {
    const images::ImageConfig config = shelf.store.config_of(image);
    summary.created = seconds_of_rfc3339(config.created);
    summary.labels = config.labels;
    summary.size = size_of(shelf, config);
  } catch (const Error& error) {
    warnings.emplace_back(error.what());
  }
  return summary;
}

ImageList list_images(const Shelf& shelf, const ImageFilters& filters) {
  const Filter filter(shelf, filters);
  ImageList list;
  for (const Image& image : shelf.store.images(&list.warnings)) {
    ImageSummary summary = summary_of(shelf, image, list.warnings);
    keep_matching(summary, filters.references);
    if (filter.fits(summary)) list.images.push_back(std::move(summary));
  }
  std::ranges::stable_sort(list.images, std::greater<>{}, &ImageSummary::created);
  return list;
}

std::vector<HistoryLine> history_of(const Shelf& shelf, const std::string& name) {
  const Image image = shelf.store.get_image(name);
  const images::ImageConfig config = shelf.store.config_of(image);
  std::vector<HistoryLine> lines;
  auto layer = config.diff_ids.begin();
  for (const images::HistoryStep& step : config.history) {
    HistoryLine line;
    line.created = seconds_of_rfc3339(step.created);
    line.created_by = step.created_by;
    line.comment = step.comment;
    // Nobody checks a history: it may have more steps than there are layers.
    if (!step.empty_layer && layer != config.diff_ids.end()) line.size = shelf.sizes.of(*layer++);
    lines.push_back(std::move(line));
  }
  std::ranges::reverse(lines);
  if (!lines.empty()) lines.front().id = image.id.hex();
  return lines;
}

namespace {

std::vector<LayerSummary> layers_of(const Shelf& shelf, const images::ImageConfig& config) {
  std::vector<LayerSummary> layers;
  const std::vector<Digest> chain = images::chain_ids(config.diff_ids);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    layers.push_back(
        {config.diff_ids[i].str(), chain[i].str(), shelf.sizes.of(config.diff_ids[i]), ""});
  }
  auto layer = layers.begin();
  for (const images::HistoryStep& step : config.history) {
    if (!step.empty_layer && layer != layers.end()) (layer++)->created_by = step.created_by;
  }
  return layers;
}

}  // namespace

ImageDetails details_of(const Shelf& shelf, const std::string& name) {
  const Image image = shelf.store.get_image(name);
  const images::ImageConfig config = shelf.store.config_of(image);
  ImageDetails details;
  std::vector<std::string> warnings;
  details.summary = summary_of(shelf, image, warnings);
  details.created = config.created;
  details.comment = config.comment;
  if (details.comment.empty() && !config.history.empty()) {
    details.comment = config.history.back().comment;
  }
  details.author = config.author;
  details.docker_version = config.docker_version;
  details.defaults = config.defaults;
  details.os = config.platform.os;
  details.architecture = config.platform.architecture;
  details.variant = config.platform.variant;
  details.layers = layers_of(shelf, config);
  if (shelf.layers.missing_of(config).empty()) details.folders = shelf.layers.paths_of(config);
  return details;
}

}  // namespace minidocker::engine
