#include "worker/spool/task_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr std::uint64_t kRecordBytesUsual = 64 << 10;
constexpr std::string_view kSuffix = ".facts";

bool ParseNumber(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// Up to `bytes_max` of the file from the offset on.
Result<std::string> ReadPart(const std::filesystem::path& path, std::uint64_t offset,
                             std::uint64_t bytes_max) {
  Result<UniqueFd> fd = OpenFile(path, O_RDONLY);
  if (!fd.ok()) return fd.status();
  std::string bytes(bytes_max, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t count = pread(fd->get(), bytes.data() + have, bytes.size() - have,
                                static_cast<off_t>(offset + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("read", path);
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

std::string TaskName(TaskKey task) {
  return std::to_string(task.attempt.value) + "." + std::to_string(task.rank);
}

bool ParseTaskName(const std::string& name, TaskKey& task) {
  const std::size_t dot = name.find('.');
  std::uint64_t rank = 0;
  if (dot == std::string::npos || !ParseNumber(name.substr(0, dot), task.attempt.value) ||
      !ParseNumber(name.substr(dot + 1), rank) || rank > UINT32_MAX) {
    return false;
  }
  task.rank = static_cast<std::uint32_t>(rank);
  return true;
}

TaskLog::TaskLog(std::filesystem::path directory) : directory_(std::move(directory)) {}

std::filesystem::path TaskLog::PathOf(const Segment& segment) const {
  char name[32];
  std::snprintf(name, sizeof name, "%020llu", static_cast<unsigned long long>(segment.first));
  return directory_ / (name + std::string(kSuffix));
}

Result<TaskLog> TaskLog::Restore(std::filesystem::path directory) {
  TaskLog log(std::move(directory));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(log.directory_, error)) {
    Segment segment;
    const std::string name = entry.path().filename();
    if (!name.ends_with(kSuffix) ||
        !ParseNumber(name.substr(0, name.size() - kSuffix.size()), segment.first)) {
      continue;
    }
    segment.bytes = entry.file_size(error);
    if (!error) log.segments_.push_back(segment);
  }
  if (error) return Unavailable("read " + log.directory_.string() + ": " + error.message());
  std::sort(log.segments_.begin(), log.segments_.end(),
            [](const Segment& a, const Segment& b) { return a.first < b.first; });
  RETURN_IF_ERROR(log.ScanLast());
  return log;
}

Status TaskLog::ScanLast() {
  while (!segments_.empty()) {
    Segment& segment = segments_.back();
    const std::filesystem::path path = PathOf(segment);
    Result<std::string> bytes = ReadPart(path, 0, segment.bytes);
    if (!bytes.ok()) return bytes.status();
    std::string_view rest = *bytes;
    std::uint64_t count = 0;
    std::string_view newest;
    while (const std::optional<std::string_view> payload = FrontPayload(rest)) {
      newest = *payload;
      rest.remove_prefix(kRecordHeaderBytes + payload->size());
      ++count;
    }
    if (!rest.empty()) {
      segment.bytes -= rest.size();
      if (truncate(path.c_str(), static_cast<off_t>(segment.bytes)) != 0) {
        return SystemError("truncate", path);
      }
    }
    if (count > 0) {
      last_ = last_written_ = segment.first + count - 1;
      v1::Fact fact;
      const Result<FactBody> body = DecodePayload(newest, fact);
      ends_with_final_ = body.ok() && std::holds_alternative<FinalFact>(*body);
      return Ok();
    }
    // Made, but nothing whole was written to it.
    if (unlink(path.c_str()) != 0) return SystemError("remove", path);
    last_ = last_written_ = segment.first - 1;
    segments_.pop_back();
  }
  return Ok();
}

void TaskLog::Append(const Fact& fact, v1::Fact& scratch) {
  CHECK(fact.number == last_ + 1);
  EncodeRecord(fact.body, scratch, unwritten_);
  last_ = fact.number;
  ends_with_final_ = std::holds_alternative<FinalFact>(fact.body);
}

Status TaskLog::StartSegment() {
  if (segments_.empty()) {
    RETURN_IF_ERROR(MakeDirectory(directory_));
    directory_is_new_ = true;
  }
  const Segment segment{.first = last_written_ + 1, .bytes = 0};
  Result<UniqueFd> fd = OpenFile(PathOf(segment), O_WRONLY | O_CREAT | O_APPEND);
  if (!fd.ok()) return fd.status();
  segments_.push_back(segment);
  file_ = std::make_shared<const UniqueFd>(std::move(*fd));
  segment_is_new_ = true;
  return Ok();
}

Status TaskLog::OpenForWriting() {
  if (segments_.empty() || segments_.back().bytes >= kSegmentBytes) return StartSegment();
  if (file_ != nullptr) return Ok();
  Result<UniqueFd> fd = OpenFile(PathOf(segments_.back()), O_WRONLY | O_APPEND);
  if (!fd.ok()) return fd.status();
  file_ = std::make_shared<const UniqueFd>(std::move(*fd));
  return Ok();
}

Status TaskLog::Write() {
  if (unwritten_.empty()) return Ok();
  RETURN_IF_ERROR(OpenForWriting());
  Segment& segment = segments_.back();
  std::string_view rest = unwritten_;
  while (!rest.empty()) {
    const ssize_t count = write(file_->get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const Status status = SystemError("write", PathOf(segment));
      // Half of a record must not stay before the next one.
      if (ftruncate(file_->get(), static_cast<off_t>(segment.bytes)) != 0) {
        return SystemError("truncate", PathOf(segment));
      }
      return status;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  segment.bytes += unwritten_.size();
  unwritten_.clear();
  last_written_ = last_;
  if (unsynced_.empty() || unsynced_.back() != file_) unsynced_.push_back(file_);
  return Ok();
}

Result<std::vector<Fact>> TaskLog::Read(std::uint64_t first_number, std::uint64_t bytes_max,
                                        v1::Fact& scratch) {
  std::vector<Fact> facts;
  auto segment =
      std::upper_bound(segments_.begin(), segments_.end(), first_number,
                       [](std::uint64_t number, const Segment& s) { return number < s.first; });
  if (segment == segments_.begin()) return DataLoss("the spool begins after the fact asked for");
  --segment;
  Cursor at{.number = segment->first, .segment_first = segment->first, .offset = 0};
  if (cursor_.segment_first == segment->first && cursor_.number <= first_number) at = cursor_;
  const std::uint64_t left = segment->bytes - at.offset;
  Result<std::string> bytes =
      ReadPart(PathOf(*segment), at.offset, std::min(left, bytes_max + kRecordBytesUsual));
  if (!bytes.ok()) return DataLoss(bytes.status().message());
  std::string_view rest = *bytes;
  std::uint64_t taken = 0;
  while (at.offset < segment->bytes && (facts.empty() || taken < bytes_max)) {
    std::optional<std::string_view> payload = FrontPayload(rest);
    if (!payload) {
      if (!facts.empty()) break;
      // A long record, or many before the one asked for: all that is left, once.
      bytes = ReadPart(PathOf(*segment), at.offset, segment->bytes - at.offset);
      if (!bytes.ok()) return DataLoss(bytes.status().message());
      rest = *bytes;
      payload = FrontPayload(rest);
      if (!payload) return DataLoss("damaged record in " + PathOf(*segment).string());
    }
    const std::size_t size = kRecordHeaderBytes + payload->size();
    if (at.number >= first_number) {
      Result<FactBody> body = DecodePayload(*payload, scratch);
      if (!body.ok()) return DataLoss(body.status().message());
      facts.push_back({.number = at.number, .body = std::move(*body)});
      taken += size;
    }
    rest.remove_prefix(size);
    at.offset += size;
    ++at.number;
  }
  cursor_ = at;
  if (facts.empty()) return DataLoss("the spool ends before the fact asked for");
  return facts;
}

void TaskLog::Trim(std::uint64_t number) {
  while (segments_.size() > 1 && segments_[1].first <= number + 1) {
    unlink(PathOf(segments_.front()).c_str());
    segments_.erase(segments_.begin());
  }
}

void TaskLog::Remove() {
  file_.reset();
  unsynced_.clear();
  unwritten_.clear();
  for (const Segment& segment : segments_) unlink(PathOf(segment).c_str());
  segments_.clear();
  rmdir(directory_.c_str());
}

std::vector<std::shared_ptr<const UniqueFd>> TaskLog::TakeUnsynced() {
  // New names must outlive a power cut too. Opened only now: most tasks are over before their sync.
  const auto add = [this](const std::filesystem::path& path) {
    Result<UniqueFd> directory = OpenFile(path, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) return;
    unsynced_.push_back(std::make_shared<const UniqueFd>(std::move(*directory)));
  };
  if (std::exchange(segment_is_new_, false)) add(directory_);
  if (std::exchange(directory_is_new_, false)) add(directory_.parent_path());
  return std::exchange(unsynced_, {});
}

std::uint64_t TaskLog::bytes() const {
  std::uint64_t bytes = unwritten_.size();
  for (const Segment& segment : segments_) bytes += segment.bytes;
  return bytes;
}

}  // namespace fusor::agent
