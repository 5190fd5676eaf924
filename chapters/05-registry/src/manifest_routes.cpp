#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/registry_server/api_error.hpp"
#include "routes.hpp"

namespace minidocker::registry_server {

namespace {

using http::Answer;
using http::Request;
using http::Response;
using images::Descriptor;
using images::Digest;
using nlohmann::json;

/// What must be known of a manifest, of either kind.
struct Facts {
  std::vector<Descriptor> blobs;      // config and layers of a manifest
  std::vector<Descriptor> manifests;  // of an index
  std::optional<Digest> subject;      // what it is about
};

[[noreturn]] void refuse(const std::string& why) { throw ApiError(400, "MANIFEST_INVALID", why); }

// `application/json; charset=utf-8` without what follows.
std::string media_type_of(const Request& request) {
  std::string type = http::find_header(request.headers, "content-type").value_or("");
  type.resize(std::min(type.find_first_of("; "), type.size()));
  return type;
}

std::optional<Digest> subject_of(const json& document) {
  const json* const subject = images::find_member(document, "subject");
  if (subject == nullptr) return std::nullopt;
  return Digest::parse(images::string_member(*subject, "digest", "manifest: subject"));
}

// A document that can be read as both is one image for one program and another for the next.
void check_kind(const json& document, const std::string& type) {
  const std::string own = images::string_member(document, "mediaType", "manifest");
  const char* const other = images::is_index_type(type) ? "layers" : "manifests";
  if (!own.empty() && own != type) {
    refuse(fmt::format("manifest: it is sent as {} and says that it is {}", quoted(type),
                       quoted(own)));
  }
  if (images::find_member(document, other) != nullptr) {
    refuse(fmt::format("manifest: {} has no member {}", type, other));
  }
}

Facts read_manifest(const std::string& text, const std::string& type) {
  try {
    const json document = images::parse_document(text, "manifest");
    check_kind(document, type);
    Facts facts;
    facts.subject = subject_of(document);
    if (images::is_index_type(type)) {
      facts.manifests = images::parse_index(text, "manifest").manifests;
    } else {
      images::Manifest manifest = images::parse_manifest(text, "manifest");
      facts.blobs = std::move(manifest.layers);
      facts.blobs.push_back(std::move(manifest.config));
    }
    return facts;
  } catch (const ApiError&) {
    throw;
  } catch (const Error& error) {
    refuse(error.what());
  }
}

// Layers that may not be given to others lie where their maker says.
bool is_elsewhere(const Descriptor& blob) {
  return blob.media_type.find("nondistributable") != std::string::npos ||
         blob.media_type.find(".foreign.") != std::string::npos;
}

// What names a thing comes after the thing.
void require_parts(const Shelves& shelves, const std::string& name, const Facts& facts) {
  const auto missing = [&name](const Descriptor& part) {
    throw ApiError(404, "MANIFEST_BLOB_UNKNOWN",
                   fmt::format("{} has no {}, which the manifest names", name, part.digest.str()));
  };
  for (const Descriptor& blob : facts.blobs) {
    if (!is_elsewhere(blob) && !shelves.repositories.has_blob(name, blob.digest)) missing(blob);
  }
  for (const Descriptor& manifest : facts.manifests) {
    if (!shelves.repositories.find_manifest(name, manifest.digest)) missing(manifest);
  }
}

// The tag that is given, or nothing for the digest of `text`.
std::optional<std::string> tag_for(const std::string& reference, const Digest& digest) {
  if (images::is_tag(reference)) return reference;
  if (reference.find(':') == std::string::npos) {
    refuse(fmt::format("{} is neither a tag nor a digest", quoted(reference.substr(0, 200))));
  }
  if (const Digest wanted = digest_of(reference); wanted != digest) {
    throw ApiError(400, "DIGEST_INVALID",
                   fmt::format("what came has digest {}, not {}", digest.str(), wanted.str()));
  }
  return std::nullopt;
}

Response store_manifest(const Shelves& shelves, const Request& request, const std::string& text) {
  const std::string& name = repository_of(request);
  const std::string type = media_type_of(request);
  const Digest digest = Digest::of(text);
  const std::optional<std::string> tag = tag_for(request.parameter("reference"), digest);
  const Facts facts = read_manifest(text, type);

  const images::StoreLock lock = shelves.store.lock();
  require_parts(shelves, name, facts);
  static_cast<void>(shelves.store.put_blob(lock, text));
  shelves.repositories.add_manifest(lock, name, digest, type, facts.subject);
  if (tag) shelves.repositories.set_tag(lock, name, *tag, digest);

  Response response{201,
                    {{"Location", fmt::format("/v2/{}/manifests/{}", name, digest.str())},
                     {"Docker-Content-Digest", digest.str()}},
                    ""};
  if (facts.subject) response.headers.emplace_back("OCI-Subject", facts.subject->str());
  return response;
}

Answer put_manifest(const Shelves& shelves, const Request& request) {
  static_cast<void>(repository_of(request));
  const std::string type = media_type_of(request);
  if (!images::is_manifest_type(type) && !images::is_index_type(type)) {
    refuse(
        fmt::format("Content-Type {}: it must be that of a manifest or an index, of OCI or of "
                    "docker's schema 2",
                    quoted(type.substr(0, 200))));
  }
  return http::whole_body(request, images::kMaxDocument,
                          [&shelves, &request](const std::string& text) {
                            return store_manifest(shelves, request, text);
                          });
}

[[noreturn]] void refuse_unknown(const std::string& name, const std::string& reference) {
  throw ApiError(404, "MANIFEST_UNKNOWN",
                 fmt::format("{} has no manifest {}", name, quoted(reference.substr(0, 200))));
}

std::optional<Digest> resolve(const Shelves& shelves, const std::string& name,
                              const std::string& reference) {
  if (reference.find(':') != std::string::npos) return digest_of(reference);
  if (!images::is_tag(reference)) return std::nullopt;
  return shelves.repositories.find_tag(name, reference);
}

Answer get_manifest(const Shelves& shelves, const Request& request) {
  const std::string& name = repository_of(request);
  const std::string& reference = request.parameter("reference");
  const std::optional<Digest> digest = resolve(shelves, name, reference);
  if (!digest) refuse_unknown(name, reference);
  const std::optional<std::string> type = shelves.repositories.find_manifest(name, *digest);
  if (!type) refuse_unknown(name, reference);
  return content_response(shelves, *digest, *type, "MANIFEST_UNKNOWN");
}

std::string manifest_text(const Shelves& shelves, const Digest& digest) {
  const Response file = content_response(shelves, digest, "", "MANIFEST_UNKNOWN");
  const std::uint64_t size = std::get<http::FileBody>(file.body).size;
  return shelves.store.read_blob({"", digest, size});
}

Answer delete_manifest(const Shelves& shelves, const Request& request) {
  require_deletion(shelves);
  const std::string& name = repository_of(request);
  const std::string& reference = request.parameter("reference");
  const images::StoreLock lock = shelves.store.lock();
  bool removed = false;
  if (images::is_tag(reference)) {
    removed = shelves.repositories.remove_tag(lock, name, reference);
  } else {
    const Digest digest = digest_of(reference);
    const std::optional<std::string> type = shelves.repositories.find_manifest(name, digest);
    if (!type) refuse_unknown(name, reference);
    const Facts facts = read_manifest(manifest_text(shelves, digest), *type);
    removed = shelves.repositories.remove_manifest(lock, name, digest, facts.subject);
  }
  if (!removed) refuse_unknown(name, reference);
  return Response{202, {}, ""};
}

// --- referrers -----------------------------------------------------------------------------------

// As the specification wants it: a manifest without artifactType is of its config's type.
std::string artifact_type_of(const json& manifest) {
  std::string type = images::string_member(manifest, "artifactType", "manifest");
  const json* const config = images::find_member(manifest, "config");
  if (!type.empty() || config == nullptr) return type;
  return images::string_member(*config, "mediaType", "manifest");
}

json referrer(const Shelves& shelves, const std::string& name, const Digest& digest) {
  const std::string text = manifest_text(shelves, digest);
  const json manifest = images::parse_document(text, "manifest");
  json entry{{"mediaType", shelves.repositories.find_manifest(name, digest).value_or("")},
             {"digest", digest.str()},
             {"size", text.size()},
             {"artifactType", artifact_type_of(manifest)}};
  if (const json* const notes = images::find_member(manifest, "annotations")) {
    entry["annotations"] = *notes;
  }
  return entry;
}

Answer list_referrers(const Shelves& shelves, const Request& request) {
  const std::string& name = repository_of(request);
  const Digest subject = digest_of(request.parameter("digest"));
  const std::optional<std::string> wanted = request.query_value("artifactType");
  json list = json::array();
  for (const Digest& digest : shelves.repositories.referrers(name, subject)) {
    json entry = referrer(shelves, name, digest);
    if (!wanted || entry["artifactType"] == *wanted) list.push_back(std::move(entry));
  }
  const json index{{"schemaVersion", 2}, {"mediaType", images::kOciIndex}, {"manifests", list}};
  Response response{200, {{"Content-Type", images::kOciIndex}}, index.dump()};
  if (wanted) response.headers.emplace_back("OCI-Filters-Applied", "artifactType");
  return response;
}

}  // namespace

void add_manifest_routes(http::Router& router, Shelves& shelves) {
  const auto add = adder_to(router, shelves);
  add("PUT", "/v2/{name...}/manifests/{reference}", put_manifest);
  add("GET", "/v2/{name...}/manifests/{reference}", get_manifest);
  add("DELETE", "/v2/{name...}/manifests/{reference}", delete_manifest);
  add("GET", "/v2/{name...}/referrers/{digest}", list_referrers);
}

}  // namespace minidocker::registry_server
