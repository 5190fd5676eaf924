#include "minidocker/toolbox/started_child.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "child_protocol.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker {
namespace {

/// More than any plan makes; what does not fit is counted and told.
constexpr std::uint32_t kRecords = 2048;

/// What the child does from clone to exec. It shares nothing with the parent but the socket and
/// the trace records, and never returns.
[[noreturn]] void child_main(const ChildPlan& plan, int report_fd, int parents_end,
                             trace::SharedRecords* records) noexcept {
  trace::current_sink = records;
  // Our copy of the parent's end would keep the socket open after the parent's death.
  static_cast<void>(sys::close(parents_end));
  ChildContext context;
  context.report_fd = report_fd;
  context.records = records;
  const StepResult result = plan.run(context);
  if (!result) {
    const ChildMessage message{ChildMessage::Kind::failed, 0, context.step, result};
    static_cast<void>(send_to_parent(context, message));
  }
  sys::exit_group(result ? 0 : 1);
}

/// Only when somebody listens: it is put together for each start.
std::string what_is_cloned(std::uint64_t flags) {
  if (trace::current_sink == nullptr) return {};
  if (flags == 0) return "clone a child";
  return fmt::format("clone a child into new namespaces: {}",
                     trace::flags_in_words(sys::kCloneFlagNames, flags));
}

std::string step_operation(const StepDescription& description, const StepResult& result) {
  if (result.exercise != nullptr) {
    return fmt::format("{}: exercise {} is still to be written", description.what, result.exercise);
  }
  if (result.call == nullptr) return description.what;
  return fmt::format("{}: {}", description.what, result.call->name);
}

}  // namespace

StepError::StepError(std::size_t step, const StepDescription& description, const StepResult& result)
    : SystemError(step_operation(description, result), {}, result.error), step_(step) {}

StartedChild StartedChild::start(const ChildPlan& plan, const sys::CloneArgs& clone) {
  const trace::Scope scope("00-toolbox", what_is_cloned(clone.flags),
                           "between clone and execve a process can change itself step by step");
  StartedChild child;
  SocketPair sockets = SocketPair::make();
  child.plan_ = &plan;
  child.sink_ = trace::current_sink;
  if (child.sink_ != nullptr) {
    child.records_ = std::make_unique<trace::SharedRecords>(kRecords);
  }
  sys::Cloned cloned = sys::clone3(clone).or_throw(
      trace::flags_in_words(sys::kCloneFlagNames, clone.flags), clone_hint(clone.flags));
  if (cloned.pid == 0) {
    child_main(plan, sockets.theirs.get(), sockets.ours.get(), child.records_.get());
  }
  child.process_ = Process(cloned.pid, std::move(cloned.pidfd));
  child.socket_ = std::move(sockets.ours);
  return child;
}

void StartedChild::wait_for(SyncPoint point) {
  for (;;) {
    const std::optional<ChildMessage> message = next_message();
    if (!message) fail_as_dead();
    if (message->kind == ChildMessage::Kind::failed) fail(*message);
    if (message->kind == ChildMessage::Kind::sync &&
        message->point == static_cast<std::uint16_t>(point)) {
      return;
    }
    if (message->kind == ChildMessage::Kind::sync) {
      throw Error(ErrorKind::internal, fmt::format("child waits at sync point {}, its parent at {}",
                                                   message->point, static_cast<int>(point)));
    }
  }
}

void StartedChild::resume() {
  sys::Result<std::size_t> sent = sys::send(socket_.get(), &kGoAhead, sizeof(kGoAhead));
  if (sent.error() == EPIPE) {
    // It did not wait for us: what it said last is why.
    const std::optional<ChildMessage> message = next_message();
    if (message && message->kind == ChildMessage::Kind::failed) fail(*message);
    fail_as_dead();
  }
  std::move(sent).or_throw("go-ahead to the child");
}

UniqueFd StartedChild::receive_fd() {
  if (!pending_fd_) {
    const std::optional<ChildMessage> message = next_message();
    if (!message) fail_as_dead();
    if (message->kind == ChildMessage::Kind::failed) fail(*message);
  }
  if (!pending_fd_) throw Error(ErrorKind::internal, "the child sent no descriptor");
  return std::move(pending_fd_);
}

void StartedChild::wait_for_exec() {
  while (const std::optional<ChildMessage> message = next_message()) {
    if (message->kind == ChildMessage::Kind::failed) fail(*message);
  }
}

void StartedChild::replace_process(Process process) {
  process_.wait();
  process_ = std::move(process);
}

std::optional<ChildMessage> StartedChild::next_message() {
  ChildMessage message{};
  sys::Result<sys::Received> got = sys::receive(socket_.get(), &message, sizeof(message));
  // A child that is killed before it has read our go-ahead resets the connection: that is an end.
  const bool reset = got.error() == ECONNRESET;
  sys::Received received =
      reset ? sys::Received{} : std::move(got).or_throw("message of the child");
  narrate();
  if (received.size == 0) {
    // What is told from here on is not the child's.
    if (sink_ != nullptr && narrated_step_ >= 0) sink_->leave();
    narrated_step_ = -1;
    return std::nullopt;
  }
  if (received.fd_count > 0) pending_fd_ = std::move(received.fds[0]);
  return message;
}

void StartedChild::fail(const ChildMessage& message) {
  static_cast<void>(process_.wait());
  const StepDescription step = plan_->describe(message.step);
  if (plan_->is<FindProgram>(message.step) || plan_->is<Exec>(message.step)) {
    throw ProgramError(message.step, step, message.result);
  }
  throw StepError(message.step, step, message.result);
}

void StartedChild::fail_as_dead() {
  const ExitStatus status = process_.wait();
  throw Error(ErrorKind::internal,
              status.signal != 0
                  ? fmt::format("the child was killed by signal {} during its setup", status.signal)
                  : fmt::format("the child exited with {} during its setup", status.code));
}

void StartedChild::narrate() {
  if (sink_ == nullptr) return;
  for (const trace::Record& record : records_->drain()) {
    for (; narrated_step_ < record.step; ++narrated_step_) {
      if (narrated_step_ >= 0) sink_->leave();
      const StepDescription step = plan_->describe(static_cast<std::size_t>(narrated_step_ + 1));
      sink_->enter({step.chapter, step.what, step.why});
    }
    sink_->call(record);
  }
  if (records_->lost() > 0) {
    throw Error(ErrorKind::internal,
                fmt::format("{} calls of the child found no room in the trace", records_->lost()));
  }
}

std::string_view clone_hint(std::uint64_t flags) noexcept {
  return (flags & CLONE_NEWUSER) != 0
             ? "EPERM: user namespaces may be closed to ordinary users (sysctl "
               "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns); "
               "ENOSPC: user.max_*_namespaces is used up"
             : "new namespaces need root (CAP_SYS_ADMIN), or a user namespace made with them";
}

}  // namespace minidocker
