#include "proto/session_convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace fusor {
namespace {

WorkerInfo SomeWorker() {
  WorkerInfo info{.uid = "w-1", .incarnation = 7, .name = "n3", .version = "0.1"};
  info.slots.push_back({.index = 0,
                        .gpu = true,
                        .device_uuid = "GPU-1",
                        .device_name = "NVIDIA H200",
                        .gpu_type = "H200",
                        .device_memory_gib = 141,
                        .cpus = 8,
                        .memory_gib = 64,
                        .disk_gib = 100});
  info.precisions = {"fp32", "bf16"};
  info.datasets = {{.name = "cifar10", .fingerprint = "abc", .archive = "md5:1"}};
  info.labels = {{"partition", "a100"}};
  info.notes = {"GPU 1 not offered: compute capability 6.1"};
  return info;
}

std::vector<Fact> EveryFact() {
  const double inf = std::numeric_limits<double>::infinity();
  return {
      {1, StartedFact{.resumed_from_step = -1, .bit_exact = true, .info = {{"host", "n3"}}}},
      {2, ProgressFact{.step = 5, .steps = 10, .epoch = 1, .phase = "train"}},
      {3, MetricsFact{.names = {"a", "b"}, .steps = {1, 2, 3}, .values = {{1, 2, inf}, {4, 5, 6}}}},
      {4, LogFact{.time_ms = 9, .is_error_stream = true, .text = std::string("\0\xff", 2)}},
      {5, EvaluationFact{.step = 5, .epoch = 1, .time_ms = 3, .values = {{"val/accuracy", 0.5}}}},
      {6, CheckpointFact{.step = 5, .files = {{.name = "c", .sha256 = "00", .bytes = 12}}}},
      {7, ArtifactFact{.kind = "model", .step = 5, .file = {.name = "best/m", .sha256 = "1"}}},
      {8, FinalFact{.outcome = {.kind = OutcomeKind::kFailed,
                                .failure = Failure::kCrashedSignal,
                                .code = 9,
                                .detail = "killed"},
                    .step = 5,
                    .time_ms = 4,
                    .running_ms = 100,
                    .log_tail = {"one", "two"}}},
  };
}

TEST(SessionConvert, EveryWorkerMessageSurvivesTheWire) {
  const std::vector<WorkerMessage> sent = {
      HelloMessage{.protocol = 1,
                   .cluster_id = "c",
                   .generation = 2,
                   .info = SomeWorker(),
                   .held = {AttemptId{4}, AttemptId{9}}},
      HeartbeatMessage{.sequence = 3, .held = {AttemptId{4}}},
      FactsMessage{.attempt = AttemptId{4}, .rank = 1, .facts = EveryFact()},
      SlotMessage{.slot = 2, .condition = SlotCondition::kStuck, .reason = "D state"},
      InfoMessage{.info = SomeWorker()},
      LeavingMessage{.reason = "SIGTERM"},
  };
  v1::SessionRequest wire;
  for (const WorkerMessage& message : sent) AppendTo(wire, message);
  v1::SessionRequest received;
  ASSERT_TRUE(received.ParseFromString(wire.SerializeAsString()));
  const Result<std::vector<WorkerMessage>> read = FromWire(received);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, sent);
}

TEST(SessionConvert, EveryCoordinatorMessageSurvivesTheWire) {
  StartMessage start{.attempt = AttemptId{8},
                     .trial = "7.experts.3",
                     .number = 2,
                     .name = "task-3-resnet-0",
                     .recipe = "expert",
                     .dataset = "cifar10",
                     .recipe_version = 1,
                     .config = "{}",
                     .precision_used = "bf16",
                     .slots = {0, 1},
                     .rank = 0,
                     .world = 2,
                     .threads = 4,
                     .memory_gib = 1.5,
                     .time_left = Duration(5),
                     .hang_timeout = Duration(6),
                     .checkpoint_every_steps = 7,
                     .checkpoint_every = Duration(8)};
  start.resume = CheckpointFact{.step = 5, .files = {{.name = "c", .sha256 = "00", .bytes = 12}}};
  start.inputs = {{.trial = "7.experts.0", .files = {{.name = "best/m", .sha256 = "1"}}}};
  const std::vector<CoordinatorMessage> sent = {
      WelcomeMessage{.cluster_id = "c",
                     .generation = 2,
                     .lease_length = Duration(15),
                     .heartbeat_every = Duration(3)},
      RefuseMessage{.reason = RefuseReason::kOtherGeneration, .detail = "restored"},
      RegisterAgainMessage{},
      start,
      StopMessage{.attempt = AttemptId{8}, .mode = StopMode::kDrop, .reason = "fenced"},
      AckMessage{.attempt = AttemptId{8}, .rank = 1, .number = 12},
      HeartbeatAckMessage{.sequence = 4},
  };
  v1::SessionResponse wire;
  for (const CoordinatorMessage& message : sent) AppendTo(wire, message);
  v1::SessionResponse received;
  ASSERT_TRUE(received.ParseFromString(wire.SerializeAsString()));
  const Result<std::vector<CoordinatorMessage>> read = FromWire(received);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, sent);
}

TEST(SessionConvert, NonsenseIsRefused) {
  v1::SessionRequest empty_item;
  empty_item.add_items();
  EXPECT_FALSE(FromWire(empty_item).ok());

  v1::SessionRequest ragged;
  v1::Facts& facts = *ragged.add_items()->mutable_facts();
  facts.set_first_number(1);
  v1::MetricColumns& columns = *facts.add_facts()->mutable_metrics();
  columns.add_names("a");
  columns.add_steps(1);
  EXPECT_FALSE(FromWire(ragged).ok());

  v1::SessionRequest unnumbered;
  unnumbered.add_items()->mutable_facts()->set_attempt(1);
  EXPECT_FALSE(FromWire(unnumbered).ok());

  v1::Fact contradiction;
  contradiction.mutable_final()->set_outcome(v1::OUTCOME_KIND_SUCCEEDED);
  contradiction.mutable_final()->set_failure("hung");
  EXPECT_FALSE(FromWire(contradiction).ok());

  v1::Fact unknown_failure;
  unknown_failure.mutable_final()->set_outcome(v1::OUTCOME_KIND_FAILED);
  unknown_failure.mutable_final()->set_failure("bored");
  EXPECT_FALSE(FromWire(unknown_failure).ok());
}

}  // namespace
}  // namespace fusor
