#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tests/sim/agent_node.h"
#include "tests/sim/coordinator_node.h"
#include "tests/sim/people.h"

namespace fusor::sim {

namespace {

// After the faults: everything must end within this much simulated time.
constexpr Duration kPatience = std::chrono::hours(2);
constexpr std::uint64_t kThingsMax = 3'000'000;  // a run that does more goes round in circles

}  // namespace

World::World(WorldPlan plan)
    : plan_(std::move(plan)),
      random_(Mix(plan_.seed, 1)),
      oracle_(plan_, state_, metrics_, specs_),
      cut_off_until_(plan_.workers.size()),
      coordinator_(std::make_unique<CoordinatorNode>(*this)) {
  for (std::size_t i = 0; i < plan_.workers.size(); ++i) {
    agents_.push_back(std::make_unique<AgentNode>(*this, i));
  }
  people_ = std::make_unique<People>(*this);
}

World::~World() = default;

Verdict World::Run() {
  Verdict verdict;
  const Time begin = clock_.now();
  coordinator_->Start();
  for (auto& agent : agents_) agent->Start();
  people_->Start();
  EverySecond();
  const Time heal_at = begin + plan_.fault_phase;
  while (!oracle_.failed() && RunOne(heal_at)) ++verdict.steps;
  Heal();
  const Time patience = heal_at + kPatience;
  while (!oracle_.failed() && !Settled() && RunOne(patience)) {
    if (++verdict.steps > kThingsMax) {
      oracle_.Fail("comes-to-rest",
                   "still busy after " + std::to_string(verdict.steps) + " things");
    }
  }
  if (!oracle_.failed() && !Settled()) oracle_.Fail("everything-ends", people_->WhyNotSettled());
  if (!oracle_.failed()) {
    std::map<std::string, std::uint64_t> states;
    for (const auto& [sha, blob] : blobs_) states[sha] = blob.state;
    oracle_.AtEnd(states);
  }
  verdict.passed = !oracle_.failed();
  verdict.failure = oracle_.failure();
  verdict.fingerprint = Mix(fingerprint_, static_cast<std::uint64_t>(ToUnixMillis(clock_.now())));
  return verdict;
}

// A planted bug may lead anywhere; what an oracle has said by then stays said.
bool World::RunOne(Time until) {
  try {
    return clock_.RunOne(until);
  } catch (const std::exception& error) {
    oracle_.Fail("nothing-throws", error.what());
    return false;
  }
}

void World::Say(const std::string& line) const {
  if (!watched_) return;
  const auto since = clock_.now() - FromUnixMillis(1'000'000'000'000);
  std::printf("%9.3f %s\n", static_cast<double>(since.count()) / 1e3, line.c_str());
}

void World::Heal() {
  Say("everything heals");
  healed_ = true;
  std::fill(cut_off_until_.begin(), cut_off_until_.end(), Time{});
}

bool World::Settled() const {
  if (!coordinator_->alive() || !people_->Done()) return false;
  for (const auto& agent : agents_) {
    if (!agent->Idle()) return false;
  }
  return true;
}

void World::EverySecond() {
  if (!healed_) {
    for (std::size_t i = 0; i < agents_.size(); ++i) {
      if (random_.Chance(faults().agent_dies)) agents_[i]->Die();
      if (random_.Chance(faults().agent_stops)) {
        agents_[i]->Stop(Duration(static_cast<std::int64_t>(random_.Below(90'000))));
      }
      if (random_.Chance(faults().partition)) {
        cut_off_until_[i] =
            clock_.now() + Duration(static_cast<std::int64_t>(random_.Below(120'000)));
        for (const auto& stream : std::vector(streams_)) {
          if (stream->agent == i) Break(stream);
        }
      }
    }
  }
  people_->EverySecond();
  clock_.After(Duration(1'000), [this] { EverySecond(); });
}

// --- The network
// ----------------------------------------------------------------------------------

bool World::Reachable(std::size_t agent) const {
  return coordinator_->alive() && cut_off_until_[agent] <= clock_.now();
}

Duration World::Delay() {
  const auto top = static_cast<std::uint64_t>(faults().message_delay_max.count());
  return Duration(static_cast<std::int64_t>(random_.Below(top + 1)));
}

std::shared_ptr<Stream> World::Connect(std::size_t agent) {
  if (!Reachable(agent)) return nullptr;
  auto stream = std::make_shared<Stream>();
  stream->id = {next_session_++};
  stream->agent = agent;
  streams_.push_back(stream);
  coordinator_->OnOpened(stream);
  return stream;
}

// Both ends learn of it on their own, later.
void World::Break(const std::shared_ptr<Stream>& stream) {
  if (!stream->open) return;
  stream->open = false;
  std::erase(streams_, stream);
  const Duration up = Delay();
  const Duration down = Delay();
  clock_.After(up, [this, stream] { coordinator_->OnClosed(stream); });
  clock_.After(down, [this, stream] { agents_[stream->agent]->OnBroken(stream); });
}

void World::BreakAll() {
  for (const auto& stream : std::vector(streams_)) Break(stream);
}

void World::SendUp(const std::shared_ptr<Stream>& stream, const std::string& bytes) {
  if (random_.Chance(faults().stream_breaks)) {
    Break(stream);
    return;
  }
  // The greeting comes once by its nature: a stream begins with it.
  const bool greeting = stream->last_up == Time{};
  const int copies = random_.Chance(faults().message_twice) && !greeting ? 2 : 1;
  stream->last_up = std::max(stream->last_up, clock_.now() + Delay());
  for (int i = 0; i < copies; ++i) {
    clock_.At(stream->last_up, [this, stream, bytes] {
      if (stream->open && coordinator_->alive()) coordinator_->OnBytes(stream, bytes);
    });
  }
}

void World::SendDown(const std::shared_ptr<Stream>& stream, const std::string& bytes) {
  if (random_.Chance(faults().stream_breaks)) {
    Break(stream);
    return;
  }
  const int copies = random_.Chance(faults().message_twice) ? 2 : 1;
  stream->last_down = std::max(stream->last_down, clock_.now() + Delay());
  for (int i = 0; i < copies; ++i) {
    clock_.At(stream->last_down, [this, stream, bytes] {
      if (stream->open) agents_[stream->agent]->OnBytes(stream, bytes);
    });
  }
}

std::string World::DescribeAgent(std::size_t agent) const { return agents_[agent]->Describe(); }

// --- Names
// ----------------------------------------------------------------------------------------

void World::OnSweepAccepted(SweepId sweep, std::shared_ptr<const SweepSpec> spec) {
  specs_[sweep] = std::move(spec);
}

std::optional<TrialKey> World::ParseTrial(const std::string& text) const {
  const std::size_t first = text.find('.');
  const std::size_t last = text.rfind('.');
  if (first == std::string::npos || last <= first) return std::nullopt;
  TrialKey key;
  key.sweep.value = std::strtoull(text.c_str(), nullptr, 10);
  key.cell = std::strtoull(text.c_str() + last + 1, nullptr, 10);
  const auto spec = specs_.find(key.sweep);
  if (spec == specs_.end()) return std::nullopt;
  const std::string stage = text.substr(first + 1, last - first - 1);
  for (std::uint32_t i = 0; i < spec->second->stages.size(); ++i) {
    if (spec->second->stages[i].name != stage) continue;
    key.stage = i;
    return key;
  }
  return std::nullopt;
}

}  // namespace fusor::sim
