#pragma once

// SQLite turns NaN into NULL and JSON has no infinities: a number is stored as a finite value and a
// code, the same codes as fusor.v1.Nonfinite.

#include <cmath>
#include <cstdint>
#include <limits>

namespace fusor {

enum class Nonfinite : std::uint8_t { kFinite, kNan, kPositiveInfinity, kNegativeInfinity };

struct StoredReal {
  double value = 0;
  Nonfinite nonfinite = Nonfinite::kFinite;
};

inline StoredReal ToStored(double value) {
  if (std::isfinite(value)) [[likely]]
    return {value, Nonfinite::kFinite};
  if (std::isnan(value)) return {0, Nonfinite::kNan};
  return {0, value > 0 ? Nonfinite::kPositiveInfinity : Nonfinite::kNegativeInfinity};
}

inline double FromStored(double value, std::int64_t nonfinite) {
  switch (static_cast<Nonfinite>(nonfinite)) {
    case Nonfinite::kNan:
      return std::numeric_limits<double>::quiet_NaN();
    case Nonfinite::kPositiveInfinity:
      return std::numeric_limits<double>::infinity();
    case Nonfinite::kNegativeInfinity:
      return -std::numeric_limits<double>::infinity();
    case Nonfinite::kFinite:
      break;
  }
  return value;
}

}  // namespace fusor
