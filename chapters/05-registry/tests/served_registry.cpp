#include "served_registry.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "minidocker/http/target.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/registry_server/api_error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::registry_server {

namespace {

constexpr std::size_t kPiece = 7;

std::string text_of(http::Body& body) {
  if (auto* const text = std::get_if<std::string>(&body)) return std::move(*text);
  const http::FileBody& file = std::get<http::FileBody>(body);
  std::string text(file.size, '\0');
  const ssize_t got =
      ::pread(file.file.get(), text.data(), text.size(), static_cast<off_t>(file.offset));
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

}  // namespace

std::string Told::code() const {
  const nlohmann::json document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_object() || !document.contains("errors")) return "";
  return document["errors"][0]["code"];
}

ServedRegistry::ServedRegistry(const RegistryOptions& options) : options_(options) { restart(); }

void ServedRegistry::restart() {
  registry_.reset();
  registry_.emplace(dir_.path(), options_);
  router_ = registry_->routes();
}

Told ServedRegistry::told(http::Answer answer, const http::Request& request,
                          std::string_view body) {
  if (auto* const receiver = std::get_if<std::unique_ptr<http::BodyReceiver>>(&answer)) {
    for (; !body.empty(); body.remove_prefix(std::min(kPiece, body.size()))) {
      (*receiver)->take(body.substr(0, kPiece));
    }
    http::Response response = (*receiver)->finish();
    return {response.status, response.headers, text_of(response.body)};
  }
  http::Response& response = std::get<http::Response>(answer);
  return {response.status, response.headers,
          request.method == "HEAD" ? "" : text_of(response.body)};
}

Told ServedRegistry::ask(const std::string& method, const std::string& target,
                         http::Headers headers, std::string_view body) {
  http::Request request;
  request.method = method;
  request.target = target;
  request.headers = std::move(headers);
  request.content_length = body.size();
  try {
    http::parse_target(request);
    return told(router_.answer(request), request, body);
  } catch (...) {
    const http::Explain explain =
        explain_to([this](std::string_view line) { log_ += std::string(line) + "\n"; });
    http::Response response = explain(std::current_exception());
    return {response.status, response.headers, text_of(response.body)};
  }
}

images::Digest ServedRegistry::push_blob(const std::string& name, std::string_view content) {
  images::Digest digest = images::Digest::of(content);
  ask("POST", fmt::format("/v2/{}/blobs/uploads/?digest={}", name, digest.str()), {}, content);
  return digest;
}

Told ServedRegistry::push_manifest(const std::string& name, const std::string& reference,
                                   const std::string& media_type, std::string_view text) {
  return ask("PUT", fmt::format("/v2/{}/manifests/{}", name, reference),
             {{"Content-Type", media_type}}, text);
}

images::Digest ServedRegistry::push_image(const std::string& name, const std::string& reference,
                                          std::string_view layer) {
  push_blob(name, "{}");
  push_blob(name, layer);
  const std::string text = manifest_of("{}", layer);
  push_manifest(name, reference, images::kOciManifest, text);
  return images::Digest::of(text);
}

std::string ServedRegistry::begin_upload(const std::string& name) {
  return ask("POST", fmt::format("/v2/{}/blobs/uploads/", name)).header("Location");
}

std::vector<std::string> ServedRegistry::content() const {
  return list_dir(dir_.path() + "/blobs/sha256");
}

std::string manifest_of(std::string_view config, std::string_view layer, const std::string& more) {
  const auto descriptor = [](const char* type, std::string_view content) {
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}}})", type,
                       images::Digest::of(content).str(), content.size());
  };
  return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]{}}})",
                     images::kOciManifest, descriptor(images::kOciConfig, config),
                     descriptor(images::kOciLayerGzip, layer), more);
}

}  // namespace minidocker::registry_server
