#include "minidocker/registry/curl_transport.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "ascii.hpp"
#include "minidocker/registry/url.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mutex.hpp"

namespace minidocker::registry {

namespace {

using Cause = TransportError::Cause;

struct EasyClose {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, EasyClose>;

struct ListFree {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListFree>;

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(handle, option, value);
  if (code != CURLE_OK) {
    throw Error(ErrorKind::internal, fmt::format("libcurl: option {}: {}", static_cast<int>(option),
                                                 curl_easy_strerror(code)));
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

Cause cause_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return Cause::unreachable;
    case CURLE_SSL_CONNECT_ERROR:
      return Cause::no_tls;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return Cause::untrusted;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
      return Cause::nonsense;
    default:
      return Cause::cut;
  }
}

/// One question on its way. libcurl calls back from C: an exception is kept and thrown again
/// after it has returned.
class Transfer {
 public:
  Transfer(CURL* handle, const HttpRequest& request) : handle_(handle), request_(request) {
    error_text_[0] = '\0';
  }

  HttpResponse run(const CurlOptions& options) {
    prepare(options);
    const CURLcode code = curl_easy_perform(handle_);
    if (failure_) std::rethrow_exception(failure_);
    if (code != CURLE_OK) throw TransportError(cause_of_failure(code), message(code));
    return std::move(response_);
  }

