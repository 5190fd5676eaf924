#include "minidocker/http/server.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "ascii.hpp"
#include "body_reader.hpp"
#include "minidocker/http/byte_range.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "request_head.hpp"
#include "response_head.hpp"

namespace minidocker::http {

namespace asio = boost::asio;

namespace {

using asio::awaitable;
using asio::use_awaitable;
using Clock = std::chrono::steady_clock;
using Descriptor = asio::posix::stream_descriptor;  // to wait for; recv and send do the rest
using ErrorCode = boost::system::error_code;
using Receiver = std::unique_ptr<BodyReceiver>;

constexpr std::size_t kBuffer = std::size_t{64} * 1024;           // of what a client has sent
constexpr std::size_t kMaxHead = std::size_t{32} * 1024;          // request line and headers
constexpr std::size_t kProgress = std::size_t{64} * 1024;         // worth new patience
constexpr std::size_t kFilePiece = std::size_t{4} * 1024 * 1024;  // of one sendfile
constexpr std::size_t kUnwanted = std::size_t{1024} * 1024;  // read of a body that nobody wants
constexpr std::chrono::seconds kNoDescriptors{1};            // until accept is tried again

/// The client is gone, or we are through with it: nothing can be said to it any more.
struct Gone {};
/// It has kept us waiting for too long.
struct OutOfPatience : Gone {};

/// What a connection needs of the server.
struct House {
  asio::io_context& io;
  asio::thread_pool& pool;
  const Router& router;
  const ServerOptions& options;
};

/// One client. All of it runs on the thread of `io`, but what is given to in_pool().
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(const House& house, UniqueFd socket)
      : house_(house),
        socket_(house.io, socket.release()),
        timer_(house.io),
        buffer_(std::make_unique_for_overwrite<char[]>(kBuffer)) {}

  /// One request after the other.
  awaitable<void> run() {
    try {
      while (keeps_alive_) co_await exchange();
    } catch (const Gone&) {
    }
  }
  /// No further request: ends at once if it waits for one.
  void stop() {
    keeps_alive_ = false;
    if (is_idle_) cut();
  }
  /// The end, whatever it is doing.
  void cut() {
    is_cut_ = true;
    ErrorCode ignored;
    socket_.cancel(ignored);
  }

 private:
  // --- one exchange ---

  awaitable<void> exchange() {
    RequestHead head;
    std::exception_ptr failure;
    try {
      head = co_await read_head();
    } catch (const StatusError&) {
      failure = std::current_exception();
    }
    if (failure) {
      keeps_alive_ = false;
      Response refusal = house_.options.explain(failure);
      co_await send(head.request, refusal);
      co_await linger();
      co_return;
    }
    BodyReader body(head);
    Response response = co_await ask(head, body);
    // What follows on the wire would be the body that was not read.
    keeps_alive_ = keeps_alive_ && body.is_done() && head.keeps_alive;
    apply_range(head.request, response);
    co_await send(head.request, response);
    if (!body.is_done()) co_await linger();
  }

  awaitable<Response> ask(RequestHead& head, BodyReader& body) {
    Answer answer = co_await guarded([this, &head] { return house_.router.answer(head.request); });
    if (auto* const receiver = std::get_if<Receiver>(&answer)) {
      be_patient(house_.options.stall_time);
      if (head.expects_continue) co_await write("HTTP/1.1 100 Continue\r\n\r\n");
      answer = co_await receive(body, std::move(*receiver));
    }
    co_return std::get<Response>(std::move(answer));
  }

  awaitable<Answer> receive(BodyReader& body, Receiver receiver) {
    for (bool is_hungry = begin_ == end_; !body.is_done(); is_hungry = true) {
      if (is_hungry) co_await read_more();
      Answer refusal = co_await guarded([this, &body, &receiver]() -> Answer {
        take_body(body, receiver);
        return Receiver();
      });
      if (std::holds_alternative<Response>(refusal)) co_return std::move(refusal);
    }
    co_return co_await guarded([&receiver]() -> Answer {
      const Receiver last = std::move(receiver);  // its end may take as long as its work
      return last->finish();
    });
  }

  // In the pool.
  void take_body(BodyReader& body, Receiver& receiver) {
    try {
      begin_ += body.read(unread(), *receiver);
    } catch (...) {
      receiver.reset();
      throw;
    }
  }

  // --- work in the pool ---

  // Runs it on a thread of the pool and comes back. It must not throw.
  awaitable<void> in_pool(std::function<void()> work) {
    co_await asio::co_spawn(house_.pool, call(work), use_awaitable);
  }
  static awaitable<void> call(const std::function<void()>& work) {
    work();
    co_return;
  }

