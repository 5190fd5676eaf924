#include "documents.hpp"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/registry/answers.hpp"

namespace minidocker::registry {

namespace {

constexpr int kMaxIndexDepth = 4;

std::string tried(const Reference& reference) { return "pull " + reference.familiar(); }

// The type stands in the document, in its header, or in both; then they must agree, as a reader
// that believes the other one would see another image (CVE-2021-41190).
std::string media_type_of(const std::string& text, const HttpResponse& response,
                          const std::string& what) {
  const nlohmann::json document = images::parse_document(text, what);
  const std::string inner = images::string_member(document, "mediaType", what);
  std::string header = response.header("content-type");
  header = header.substr(0, header.find_first_of("; "));
  const bool known = images::is_manifest_type(header) || images::is_index_type(header);
  if (known && !inner.empty() && inner != header) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: it says that it is {}, the registry says {}", what,
                            minidocker::quoted(inner), minidocker::quoted(header)));
  }
  return inner.empty() ? header : inner;
}

Document fetch(const Reference& reference, Session& session, const std::string& selector) {
  Call call;
  call.target = fmt::format("/v2/{}/manifests/{}", reference.name.path, selector);
  call.scopes = {scope_of(reference.name.path, "pull")};
  call.tried = tried(reference);
  call.headers = {{"Accept", fmt::format("{}, {}, {}, {}", images::kOciIndex, images::kOciManifest,
                                         images::kDockerIndex, images::kDockerManifest)}};
  HttpResponse response = session.ask_patiently(call);
  const std::string what =
      fmt::format("manifest {} of {}/{}", selector, session.domain(), reference.name.path);
  std::string type = media_type_of(response.body, response, what);
  return {std::move(type), images::Digest::of(response.body), std::move(response.body)};
}

void check_digest(const Document& document, const images::Digest& wanted,
                  const Reference& reference) {
  if (document.digest == wanted) return;
  throw Error(
      ErrorKind::invalid_argument,
      fmt::format("{}: the registry was asked for manifest {} and sent {}: damaged or forged",
                  tried(reference), wanted.str(), document.digest.str()));
}

// Variants are in the order of preference that the index's author chose.
const images::Descriptor& choose(const images::Index& index, const images::Platform& platform,
                                 const Reference& reference) {
  std::string others;
  for (const images::Descriptor& entry : index.manifests) {
    if (images::is_attestation(entry)) continue;
    if (!entry.platform || entry.platform->fits(platform)) return entry;
    if (!others.empty()) others += ", ";
    if (others.size() < 300) others += entry.platform->str();
  }
  throw Error(ErrorKind::not_found,
              fmt::format("{}: no matching manifest for {} in the manifest list entries: {}",
                          tried(reference), platform.str(),
                          others.empty() ? "there are none" : "there are " + others));
}

}  // namespace

std::string scope_of(const std::string& path, std::string_view actions) {
  return fmt::format("repository:{}:{}", path, actions);
}

Document fetch_document(const Reference& reference, Session& session) {
  Document document = fetch(reference, session, reference.selector());
  if (reference.digest) check_digest(document, *reference.digest, reference);
  return document;
}

Document choose_manifest(const Reference& reference, Session& session, Document top,
                         const images::Platform& platform) {
  for (int depth = 0; images::is_index_type(top.media_type); ++depth) {
    if (depth == kMaxIndexDepth) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: indexes are nested deeper than {}",
                                                           tried(reference), kMaxIndexDepth));
    }
    const images::Index index = images::parse_index(top.text, "index " + top.digest.str());
    const images::Digest wanted = choose(index, platform, reference).digest;
    top = fetch(reference, session, wanted.str());
    check_digest(top, wanted, reference);
  }
  if (images::is_manifest_type(top.media_type)) return top;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: {} is no type of an image", tried(reference),
                          minidocker::quoted(top.media_type.substr(0, 200))));
}

}  // namespace minidocker::registry
