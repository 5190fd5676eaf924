#include "blob_download.hpp"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "documents.hpp"
#include "minidocker/registry/answers.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::registry {

namespace {

using Cause = TransportError::Cause;
/// A cut after less than this is no progress: a registry that cuts after each byte is given up.
constexpr std::uint64_t kProgress = std::uint64_t{1} << 20U;

std::string name_of(const images::Descriptor& blob) { return "blob " + blob.digest.str(); }

[[noreturn]] void refuse(const Call& call, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", call.tried, why));
}

class Download {
 public:
  Download(const Reference& reference, Session& session, const images::Descriptor& blob,
           GrowingBlob& file, const DownloadWatch& watch)
      : session_(session), blob_(blob), file_(file), watch_(watch) {
    call_.target = fmt::format("/v2/{}/blobs/{}", reference.name.path, blob.digest.str());
    call_.scopes = {scope_of(reference.name.path, "pull")};
    call_.tried = fmt::format("pull {}: {}", reference.familiar(), name_of(blob));
    call_.on_success = [this](const HttpResponse& response) { return begin(response); };
  }

  void run() {
    file_.take_up(watch_.moved);
    std::uint64_t begun_at = file_.size();
    for (Retry retry(session_); file_.size() < blob_.size;) {
      try {
        ask_for_the_rest();
      } catch (const TransportError& failure) {
        if (file_.size() >= begun_at + kProgress) retry.reset();
        retry.wait_or_rethrow(failure);
        begun_at = file_.size();
        watch_.again(begun_at);
      }
    }
    watch_.verifying();
    if (const images::Digest digest = file_.digest(); digest != blob_.digest) {
      refuse(call_,
             fmt::format("what the registry sent has digest {}: damaged or forged", digest.str()));
    }
  }

 private:
  void ask_for_the_rest() {
    call_.headers.clear();
    if (file_.size() > 0) {
      call_.headers = {{"Range", fmt::format("bytes={}-", file_.size())}};
    }
    const HttpResponse response = session_.ask(call_);
    if (!response.is_success()) throw_answer(response, call_.tried);
    if (file_.size() < blob_.size) {
      throw TransportError(Cause::cut, fmt::format("{}: the answer ended after {} of {} bytes",
                                                   call_.tried, file_.size(), blob_.size));
    }
  }

  // A server may answer a question for the rest with all of it (200), or with the rest (206).
  BodySink begin(const HttpResponse& response) {
    if (response.status == 206) {
      check_range(response);
    } else {
      if (file_.size() > 0) file_.restart();
      const std::string length = response.header("content-length");
      if (!length.empty() && parse_number<std::uint64_t>(length) != blob_.size) {
        refuse(call_, fmt::format("the registry has {} bytes of it, its manifest says {}",
                                  minidocker::quoted(length), blob_.size));
      }
    }
    return [this](std::string_view piece) { take(piece); };
  }

  void check_range(const HttpResponse& response) const {
    const auto range = parse_content_range(response.header("content-range"));
    if (!range || range->first != file_.size() || (range->size && *range->size != blob_.size)) {
      refuse(call_,
             fmt::format("asked for the bytes from {} of {}, the registry sent {}", file_.size(),
                         blob_.size, minidocker::quoted(response.header("content-range"))));
    }
  }

  void take(std::string_view piece) {
    if (piece.size() > blob_.size - file_.size()) {
      refuse(call_, fmt::format("the registry sends more than the {} bytes that its manifest says",
                                blob_.size));
    }
    file_.append(piece);
    watch_.moved(file_.size());
  }

  Session& session_;
  const images::Descriptor& blob_;
  GrowingBlob& file_;
  const DownloadWatch& watch_;
  Call call_;
};

}  // namespace

void download_blob(const Reference& reference, Session& session, const images::Descriptor& blob,
                   GrowingBlob& file, const DownloadWatch& watch) {
  Download(reference, session, blob, file, watch).run();
}

}  // namespace minidocker::registry
