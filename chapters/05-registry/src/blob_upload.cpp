#include "blob_upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "documents.hpp"
#include "minidocker/registry/answers.hpp"

namespace minidocker::registry {

namespace {

class Upload {
 public:
  Upload(const Reference& reference, Session& session, const images::Descriptor& blob, int fd,
         std::uint64_t piece, const UploadWatch& watch)
      : path_(reference.name.path),
        session_(session),
        blob_(blob),
        fd_(fd),
        piece_(std::max<std::uint64_t>(piece, 1)),
        watch_(watch),
        tried_(fmt::format("push {}: blob {}", reference.familiar(), blob.digest.str())) {}

  Uploaded run(const std::vector<std::string>& mount_from) {
    if (is_there()) return Uploaded::existed;
    for (const std::string& other : mount_from) {
      if (location_.empty() && mount(other)) return Uploaded::mounted;
    }
    for (Retry retry(session_);;) {
      try {
        if (location_.empty()) begin();
        while (blob_.size - sent_ > piece_) send_piece(retry);
        finish();
        return Uploaded::sent;
      } catch (const TransportError& failure) {
        retry.wait_or_rethrow(failure);
        find_out_how_far_it_came();
        watch_.again(sent_);
      }
    }
  }

 private:
  [[nodiscard]] Call call(const std::string& method, const std::string& target) const {
    Call call;
    call.method = method;
    call.target = target;
    call.scopes = {scope_of(path_, "pull,push")};
    call.tried = tried_;
    return call;
  }

  [[nodiscard]] bool is_there() {
    Call head = call("HEAD", fmt::format("/v2/{}/blobs/{}", path_, blob_.digest.str()));
    head.may_be_missing = true;
    return session_.ask_patiently(head).is_success();
  }

  // A registry that will not mount it has begun an upload instead (202), or says no.
  bool mount(const std::string& other) {
    Call post = call("POST", fmt::format("/v2/{}/blobs/uploads/?mount={}&from={}", path_,
                                         Url::escape(blob_.digest.str()), Url::escape(other)));
    post.scopes.push_back(scope_of(other, "pull"));
    const HttpResponse response = session_.ask(post);
    if (response.status == 202) take_location(response);
    return response.status == 201;
  }

  void begin() {
    take_location(asked(call("POST", fmt::format("/v2/{}/blobs/uploads/", path_))));
    sent_ = 0;
  }

  HttpResponse asked(const Call& question) {
    HttpResponse response = session_.ask(question);
    if (!response.is_success()) throw_answer(response, tried_);
    return response;
  }

  // Each answer says where the next piece goes.
  void take_location(const HttpResponse& response) {
    const std::string location = response.header("location");
    if (location.empty()) {
      throw Error(ErrorKind::internal,
                  fmt::format("{}: {} does not say where to send it", tried_, session_.domain()));
    }
    const Url base = location_.empty() ? session_.base() : Url::parse(location_);
    const Url next = base.resolve(location);
    if (session_.base().scheme == "https" && next.scheme == "http") {
      throw Error(ErrorKind::permission,
                  fmt::format("{}: {} wants it sent to {}: not over plain http", tried_,
                              session_.domain(), next.for_people()));
    }
    location_ = next.str();
  }

  void send_piece(Retry& retry) {
    Call patch = call("PATCH", location_);
    patch.headers = {{"Content-Type", "application/octet-stream"},
                     {"Content-Range", fmt::format("{}-{}", sent_, sent_ + piece_ - 1)}};
    patch.file = FilePart{fd_, sent_, piece_};
    take_location(asked(patch));
    sent_ += piece_;
    retry.reset();
    watch_.moved(sent_);
  }

  // The last piece, or all of it, comes with the digest that the registry checks.
  void finish() {
    const Url target = Url::parse(location_).with_query("digest", blob_.digest.str());
    Call put = call("PUT", target.str());
    put.headers = {{"Content-Type", "application/octet-stream"}};
    if (sent_ > 0) {
      put.headers.emplace_back("Content-Range", fmt::format("{}-{}", sent_, blob_.size - 1));
    }
    put.file = FilePart{fd_, sent_, blob_.size - sent_};
    static_cast<void>(asked(put));
  }

  // `Range: 0-N` of an upload that is still known there; else it begins anew.
  void find_out_how_far_it_came() {
    const std::string location = std::exchange(location_, "");
    sent_ = 0;
    if (location.empty()) return;
    try {
      const HttpResponse response = session_.ask(call("GET", location));
      const auto range = parse_content_range(response.header("range"));
      if (!response.is_success() || !range || range->first != 0 || range->last >= blob_.size)
        return;
      location_ = location;
      take_location(response);
      sent_ = range->last == 0 ? 0 : range->last + 1;  // registries say 0-0 for nothing, too
    } catch (const Error&) {
      location_.clear();
    }
  }

  std::string path_;
  Session& session_;
  const images::Descriptor& blob_;
  int fd_;
  std::uint64_t piece_;
  const UploadWatch& watch_;
  std::string tried_;
  std::string location_;  // empty: no upload has begun
  std::uint64_t sent_ = 0;
};

}  // namespace

Uploaded upload_blob(const Reference& reference, Session& session, const images::Descriptor& blob,
                     int fd, const std::vector<std::string>& mount_from, std::uint64_t piece,
                     const UploadWatch& watch) {
  return Upload(reference, session, blob, fd, piece, watch).run(mount_from);
}

}  // namespace minidocker::registry
