#pragma once

// Every limit of the system. Full means refused with RESOURCE_EXHAUSTED, never grown.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fusor::limits {

inline constexpr std::uint64_t kCellsPerSweepMax = 10'000'000;
inline constexpr std::size_t kStagesPerSweepMax = 64;
inline constexpr std::size_t kAxisValuesMax = 100'000;
inline constexpr std::size_t kSweepFileBytesMax = 4 << 20;
inline constexpr std::size_t kSweepsOpenMax = 10'000;
inline constexpr std::size_t kWorkersMax = 10'000;
inline constexpr std::size_t kSlotsPerWorkerMax = 1'024;

inline constexpr std::size_t kMessageBytesMax = 8 << 20;  // one gRPC message
inline constexpr std::size_t kAnswerBytesMax = 64 << 20;  // one gRPC message to a client
inline constexpr int kStreamsPerConnectionMax = 4'096;
inline constexpr std::size_t kServerMemoryBytesMax = 1 << 30;  // gRPC's buffers
inline constexpr std::size_t kReadsWaitingMax = 4'096;      // calls that wait for a reader thread
inline constexpr std::size_t kUnsentToWorkerMax = 100'000;  // messages: it does not read
inline constexpr std::size_t kHttpConnectionsMax = 64;
inline constexpr std::uint32_t kHttpHeaderBytesMax = 8'192;
inline constexpr std::uint64_t kHttpBodyBytesMax = 1'024;
inline constexpr std::size_t kFactBytesInFlightMax = 1 << 20;  // unacknowledged facts per worker
inline constexpr std::size_t kFactsPerBatchMax = 4'096;
inline constexpr std::size_t kLogLineBytesMax = 16 << 10;  // longer lines are cut
inline constexpr std::size_t kLogTailLines = 50;
inline constexpr std::size_t kMetricNameBytesMax = 256;
inline constexpr std::size_t kSeriesPerAttemptMax = 10'000;
inline constexpr std::size_t kMetricsQueueBytesMax = 256 << 20;
inline constexpr std::size_t kEventsPerTurnMax = 4'096;
inline constexpr std::size_t kLoopQueueMax = 65'536;
inline constexpr std::size_t kWatchersMax = 1'024;
inline constexpr std::size_t kWatchQueueMax = 10'000;  // then the reader gets `resync`
inline constexpr std::size_t kArtifactChunkBytes = 1 << 20;
inline constexpr std::uint64_t kArtifactBytesMax = 1ULL << 40;
inline constexpr std::uint64_t kSpoolBytesMax = 4ULL << 30;
inline constexpr std::uint64_t kSpoolReserveBytes = 64ULL
                                                    << 20;  // for state, checkpoint, final facts
inline constexpr std::size_t kPageSizeMax = 10'000;
inline constexpr std::uint64_t kWalBytesAlarm = 1ULL
                                                << 30;  // a reader keeps the log from starting over

// Files of tensors, which may come from anywhere.
inline constexpr std::size_t kTensorRankMax = 64;  // LibTorch's own
inline constexpr std::size_t kTensorsPerFileMax = 200'000;
inline constexpr std::size_t kZipRecordsMax = 1'000'000;
inline constexpr std::size_t kPickleBytesMax = 64 << 20;
inline constexpr std::size_t kPickleOpcodesMax = 16 << 20;
inline constexpr std::size_t kPickleNodesMax = 2'000'000;  // values, and remembered values
inline constexpr std::size_t kPickleItemsMax = 16 << 20;   // of all lists, tuples and dicts
inline constexpr std::size_t kPickleDepthMax = 100;
inline constexpr std::size_t kPickleKeyBytesMax = 4'096;  // a tensor's name, a record's

inline constexpr std::chrono::milliseconds kLeaseLength{15'000};
inline constexpr std::chrono::milliseconds kHeartbeatEvery{3'000};
inline constexpr std::chrono::milliseconds kStartDeadline{60'000};
inline constexpr std::chrono::hours kRequestIdKept{7 * 24};
inline constexpr std::chrono::milliseconds kQuarantineWindow{60'000};
inline constexpr int kQuarantineFailures = 3;
// A quarantined slot is lent to one trial now and then, first after this long; success releases it.
inline constexpr std::chrono::milliseconds kProbationMin{60'000};
inline constexpr std::chrono::hours kProbationMax{1};
// A crash sooner than this after a resume speaks against the checkpoint.
inline constexpr std::chrono::milliseconds kCheckpointSuspectWindow{60'000};
// A gang that waits longer reserves the slots that free up.
inline constexpr std::chrono::milliseconds kGangPatience{60'000};
// A worker without a stream for longer than its lease and this is shown as gone.
inline constexpr std::chrono::milliseconds kWorkerGoneAfter{120'000};
// An attempt may end by itself so long after its time limit before it is aborted.
inline constexpr std::chrono::milliseconds kTimeLimitGrace{10'000};
inline constexpr std::size_t kRequestIdBytesMax = 256;
inline constexpr std::size_t kRequestsRememberedMax = 1'000'000;
inline constexpr std::chrono::milliseconds kBackoffMin{1'000};
inline constexpr std::chrono::milliseconds kBackoffMax{60'000};

}  // namespace fusor::limits
