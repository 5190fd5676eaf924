#include "container_table.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "settings.hpp"

namespace minidocker::engine {
namespace {

class ContainerTableTest : public ::testing::Test {
 protected:
  static ContainerRow row(const std::string& beginning, const std::string& name,
                          std::int64_t created = 1) {
    ContainerRow row;
    row.id = beginning + std::string(64 - beginning.size(), '0');
    row.name = name;
    row.created_ns = created;
    return row;
  }

  TempDir dir_;
  Database database_{dir_ / "engine.db"};
  ContainerTable table_{database_};
};

TEST_F(ContainerTableTest, KeepsEveryMemberOfARow) {
  ContainerRow stored = row("ab", "web");
  stored.image = "busybox";
  stored.spec = std::string("{\"a\":\"\xc3\xa9\"}");
  stored.root = "/top\n/bottom";
  stored.runtime = "/usr/bin/crun";
  stored.user = "www:adm";
  stored.driver = "vfs";
  stored.interactive = stored.auto_remove = true;
  stored.exit_code = 137;
  stored.error = "why";
  stored.started_ns = 5;
  stored.finished_ns = 1'700'000'000'000'000'000;
  table_.insert(stored);
  const ContainerRow read = table_.get("web");
  EXPECT_EQ(read.spec, stored.spec);
  EXPECT_EQ(read.root, stored.root);
  EXPECT_EQ(read.runtime, stored.runtime);
  EXPECT_EQ(read.user, stored.user);
  EXPECT_EQ(read.driver, stored.driver);
  EXPECT_TRUE(read.interactive && read.auto_remove);
  EXPECT_EQ(read.exit_code, 137);
  EXPECT_EQ(read.error, "why");
  EXPECT_EQ(read.finished_ns, stored.finished_ns);
}

TEST(Records, ThatCannotBeOpenedSayWhatTheKernelSaid) {
  const TempDir dir;
  try {
    const Database database(dir / "nowhere/engine.db");
    FAIL() << "it was opened";
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).ends_with("(ENOENT)")) << error.what();
  }
}

TEST_F(ContainerTableTest, ANameIsTakenOnce) {
  table_.insert(row("ab", "web"));
  EXPECT_THROW(table_.insert(row("cd", "web")), UniqueClash);
}

TEST_F(ContainerTableTest, LooksUpByIdThenNameThenUniqueBeginning) {
  table_.insert(row("abc", "web"));
  table_.insert(row("abd", "abc"));
  EXPECT_EQ(table_.get("web").name, "web");
  EXPECT_EQ(table_.get("/web").name, "web");
  EXPECT_EQ(table_.get("abc").name, "abc") << "a name goes before a beginning";
  EXPECT_EQ(table_.get("abd").name, "abc");
  EXPECT_THROW(static_cast<void>(table_.get("ab")), Error) << "ambiguous";
  EXPECT_THROW(static_cast<void>(table_.get("nosuch")), Error);
}

TEST_F(ContainerTableTest, RefusesStepsTheStateMachineDoesNotKnow) {
  ContainerRow container = row("ab", "web");
  table_.insert(container);
  container.state = State::running;
  EXPECT_THROW(table_.update(container), Error);
  EXPECT_EQ(table_.get("web").state, State::creating);
  container.state = State::created;
  EXPECT_NO_THROW(table_.update(container));
}

TEST_F(ContainerTableTest, ARowThatIsGoneCannotBeUpdated) {
  ContainerRow container = row("ab", "web");
  EXPECT_THROW(table_.update(container), Error);
}

TEST_F(ContainerTableTest, ADoomedContainerIsBroughtNoFurtherTowardsRunning) {
  ContainerRow container = row("ab", "web");
  table_.insert(container);
  table_.doom(container.id);
  container.state = State::created;
  EXPECT_NO_THROW(table_.update(container));
  container.state = State::starting;
  EXPECT_THROW(table_.update(container), Error);
  container.state = State::removing;
  EXPECT_NO_THROW(table_.update(container));
}

TEST_F(ContainerTableTest, RecordsOfVersionOneAreBroughtUpToDate) {
  Database old(dir_ / "old.db");
  old.execute(
      "CREATE TABLE containers (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT "
      "NULL, image TEXT NOT NULL, image_id TEXT NOT NULL, command TEXT NOT NULL, spec TEXT NOT "
      "NULL, root TEXT NOT NULL, runtime TEXT NOT NULL, interactive INTEGER NOT NULL, auto_remove "
      "INTEGER NOT NULL, exit_code INTEGER NOT NULL, error TEXT NOT NULL, created_ns INTEGER NOT "
      "NULL, started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID");
  old.execute(
      "INSERT INTO containers VALUES ('a','web','exited','','','','','','',0,0,7,'',1,2,3)");
  const ContainerTable table(old);
  EXPECT_EQ(table.get("web").exit_code, 7);
  EXPECT_EQ(table.get("web").user, "");
  EXPECT_EQ(table.get("web").driver, "overlay") << "there was no other";
  EXPECT_NO_THROW(ContainerTable{old}) << "a second time nothing is to be done";
}

TEST_F(ContainerTableTest, RecordsOfANewerVersionAreLeftAlone) {
  database_.execute("PRAGMA user_version=1000");
  EXPECT_THROW(ContainerTable{database_}, Error);
}

TEST_F(ContainerTableTest, ASettingIsTheOneOfTheLastTime) {
  const Settings settings(database_);
  EXPECT_EQ(settings.find("storage-driver"), std::nullopt);
  settings.set("storage-driver", "overlay");
  settings.set("storage-driver", "vfs");
  EXPECT_EQ(settings.find("storage-driver"), "vfs");
}

TEST_F(ContainerTableTest, ListsTheNewestFirst) {
  table_.insert(row("ab", "old", 1));
  table_.insert(row("cd", "new", 2));
  ASSERT_EQ(table_.all().size(), 2U);
  EXPECT_EQ(table_.all().front().name, "new");
}

TEST_F(ContainerTableTest, AnUncommittedTransactionLeavesNothing) {
  {
    Transaction transaction(database_);
    table_.insert(row("ab", "web"));
  }
  EXPECT_TRUE(table_.all().empty());
}

}  // namespace
}  // namespace minidocker::engine
