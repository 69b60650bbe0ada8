#include "client/link/request_id.h"

#include <array>
#include <random>

namespace fusor::client {

std::string NewRequestId() {
  constexpr std::array<char, 16> kDigits = {'0', '1', '2', '3', '4', '5', '6', '7',
                                            '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  std::random_device device;
  std::string id;
  for (int word = 0; word < 4; ++word) {
    std::uint32_t bits = device();
    for (int digit = 0; digit < 8; ++digit) {
      id += kDigits.at(bits & 15U);
      bits >>= 4U;
    }
  }
  return id;
}

}  // namespace fusor::client
