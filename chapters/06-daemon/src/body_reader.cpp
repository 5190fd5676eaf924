#include "body_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "ascii.hpp"
#include "minidocker/http/errors.hpp"

namespace minidocker::http {

namespace {

constexpr std::size_t kMaxLine = 4096;  // a chunk's size with its extensions, or a trailer
constexpr std::size_t kMaxTrailers = 100;

[[noreturn]] void refuse(std::string_view why, std::string_view line) {
  throw StatusError(400, fmt::format("no HTTP body: {}: {}", why, quoted(line.substr(0, 200))));
}

// `1a`, perhaps with `;name=value`, which nobody here understands.
std::uint64_t chunk_size(std::string_view line) {
  const std::string_view digits = line.substr(0, line.find_first_of("; \t"));
  const std::size_t next = line.find_first_not_of(" \t", digits.size());
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      (next != std::string_view::npos && line[next] != ';')) {
    refuse("a chunk must begin with its size", line);
  }
  return size;
}

}  // namespace

BodyReader::BodyReader(const RequestHead& head)
    : is_chunked_(head.is_chunked),
      state_(head.is_chunked ? State::chunk_size : State::data),
      left_(head.request.content_length.value_or(0)) {
  if (!is_chunked_ && left_ == 0) state_ = State::done;
}

std::size_t BodyReader::read(std::string_view bytes, BodyReceiver& receiver) {
  std::size_t used = 0;
  while (!is_done()) {
    const std::string_view rest = bytes.substr(used);
    const std::size_t step = state_ == State::data ? take_data(rest, receiver) : take_line(rest);
    if (step == 0) break;
    used += step;
  }
  return used;
}

std::size_t BodyReader::take_data(std::string_view bytes, BodyReceiver& receiver) {
  const std::string_view piece = bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size()));
  if (piece.empty()) return 0;
  receiver.take(piece);
  left_ -= piece.size();
  if (left_ == 0) state_ = is_chunked_ ? State::chunk_end : State::done;
  return piece.size();
}

std::size_t BodyReader::take_line(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n");
  const bool is_whole = end != std::string_view::npos;
  // The CR may be there already: so that it makes no difference in which pieces a line came.
  if (is_whole ? end > kMaxLine : bytes.size() > kMaxLine + 1) refuse("a line has no end", bytes);
  if (!is_whole) return 0;
  on_line(bytes.substr(0, end));
  return end + 2;
}

void BodyReader::on_line(std::string_view line) {
  if (std::ranges::any_of(line, is_control)) refuse("a control character", line);
  if (state_ == State::chunk_size) {
    left_ = chunk_size(line);
    state_ = left_ > 0 ? State::data : State::trailer;
  } else if (state_ == State::chunk_end) {
    if (!line.empty()) refuse("a chunk is longer than its size", line);
    state_ = State::chunk_size;
  } else if (line.empty()) {
    state_ = State::done;
  } else if (++trailers_ > kMaxTrailers) {
    refuse("too many trailers", line);
  }
}

}  // namespace minidocker::http