  // Likewise; what it throws becomes the answer.
  awaitable<Answer> guarded(std::function<Answer()> work) {
    Answer answer;
    co_await in_pool([this, &work, &answer] {
      try {
        answer = work();
      } catch (...) {
        answer = house_.options.explain(std::current_exception());
      }
    });
    co_return std::move(answer);
  }

  // --- reading ---

  // Up to and with the empty line.
  awaitable<RequestHead> read_head() {
    be_patient(house_.options.idle_time);
    is_idle_ = true;
    if (begin_ == end_) co_await read_more();
    is_idle_ = false;
    // Clients try TLS first; one that is told at once what this is goes on without.
    if (is_control(unread().front())) throw StatusError(400, "HTTP without TLS is spoken here");
    be_patient(house_.options.head_time);
    std::size_t end = 0;
    for (std::size_t seen = 0; (end = unread().find("\r\n\r\n", seen)) == std::string_view::npos;) {
      seen = unread().size() - std::min<std::size_t>(unread().size(), 3);
      if (unread().size() >= kMaxHead) throw StatusError(431, "the head is too large");
      try {
        co_await read_more();
      } catch (const OutOfPatience&) {
        throw StatusError(408, "the head took too long");
      }
    }
    const std::string_view head = unread().substr(0, end + 4);
    begin_ += head.size();
    co_return parse_head(head);
  }

  [[nodiscard]] std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }

  // At least one byte more; what is there already may move.
  awaitable<void> read_more() {
    std::copy(buffer_.get() + begin_, buffer_.get() + end_, buffer_.get());
    end_ -= std::exchange(begin_, 0);
    while (true) {
      const ssize_t got = ::recv(fd(), buffer_.get() + end_, kBuffer - end_, MSG_DONTWAIT);
      if (got > 0) {
        end_ += static_cast<std::size_t>(got);
        moved(static_cast<std::size_t>(got));
        co_return;
      }
      if (got == 0) throw Gone{};
      co_await wait_after(errno, Descriptor::wait_read);
    }
  }

  // The answer may still be on its way, and is thrown away there when a socket is closed on which
  // bytes have come that nobody has read.
  awaitable<void> linger() {
    ::shutdown(fd(), SHUT_WR);
    be_patient(house_.options.linger_time);
    for (std::size_t drained = 0; drained < kUnwanted; drained += end_) {
      begin_ = end_ = 0;
      co_await read_more();
    }
  }

  // --- writing ---

  awaitable<void> send(const Request& request, Response& response) {
    be_patient(house_.options.stall_time);
    const ThenWhat then = keeps_alive_ ? ThenWhat::another_request : ThenWhat::the_end;
    std::string head;
    try {
      head = head_of(response, then);
    } catch (const Error&) {  // a header that would break the head
      response = house_.options.explain(std::current_exception());
      head = head_of(response, then);
    }
    auto* const file = std::get_if<FileBody>(&response.body);
    const bool has_body = request.method != "HEAD" && response.status != 204;
    if (has_body && file == nullptr) head += std::get<std::string>(response.body);
    co_await write(head);
    if (has_body && file != nullptr) co_await send_file(*file);
  }

  awaitable<void> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        co_await wait_after(errno, Descriptor::wait_write);
        continue;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      moved(static_cast<std::size_t>(sent));
    }
  }

  // The disk may let us wait: so it is work for the pool.
  awaitable<void> send_file(FileBody& body) {
    while (body.size > 0) {
      ssize_t sent = 0;
      int error = 0;
      co_await in_pool([this, &body, &sent, &error] {
        auto offset = static_cast<off_t>(body.offset);
        sent = ::sendfile(fd(), body.file.get(), &offset,
                          std::min<std::uint64_t>(body.size, kFilePiece));
        error = errno;
      });
      if (sent == 0) throw Gone{};  // the file is shorter than its length, which has been told
      if (sent < 0) {
        co_await wait_after(error, Descriptor::wait_write);
        continue;
      }
      body.offset += static_cast<std::uint64_t>(sent);
      body.size -= static_cast<std::uint64_t>(sent);
      moved(static_cast<std::size_t>(sent));
    }
  }

  // --- waiting ---

  // After a call that said `error`: until it is worth trying again.
  awaitable<void> wait_after(int error, Descriptor::wait_type readiness) {
    if (error == EINTR) co_return;
    if (error != EAGAIN) throw Gone{};
    if (is_cut_) throw Gone{};
    const Clock::time_point begin = Clock::now();
    timer_.expires_after(patience_);
    timer_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
      // It may have run out and been set anew before this was called.
      if (!cancelled && self->timer_.expiry() <= Clock::now()) self->socket_.cancel();
    });
    ErrorCode cancelled;
    co_await socket_.async_wait(readiness, asio::redirect_error(use_awaitable, cancelled));
    timer_.expires_at(Clock::time_point::max());
    patience_ -= std::min<Clock::duration>(patience_, Clock::now() - begin);
    if (cancelled && !is_cut_) throw OutOfPatience{};
    if (cancelled) throw Gone{};
  }

  // It may keep us waiting for so long until it has moved kProgress bytes, and again thereafter.
  void be_patient(Clock::duration time) {
    patience_ = whole_patience_ = time;
    moved_ = 0;
  }

  // So many bytes went to the client or came from it.
  void moved(std::size_t bytes) {
    if (is_cut_) throw Gone{};
    moved_ += bytes;
    if (moved_ >= kProgress) be_patient(whole_patience_);
  }

  [[nodiscard]] int fd() { return socket_.native_handle(); }

  const House& house_;
  Descriptor socket_;
  asio::steady_timer timer_;
  std::unique_ptr<char[]> buffer_;  // [begin_, end_) has come and is not used yet
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Clock::duration patience_{};        // how much longer the client may keep us waiting
  Clock::duration whole_patience_{};  // what it was at first
  std::size_t moved_ = 0;             // bytes since patience was given
  bool keeps_alive_ = true;
  bool is_idle_ = false;  // waits for the first byte of a request
  bool is_cut_ = false;
};

