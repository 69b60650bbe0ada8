// For tests/peers/augment.py: reads "OPERATION STRENGTH\n" and one image (three planes of bytes)
// from standard input, again and again, and writes each changed image to standard output.

#include <cstdio>

#include "trainer/data/augment.h"

int main() {
  int operation = 0;
  double strength = 0;
  while (std::scanf("%d %lf", &operation, &strength) == 2) {
    std::getchar();
    fusor::ImageBytes image;
    if (std::fread(image.data(), 1, image.size(), stdin) != image.size()) return 1;
    if (operation < fusor::kOperations) {
      fusor::Perform(static_cast<fusor::Operation>(operation), strength, image);
    } else {
      fusor::Hue(image, strength);
    }
    std::fwrite(image.data(), 1, image.size(), stdout);
    std::fflush(stdout);
  }
  return 0;
}
