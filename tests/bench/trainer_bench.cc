#include "tests/bench/trainer_bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/trainer_peer.h"
#include "tests/trainer/agent.h"
#include "tests/trainer/bench_parts.h"

namespace fusor::bench {
namespace {

using Clock = std::chrono::steady_clock;
using testing::Agent;
using testing::TemporaryDirectory;

constexpr int kRounds = 3;
constexpr int kThreads = 2;
constexpr double kFp32Ratio = 1.02;
constexpr double kBf16Ratio = 1.15;
constexpr double kMeanRatio = 1.08;

// A network whole or in small, and how many images of it make a measurement of some seconds.
struct Subject {
  std::string name;
  std::string options;  // of fusor-train and of bench.py
  int fp32_images;
  int bf16_images;
};

const std::vector<Subject>& Subjects() {
  static const std::vector<Subject> kSubjects = {
      {"ResNet-18 (555 M)", "model=resnet,depth=18,width=64", 256, 512},
      {"DenseNet-40-24 (288 M)", "model=densenet,depth=40,growth=24", 256, 384},
      {"WRN-28-2 (214 M)", "model=improved_wide_resnet,depth=28,width=2", 384, 512},
      {"ResNeXt-20 8x16d (230 M)", "model=resnext,depth=20,width=16", 256, 384}};
  return kSubjects;
}

// `model=resnet,depth=18` as members of a JSON object, each with a comma behind it.
std::string JsonOf(const std::string& options) {
  std::string json;
  std::size_t at = 0;
  while (at < options.size()) {
    const std::size_t comma = std::min(options.find(',', at), options.size());
    const std::string part = options.substr(at, comma - at);
    const std::size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    const std::string value = part.substr(equals + 1);
    json += "\"" + key + "\":" + (key == "model" ? "\"" + value + "\"" : value) + ",";
    at = comma + 1;
  }
  return json;
}

class Bench {
 public:
  explicit Bench(Report& report) : report_(report) {}

  bool FindPeer() {
    python_ = PeerPython().value_or("");
    if (python_.empty()) {
      std::fprintf(stderr,
                   "fusor-bench: there is no Python's torch to compare with; `make peers` makes "
                   "its environment\n");
    }
    return !python_.empty();
  }

  void Networks() {
    double logs = 0;
    int rows = 0;
    for (const Subject& subject : Subjects()) {
      for (const bool half : {false, true}) {
        const std::string layout = BestLayout(subject, half);
        for (const int batch : {64, 128}) {
          const auto ratio = Network(subject, half, batch, layout);
          if (!ratio) continue;
          logs += std::log(*ratio);
          ++rows;
        }
      }
    }
    if (rows == 0) return;
    report_.Add({.name = "geometric mean of the ratios above",
                 .value = std::exp(logs / rows),
                 .unit = "x",
                 .target = kMeanRatio});
  }

  void Compile() {
    const Subject& resnet = Subjects().front();
    const int steps = resnet.bf16_images / 128;
    Compare(
        {.name = "ResNet-18 bf16, batch 128, against torch.compile",
         .unit = "images/s",
         .peer = "torch.compile",
         .target_ratio = 1.0},
        [&] { return Ours(resnet.options, "bf16", 128, steps); },
        "train " + resnet.options + " 128 bf16 channels_last " + std::to_string(steps) +
            " compile");
  }

  void Fusion() {
    constexpr int kBatch = 64;
    constexpr int kSteps = 3;
    Compare(
        {.name = "fusion step: four ResNet-18, concatenation, bf16, batch 64",
         .unit = "images/s",
         .peer = "torch eager, channels last",
         .target_ratio = kBf16Ratio},
        [&] {
          return Rate(
              "fusion",
              R"("model":"resnet","fusion":"concatenation",)" + Config("bf16", kBatch, kSteps),
              kThreads);
        },
        "fusion " + std::to_string(kBatch) + " " + std::to_string(kSteps) + " channels_last");
  }

  // Four trials of one core each: two at a time against one after the other.
  void Slots() {
    std::vector<double> ratios;
    for (int round = 0; round < kRounds; ++round) {
      const double alone = FourTrials(1);
      ratios.push_back(alone / FourTrials(2));
    }
    report_.Add({.name = "four fusion trials on 2 slots against one after the other",
                 .value = Median(ratios),
                 .unit = "x",
                 .target = 1.8});
  }

  void Optimizer() {
    std::vector<double> ours;
    std::vector<double> peers;
    double copy = 0;
    for (int round = 0; round < kRounds; ++round) {
      const OptimizerPass pass = MeasureOptimizerPass(kThreads);
      ours.push_back(pass.step_ms);
      copy = round == 0 ? pass.copy_ms : std::min(copy, pass.copy_ms);
      if (const auto peer = AskPeer(python_, "optimizer 9")) peers.push_back(*peer);
    }
    if (peers.empty()) return;
    const double mine = Median(ours);
    report_.Add({.name = "optimiser pass over 36 M parameters, passes a second",
                 .value = 1e3 / mine,
                 .unit = "1/s",
                 .peer = "the same in Python, AdamW(fused=True)",
                 .peer_value = 1e3 / Median(peers),
                 .target_ratio = 2.0});
    report_.Add({.name = "that pass against a plain copy of the same bytes",
                 .value = mine / copy,
                 .unit = "x",
                 .target = 1.25,
                 .smaller_is_better = true});
  }