/// Accepts clients, and knows them until they are gone. All of it runs on the thread of run().
class Server {
 public:
  Server(std::vector<Listener> listeners, const Router& router, const ServerOptions& options)
      : pool_(options.workers), house_{io_, pool_, router, options}, options_(options) {
    for (Listener& listener : listeners) listeners_.emplace_back(io_, listener.socket.release());
  }

  void run(const std::stop_token& stop) {
    for (Descriptor& listener : listeners_) {
      asio::co_spawn(io_, accept_from(listener), [](const std::exception_ptr&) {});
    }
    const std::stop_callback on_stop(stop, [this] { asio::post(io_, [this] { begin_stop(); }); });
    io_.run();
    pool_.join();
  }

 private:
  awaitable<void> accept_from(Descriptor& listener) {
    while (!is_stopping_) {
      if (connections_.size() >= options_.max_connections) {
        co_await wait_for_room(Clock::duration::max());
        continue;
      }
      sys::Result<UniqueFd> socket = sys::accept(listener.native_handle());
      if (socket.ok()) {
        welcome(std::move(socket).value());
      } else if (socket.error() == EAGAIN) {
        ErrorCode ignored;
        co_await listener.async_wait(Descriptor::wait_read,
                                     asio::redirect_error(use_awaitable, ignored));
      } else if (socket.error() == EMFILE || socket.error() == ENFILE || socket.error() == ENOMEM ||
                 socket.error() == ENOBUFS) {
        co_await wait_for_room(kNoDescriptors);
      }
    }
  }

  // Until a client leaves, or for so long.
  awaitable<void> wait_for_room(Clock::duration longest) {
    if (longest == Clock::duration::max()) {
      room_.expires_at(Clock::time_point::max());
    } else {
      room_.expires_after(longest);
    }
    ErrorCode ignored;
    co_await room_.async_wait(asio::redirect_error(use_awaitable, ignored));
  }

  void welcome(UniqueFd socket) {
    const int on = 1;
    // An answer is sent as a whole, so nothing is to be collected; UNIX sockets do not anyway.
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (!sys::set_nonblocking(socket.get(), true).ok()) return;
    const auto connection = std::make_shared<Connection>(house_, std::move(socket));
    connections_.insert(connection);
    asio::co_spawn(io_, connection->run(), [this, connection](const std::exception_ptr&) {
      connections_.erase(connection);
      room_.cancel();
      leave_if_done();
    });
  }

  void begin_stop() {
    is_stopping_ = true;
    for (Descriptor& listener : listeners_) listener.close();
    room_.cancel();
    for (const auto& connection : connections_) connection->stop();
    grace_.expires_after(options_.grace);
    grace_.async_wait([this](const ErrorCode& cancelled) {
      if (cancelled) return;
      for (const auto& connection : connections_) connection->cut();
    });
    leave_if_done();
  }

  void leave_if_done() {
    if (!is_stopping_ || !connections_.empty()) return;
    grace_.cancel();
    work_.reset();
  }

  asio::io_context io_{1};
  asio::thread_pool pool_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::steady_timer room_{io_};
  asio::steady_timer grace_{io_};
  House house_;
  const ServerOptions& options_;
  std::vector<Descriptor> listeners_;
  std::set<std::shared_ptr<Connection>> connections_;
  bool is_stopping_ = false;
};

}  // namespace

void serve(std::vector<Listener> listeners, const Router& router, const ServerOptions& options,
           const std::stop_token& stop) {
  // sendfile(2) to a client that has left knows no other way of being quiet.
  sys::ignore_signal(SIGPIPE).or_throw("SIGPIPE");
  Server(std::move(listeners), router, options).run(stop);
}

}  // namespace minidocker::http
