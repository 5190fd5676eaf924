#include "minidocker/registry/lists.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "documents.hpp"
#include "minidocker/images/image_name.hpp"
#include "minidocker/images/json_text.hpp"
#include "minidocker/registry/answers.hpp"

namespace minidocker::registry {

namespace {

// People see these names, and programs go on with them: nothing else passes than names.
void check(const std::vector<std::string>& names, bool (*is_name)(std::string_view),
           const std::string& tried) {
  const auto bad = std::ranges::find_if_not(names, is_name);
  if (bad == names.end()) return;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: {} is no name", tried, quoted(bad->substr(0, 200))));
}

std::vector<std::string> all_pages(Session& session, Call call, const char* member,
                                   bool (*is_name)(std::string_view)) {
  std::vector<std::string> names;
  while (true) {
    const HttpResponse response = session.ask_patiently(call);
    const nlohmann::json page = images::parse_document(response.body, call.tried);
    const std::vector<std::string> more = images::strings_member(page, member, call.tried);
    check(more, is_name, call.tried);
    names.insert(names.end(), more.begin(), more.end());
    const auto next = next_page(response.header("link"));
    if (!next) return names;
    if (more.empty() || names.size() > kMaxNames) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: pages without an end", call.tried));
    }
    const Url base = session.base();
    const Url target = base.resolve(call.target).resolve(*next);
    if (!target.same_origin(base)) {
      throw Error(ErrorKind::permission, fmt::format("{}: the next page is at {}, another registry",
                                                     call.tried, target.for_people()));
    }
    call.target = target.str();
  }
}

}  // namespace

std::vector<std::string> list_tags(Session& session, const std::string& path) {
  Call call;
  call.target = fmt::format("/v2/{}/tags/list", path);
  call.scopes = {scope_of(path, "pull")};
  call.tried = fmt::format("list the tags of {}/{}", session.domain(), path);
  return all_pages(session, std::move(call), "tags", images::is_tag);
}

std::vector<std::string> list_repositories(Session& session) {
  Call call;
  call.target = "/v2/_catalog";
  call.scopes = {"registry:catalog:*"};
  call.tried = "list the repositories of " + session.domain();
  return all_pages(session, std::move(call), "repositories", images::is_repository_path);
}

}  // namespace minidocker::registry
