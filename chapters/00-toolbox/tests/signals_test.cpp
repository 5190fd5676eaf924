#include "minidocker/toolbox/signals.hpp"

#include <csignal>

#include <gtest/gtest.h>

namespace minidocker {
namespace {

TEST(IgnoredSignals, AreTheSigIgnLine) {
  EXPECT_EQ(0x1000U, parse_ignored_signals("SigBlk:\t0000000000000003\n"
                                           "SigIgn:\t0000000000001000\n"
                                           "SigCgt:\t0000000000000000\n"));
  EXPECT_EQ(0x8000000180000000U, parse_ignored_signals("Name:\tx\nSigIgn:\t8000000180000000\n"));
}

TEST(IgnoredSignals, AreUnknownUntilTheLineIsThereAsAWhole) {
  EXPECT_EQ(std::nullopt, parse_ignored_signals(""));
  EXPECT_EQ(std::nullopt, parse_ignored_signals("Name:\tSigIgn:\t0000000000001000\n"));
  EXPECT_EQ(std::nullopt, parse_ignored_signals("Name:\tx\nSigIgn:\t"));
  EXPECT_EQ(std::nullopt, parse_ignored_signals("Name:\tx\nSigIgn:\t00000000"));
  EXPECT_EQ(std::nullopt, parse_ignored_signals("Name:\tx\nSigIgn:\tzero\n"));
}

TEST(SignalSet, HasABitForEachSignal) {
  EXPECT_EQ(1U, signal_bit(SIGHUP));
  EXPECT_EQ(SignalSet{1} << 63, signal_bit(64));
  EXPECT_EQ(0U, kAllSignals & (signal_bit(SIGKILL) | signal_bit(SIGSTOP)));
}

}  // namespace
}  // namespace minidocker
