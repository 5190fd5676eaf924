#include "states.hpp"

#include <gtest/gtest.h>

#include <array>

namespace minidocker::engine {
namespace {

constexpr std::array kStates{State::creating, State::created, State::starting,
                             State::running,  State::exited,  State::removing};

TEST(ContainerStates, EveryStateCanStillBeRemoved) {
  for (const State from : kStates) {
    bool reaches_removing = from == State::removing;
    State at = from;
    for (std::size_t step = 0; step < kStates.size() && !reaches_removing; ++step) {
      for (const Transition& transition : transitions()) {
        if (transition.from == at && transition.to != State::starting) {
          at = transition.to;
          break;
        }
      }
      reaches_removing = at == State::removing;
    }
    EXPECT_TRUE(reaches_removing) << word_of(from);
  }
}

TEST(ContainerStates, ARunningContainerEndsAsExitedOrGoesWithItsRun) {
  for (const State from : {State::starting, State::running}) {
    EXPECT_TRUE(may_go(from, State::exited)) << word_of(from);
    EXPECT_TRUE(may_go(from, State::removing)) << word_of(from);
  }
  EXPECT_TRUE(may_go(State::exited, State::removing));
}

TEST(ContainerStates, NothingComesBackFromRemoving) {
  for (const State to : kStates) {
    EXPECT_EQ(may_go(State::removing, to), to == State::removing) << word_of(to);
  }
}

TEST(ContainerStates, AFailedStartLeavesTheContainerCreated) {
  EXPECT_TRUE(may_go(State::starting, State::created));
  EXPECT_FALSE(may_go(State::running, State::created));
}

TEST(ContainerStates, TransientStatesAreThoseInWhichSomebodyIsAtWork) {
  EXPECT_TRUE(is_transient(State::creating));
  EXPECT_TRUE(is_transient(State::running));
  EXPECT_FALSE(is_transient(State::created));
  EXPECT_FALSE(is_transient(State::exited));
}

TEST(ContainerStates, WordsAreReadBack) {
  for (const State state : kStates) EXPECT_EQ(state_of(word_of(state)), state);
  EXPECT_THROW(static_cast<void>(state_of("flying")), Error);
}

}  // namespace
}  // namespace minidocker::engine