 private:
  void prepare(const CurlOptions& options) {
    curl_easy_reset(handle_);  // keeps connections
    const Url url = Url::parse(request_.url);
    set(handle_, CURLOPT_URL, request_.url.c_str());
    set(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
    set(handle_, CURLOPT_NOSIGNAL, 1L);
    set(handle_, CURLOPT_ERRORBUFFER, error_text_);
    set(handle_, CURLOPT_USERAGENT, "mini-docker");
    set(handle_, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
    set(handle_, CURLOPT_HEADEROPT, long{CURLHEADER_SEPARATE});  // proxies get no credentials
    set(handle_, CURLOPT_BUFFERSIZE, 256L * 1024);
    set(handle_, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_limit.count()));
    set(handle_, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(handle_, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.silence_limit.count()));
    prepare_callbacks();
    prepare_tls(find_certificates(options.certs_dir, url.authority));
    prepare_method();
  }

  void prepare_callbacks() {
    set(handle_, CURLOPT_WRITEFUNCTION, &Transfer::write);
    set(handle_, CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(handle_, CURLOPT_HEADERFUNCTION, &Transfer::header);
    set(handle_, CURLOPT_HEADERDATA, static_cast<void*>(this));
  }

  // What a host's own authorities are added to: libcurl takes one set or the other.
  // Where a machine has no file of authorities, libcurl would not even begin: then nobody is
  // trusted, and who speaks no TLS is found out all the same.
  void prepare_tls(const HostCertificates& certificates) {
    const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
    if (info->cainfo != nullptr && !exists(info->cainfo)) {
      set(handle_, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    }
    if (!certificates.authorities.empty()) {
      std::string all = certificates.authorities;
      if (info->cainfo != nullptr) all += find_file(info->cainfo).value_or("");
      curl_blob blob{all.data(), all.size(), CURL_BLOB_COPY};
      set(handle_, CURLOPT_CAINFO_BLOB, &blob);
    }
    if (!certificates.certificate.empty()) {
      set(handle_, CURLOPT_SSLCERT, certificates.certificate.c_str());
      set(handle_, CURLOPT_SSLKEY, certificates.key.c_str());
    }
  }

  void prepare_method() {
    for (const auto& [name, value] : request_.headers) add_header(name + ": " + value);
    add_header("Expect:");  // nobody asks "may I?" before a body
    if (request_.method == "HEAD") {
      set(handle_, CURLOPT_NOBODY, 1L);
    } else if (request_.method != "GET") {
      prepare_body();
    }
    set(handle_, CURLOPT_HTTPHEADER, headers_.get());
  }

  void prepare_body() {
    const std::uint64_t size = request_.file ? request_.file->size : request_.body.size();
    set(handle_, CURLOPT_UPLOAD, 1L);
    set(handle_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    set(handle_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    set(handle_, CURLOPT_READFUNCTION, &Transfer::read);
    set(handle_, CURLOPT_READDATA, static_cast<void*>(this));
    set(handle_, CURLOPT_SEEKFUNCTION, &Transfer::seek);
    set(handle_, CURLOPT_SEEKDATA, static_cast<void*>(this));
  }

  void add_header(const std::string& line) {
    curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers_.release());
    headers_.reset(longer);
  }

  // A time-out is one of two things: nobody there, or somebody who has fallen silent.
  [[nodiscard]] Cause cause_of_failure(CURLcode code) const {
    curl_off_t connected = 0;
    curl_easy_getinfo(handle_, CURLINFO_PRETRANSFER_TIME_T, &connected);
    if (code == CURLE_OPERATION_TIMEDOUT && connected == 0) return Cause::unreachable;
    return cause_of(code);
  }

  // libcurl tells how many milliseconds it took, but not what the kernel said.
  [[nodiscard]] std::string why_not_connected(const std::string& otherwise) const {
    long error = 0;
    curl_easy_getinfo(handle_, CURLINFO_OS_ERRNO, &error);
    if (error == 0) return otherwise;
    const int number = static_cast<int>(error);
    return fmt::format("cannot connect: {} ({})", errno_words(number), errno_name(number));
  }

  [[nodiscard]] std::string message(CURLcode code) const {
    std::string why(trimmed(static_cast<const char*>(error_text_)));
    if (why.empty()) why = curl_easy_strerror(code);
    if (code == CURLE_COULDNT_CONNECT) why = why_not_connected(why);
    std::string text =
        fmt::format("{} {}: {}", request_.method, Url::parse(request_.url).for_people(), why);
    if (cause_of(code) == Cause::untrusted) {
      text += fmt::format(
          "; hint: an authority of your own is trusted as /etc/docker/certs.d/{}/ca.crt",
          Url::parse(request_.url).authority);
    }
    return text;
  }

  template <class Body>
  std::size_t guarded(std::size_t failed, Body body) noexcept {
    try {
      return body();
    } catch (...) {
      failure_ = std::current_exception();
      return failed;
    }
  }

  // Each answer begins anew: there may be 100 ones before, and one of a proxy.
  std::size_t take_header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > kMaxHeaders) {
      throw TransportError(Cause::nonsense,
                           fmt::format("{} {}: more than {} bytes of headers", request_.method,
                                       Url::parse(request_.url).for_people(), kMaxHeaders));
    }
    if (line.starts_with("HTTP/")) {
      response_ = {};
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      response_.headers.emplace_back(lower(trimmed(line.substr(0, colon))),
                                     trimmed(line.substr(colon + 1)));
    }
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    const bool is_last = trimmed(line).empty() && status >= 200;
    if (is_last && response_.is_success() && request_.on_success) {
      sink_ = request_.on_success(response_);
    }
    return line.size();
  }

  std::size_t take_body(std::string_view piece) {
    if (sink_) {
      sink_(piece);
      return piece.size();
    }
    if (response_.body.size() + piece.size() > kMaxBody) {
      throw TransportError(Cause::nonsense,
                           fmt::format("{} {}: the answer has more than {} bytes", request_.method,
                                       Url::parse(request_.url).for_people(), kMaxBody));
    }
    response_.body.append(piece);
    return piece.size();
  }

  std::size_t give_body(char* buffer, std::size_t room) {
    if (!request_.file) {
      const std::string_view rest = std::string_view(request_.body).substr(given_);
      const std::size_t size = std::min(room, rest.size());
      std::memcpy(buffer, rest.data(), size);
      given_ += size;
      return size;
    }
    const FilePart& part = *request_.file;
    const std::size_t wanted = std::min<std::uint64_t>(room, part.size - given_);
    const ssize_t got = ::pread(part.fd, buffer, wanted, static_cast<off_t>(part.offset + given_));
    if (got < 0) throw SystemError("pread", "the file that is sent", errno);
    if (got == 0 && wanted > 0) {
      throw Error(ErrorKind::internal, "the file that is sent has become shorter meanwhile");
    }
    given_ += static_cast<std::size_t>(got);
    return static_cast<std::size_t>(got);
  }

  static Transfer* self(void* user) { return static_cast<Transfer*>(user); }
  static std::size_t write(char* data, std::size_t, std::size_t size, void* user) noexcept {
    return self(user)->guarded(0, [&] { return self(user)->take_body({data, size}); });
  }
  static std::size_t header(char* data, std::size_t, std::size_t size, void* user) noexcept {
    return self(user)->guarded(0, [&] { return self(user)->take_header({data, size}); });
  }
  static std::size_t read(char* data, std::size_t, std::size_t size, void* user) noexcept {
    return self(user)->guarded(CURL_READFUNC_ABORT,
                               [&] { return self(user)->give_body(data, size); });
  }
  // A kept connection may turn out to be closed: libcurl begins again on another one.
  static int seek(void* user, curl_off_t offset, int origin) noexcept {
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_FAIL;
    self(user)->given_ = static_cast<std::uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
  }

  CURL* handle_;
  const HttpRequest& request_;
  char error_text_[CURL_ERROR_SIZE];
  List headers_;
  HttpResponse response_;
  BodySink sink_;
  std::size_t header_bytes_ = 0;
  std::uint64_t given_ = 0;
  std::exception_ptr failure_;
};

/// One easy handle for each transfer that is on its way; idle ones wait with their connections.
class CurlTransport final : public HttpTransport {
 public:
  explicit CurlTransport(CurlOptions options) : options_(std::move(options)) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      throw Error(ErrorKind::internal, "libcurl cannot start");
    }
  }

  HttpResponse send(const HttpRequest& request) override {
    Easy handle = take();
    HttpResponse response = Transfer(handle.get(), request).run(options_);
    const MutexLock lock(mutex_);
    idle_.push_back(std::move(handle));
    return response;
  }

 private:
  Easy take() {
    const MutexLock lock(mutex_);
    if (idle_.empty()) {
      Easy made(curl_easy_init());
      if (!made) throw Error(ErrorKind::internal, "libcurl has no memory");
      return made;
    }
    Easy handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }

  CurlOptions options_;
  Mutex mutex_;
  std::vector<Easy> idle_ MD_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<HttpTransport> make_curl_transport(CurlOptions options) {
  return std::make_unique<CurlTransport>(std::move(options));
}

}  // namespace minidocker::registry
