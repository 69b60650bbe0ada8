#pragma once

// Numbers and lengths of time as people read them, and small tools for text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/count.h"
#include "common/base/status.h"
#include "common/base/time.h"

namespace fusor::client {

// "0.7812", "1.2346e-05", "250000", "nan": five significant digits.
std::string NumberText(double value);

// "0.7812 ± 0.0031": the spread has two significant digits, the mean as many decimals. Without a
// spread (one value) the mean alone. `plus_minus` is "±" or "+-".
std::string MeanText(double mean, double spread, std::string_view plus_minus);

// "850ms", "12.4s", "3m 20s", "2h 05m", "3d 4h"
std::string DurationText(Duration duration);
// A guess: whole seconds, at least one. Tenths would say more than is known.
std::string RoughText(Duration duration);

// "512 B", "1.2 KiB", "34 MiB"
std::string BytesText(std::uint64_t bytes);

// "42%"; never "100%" before everything is done.
std::string PercentText(double fraction);

// "90s", "10m", "1h30m", "2d", "500ms"; a bare number is seconds.
Result<Duration> ParseDuration(std::string_view text);

// As one word of a shell: in quotes where it has characters that a shell would read.
std::string ShellWord(std::string_view text);

std::vector<std::string> Split(std::string_view text, char separator);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view Trim(std::string_view text);

}  // namespace fusor::client
