#include "minidocker/namespaces/join.hpp"

#include <gtest/gtest.h>

namespace minidocker::namespaces {
namespace {

constexpr NamespaceId kOurs{4, 1};
constexpr NamespaceId kTheirs{4, 2};

using Order = std::vector<std::size_t>;

Order order(const std::vector<OwnedNamespace>& wanted) { return join_order(wanted, kOurs); }

TEST(JoinOrder, WhatIsOursThenTheUserNamespaceThenTheRest) {
  EXPECT_EQ(order({{Kind::user, kOurs}, {Kind::net, kTheirs}, {Kind::uts, kOurs}}),
            (Order{2, 0, 1}));
  EXPECT_EQ(order({{Kind::net, kTheirs}, {Kind::uts, kOurs}, {Kind::user, kOurs}}),
            (Order{1, 2, 0}));
}

TEST(JoinOrder, IsTheGivenOneAmongEquals) {
  EXPECT_EQ(order({}), Order{});
  EXPECT_EQ(order({{Kind::net, kOurs}, {Kind::ipc, kOurs}, {Kind::uts, kOurs}}), (Order{0, 1, 2}));
  EXPECT_EQ(order({{Kind::net, kTheirs}, {Kind::user, kOurs}, {Kind::ipc, kTheirs}}),
            (Order{1, 0, 2}));
}

TEST(JoinOrder, WhoseOwnerIsNotShownIsNotOurs) {
  EXPECT_EQ(order({{Kind::net, std::nullopt}, {Kind::user, std::nullopt}, {Kind::uts, kOurs}}),
            (Order{2, 1, 0}));
}

}  // namespace
}  // namespace minidocker::namespaces
