#include "image_listings.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <utility>

#include "durations.hpp"

namespace minidocker::cli {

namespace {

using Fields = std::map<std::string, std::string>;

constexpr const char* kNone = "<none>";
constexpr std::size_t kShownCommand = 45;

std::string at(std::int64_t seconds, const char* form) {
  return fmt::format(fmt::runtime(form), fmt::gmtime(static_cast<std::time_t>(seconds)));
}

/// "h:5000/x:1" in two; what has no tag is "<none>".
std::pair<std::string, std::string> in_two(const std::string& name) {
  const std::size_t colon = name.rfind(':');
  return {name.substr(0, colon), name.substr(colon + 1)};
}

/// A name of an image as a row shows it.
struct Row {
  std::string repository = kNone;
  std::string tag = kNone;
  std::string digest = kNone;
};

/// Docker's order: the tags, with the digests of their repositories; then digests alone.
std::vector<Row> rows_of(const engine::ImageSummary& image, Digests digests) {
  std::vector<Row> rows;
  std::vector<std::string> alone = image.digests;
  for (const std::string& name : image.tags) {
    const auto [repository, tag] = in_two(name);
    bool has_digest = false;
    for (const std::string& digest : image.digests) {
      const std::size_t sign = digest.find('@');
      if (digest.substr(0, sign) != repository) continue;
      std::erase(alone, digest);
      if (digests == Digests::hidden) continue;
      rows.push_back({repository, tag, digest.substr(sign + 1)});
      has_digest = true;
    }
    if (!has_digest) rows.push_back({repository, tag, kNone});
  }
  for (const std::string& digest : alone) {
    const std::size_t sign = digest.find('@');
    rows.push_back({digest.substr(0, sign), kNone, digest.substr(sign + 1)});
  }
  if (rows.empty()) rows.emplace_back();
  return rows;
}

Fields fields_of(const engine::ImageSummary& image, const Row& row, std::int64_t now, Cut cut) {
  return {{"Containers", "N/A"},
          {"CreatedAt", at(image.created, "{:%Y-%m-%d %H:%M:%S +0000 UTC}")},
          {"CreatedSince", ago_in_words(image.created, now)},
          {"Digest", row.digest},
          {"ID", cut == Cut::yes ? image.id.substr(0, 12) : "sha256:" + image.id},
          {"Repository", row.repository},
          {"SharedSize", "N/A"},
          {"Size", size_in_words(image.size)},
          {"Tag", row.tag},
          {"UniqueSize", "N/A"}};
}

Listing::Column column(const char* field, const char* heading) { return {field, heading}; }

std::vector<Listing::Column> image_columns() {
  return {column("Repository", "REPOSITORY"),
          column("Tag", "TAG"),
          column("Digest", "DIGEST"),
          column("ID", "IMAGE ID"),
          column("CreatedSince", "CREATED"),
          column("CreatedAt", "CREATED AT"),
          column("Size", "SIZE"),
          column("SharedSize", "SHARED SIZE"),
          column("UniqueSize", "UNIQUE SIZE"),
          column("Containers", "CONTAINERS")};
}

std::string shown_command(const std::string& command, Cut cut) {
  std::string text = command;
  std::ranges::replace(text, '\t', ' ');
  return cut == Cut::yes ? shortened(text, kShownCommand) : text;
}

std::string with_share(std::uint64_t part, std::uint64_t whole) {
  const std::string size = size_in_words(Bytes{part});
  return whole == 0 ? size : fmt::format("{} ({}%)", size, part * 100 / whole);
}

Fields usage_row(const char* type, std::size_t total, std::size_t active, std::uint64_t size,
                 const std::string& reclaimable) {
  return {{"Active", std::to_string(active)},
          {"Reclaimable", reclaimable},
          {"Size", size_in_words(Bytes{size})},
          {"TotalCount", std::to_string(total)},
          {"Type", type}};
}

Fields images_usage(const engine::DiskUsage& usage) {
  std::size_t active = 0;
  std::uint64_t used = 0;
  for (const engine::ImageUsage& image : usage.images) {
    if (image.containers == 0) continue;
    ++active;
    used += image.image.size.value - image.shared.value;
  }
  return usage_row("Images", usage.images.size(), active, usage.layers.value,
                   with_share(usage.layers.value - used, usage.layers.value));
}

Fields containers_usage(const engine::DiskUsage& usage) {
  std::size_t active = 0;
  std::uint64_t size = 0;
  std::uint64_t idle = 0;
  for (const engine::ContainerUsage& container : usage.containers) {
    const bool runs = container.container.state == engine::State::running;
    if (runs) ++active;
    if (!runs) idle += container.size.value;
    size += container.size.value;
  }
  return usage_row("Containers", usage.containers.size(), active, size, with_share(idle, size));
}

std::string images_in_full(const engine::DiskUsage& usage, std::int64_t now) {
  Listing listing{
      image_columns(),
      {"Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"},
      {}};
  for (const engine::ImageUsage& image : usage.images) {
    for (const Row& row : rows_of(image.image, Digests::hidden)) {
      Fields fields = fields_of(image.image, row, now, Cut::yes);
      fields["SharedSize"] = size_in_words(image.shared);
      fields["UniqueSize"] = size_in_words(Bytes{image.image.size.value - image.shared.value});
      fields["Containers"] = std::to_string(image.containers);
      listing.rows.push_back(std::move(fields));
    }
  }
  return listed(listing, "");
}

std::string containers_in_full(const engine::DiskUsage& usage, std::int64_t now) {
  std::vector<std::vector<std::string>> table{
      {"CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"}};
  for (const engine::ContainerUsage& each : usage.containers) {
    const engine::ContainerSummary& container = each.container;
    table.push_back({container.id.substr(0, 12), container.image,
                     shown_container_command(container.command, Cut::yes), "0",
                     size_in_words(each.size), ago_in_words(container.created, now),
                     status_in_words(container, now), container.name});
  }
  return lay_out(table);
}

}  // namespace

Listing images_listing(const std::vector<engine::ImageSummary>& images, std::int64_t now, Cut cut,
                       Digests digests) {
  Listing listing{image_columns(), {"Repository", "Tag", "ID", "CreatedSince", "Size"}, {}};
  if (digests == Digests::shown) listing.shown.insert(listing.shown.begin() + 2, "Digest");
  for (const engine::ImageSummary& image : images) {
    for (const Row& row : rows_of(image, digests)) {
      listing.rows.push_back(fields_of(image, row, now, cut));
    }
  }
  return listing;
}

Listing history_listing(const std::vector<engine::HistoryLine>& history, std::int64_t now, Cut cut,
                        Human human) {
  Listing listing{
      {column("ID", "IMAGE"), column("CreatedSince", "CREATED"), column("CreatedAt", "CREATED AT"),
       column("CreatedBy", "CREATED BY"), column("Size", "SIZE"), column("Comment", "COMMENT")},
      {"ID", "CreatedSince", "CreatedBy", "Size", "Comment"},
      {}};
  for (const engine::HistoryLine& line : history) {
    const std::string id = cut == Cut::yes ? line.id.substr(0, 12) : "sha256:" + line.id;
    const std::string created_at = at(line.created, "{:%Y-%m-%dT%H:%M:%SZ}");
    const bool is_human = human == Human::yes;
    listing.rows.push_back(
        {{"Comment", line.comment},
         {"CreatedAt", created_at},
         {"CreatedBy", shown_command(line.created_by, cut)},
         {"CreatedSince", is_human ? ago_in_words(line.created, now) : created_at},
         {"ID", line.id.empty() ? "<missing>" : id},
         {"Size", is_human ? size_in_words(line.size) : std::to_string(line.size.value)}});
  }
  return listing;
}

Listing usage_listing(const engine::DiskUsage& usage) {
  return {{column("Type", "TYPE"), column("TotalCount", "TOTAL"), column("Active", "ACTIVE"),
           column("Size", "SIZE"), column("Reclaimable", "RECLAIMABLE")},
          {"Type", "TotalCount", "Active", "Size", "Reclaimable"},
          {images_usage(usage), containers_usage(usage), usage_row("Local Volumes", 0, 0, 0, "0B"),
           usage_row("Build Cache", 0, 0, 0, "0B")}};
}

std::string usage_in_full(const engine::DiskUsage& usage, std::int64_t now) {
  return "Images space usage:\n\n" + images_in_full(usage, now) + "\nContainers space usage:\n\n" +
         containers_in_full(usage, now) + "\nLocal Volumes space usage:\n\n" +
         lay_out({{"VOLUME NAME", "LINKS", "SIZE"}}) + "\nBuild cache usage: 0B\n\n" +
         lay_out({{"CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED"}});
}

std::string removed_in_words(const std::vector<engine::RemovedReference>& removed,
                             Spelling spelling) {
  const bool capitals = spelling == Spelling::capitals;
  std::string text;
  for (const engine::RemovedReference& each : removed) {
    const bool is_gone = each.kind == engine::RemovedReference::Kind::deleted;
    text += fmt::format("{}{}: {}\n", is_gone ? (capitals ? 'D' : 'd') : (capitals ? 'U' : 'u'),
                        is_gone ? "eleted" : "ntagged", each.what);
  }
  return text;
}

}  // namespace minidocker::cli
