#include "minidocker/images_unpack/byte_sink.hpp"

#include "minidocker/toolbox/files.hpp"

namespace minidocker::images_unpack {

void FdSink::write(std::string_view data) { write_all(fd_, data, what_); }

void HashingSink::write(std::string_view data) {
  behind_.write(data);
  hasher_.update(data.data(), data.size());
  bytes_ += data.size();
}

}  // namespace minidocker::images_unpack
