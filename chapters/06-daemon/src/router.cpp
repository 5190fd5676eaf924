#include "minidocker/http/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "minidocker/http/errors.hpp"
#include "minidocker/http/target.hpp"

namespace minidocker::http {

namespace {

using Strings = std::vector<std::string>;

std::string joined(Strings::const_iterator from, Strings::const_iterator to) {
  return fmt::format("{}", fmt::join(from, to, "/"));
}

bool fits_method(const std::string& route, const std::string& asked) {
  return route == asked || (route == "GET" && asked == "HEAD");
}

[[noreturn]] void refuse_method(const Request& request, const std::set<std::string>& allowed) {
  throw StatusError(405, fmt::format("{} is not possible here", quoted(request.method)),
                    {{"Allow", fmt::format("{}", fmt::join(allowed, ", "))}});
}

}  // namespace

Router::Part Router::parse_part(std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}')) {
    return {Part::Kind::literal, std::string(text)};
  }
  std::string_view name = text.substr(1, text.size() - 2);
  const bool is_many = name.ends_with("...");
  if (is_many) name.remove_suffix(3);
  return {is_many ? Part::Kind::many : Part::Kind::one, std::string(name)};
}

void Router::add(std::string method, std::string_view pattern, Handler handler) {
  Route route{std::move(method), {}, std::move(handler)};
  for (const std::string& part : split_path(pattern)) route.parts.push_back(parse_part(part));
  const auto many = std::ranges::count(route.parts, Part::Kind::many, &Part::kind);
  if (!pattern.starts_with('/') || many > 1) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("route {}: it begins with / and has at most one {{x...}}", pattern));
  }
  routes_.push_back(std::move(route));
}

// All parts but `{x...}` have a fixed place, counted from one of the two ends.
bool Router::matches(const Route& route, Request& request) {
  const Strings& path = request.path;
  const std::vector<Part>& parts = route.parts;
  const auto many = std::ranges::find(parts, Part::Kind::many, &Part::kind);
  if (many == parts.end() ? path.size() != parts.size() : path.size() < parts.size()) return false;
  std::map<std::string, std::string, std::less<>> parameters;
  auto at = path.begin();
  for (const Part& part : parts) {
    const auto count = part.kind == Part::Kind::many ? path.size() - parts.size() + 1 : 1;
    const auto end = at + static_cast<std::ptrdiff_t>(count);
    if (part.kind == Part::Kind::literal ? *at != part.text : std::find(at, end, "") != end) {
      return false;
    }
    if (part.kind != Part::Kind::literal) parameters[part.text] = joined(at, end);
    at = end;
  }
  request.parameters = std::move(parameters);
  return true;
}

Answer Router::answer(Request& request) const {
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    if (!matches(route, request)) continue;
    if (fits_method(route.method, request.method)) return route.handler(request);
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (!allowed.empty()) refuse_method(request, allowed);
  throw StatusError(404, fmt::format("there is no {}", quoted(request.target)));
}

}  // namespace minidocker::http
