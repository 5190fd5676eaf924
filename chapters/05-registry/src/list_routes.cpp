#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "minidocker/http/target.hpp"
#include "minidocker/registry_server/api_error.hpp"
#include "minidocker/toolbox/numbers.hpp"
#include "routes.hpp"

namespace minidocker::registry_server {

namespace {

using http::Answer;
using http::Request;
using http::Response;
using Strings = std::vector<std::string>;

/// A part of a sorted list, and whether more follows.
struct Page {
  Strings entries;
  bool is_last = true;
};

// How many entries are wanted at most.
std::size_t size_of_page(const Request& request) {
  const std::optional<std::string> text = request.query_value("n");
  if (!text) return std::numeric_limits<std::size_t>::max();
  if (const auto number = parse_number<std::size_t>(*text)) return *number;
  throw ApiError(400, "PAGINATION_NUMBER_INVALID", fmt::format("n={}: no number", quoted(*text)));
}

// What comes after `last`, which need not be in the list (any more).
Page page_of(const Strings& sorted, const Request& request) {
  const std::string last = request.query_value("last").value_or("");
  const auto begin = last.empty() ? sorted.begin() : std::ranges::upper_bound(sorted, last);
  const auto rest = static_cast<std::size_t>(sorted.end() - begin);
  const std::size_t count = std::min(rest, size_of_page(request));
  return {Strings(begin, begin + static_cast<std::ptrdiff_t>(count)), count == rest};
}

Response list_response(const nlohmann::json& body, const Page& page, const Request& request,
                       const std::string& path) {
  Response response = json_response(200, body.dump());
  if (!page.is_last && !page.entries.empty()) {
    response.headers.emplace_back(
        "Link", fmt::format("<{}?n={}&last={}>; rel=\"next\"", path, size_of_page(request),
                            http::encode(page.entries.back())));
  }
  return response;
}

Answer list_tags(const Shelves& shelves, const Request& request) {
  const std::string& name = repository_of(request);
  if (!shelves.repositories.exists(name)) {
    throw ApiError(404, "NAME_UNKNOWN", fmt::format("there is no repository {}", name));
  }
  const Page page = page_of(shelves.repositories.tags(name), request);
  return list_response({{"name", name}, {"tags", page.entries}}, page, request,
                       fmt::format("/v2/{}/tags/list", name));
}

Answer list_repositories(const Shelves& shelves, const Request& request) {
  const Page page = page_of(shelves.repositories.names(), request);
  return list_response({{"repositories", page.entries}}, page, request, "/v2/_catalog");
}

}  // namespace

void add_list_routes(http::Router& router, Shelves& shelves) {
  const auto add = adder_to(router, shelves);
  add("GET", "/v2/_catalog", list_repositories);
  add("GET", "/v2/{name...}/tags/list", list_tags);
}

}  // namespace minidocker::registry_server
