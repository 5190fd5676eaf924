#include "minidocker/http/message.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ascii.hpp"
#include "minidocker/http/errors.hpp"

namespace minidocker::http {

namespace {

class WholeBody final : public BodyReceiver {
 public:
  WholeBody(std::size_t limit, std::function<Response(std::string)> answer)
      : limit_(limit), answer_(std::move(answer)) {}

  void take(std::string_view piece) override {
    check(body_.size() + piece.size());
    body_ += piece;
  }
  Response finish() override { return answer_(std::move(body_)); }

  void check(std::uint64_t size) const {
    if (size <= limit_) return;
    throw StatusError(413, fmt::format("the body is larger than {} bytes", limit_));
  }

 private:
  std::size_t limit_;
  std::function<Response(std::string)> answer_;
  std::string body_;
};

}  // namespace

std::optional<std::string> find_header(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find_if(
      headers, [name](const auto& header) { return same_name(header.first, name); });
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

const std::string& Request::parameter(std::string_view name) const {
  const auto found = parameters.find(name);
  if (found != parameters.end()) return found->second;
  throw Error(ErrorKind::internal, fmt::format("route: it has no parameter {}", name));
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  const auto found = std::ranges::find(
      query, name, [](const auto& entry) -> const std::string& { return entry.first; });
  if (found == query.end()) return std::nullopt;
  return found->second;
}

std::unique_ptr<BodyReceiver> whole_body(const Request& request, std::size_t limit,
                                         std::function<Response(std::string body)> answer) {
  auto receiver = std::make_unique<WholeBody>(limit, std::move(answer));
  receiver->check(request.content_length.value_or(0));
  return receiver;
}

}  // namespace minidocker::http
