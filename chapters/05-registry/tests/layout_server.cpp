#include "layout_server.hpp"

#include <fmt/format.h>

#include <regex>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/testing/observe.hpp"

namespace minidocker::registry {

namespace {

std::string first_match(const std::string& text, const std::string& pattern) {
  std::smatch found;
  return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : "";
}

}  // namespace

LayoutServer::LayoutServer(std::string layout, Before before)
    : layout_(std::move(layout)),
      before_(std::move(before)),
      server_([this](WireConnection& connection) { serve(connection); }) {}

std::map<std::string, int> LayoutServer::asked(const std::string& part) {
  const MutexLock lock(mutex_);
  std::map<std::string, int> found = asked_;
  std::erase_if(found, [&](const auto& entry) { return entry.first.find(part) == part.npos; });
  return found;
}

std::uint64_t LayoutServer::sent() {
  const MutexLock lock(mutex_);
  return sent_;
}

std::string LayoutServer::manifest() const {
  const std::string index = testing::read_text(layout_ + "/index.json");
  return layout_ + "/blobs/sha256/" + first_match(index, "\"sha256:([0-9a-f]{64})\"");
}

void LayoutServer::serve(WireConnection& connection) {
  for (std::string request; !(request = connection.read_request()).empty();) {
    if (!answer(connection, request)) return;
  }
}

bool LayoutServer::answer(WireConnection& connection, const std::string& request) {
  const std::string path = first_match(request, "^[A-Z]+ ([^ ]+) ");
  {
    const MutexLock lock(mutex_);
    ++asked_[path];
  }
  const std::string digest = first_match(path, "/blobs/sha256:([0-9a-f]{64})$");
  const std::string file = digest.empty() ? manifest() : layout_ + "/blobs/sha256/" + digest;
  const std::uint64_t limit = before_(path);
  std::string body = testing::find_text(file).value_or("");
  const std::string from = first_match(request, "[Rr]ange: bytes=([0-9]+)-");
  std::string status = "200 OK";
  std::string headers;
  if (!from.empty()) {
    const std::size_t whole = body.size();
    status = "206 Partial Content";
    headers = fmt::format("Content-Range: bytes {}-{}/{}\r\n", from, whole - 1, whole);
    body.erase(0, std::stoul(from));
  }
  const std::string all = http_answer(body, headers, status);
  const std::size_t head = all.size() - body.size();
  const bool is_cut = limit < body.size();
  connection.write(std::string_view(all).substr(0, is_cut ? head + limit : all.size()));
  const MutexLock lock(mutex_);
  sent_ += is_cut ? limit : body.size();
  return !is_cut;
}

}  // namespace minidocker::registry
