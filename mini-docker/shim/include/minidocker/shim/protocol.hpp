#pragma once
/// \file
/// What an engine and the shim of one container say to each other, and the files in which a shim
/// leaves word for an engine that was not there.
///
/// Both sides speak over a SOCK_SEQPACKET socket; each message is one JSON object whose "type"
/// names it, and descriptors travel beside it (SCM_RIGHTS). The first message of a connection that
/// the engine made itself is `start`; others connect to the socket RUN/shim/ID/ctl and may send
/// everything but `start`.
///
/// | type    | from   | members                                                         |
/// |---------|--------|-----------------------------------------------------------------|
/// | start   | engine | version, id, user, root, directory, state_root, runtime,        |
/// |         |        | scope_helper, explain; descriptors                              |
/// | resize  | engine | rows, columns                                                   |
/// | signal  | engine | number                                                          |
/// | started | shim   | its program runs                                                |
/// | failed  | shim   | kind, message, exit_code; nothing is left                       |
/// | exited  | shim   | code, as a shell tells it; exit.json stands already             |
///
/// The descriptors of `start` are the spec, stdin, stdout, stderr, and, to explain, the trace.
///
/// A shim may be older than its engine: a member that is added must have a meaning when absent,
/// and a change that has none raises kProtocolVersion. The spec travels as a memfd, as it can be
/// longer than a message may be.
///
/// End of file on the connection that sent `start` means that the client is gone. A container
/// that runs in the foreground ends with it: nobody is left to read what it prints.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::shim {

/// The version that `start` carries; a shim refuses another one by name.
inline constexpr int kProtocolVersion = 2;
/// The descriptor on which a shim finds its engine.
inline constexpr int kSocketFd = 3;
/// The descriptor that a shim keeps open and never uses: the engine's lock on the container, which
/// so stays taken until both are gone (flock(2): a lock belongs to the open file).
inline constexpr int kLockFd = 4;

/// The container's root is a directory as it is.
struct DirectoryRoot {
  std::string path;                                       ///< absolute
  bool operator==(const DirectoryRoot&) const = default;  ///< member by member
};

/// The container's root is an overlay, mounted in the container's own mount namespace.
struct OverlayRoot {
  std::vector<std::string> lowers;                      ///< layer directories, the top one first
  std::string upper;                                    ///< what the container writes
  std::string work;                                     ///< overlay's own
  std::string target;                                   ///< existing directory to mount it on
  bool is_volatile = false;                             ///< upper is thrown away: never synced
  bool operator==(const OverlayRoot&) const = default;  ///< member by member
};

/// The container's root is an overlay that the program fuse-overlayfs serves, started and ended by
/// the shim, mounted in the shim's own mount namespace.
struct ServedRoot {
  std::string program;                                 ///< path of fuse-overlayfs
  OverlayRoot overlay;                                 ///< what it serves
  bool operator==(const ServedRoot&) const = default;  ///< member by member
};

/// Where the container's root comes from.
using Root = std::variant<DirectoryRoot, OverlayRoot, ServedRoot>;

/// Descriptors of `start`, in the order in which they travel.
struct StartFds {
  UniqueFd spec;   ///< the text of config.json, read from its beginning
  UniqueFd in;     ///< the client's
  UniqueFd out;    ///< the client's
  UniqueFd err;    ///< the client's
  UniqueFd trace;  ///< where the narration goes; none without `explain`
};

/// Make and start a container.
struct Start {
  std::string id;                        ///< 64 hex digits
  std::string user;                      ///< `USER[:GROUP]` of the root's own files; empty: root
  Root root;                             ///< its root
  std::string directory;                 ///< RUN/shim/ID, existing
  std::string state_root;                ///< where the runtime keeps its state
  std::string runtime;                   ///< empty: built in; else the path of an OCI runtime
  std::string scope_helper;              ///< path of mini-scope, for a group that systemd makes
  std::optional<trace::Format> explain;  ///< narrate the kernel's part?
  StartFds fds;                          ///< travel beside the message
};

/// The client's terminal has changed its size.
struct Resize {
  std::uint16_t rows = 0;                          ///< height in characters
  std::uint16_t columns = 0;                       ///< width in characters
  bool operator==(const Resize&) const = default;  ///< member by member
};

/// Send a signal to the container's first process.
struct Signal {
  int number = 0;                                  ///< signal(7)
  bool operator==(const Signal&) const = default;  ///< member by member
};

/// All that an engine can ask for.
using Request = std::variant<Start, Resize, Signal>;

/// The container's program runs.
struct Started {
  bool operator==(const Started&) const = default;  ///< always
};

/// It could not be made or started. Nothing is left of it.
struct Failed {
  ErrorKind kind = ErrorKind::internal;            ///< how a caller would sort it
  std::string message;                             ///< one line
  int exit_code = 125;                             ///< 126, 127: program not executable, not there
  bool operator==(const Failed&) const = default;  ///< member by member
};

/// The container's first process has ended.
struct Exited {
  int code = 0;                                    ///< exit code, or 128 + signal
  bool operator==(const Exited&) const = default;  ///< member by member
};

/// All that a shim can say.
using Event = std::variant<Started, Failed, Exited>;

/// \name Sending
///@{
/// One message each. Throws SystemError; EPIPE means that the other side is gone.
void send(int socket, const Start& start);
void send(int socket, const Resize& resize);
void send(int socket, const Signal& signal);
void send(int socket, const Event& event);
///@}

/// \name Receiving
///@{
/// Waits for one message; nothing at end of file. A message that this version does not understand
/// is an invalid_argument Error naming what is wrong with it.
[[nodiscard]] std::optional<Request> receive_request(int socket);
[[nodiscard]] std::optional<Event> receive_event(int socket);
///@}

/// What stands in RUN/shim/ID/exit.json.
struct ExitRecord {
  int code = 0;                  ///< as in Exited, or 125 to 127 if it never ran
  std::string error;             ///< why it never ran; empty if it did
  std::int64_t finished_ns = 0;  ///< CLOCK_REALTIME at its end
  bool operator==(const ExitRecord&) const = default;  ///< member by member
};
/// Writes exit.json into `directory` by rename, before anyone is told. Throws SystemError.
void write_exit_record(const std::string& directory, const ExitRecord& record);
/// Reads it; nothing if there is none. Throws Error(invalid_argument) if it makes no sense.
[[nodiscard]] std::optional<ExitRecord> find_exit_record(const std::string& directory);

/// Connects to the shim at `directory`/ctl, however long the path is; nothing if nobody listens
/// there (any more). Throws SystemError.
[[nodiscard]] std::optional<UniqueFd> connect(const std::string& directory);
/// Listens at `directory`/ctl. Throws SystemError.
[[nodiscard]] UniqueFd listen(const std::string& directory);

}  // namespace minidocker::shim
