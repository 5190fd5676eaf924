#include "container_table.hpp"

#include <fmt/format.h>

#include <array>
#include <sstream>

#include "minidocker/toolbox/error.hpp"
#include "states.hpp"

namespace minidocker::engine {
namespace {

/// Each step stays as it is for ever: tables of its version are out there.
constexpr std::array<const char*, 4> kSchema{R"(
  CREATE TABLE IF NOT EXISTS containers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    image TEXT NOT NULL, image_id TEXT NOT NULL, command TEXT NOT NULL,
    spec TEXT NOT NULL, root TEXT NOT NULL, runtime TEXT NOT NULL,
    interactive INTEGER NOT NULL, auto_remove INTEGER NOT NULL,
    exit_code INTEGER NOT NULL, error TEXT NOT NULL,
    created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID)",
                                             R"(
  ALTER TABLE containers ADD COLUMN user TEXT NOT NULL DEFAULT '';
  ALTER TABLE containers ADD COLUMN doomed INTEGER NOT NULL DEFAULT 0)",
                                             R"(
  ALTER TABLE containers ADD COLUMN driver TEXT NOT NULL DEFAULT 'overlay';
  CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID)",
                                             R"(
  CREATE TABLE layer_sizes (diff_id TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT,
    WITHOUT ROWID)"};

constexpr const char* kColumns =
    "id, name, state, image, image_id, command, spec, root, runtime, interactive, auto_remove, "
    "exit_code, error, created_ns, started_ns, finished_ns, user, driver";

void bind_row(Statement& statement, const ContainerRow& row) {
  statement.bind(1, row.id).bind(2, row.name).bind(3, word_of(row.state));
  statement.bind(4, row.image).bind(5, row.image_id).bind(6, row.command);
  statement.bind(7, row.spec).bind(8, row.root).bind(9, row.runtime);
  statement.bind(10, std::int64_t{row.interactive}).bind(11, std::int64_t{row.auto_remove});
  statement.bind(12, std::int64_t{row.exit_code}).bind(13, row.error);
  statement.bind(14, row.created_ns).bind(15, row.started_ns).bind(16, row.finished_ns);
  statement.bind(17, row.user).bind(18, row.driver);
}

ContainerRow row_of(const Statement& statement) {
  ContainerRow row;
  row.id = statement.text(0);
  row.name = statement.text(1);
  row.state = state_of(statement.text(2));
  row.image = statement.text(3);
  row.image_id = statement.text(4);
  row.command = statement.text(5);
  row.spec = statement.text(6);
  row.root = statement.text(7);
  row.runtime = statement.text(8);
  row.interactive = statement.number(9) != 0;
  row.auto_remove = statement.number(10) != 0;
  row.exit_code = static_cast<int>(statement.number(11));
  row.error = statement.text(12);
  row.created_ns = statement.number(13);
  row.started_ns = statement.number(14);
  row.finished_ns = statement.number(15);
  row.user = statement.text(16);
  row.driver = statement.text(17);
  return row;
}

bool is_hex(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

ContainerSummary summary_of(const ContainerRow& row) {
  constexpr std::int64_t kNanos = 1'000'000'000;
  ContainerSummary summary;
  summary.id = row.id;
  summary.name = row.name;
  summary.image = row.image;
  summary.command = row.command;
  summary.state = row.state;
  summary.exit_code = row.exit_code;
  summary.created = row.created_ns / kNanos;
  summary.started = row.started_ns / kNanos;
  summary.finished = row.finished_ns / kNanos;
  return summary;
}

std::vector<std::string> layers_of(const ContainerRow& row) {
  std::vector<std::string> layers;
  std::istringstream lines(row.root);
  for (std::string layer; std::getline(lines, layer);) layers.push_back(layer);
  return layers;
}

ContainerTable::ContainerTable(Database& database) : database_(database) {
  database_.migrate(kSchema);
}

void ContainerTable::insert(const ContainerRow& row) {
  Statement statement = database_.prepare(
      fmt::format("INSERT INTO containers ({}) VALUES "
                  "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)",
                  kColumns));
  bind_row(statement, row);
  statement.run();
}

void ContainerTable::update(const ContainerRow& row) {
  Transaction transaction(database_);
  const std::optional<ContainerRow> stored = find(row.id);
  const bool wants_to_live = row.state == State::starting || row.state == State::running;
  if (!stored || (wants_to_live && is_doomed(row.id))) {
    throw Error(ErrorKind::conflict, fmt::format("container {} was removed meanwhile", row.name));
  }
  if (stored->state != row.state && !may_go(stored->state, row.state)) {
    throw Error(ErrorKind::internal, fmt::format("container {} cannot go from {} to {}", row.name,
                                                 word_of(stored->state), word_of(row.state)));
  }
  Statement statement = database_.prepare(
      "UPDATE containers SET name=?2, state=?3, image=?4, image_id=?5, command=?6, spec=?7, "
      "root=?8, runtime=?9, interactive=?10, auto_remove=?11, exit_code=?12, error=?13, "
      "created_ns=?14, started_ns=?15, finished_ns=?16, user=?17, driver=?18 WHERE id=?1");
  bind_row(statement, row);
  statement.run();
  transaction.commit();
}

void ContainerTable::doom(const std::string& id) {
  database_.prepare("UPDATE containers SET doomed=1 WHERE id=?1").bind(1, id).run();
}

bool ContainerTable::is_doomed(const std::string& id) const {
  Statement statement = database_.prepare("SELECT doomed FROM containers WHERE id=?1");
  statement.bind(1, id);
  return statement.step() && statement.number(0) != 0;
}

void ContainerTable::erase(const std::string& id) {
  database_.prepare("DELETE FROM containers WHERE id=?1").bind(1, id).run();
}

std::vector<ContainerRow> ContainerTable::select(const std::string& where,
                                                 const std::string& value) const {
  Statement statement = database_.prepare(
      fmt::format("SELECT {} FROM containers {} ORDER BY created_ns DESC, id", kColumns, where));
  if (!where.empty()) statement.bind(1, value);
  std::vector<ContainerRow> rows;
  while (statement.step()) rows.push_back(row_of(statement));
  return rows;
}

std::optional<ContainerRow> ContainerTable::find(const std::string& id) const {
  const std::vector<ContainerRow> rows = select("WHERE id=?1", id);
  if (rows.empty()) return std::nullopt;
  return rows.front();
}

std::optional<ContainerRow> ContainerTable::find_named(const std::string& name) const {
  const std::vector<ContainerRow> rows = select("WHERE name=?1", name);
  if (rows.empty()) return std::nullopt;
  return rows.front();
}

std::vector<ContainerRow> ContainerTable::all() const { return select("", ""); }

ContainerRow ContainerTable::get(const std::string& name) const {
  if (std::optional<ContainerRow> row = find(name)) return *row;
  const std::string bare = name.starts_with('/') ? name.substr(1) : name;
  if (std::optional<ContainerRow> row = find_named(bare)) return *row;
  if (is_hex(name)) {
    std::vector<ContainerRow> rows = select("WHERE substr(id, 1, length(?1)) = ?1", name);
    if (rows.size() == 1) return rows.front();
    if (rows.size() > 1) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("multiple IDs found with provided prefix: {}", name));
    }
  }
  throw Error(ErrorKind::not_found, fmt::format("No such container: {}", name));
}

}  // namespace minidocker::engine
