#include "confirm.hpp"

#include <iostream>

namespace minidocker::cli {

bool is_confirmed(const std::string& warning) {
  std::cout << "WARNING! " << warning << "\nAre you sure you want to continue? [y/N] "
            << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace minidocker::cli
