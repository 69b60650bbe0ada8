#pragma once

// Small lists and maps inside a row, as JSON arrays and objects of numbers or texts, so that any
// SQLite tool reads them with json_each.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"

namespace fusor {

std::string ToJson(std::span<const std::string> texts);
std::string ToJson(std::span<const std::int64_t> numbers);
std::string ToJson(const std::map<std::string, std::string>& pairs);

// What ToJson wrote; kDataLoss for anything else.
Result<std::vector<std::string>> TextsFromJson(std::string_view json);
Result<std::map<std::string, std::string>> PairsFromJson(std::string_view json);
// Every integer in a (nested) array, in order: [[3,0],[3,1]] is 3 0 3 1.
Result<std::vector<std::int64_t>> NumbersFromJson(std::string_view json);

}  // namespace fusor
