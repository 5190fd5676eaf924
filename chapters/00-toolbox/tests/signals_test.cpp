#include "minidocker/toolbox/signals.hpp"

#include <csignal>
#include <string>

#include <gtest/gtest.h>

namespace minidocker {
namespace {

TEST(InheritedSignals, AreTheLinesSigBlkAndSigIgn) {
  EXPECT_EQ((InheritedSignals{.ignored = 0x8000000180001000U, .blocked = 3}),
            parse_inherited_signals("Name:\tx\nSigBlk:\t0000000000000003\n"
                                    "SigIgn:\t8000000180001000\n"
                                    "SigCgt:\t0000000000000000\n"));
}

TEST(InheritedSignals, AreUnknownUntilTheLinesAreThereAsAWhole) {
  EXPECT_EQ(std::nullopt, parse_inherited_signals(""));
  const std::string blocked = "Name:\tx\nSigBlk:\t0000000000000003\n";
  for (const char* rest : {"", "Name:\tSigIgn:\t0000000000001000\n", "SigIgn:\t",
                           "SigIgn:\t00000000", "SigIgn:\tzero\n"}) {
    EXPECT_EQ(std::nullopt, parse_inherited_signals(blocked + rest)) << rest;
  }
}

TEST(SignalSet, HasABitForEachSignal) {
  EXPECT_EQ(1U, signal_bit(SIGHUP));
  EXPECT_EQ(SignalSet{1} << 63, signal_bit(64));
  EXPECT_EQ(0U, kAllSignals & (signal_bit(SIGKILL) | signal_bit(SIGSTOP)));
}

}  // namespace
}  // namespace minidocker
