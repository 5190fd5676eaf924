#include "transfer_text.hpp"

#include <fmt/format.h>

#include <array>

namespace minidocker::cli {

namespace {

using Phase = engine::LayerProgress::Phase;
constexpr std::size_t kBar = 50;

// As docker counts: powers of ten, four digits.
std::string size_in_words(std::uint64_t bytes) {
  constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1000 && unit + 1 < kUnits.size()) {
    amount /= 1000;
    ++unit;
  }
  return fmt::format("{:.4g}{}", amount, kUnits[unit]);
}

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
    case Phase::moving:
      return pulls ? "Downloading" : "Pushing";
    case Phase::again:
      return "Retrying";
    case Phase::done:
      break;
  }
  return pulls ? "Pull complete" : "Pushed";
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

std::string LayerLines::tell(const engine::LayerProgress& progress) {
  const bool moves = progress.phase == Phase::moving;
  if (moves && canvas_ == Canvas::lines) return "";
  std::string line = progress.layer + ": " + words_of(progress.phase, way_);
  if (moves) {
    line += fmt::format(" {}  {}/{}", bar(progress.moved, progress.size),
                        size_in_words(progress.moved), size_in_words(progress.size));
  }
  if (canvas_ == Canvas::lines) return line + "\n";
  const auto [row, is_first] = rows_.emplace(progress.layer, rows_.size());
  if (is_first) return line + "\n";
  const std::size_t up = rows_.size() - row->second;
  return fmt::format("\x1b[{0}A\r\x1b[2K{1}\r\x1b[{0}B", up, line);
}

}  // namespace minidocker::cli
