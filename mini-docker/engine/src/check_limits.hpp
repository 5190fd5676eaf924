#pragma once
/// \file
/// Are the limits of a request such that they can hold here?

#include <string>
#include <vector>

#include "minidocker/engine/request.hpp"

namespace minidocker::engine {

/// What limits are checked against.
struct Machine {
  std::string cpus = "0";    ///< which there are: "0-3"
  std::string mems = "0";    ///< memory nodes
  bool counts_swap = true;   ///< can swap be limited?
  static Machine current();  ///< this one
};

/// Throws Error(invalid_argument) in docker's words for limits that make no sense. Returns
/// warnings. Where docker discards a limit that its host cannot hold, we refuse: see
/// check_delegation() and chapter 02's drivers.
std::vector<std::string> check_limits(const CreateRequest& request, const Machine& machine);

/// Throws if this process can have no group of its own, and the request needs one: the error names
/// the flag.
void check_delegation(const CreateRequest& request);

}  // namespace minidocker::engine
