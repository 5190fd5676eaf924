#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "minidocker/http/byte_range.hpp"
#include "minidocker/registry_server/api_error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "routes.hpp"

namespace minidocker::registry_server {

namespace {

using http::Answer;
using http::Request;
using http::Response;
using images::Digest;
using Lease = Uploads::Lease;

constexpr char kOctets[] = "application/octet-stream";

// --- blobs ---------------------------------------------------------------------------------------

[[noreturn]] void refuse_unknown(const std::string& name, const Digest& digest) {
  throw ApiError(404, "BLOB_UNKNOWN", fmt::format("{} has no blob {}", name, digest.str()));
}

Answer get_blob(const Shelves& shelves, const Request& request) {
  const std::string& name = repository_of(request);
  const Digest digest = digest_of(request.parameter("digest"));
  if (!shelves.repositories.has_blob(name, digest)) refuse_unknown(name, digest);
  return content_response(shelves, digest, kOctets, "BLOB_UNKNOWN");
}

Answer delete_blob(const Shelves& shelves, const Request& request) {
  require_deletion(shelves);
  const std::string& name = repository_of(request);
  const Digest digest = digest_of(request.parameter("digest"));
  const images::StoreLock lock = shelves.store.lock();
  if (!shelves.repositories.remove_blob(lock, name, digest)) refuse_unknown(name, digest);
  return Response{202, {}, ""};
}

Response blob_created(const std::string& name, const Digest& digest) {
  return {201,
          {{"Location", fmt::format("/v2/{}/blobs/{}", name, digest.str())},
           {"Docker-Content-Digest", digest.str()}},
          ""};
}

// --- uploads -------------------------------------------------------------------------------------

// `Range: 0-N`, N the last byte; for no byte 0-0, too, as registries have always said.
Response upload_status(int status, const Lease& upload) {
  const std::uint64_t size = upload->size();
  return {status,
          {{"Location", fmt::format("/v2/{}/blobs/uploads/{}", upload->repository(), upload.id())},
           {"Docker-Upload-UUID", upload.id()},
           {"Range", fmt::format("0-{}", size == 0 ? 0 : size - 1)}},
          ""};
}

/// Adds a body to an upload, and then says what becomes of it.
class UploadReceiver final : public http::BodyReceiver {
 public:
  using Finish = std::function<Response(Lease&)>;
  UploadReceiver(Lease upload, Finish finish)
      : upload_(std::move(upload)), finish_(std::move(finish)) {}

  void take(std::string_view piece) override {
    try {
      upload_->append(piece);
    } catch (const Error&) {
      upload_.end();  // a part of it may be in the file, and none in the hash
      throw;
    }
  }
  Response finish() override { return finish_(upload_); }

 private:
  Lease upload_;
  Finish finish_;
};

// The blob is whole: it becomes content, and the repository's.
Response complete(Shelves& shelves, Lease& upload, const Digest& wanted) {
  upload.end();
  const std::string& name = upload->repository();
  if (const Digest digest = upload->digest(); digest != wanted) {
    throw ApiError(400, "DIGEST_INVALID",
                   fmt::format("what came has digest {}, not {}", digest.str(), wanted.str()));
  }
  const std::string& file = upload->settled_file();  // while others may still change the store
  const images::StoreLock lock = shelves.store.lock();
  shelves.store.adopt_blob(lock, file, wanted);
  shelves.repositories.add_blob(lock, name, wanted);
  return blob_created(name, wanted);
}

Answer receive_all(Shelves& shelves, Lease upload, const Digest& digest) {
  return std::make_unique<UploadReceiver>(std::move(upload), [&shelves, digest](Lease& whole) {
    return complete(shelves, whole, digest);
  });
}

std::optional<Response> mount(const Shelves& shelves, const Request& request) {
  const std::optional<std::string> wanted = request.query_value("mount");
  const std::optional<std::string> from = request.query_value("from");
  if (!wanted || !from) return std::nullopt;
  const Digest digest = digest_of(*wanted);
  check_repository(*from);
  const images::StoreLock lock = shelves.store.lock();
  if (!shelves.repositories.has_blob(*from, digest)) return std::nullopt;
  const std::string& name = repository_of(request);
  shelves.repositories.add_blob(lock, name, digest);
  return blob_created(name, digest);
}

Answer begin_upload(Shelves& shelves, const Request& request) {
  const std::string& name = repository_of(request);
  if (std::optional<Response> mounted = mount(shelves, request)) return std::move(*mounted);
  const std::optional<std::string> digest = request.query_value("digest");
  if (!digest) return upload_status(202, shelves.uploads.begin(name));
  const Digest wanted = digest_of(*digest);
  return receive_all(shelves, shelves.uploads.begin(name), wanted);
}

// A piece that says where it belongs, `Content-Range: FIRST-LAST`, must belong to the end.
void check_place(const Request& request, const Lease& upload) {
  const std::optional<std::string> header = http::find_header(request.headers, "content-range");
  if (!header) return;
  const std::optional<http::ByteRange> range =
      http::parse_range("bytes=" + *header, std::numeric_limits<std::uint64_t>::max());
  if (range && range->first == upload->size() &&
      range->size == request.content_length.value_or(range->size)) {
    return;
  }
  throw ApiError(
      416, "BLOB_UPLOAD_INVALID",
      fmt::format("Content-Range {}: the upload has {} bytes", quoted(*header), upload->size()),
      upload_status(416, upload).headers);
}

Lease take_upload(Shelves& shelves, const Request& request) {
  return shelves.uploads.take(repository_of(request), request.parameter("id"));
}

Answer patch_upload(Shelves& shelves, const Request& request) {
  Lease upload = take_upload(shelves, request);
  check_place(request, upload);
  return std::make_unique<UploadReceiver>(std::move(upload),
                                          [](Lease& more) { return upload_status(202, more); });
}

Answer put_upload(Shelves& shelves, const Request& request) {
  const Digest digest = digest_of(request.query_value("digest").value_or(""));
  Lease upload = take_upload(shelves, request);
  if (request.content_length != 0) check_place(request, upload);
  return receive_all(shelves, std::move(upload), digest);
}

Answer cancel_upload(Shelves& shelves, const Request& request) {
  take_upload(shelves, request).end();
  return Response{204, {}, ""};
}

}  // namespace

void add_blob_routes(http::Router& router, Shelves& shelves) {
  const auto add = adder_to(router, shelves);
  add("POST", "/v2/{name...}/blobs/uploads", begin_upload);
  add("POST", "/v2/{name...}/blobs/uploads/", begin_upload);
  add("PATCH", "/v2/{name...}/blobs/uploads/{id}", patch_upload);
  add("PUT", "/v2/{name...}/blobs/uploads/{id}", put_upload);
  add("DELETE", "/v2/{name...}/blobs/uploads/{id}", cancel_upload);
  add(
      "GET", "/v2/{name...}/blobs/uploads/{id}", +[](Shelves& all, const Request& request) {
        return Answer(upload_status(204, take_upload(all, request)));
      });
  add("GET", "/v2/{name...}/blobs/{digest}", get_blob);
  add("DELETE", "/v2/{name...}/blobs/{digest}", delete_blob);
}

}  // namespace minidocker::registry_server