  void Augment() {
    for (const auto& [kind, name] : {std::pair("plain", "crop, flip, normalise; one core"),
                                     std::pair("rand", "the same with RandAugment; one core")}) {
      Compare(
          {.name = name,
           .unit = "images/s",
           .peer = "torchvision in-process",
           .target_ratio = 10.0},
          [kind = std::string(kind)] { return AugmentedImages(kind == "rand"); },
          "augment " + std::string(kind) + " 3");
    }
  }

  void Files() {
    std::vector<double> rates;
    for (int round = 0; round < kRounds; ++round) rates.push_back(SummedGibPerSecond());
    report_.Add({.name = "safetensors: open 1 GiB mapped and sum every byte, warm",
                 .value = Median(rates),
                 .unit = "GiB/s",
                 .target = 2.0});
  }

 private:
  static std::string Config(const std::string& precision, int batch, int steps) {
    return R"("precision":")" + precision + R"(","batch_size":)" + std::to_string(batch) +
           R"(,"subset":)" + std::to_string(batch * steps) +
           R"(,"epochs":2,"evaluate_subset":10,"augment":"crop_flip","erase":0,"cutmix":0,)"
           R"("mixup":0,"label_smoothing":0.1,"export":"none")";
  }

  // Of the second epoch: the first one warms up.
  double Rate(const std::string& recipe, const std::string& config, int threads) {
    TemporaryDirectory folder;
    testing::Trial trial = agent_.Spawn({.recipe = recipe,
                                         .config = "{" + config + "}",
                                         .more = ",\"threads\":" + std::to_string(threads),
                                         .silent = true},
                                        folder.path() + "/trial");
    if (trial.Finish().code != 0) return 0;
    const auto points = trial.Points();
    const auto rates = points.find("system/samples_per_s");
    return rates == points.end() ? 0 : rates->second.rbegin()->second;
  }

  double Ours(const std::string& options, const std::string& precision, int batch, int steps) {
    return Rate(
        "expert",
        JsonOf(options) + R"("share":"full","clip_norm":0,)" + Config(precision, batch, steps),
        kThreads);
  }

  static std::string PeerTraining(const Subject& subject, bool half, int batch,
                                  const std::string& layout) {
    const int steps = (half ? subject.bf16_images : subject.fp32_images) / batch;
    return "train " + subject.options + " " + std::to_string(batch) + (half ? " bf16 " : " fp32 ") +
           layout + " " + std::to_string(steps);
  }

  std::string BestLayout(const Subject& subject, bool half) const {
    const auto plain = AskPeer(python_, PeerTraining(subject, half, 64, "contiguous"));
    const auto last = AskPeer(python_, PeerTraining(subject, half, 64, "channels_last"));
    return plain.value_or(0) > last.value_or(0) ? "contiguous" : "channels_last";
  }

  std::optional<double> Network(const Subject& subject, bool half, int batch,
                                const std::string& layout) {
    const std::string precision = half ? "bf16" : "fp32";
    const int steps = (half ? subject.bf16_images : subject.fp32_images) / batch;
    return Compare(
        {.name = subject.name + " " + precision + ", batch " + std::to_string(batch),
         .unit = "images/s",
         .peer = "torch eager, " + layout,
         .target_ratio = half ? kBf16Ratio : kFp32Ratio},
        [&] { return Ours(subject.options, precision, batch, steps); },
        PeerTraining(subject, half, batch, layout));
  }

  // Both sides in turn; the row has the medians. Their ratio.
  template <class Measure>
  std::optional<double> Compare(Row row, const Measure& measure, const std::string& peer) {
    std::vector<double> ours;
    std::vector<double> theirs;
    for (int round = 0; round < kRounds; ++round) {
      ours.push_back(measure());
      const auto answer = AskPeer(python_, peer);
      if (!answer) return std::nullopt;
      theirs.push_back(*answer);
    }
    row.value = Median(ours);
    row.peer_value = Median(theirs);
    report_.Add(row);
    return row.Ratio();
  }

  // Seconds for all four.
  double FourTrials(std::size_t at_a_time) {
    TemporaryDirectory folder;
    const std::string config =
        R"({"model":"resnet","depth":10,"width":16,)" + Config("bf16", 64, 40) + "}";
    const Clock::time_point begun = Clock::now();
    for (std::size_t first = 0; first < 4; first += at_a_time) {
      std::vector<testing::Trial> trials;
      for (std::size_t i = first; i < first + at_a_time; ++i) {
        trials.push_back(
            agent_.Spawn({.recipe = "fusion",
                          .config = config,
                          .more = R"(,"threads":1,"cpus":[)" + std::to_string(i % at_a_time) + "]",
                          .silent = true},
                         folder.path() + "/" + std::to_string(i)));
      }
      for (testing::Trial& trial : trials) trial.Finish();
    }
    return std::chrono::duration<double>(Clock::now() - begun).count();
  }

  Report& report_;
  Agent agent_;
  std::string python_;
};

}  // namespace

void RunTrainer(Report& report, std::string_view part) {
  Bench bench(report);
  const bool peer = bench.FindPeer();
  using Method = void (Bench::*)();
  struct Part {
    std::string_view name;
    bool needs_peer;
    Method run;
  };
  for (const auto& [name, needs_peer, run] :
       {Part{"files", false, &Bench::Files}, Part{"optimizer", true, &Bench::Optimizer},
        Part{"augment", true, &Bench::Augment}, Part{"slots", false, &Bench::Slots},
        Part{"fusion", true, &Bench::Fusion}, Part{"networks", true, &Bench::Networks},
        Part{"compile", true, &Bench::Compile}}) {
    if (!part.empty() && part != name) continue;
    if (peer || !needs_peer) (bench.*run)();
  }
}

}  // namespace fusor::bench
