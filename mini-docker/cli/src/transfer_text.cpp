#include "transfer_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "durations.hpp"

namespace minidocker::cli {

namespace {

using Phase = engine::LayerProgress::Phase;
constexpr std::size_t kBar = 50;

std::string moved_in_words(std::uint64_t bytes) { return size_in_words(Bytes{bytes}, 4); }

std::string bar(std::uint64_t moved, std::uint64_t size) {
  const double part = size == 0 ? 1 : static_cast<double>(moved) / static_cast<double>(size);
  const auto filled = static_cast<std::size_t>(part * kBar);
  return "[" + std::string(filled, '=') + ">" + std::string(kBar - filled, ' ') + "]";
}

std::string words_of(Phase phase, Way way) {
  const bool pulls = way == Way::pull;
  switch (phase) {
    case Phase::exists:
      return pulls ? "Already exists" : "Layer already exists";
    case Phase::waiting:
      return pulls ? "Pulling fs layer" : "Preparing";
    case Phase::queued:
      return "Waiting";
    case Phase::moving:
      return pulls ? "Downloading" : "Pushing";
    case Phase::again:
      return "Retrying";
    case Phase::verifying:
      return "Verifying Checksum";
    case Phase::done:
      return pulls ? "Download complete" : "Pushed";
    case Phase::unpacking:
      return "Extracting";
    case Phase::unpacked:
      break;
  }
  return "Pull complete";
}

// `2.1MB/s  12s`: how fast, and how long it will take; nothing before there is something to tell.
std::string rate_in_words(std::uint64_t moved, std::uint64_t left,
                          std::chrono::duration<double> time) {
  if (time < std::chrono::seconds(1) || moved == 0) return "";
  const double rate = static_cast<double>(moved) / time.count();
  const auto seconds = static_cast<std::uint64_t>(static_cast<double>(left) / rate);
  const std::string rest = seconds < 60 ? fmt::format("{}s", seconds)
                                        : fmt::format("{}m{}s", seconds / 60, seconds % 60);
  return fmt::format("  {}/s  {}", moved_in_words(static_cast<std::uint64_t>(rate)), rest);
}

// Where the tag or digest begins: `:` after the last slash, or `@`.
std::size_t end_of_repository(const std::string& image) {
  const std::size_t at = image.find('@');
  if (at != std::string::npos) return at;
  const std::size_t colon = image.rfind(':');
  const bool is_port = colon != std::string::npos && image.find('/', colon) != std::string::npos;
  return is_port ? std::string::npos : colon;
}

std::string selector_of(const std::string& image) {
  const std::size_t end = end_of_repository(image);
  return end == std::string::npos ? "latest" : image.substr(end + 1);
}

}  // namespace

std::string registry_domain(const std::string& server) {
  const std::size_t scheme = server.find("://");
  std::string host = scheme == std::string::npos ? server : server.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  const bool is_hub = host.empty() || host == "index.docker.io" || host == "registry-1.docker.io";
  return is_hub ? "docker.io" : host;
}

std::string image_with_tag(const std::string& image) {
  return end_of_repository(image) == std::string::npos ? image + ":latest" : image;
}

std::string pull_heading(const std::string& image) {
  const std::size_t end = end_of_repository(image);
  const std::string repository = image.substr(0, end);
  const std::string heading = end == std::string::npos ? "Using default tag: latest\n" : "";
  return heading + fmt::format("{}: Pulling from {}\n", selector_of(image), repository);
}

std::string pull_ending(const std::string& image, const engine::PulledImage& pulled) {
  return fmt::format("Digest: {}\nStatus: {} for {}\n{}\n", pulled.digest,
                     pulled.is_new ? "Downloaded newer image" : "Image is up to date",
                     image_with_tag(image), pulled.name.empty() ? image : pulled.name);
}

std::string push_heading(const std::string& image) {
  return fmt::format("The push refers to repository [{}]\n",
                     image.substr(0, end_of_repository(image)));
}

std::string push_ending(const std::string& image, const std::string& digest) {
  return fmt::format("{}: digest: {}\n", selector_of(image), digest);
}

// `[==>   ]  1.5MB/3MB  2.1MB/s  12s`
std::string LayerLines::amounts(Row& row, const engine::LayerProgress& progress) const {
  if (row.phase != progress.phase) {
    row.phase = progress.phase;
    row.moved_before = progress.moved;
    row.begun = now_();
  }
  constexpr unsigned kForBars = 110;  // as docker has it
  const std::string shown =
      columns_ > kForBars ? " " + bar(progress.moved, progress.size) + "  " : "  ";
  return shown +
         fmt::format("{}/{}", moved_in_words(progress.moved), moved_in_words(progress.size)) +
         rate_in_words(progress.moved - std::min(row.moved_before, progress.moved),
                       progress.size - progress.moved, now_() - row.begun);
}

std::string LayerLines::tell(const engine::LayerProgress& progress) {
  const bool moves = progress.phase == Phase::moving || progress.phase == Phase::unpacking;
  if (moves && canvas_ == Canvas::lines) return "";
  std::string line = progress.layer + ": " + words_of(progress.phase, way_);
  if (canvas_ == Canvas::lines) return line + "\n";
  const auto [place, is_first] = rows_.try_emplace(progress.layer, Row{rows_.size()});
  if (moves) line += amounts(place->second, progress);
  if (is_first) return line + "\n";
  const std::size_t up = rows_.size() - place->second.number;
  return fmt::format("\x1b[{0}A\r\x1b[2K{1}\r\x1b[{0}B", up, line);
}

}  // namespace minidocker::cli
