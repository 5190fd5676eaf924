#include "minidocker/registry/http.hpp"

#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::registry {

namespace {

class RealClock final : public Clock {
 public:
  void wait(std::chrono::milliseconds duration) override {
    static_cast<void>(sys::poll({}, static_cast<int>(duration.count())));
  }
};

}  // namespace

std::string HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

Clock& Clock::real() {
  static RealClock clock;
  return clock;
}

}  // namespace minidocker::registry
